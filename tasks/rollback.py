"""Returning to an earlier model."""

from dataclasses import dataclass
from datetime import date, datetime

from prefect import task

from lib.errors import LakeError
from tasks import context
from tasks.policies import LAKE
from tasks.train import ROLLED_BACK, Judged, record_decision


@dataclass(frozen=True, slots=True)
class Returned:
    """The model in use now, and those that were taken out of service."""

    in_use: str
    withdrawn: str


@task(**LAKE)
def return_to_earlier(version: str, why: str, *, as_of: date, at: datetime) -> Returned:
    """Put the version to use again (empty: the one that served before), and record it for each that is withdrawn."""
    registry = context.registry()
    current = registry.current()
    if current is None:
        message = "no model is in use: there is nothing to roll back"
        raise LakeError(message)
    earlier = registry.version(version) if version else registry.before(current)
    withdrawn = registry.return_to(earlier)
    for model in withdrawn:
        judged = Judged(ROLLED_BACK, f"{why}; {earlier.title} serves again", {})
        record_decision(model, judged, current, as_of=as_of, at=at)
    return Returned(earlier.title, ", ".join(each.title for each in withdrawn))
