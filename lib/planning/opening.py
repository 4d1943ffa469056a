"""When a store will be shut: told closures, then earlier days of the same holiday, then its own week."""

import numpy as np

from lib.features import history
from lib.features.arrays import WEEK, Bools, Floats, floats, group_mean, masked, one_group, shifted
from lib.features.calendar import earlier_days
from lib.features.columns import Rows, SameEvent, SameWeekday
from lib.features.spine import Panel

HALF = 0.5


def shut_ahead(panel: Panel, rows: Rows) -> Bools:
    """(N,): whether the row's store will be shut, as its origin can tell; a day that says nothing counts as open."""
    weekly = SameWeekday(history.shut_share(panel)).gather(rows)
    holiday = panel.almanac.holiday[panel.store_index[rows.series], rows.date] > 0
    told = panel.almanac.closure[panel.store_index[rows.series], rows.date]
    own, chain = (SameEvent(values, earlier_days(panel), 1).gather(rows) for values in _on_events(panel))
    on_holiday = np.where(np.isnan(own), chain, own)
    share = np.where(holiday & ~np.isnan(on_holiday), np.fmax(on_holiday, weekly), weekly)
    shut: Bools = told | (np.nan_to_num(share, nan=0.0) > HALF)
    return shut


def _on_events(panel: Panel) -> tuple[Floats, Floats]:
    """(S, T): was the store shut that day, and which share of the chain was; stores usually shut then say nothing."""
    usually_open: Bools = ~(shifted(history.shut_share(panel), WEEK) > HALF)
    own = masked(floats(panel.shut), usually_open)
    return own, group_mean(own, one_group(own))
