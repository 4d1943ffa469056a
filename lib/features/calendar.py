"""What the calendar says of the forecast's day."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lib.features.almanac import NEAREST_FIRST, SUNDAY, distance, weekdays
from lib.features.arrays import Bools, Floats, Ints, floats
from lib.features.columns import Ahead, Feature, OfRow
from lib.features.spine import Panel


def features(panel: Panel) -> list[Feature]:
    """Weekday, season, holidays near by, school holidays, bridge days; and the horizon itself."""
    almanac = panel.almanac
    days = panel.days
    weekday = weekdays(days)
    of_year = 2 * np.pi * ((days - days.astype("datetime64[Y]")).astype(np.int64) / 365.25)
    of_month = (days - days.astype("datetime64[M]")).astype(np.int64) + 1
    since, until = distance(almanac.holiday > 0)
    school_since, school_until = distance(almanac.school)
    term_since, term_until = distance(~almanac.school)
    near_holiday = np.minimum(since, until)[:, : len(days)] == 1
    return [
        Feature("horizon", OfRow(lambda rows: floats(rows.horizon))),
        Feature("weekday", _by_day(panel, weekday)),
        Feature("season_sine", _by_day(panel, np.sin(of_year))),
        Feature("season_cosine", _by_day(panel, np.cos(of_year))),
        Feature("day_of_month", _by_day(panel, of_month)),
        Feature("holiday_offset", _by_store(panel, _offset(panel))),
        Feature("days_since_holiday", _by_store(panel, since)),
        Feature("days_until_holiday", _by_store(panel, until)),
        Feature("bridge_day", _by_store(panel, almanac.bridge)),
        Feature("school_holiday", _by_store(panel, almanac.school)),
        Feature("days_since_school_holiday", _by_store(panel, school_since)),
        Feature("days_until_school_holiday", _by_store(panel, school_until)),
        Feature("days_into_school_holiday", _by_store(panel, term_since)),
        Feature("days_left_of_school_holiday", _by_store(panel, term_until)),
        Feature("local_event", _by_store(panel, almanac.local)),
        Feature("sunday_next_to_holiday", _by_store(panel, (weekday == SUNDAY) & near_holiday)),
    ]


def earlier_days(panel: Panel) -> Ints:
    """(J, S, T + H): index of earlier days of the same event, as :class:`lib.features.columns.SameEvent` wants."""
    return panel.almanac.earlier[:, panel.store_index, : len(panel.days)]


def _by_day(panel: Panel, values: npt.NDArray[Any]) -> Ahead:
    return Ahead(np.broadcast_to(floats(values), panel.shape_ahead))


def _by_store(panel: Panel, values: Bools | Floats) -> Ahead:
    return Ahead(floats(values)[panel.store_index, : len(panel.days)])


def _offset(panel: Panel) -> Floats:
    """Days from the holiday that the day belongs to, NaN on ordinary days."""
    event = panel.almanac.event
    offsets = np.array(NEAREST_FIRST, np.float32)[event % len(NEAREST_FIRST)]
    return floats(np.where(panel.almanac.ordinary, np.nan, offsets))
