"""The two forecasts that anyone can make by hand, to be beaten: the incumbent and the seasonal naive."""

import numpy as np

from lib.features.arrays import Floats, floats, mean_of, same_weekdays
from lib.features.columns import Rows, SameWeekday
from lib.features.spine import Panel

INCUMBENT_WEEKS = 4


def incumbent(panel: Panel, rows: Rows) -> Floats:
    """(N,) mean of the last four same weekdays, shut days counting 0 as the simple tool does; 0 without any."""
    weeks = same_weekdays(_with_shut_as_zero(panel), INCUMBENT_WEEKS)
    return np.nan_to_num(SameWeekday(mean_of(weeks)).gather(rows))


def seasonal_naive(panel: Panel, rows: Rows) -> Floats:
    """(N,) the last same weekday known at the origin; 0 without one."""
    return np.nan_to_num(SameWeekday(_with_shut_as_zero(panel)).gather(rows))


def _with_shut_as_zero(panel: Panel) -> Floats:
    return floats(np.where(panel.shut == 1, 0, panel.sales))
