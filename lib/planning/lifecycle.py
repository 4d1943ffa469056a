"""Where a series stands in its life: established, new in an old store, in a new store, back after a gap, or ending."""

import numpy as np
import numpy.typing as npt

from lib.contracts.outputs import LIFECYCLES
from lib.features import history, shelf
from lib.features.arrays import WEEK, Bools, Floats, Ints, day_of, floats
from lib.features.columns import AtOrigin, Rows
from lib.features.spine import Panel

ESTABLISHED, NEW_PRODUCT, NEW_STORE, REOPENED, ENDING = LIFECYCLES
NEW_DAYS = 56
"""A product or store is new for so many days."""
GAP_DAYS = 28
"""From so many days without a sale on a series has paused; so long it then counts as reopened."""
GRACE_DAYS = 7
"""Who first sells so soon after the first known day may well have sold before it."""
LONG_AGO = -(2**20)
"""Index of a first day that lies before all that is known."""


def stages(panel: Panel, rows: Rows) -> npt.NDArray[np.str_]:
    """(N,) values of LIFECYCLES, as each row's origin can tell.

    What comes first holds: *ending* (its range, or its store, ends within the horizon), *new store*, *new product*
    (first sale less than eight weeks ago, or none yet), *reopened* (it sells again since less than four weeks, or is
    to, after a gap of four weeks or more that was not merely written zeros), *established*. A chain whose history has
    just begun is established: nobody can tell what was before.
    """
    store_days = rows.origin - store_starts(panel, rows)
    series_days = rows.origin - series_starts(panel, rows)
    ladder = [
        (ENDING, _ends(panel, rows)),
        (NEW_STORE, store_days < NEW_DAYS),
        (NEW_PRODUCT, series_days < NEW_DAYS),
        (REOPENED, _back(panel, rows)),
    ]
    stage = np.full(len(rows.series), ESTABLISHED, dtype=f"<U{max(map(len, LIFECYCLES))}")
    for name, holds in reversed(ladder):
        stage[holds] = name
    return stage


def too_young(panel: Panel, rows: Rows) -> Bools:
    """(N,): no ordinary same weekday is known at the origin, so that a model has nothing to hold on to."""
    young: Bools = known_weeks(panel, rows) < 1
    return young


def known_weeks(panel: Panel, rows: Rows) -> Floats:
    """(N,) how many of the last eight same weekdays are ordinary days and known at the origin."""
    return floats((~np.isnan(same_weekdays(panel, rows))).sum(axis=0))


def same_weekdays(panel: Panel, rows: Rows) -> Floats:
    """(8, N) sales of the last eight same weekdays known at the origin; NaN on special days and where unknown."""
    sold, week = history.ordinary_sales(panel), -(-rows.horizon // WEEK)
    days = rows.date - WEEK * (week + np.arange(history.WEEKS)[:, None])
    return floats(np.where(days >= 0, sold[rows.series, np.maximum(days, 0)], np.nan))


def series_starts(panel: Panel, rows: Rows) -> Ints:
    """(N,) index of the series' first sale up to the origin.

    Without one its first known zero or the start of its range, whichever is later; without zeros the next day at least.
    """
    first, zero = (_first(days)[rows.series] for days in (panel.demand > 0, panel.demand == 0))
    planned = np.full(len(panel.series), LONG_AGO, np.int32)
    ranged = shelf.ranges(panel)
    np.maximum.at(planned, ranged.series, np.where(ranged.first < panel.shape_ahead[1], ranged.first, LONG_AGO))
    shown = np.where(zero <= rows.origin, _or_long_ago(zero), rows.origin + 1)
    unsold = np.maximum(planned[rows.series], shown)
    return np.asarray(np.where(first <= rows.origin, _or_long_ago(first), unsold), np.int32)


def store_starts(panel: Panel, rows: Rows) -> Ints:
    """(N,) index of the store's first day: as told, else of its first sale up to the origin, else the next day."""
    sold = np.zeros((panel.stores.height, panel.history), bool)
    np.logical_or.at(sold, panel.store_index, panel.demand > 0)
    first = _first(sold)
    told = _index(panel, "opened")
    store = panel.store_index[rows.series]
    seen = np.where(first[store] <= rows.origin, _or_long_ago(first)[store], rows.origin + 1)
    return np.asarray(np.where(np.isnan(told[store]), seen, told[store]), np.int32)


def _first(sold: Bools) -> Ints:
    """Index of the first sold day; beyond the last if there is none."""
    return np.asarray(np.where(sold.any(axis=1), sold.argmax(axis=1), sold.shape[1]), np.int32)


def _or_long_ago(first: Ints) -> Ints:
    return np.where(first < GRACE_DAYS, LONG_AGO, first).astype(np.int32)


def _index(panel: Panel, column: str) -> npt.NDArray[np.float64]:
    """(G,) index of a date of the stores; NaN where it is not told."""
    told = panel.stores.select((panel.stores[column] - day_of(panel.days[0])).dt.total_days()).to_series()
    return told.cast(float).fill_null(float("nan")).to_numpy()


def _back(panel: Panel, rows: Rows) -> Bools:
    """(N,): sells again since less than GAP_DAYS after a gap of as many days or more, or is still in the gap."""
    sold, unknown = panel.demand > 0, np.cumsum(np.isnan(panel.demand), axis=1)
    day = np.arange(panel.history)
    last = np.maximum.accumulate(np.where(sold, day, -1), axis=1)
    before = np.concatenate([np.full((len(last), 1), -1), last[:, :-1]], axis=1)
    silent = unknown - np.take_along_axis(unknown, np.maximum(before, 0), axis=1)
    gap = (before >= 0) & (silent > 0)
    resumed = np.maximum.accumulate(np.where(sold & gap & (day - before > GAP_DAYS), day, LONG_AGO), axis=1)
    pausing = ~sold & gap & (day - last >= GAP_DAYS)
    since = rows.origin - resumed[rows.series, rows.origin]
    back: Bools = (since < GAP_DAYS) | AtOrigin(pausing.astype(np.float32)).gather(rows).astype(bool)
    return back


def _ends(panel: Panel, rows: Rows) -> Bools:
    """(N,): the series' last range, or its store, ends on one of the days ahead of the origin."""
    reach = rows.origin + panel.horizon
    ranged = shelf.ranges(panel)
    last = np.full(len(panel.series), LONG_AGO, np.int64)
    np.maximum.at(last, ranged.series, ranged.last)
    last = np.where(last == LONG_AGO, panel.shape_ahead[1] + panel.horizon, last)
    closed = _index(panel, "closed")[panel.store_index[rows.series]]
    ends: Bools = (last[rows.series] <= reach) | (closed <= reach)
    return ends
