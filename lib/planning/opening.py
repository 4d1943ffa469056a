"""When a store will be shut: as announced, then as on earlier days of the same holiday, then as in its own week."""

from dataclasses import replace

import numpy as np

from lib.features import history
from lib.features.arrays import WEEK, Bools, Floats, floats, group_mean, masked, one_group, shifted, trailing_sum
from lib.features.calendar import earlier_days
from lib.features.columns import AtOrigin, Rows, SameEvent, SameWeekday
from lib.features.spine import Panel

HALF = 0.5
SEEN_WEEKS = 2
"""Same weekdays that must be known before a store is taken to be shut every week."""
LONG_CLOSURE = 28
"""A store that was shut for so many days is taken to stay shut."""


def shut_ahead(panel: Panel, rows: Rows) -> Bools:
    """(N,): whether the row's store will be shut, as its origin can tell; a day that says nothing counts as open.

    Whole weeks of closure are no habit: a store that is back opens as it did before them, one that has been shut for
    LONG_CLOSURE days stays shut, unless the end of the closure was announced.
    """
    store = panel.store_index[rows.series]
    announced = panel.almanac.closure[store, rows.date] | _out_of_business(panel, rows)
    panel, rows = _by_store(panel), Rows(store, rows.origin, rows.date)
    habit = replace(panel, shut=masked(panel.shut, ~_shut_for(panel, WEEK)))
    weekly = SameWeekday(history.shut_share(habit, least=SEEN_WEEKS)).gather(rows)
    holiday = panel.almanac.holiday[store, rows.date] > 0
    stays = AtOrigin(floats(_shut_for(panel, LONG_CLOSURE))).gather(rows) > 0
    announced |= stays & ~panel.almanac.closure[store, rows.origin]
    own, chain = (SameEvent(values, earlier_days(panel), 1).gather(rows) for values in _on_events(panel))
    on_holiday = np.where(np.isnan(own), chain, own)
    share = np.where(holiday & ~np.isnan(on_holiday), np.fmax(on_holiday, weekly), weekly)
    shut: Bools = announced | (np.nan_to_num(share, nan=0.0) > HALF)
    return shut


def _by_store(panel: Panel) -> Panel:
    """The panel with one series per store, since its series are shut together; only good for looking at `shut`."""
    stores, first = np.unique(panel.store_index, return_index=True)
    return replace(panel, shut=panel.shut[first], store_index=stores.astype(np.int32))


def _out_of_business(panel: Panel, rows: Rows) -> Bools:
    """(N,): days before the store's opening or after its closing for good."""
    store, day = panel.store_index[rows.series], panel.days[rows.date]
    opened, closed = (panel.stores[name].to_numpy().astype("datetime64[D]")[store] for name in ("opened", "closed"))
    out: Bools = (day < opened) | (day > closed)
    return out


def _shut_for(panel: Panel, days: int) -> Bools:
    """(S, T): the store was shut on all of the `days` days up to t."""
    shut: Bools = trailing_sum(panel.shut, days) >= days
    return shut


def _on_events(panel: Panel) -> tuple[Floats, Floats]:
    """(S, T): was the store shut that day, and which share of the chain was; stores usually shut then say nothing."""
    usually_open: Bools = ~(shifted(history.shut_share(panel), WEEK) > HALF)
    own = masked(floats(panel.shut), usually_open)
    return own, group_mean(own, one_group(own))
