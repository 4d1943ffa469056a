"""The usual share of a day's sales that is sold by a time, learned week by week from days in stock."""

from dataclasses import dataclass

import numpy as np

from lib.demand.days import NONE, Days, Doubles, Hours, Ints
from lib.demand.weeks import Trailing, trailing

LEVELS = ("chain", "store", "family", "product", "series")
"""Whose hours are looked at, each shrunk towards the one before."""
CLOSING_LEVELS = ("chain", "store", "series")
CLOSING_DAYS = 7.0
"""Days with a last sale from which on a level's own closing time weighs more than the one above."""


@dataclass(frozen=True, slots=True)
class Shares:
    """(N,) shares sold by a time; NaN where nothing is known. `level` (N,): whose weigh most, an index of LEVELS."""

    by: tuple[Doubles, ...]
    level: Ints


def by_hours(days: Days, asked: Ints, times: tuple[Doubles, ...], *, weeks: int, evidence: float) -> Shares:
    """Shares sold by each of the `times`, (N,) hours since midnight, from the hours of days in stock.

    A level is trusted by the number of its hours with sales. That grows with units where they are few and with days
    where they are many, so one `evidence` fits any unit: with so many a level weighs as much as the one above it.
    """
    hours = days.hours.take(days.in_stock[days.hours.row])
    filled = sum(((sold > 0).astype(np.float64) for sold in hours.sold), np.zeros(len(hours.row)))
    shares = [np.full(len(asked), np.nan) for _ in times]
    level, weight = np.zeros(len(asked), np.int64), np.zeros(len(asked))
    for number, name in enumerate(LEVELS):
        weekly = trailing(days, _groups(days, name), learn=hours.row, asked=asked, weeks=weeks)
        count = weekly.sums(filled)
        trust = np.where(np.isnan(shares[0]), count > 0, count / (count + evidence))
        own = _sold_by(weekly, hours, times)
        shares = [_blend(trust, mine, above) for mine, above in zip(own, shares, strict=True)]
        weight *= 1 - trust
        level, weight = np.where(trust > weight, number, level), np.maximum(trust, weight)
    return Shares(tuple(shares), level)


def by_span(days: Days, asked: Ints, time: Doubles, *, weeks: int, opening: float) -> Doubles:
    """(N,) share of the span from `opening` to the usual last sale of days in stock that is over by the `time`."""
    learn = np.flatnonzero(days.in_stock & ~np.isnan(days.last_sale))
    closing = np.full(len(asked), np.nan)
    for name in CLOSING_LEVELS:
        weekly = trailing(days, _groups(days, name), learn=learn, asked=asked, weeks=weeks)
        count = weekly.sums(np.ones(len(learn)))
        trust = np.where(np.isnan(closing), count > 0, count / (count + CLOSING_DAYS))
        own = weekly.sums(days.last_sale[learn]) / np.maximum(count, 1)
        closing = _blend(trust, own, closing)
    span = closing - opening
    return np.where(span > 0, np.clip((time - opening) / np.where(span > 0, span, 1), 0, 1), np.nan)


def _groups(days: Days, level: str) -> Ints:
    """(N,) code of each day's group, weekdays and weekends apart; NONE where there is none."""
    code = np.zeros_like(days.store) if level == "chain" else getattr(days, level)
    return np.where(code == NONE, NONE, code * 2 + days.weekend)


def _sold_by(weekly: Trailing, hours: Hours, times: tuple[Doubles, ...]) -> list[Doubles]:
    """Share of the groups' units sold by each time; within an hour sales are even."""
    total = np.zeros(len(times[0]))
    sold = [np.zeros(len(times[0])) for _ in times]
    for hour, units in enumerate(hours.sold):
        now = weekly.sums(units)
        sold = [before + now * np.clip(time - hour, 0, 1) for before, time in zip(sold, times, strict=True)]
        total = total + now
    return [np.clip(by / np.where(total > 0, total, 1), 0, 1) for by in sold]


def _blend(trust: Doubles, own: Doubles, above: Doubles) -> Doubles:
    """What is unknown above is not mixed in; NaN where the own has no trust and nothing is known above."""
    mixed = trust * own + (1 - trust) * np.nan_to_num(above)
    return np.where(np.isnan(above) & (trust == 0), np.nan, mixed)
