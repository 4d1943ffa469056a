"""How launches start: which share of its eventual level a new product of the chain sells week by week."""

import numpy as np
import numpy.typing as npt

from lib.features.arrays import WEEK, Ints, group_mean, masked, per
from lib.features.columns import Rows
from lib.features.spine import Panel
from lib.planning import lifecycle

Doubles = npt.NDArray[np.float64]

RAMP_WEEKS, EVENTUAL_WEEKS = 8, 4
"""Weeks after a launch that have a share of their own, and weeks after them that show the eventual level."""
LEAST_LAUNCHES = 5
"""Fewer launches show nothing; so many at once at their eventual level are mixed into what more show."""


def ramp(panel: Panel, origin: int) -> Doubles:
    """(RAMP_WEEKS,) shares of the eventual level, from launches in older stores known at `origin`; 1 if too few.

    Sales count per mean sales of the series that the store had all along, so that the season is not taken for a start.
    """
    rows = tonight(panel, origin)
    span = (RAMP_WEEKS + EVENTUAL_WEEKS) * WEEK
    age = ages(panel, rows)
    launched = np.flatnonzero((age >= span) & (age <= origin + 1))
    weekly = _weekly(panel, launched, origin + 1 - age, span)
    if len(weekly) < LEAST_LAUNCHES or not weekly[:, RAMP_WEEKS:].sum() > 0:
        return np.ones(RAMP_WEEKS)
    eventual = weekly[:, RAMP_WEEKS:].mean(axis=1).sum()
    prior = LEAST_LAUNCHES * eventual / len(weekly)
    shares: Doubles = (weekly[:, :RAMP_WEEKS].sum(axis=0) + prior) / (eventual + prior)
    return shares


def growth(shares: Doubles, age: Ints) -> Doubles:
    """The share at an age in days, 1 after the ramp. Any shape."""
    week = np.maximum(age, 0) // WEEK
    return np.where(week < len(shares), shares[np.minimum(week, len(shares) - 1)], 1.0)


def ages(panel: Panel, rows: Rows) -> Ints:
    """(N,) days since the launch of a product, on the row's date; beyond counting where the store was new as well."""
    start = lifecycle.series_starts(panel, rows)
    launched = start - lifecycle.store_starts(panel, rows) >= lifecycle.NEW_DAYS
    return np.where(launched, rows.date - start, -lifecycle.LONG_AGO).astype(np.int32)


def tonight(panel: Panel, origin: int) -> Rows:
    """One row per series: the day after `origin`."""
    series = np.arange(len(panel.demand), dtype=np.int32)
    return Rows(series, np.full_like(series, origin), np.full_like(series, origin + 1))


def _weekly(panel: Panel, launched: npt.NDArray[np.int64], start: Ints, span: int) -> Doubles:
    """(L, W) mean sales a day in the first `span` days, by week, of the launches that are known in every week of them.

    `start` (S,): day of launch, before the first day where the series was there all along.
    """
    if len(launched) < LEAST_LAUNCHES:
        return np.empty((0, span // WEEK))
    days = start[launched][:, None] + np.arange(span)
    lasting = masked(panel.demand, (start < 0)[:, None])
    against = per(panel.demand, group_mean(lasting, panel.store_index))
    sold = against[launched[:, None], days].reshape(len(launched), span // WEEK, WEEK).astype(np.float64)
    known = (~np.isnan(sold)).sum(axis=2)
    weekly = np.nan_to_num(sold).sum(axis=2) / np.maximum(known, 1)
    return np.asarray(weekly[(known > 0).all(axis=1)], np.float64)
