"""When a store will be shut: told closures, then earlier occasions of the same holiday, then its own week."""

import numpy as np

from lib.features import history
from lib.features.calendar import earlier_days
from lib.features.columns import Rows, SameEvent, SameWeekday
from lib.features.spine import Bools, Floats, Panel

HALF = 0.5


def shut_ahead(panel: Panel, rows: Rows) -> Bools:
    """(N,): whether the row's store will be shut, as far as its origin can tell; a day that says nothing counts as open."""
    weekly = SameWeekday(_weekly(panel)).gather(rows)
    holiday = panel.almanac.holiday[panel.store_index[rows.series], rows.date] > 0
    told = panel.almanac.closure[panel.store_index[rows.series], rows.date]
    own, chain = (SameEvent(values, earlier_days(panel), 1).gather(rows) for values in _on_events(panel))
    on_holiday = np.where(np.isnan(own), chain, own)
    usual = np.where(holiday & ~np.isnan(on_holiday), np.fmax(on_holiday, weekly), weekly)
    return told | (np.nan_to_num(usual, nan=0.0) > HALF)


def _weekly(panel: Panel) -> Floats:
    """(S, T): share of the last eight ordinary same weekdays on which the store was shut."""
    ordinary = np.where(history.ordinary(panel), panel.shut, np.nan).astype(np.float32)
    return history.mean_over_weeks(history.same_weekdays(ordinary, history.WEEKS))


def _on_events(panel: Panel) -> tuple[Floats, Floats]:
    """(S, T): was the store shut that day, and which share of the chain was. Stores that never open then say nothing."""
    usually_open = ~(history.shifted(_weekly(panel), 7) > HALF)
    own = np.where(usually_open, panel.shut, np.nan).astype(np.float32)
    known = ~np.isnan(own)
    counts = np.maximum(known.sum(axis=0), 1)
    chain = np.where(known.any(axis=0), np.nan_to_num(own).sum(axis=0) / counts, np.nan).astype(np.float32)
    return own, np.broadcast_to(chain, own.shape)
