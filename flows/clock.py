"""The clock: read here, at the edge, and handed on as an argument."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from lib import settings


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The calendar day in the chain's own time zone."""
    return now().astimezone(ZoneInfo(settings.load().chain.timezone)).date()


def last_ended_day() -> date:
    """Yesterday in the chain's own time zone: the as_of of a run that names none."""
    return today() - timedelta(days=1)
