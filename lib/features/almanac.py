"""Which day is what for which store: public and school holidays, bridge days, closures, and the days around them."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.features.arrays import Bools, Days, Floats, Ints, day_of, floats

NO_EVENT = 0
MONDAY, FRIDAY, SUNDAY = 0, 4, 6
NEAREST_FIRST = (0, -1, 1, -2, 2, -3, 3)
"""Offsets in days from a holiday; a day between two holidays belongs to the one that stands first here."""
EARLIER = 3
"""How many earlier days of an event are looked up."""
FAR = 21
"""Distances beyond so many days are all the same."""


@dataclass(frozen=True, slots=True)
class Almanac:
    """G stores by D days. `event` numbers a holiday with its offset ("Christmas -1"), NO_EVENT on ordinary days.

    `holiday` numbers the holiday of the day itself. `names` are the holidays' names, `names[0]` being empty.
    `earlier` (EARLIER, G, D): index of earlier days with the same event, latest first, -1 if there is none.
    """

    names: tuple[str, ...]
    holiday: Ints
    event: Ints
    earlier: Ints
    school: Bools
    closure: Bools
    local: Bools
    bridge: Bools

    @property
    def ordinary(self) -> Bools:
        """Days that no holiday is near to."""
        marks: Bools = self.event == NO_EVENT
        return marks


def build(
    events: pl.DataFrame,
    stores: pl.DataFrame,
    days: Days,
    *,
    place: tuple[str | None, str | None],
) -> Almanac:
    """The almanac of `stores` (store, country, region, zone) over `days`; `place`: country and region of the rest."""
    placed = _placed(events, stores, days)
    named = _public_holidays(placed, stores, days, place=place)
    names = ("", *sorted(named["name"].unique().to_list()))
    holiday = _scatter(named, {name: index for index, name in enumerate(names)}, (stores.height, len(days)))
    event = _nearest(holiday)
    return Almanac(
        names=names,
        holiday=holiday,
        event=event,
        earlier=_earlier(event),
        school=_marks(placed, "school_holiday", holiday.shape),
        closure=_marks(placed, "closure", holiday.shape),
        local=_marks(placed, "local", holiday.shape),
        bridge=_marks(placed, "bridge_day", holiday.shape) | _bridges(holiday > 0, days),
    )


def weekdays(days: Days) -> npt.NDArray[np.int64]:
    """0 for Monday to 6 for Sunday; 1 January 1970, day 0, was a Thursday."""
    return (days.astype("datetime64[D]").astype(np.int64) + 3) % 7


def distance(marks: Bools) -> tuple[Floats, Floats]:
    """Days since the last marked day and until the next one (0 on it), at most FAR. Both of the shape of `marks`."""
    width = marks.shape[1]
    index = np.arange(width)
    last = np.maximum.accumulate(np.where(marks, index, -FAR), axis=1)
    following = np.minimum.accumulate(np.where(marks, index, width + FAR)[:, ::-1], axis=1)[:, ::-1]
    since, until = np.minimum(index - last, FAR), np.minimum(following - index, FAR)
    return floats(since), floats(until)


def _placed(events: pl.DataFrame, stores: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Events by index of store and day: an event without store and zone is every store's."""
    places = stores.select("store", "zone", group=pl.int_range(pl.len()))
    first = day_of(days[0])
    dated = events.with_columns(day=(pl.col("date") - first).dt.total_days()).filter(
        pl.col("day").is_between(0, len(days) - 1)
    )
    dated = dated.rename({"zone": "its_zone", "store": "its_store"})
    return dated.join(places, how="cross").filter(
        (pl.col("its_zone").is_null() | (pl.col("its_zone") == pl.col("zone")))
        & (pl.col("its_store").is_null() | (pl.col("its_store") == pl.col("store")))
    )


def _public_holidays(
    placed: pl.DataFrame,
    stores: pl.DataFrame,
    days: Days,
    *,
    place: tuple[str | None, str | None],
) -> pl.DataFrame:
    """Named holidays (group, day, name): the law's name goes before the table's own, which may be a mere label."""
    country, region = place
    first, last = day_of(days[0]), day_of(days[-1])
    lawful = []
    located = stores.select(
        pl.col("country").fill_null(pl.lit(country, pl.String)), pl.col("region").fill_null(pl.lit(region, pl.String))
    )
    for group, (code, part) in enumerate(located.iter_rows()):
        found = _lawful(code, part, first.year, last.year)
        lawful += [(group, (day - first).days, name, 0) for day, name in found if first <= day <= last]
    law = pl.DataFrame(lawful, schema=["group", "day", "name", "order"], orient="row", schema_overrides=_INDEX)
    own = placed.filter(pl.col("kind") == "public_holiday").select("group", "day", "name", order=pl.lit(1))
    both = pl.concat([law, own.cast({"group": pl.Int64, "day": pl.Int64, "order": pl.Int64})])
    return both.sort("group", "day", "order", "name").unique(["group", "day"], keep="first", maintain_order=True)


_INDEX: dict[str, Any] = {"group": pl.Int64, "day": pl.Int64, "name": pl.String, "order": pl.Int64}


@cache
def _lawful(country: str | None, region: str | None, first: int, last: int) -> tuple[tuple[date, str], ...]:
    """Public holidays of a country, or of its region where `holidays` knows it; none for unknown countries."""
    import holidays  # noqa: PLC0415  a quarter of a second that other commands need not wait for

    known = holidays.list_supported_countries()
    if country not in known:
        return ()
    part = region if region in known[country] else None
    found = holidays.country_holidays(
        country, subdiv=part, years=range(first, last + 1), observed=False, language="en_US"
    )
    return tuple(sorted((day, name.split("; ")[0]) for day, name in found.items()))


def _scatter(named: pl.DataFrame, numbers: dict[str, int], shape: tuple[int, int]) -> Ints:
    out = np.zeros(shape, np.int32)
    out[named["group"].to_numpy(), named["day"].to_numpy()] = [numbers[name] for name in named["name"].to_list()]
    return out


def _nearest(holiday: Ints) -> Ints:
    """Number of the nearest holiday with its offset: 0 where none is near."""
    event = np.zeros_like(holiday)
    span = len(NEAREST_FIRST)
    for place, offset in enumerate(NEAREST_FIRST):
        near = _shifted(holiday, offset)
        event = np.where((event == NO_EVENT) & (near > 0), near * span + place, event)
    return event.astype(np.int32)


def _shifted(holiday: Ints, offset: int) -> Ints:
    """The holiday that lies so that the day stands `offset` days from it (-1: the day before)."""
    out = np.zeros_like(holiday)
    if offset == 0:
        return holiday
    if offset > 0:
        out[:, offset:] = holiday[:, :-offset]
    else:
        out[:, :offset] = holiday[:, -offset:]
    return out


def _earlier(event: Ints) -> Ints:
    """(EARLIER, G, D) earlier days of the same event. Stores with equal calendars are worked out once."""
    calendars, which = np.unique(event, axis=0, return_inverse=True)
    found = np.full((EARLIER, *calendars.shape), -1, np.int32)
    for number, calendar in enumerate(calendars):
        for key in np.unique(calendar[calendar != NO_EVENT]):
            days = np.flatnonzero(calendar == key)
            for place in range(EARLIER):
                found[place, number, days[place + 1 :]] = days[: len(days) - place - 1]
    return found[:, which.reshape(-1)]


def _marks(placed: pl.DataFrame, kind: str, shape: tuple[int, ...]) -> Bools:
    out = np.zeros(shape, bool)
    of_kind = placed.filter(pl.col("kind") == kind)
    out[of_kind["group"].to_numpy(), of_kind["day"].to_numpy()] = True
    return out


def _bridges(holiday: Bools, days: Days) -> Bools:
    """Fridays after a holiday on Thursday, and Mondays before one on Tuesday."""
    weekday = weekdays(days)
    before, after = np.zeros_like(holiday), np.zeros_like(holiday)
    before[:, 1:], after[:, :-1] = holiday[:, :-1], holiday[:, 1:]
    bridges: Bools = ((weekday == FRIDAY) & before) | ((weekday == MONDAY) & after)
    return bridges
