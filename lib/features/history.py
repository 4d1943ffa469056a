"""What a series usually sells: the robust statistics that lags, levels and targets are measured against."""

import numpy as np

from lib.features.arrays import (
    WEEK,
    Bools,
    Floats,
    floats,
    masked,
    mean_of,
    median_of,
    per,
    same_weekdays,
    shifted,
    trailing_mean,
)
from lib.features.spine import Panel

WEEKS = 8
"""Same weekdays that the expected sales look back on."""
LEVEL_DAYS = 56
SMALLEST_SHARE = 0.1
"""Of the series' mean: the least that is ever expected of a weekday, so that ratios stay finite."""


def ordinary(panel: Panel) -> Bools:
    """(S, T) days that no holiday is near to."""
    return panel.almanac.ordinary[panel.store_index, : panel.history]


def ordinary_sales(panel: Panel) -> Floats:
    """(S, T) sales of ordinary days; NaN on special ones."""
    return masked(panel.demand, ordinary(panel))


def expected(panel: Panel) -> Floats:
    """(S, T): what a weekday like day t usually sells, from the ordinary same weekdays up to t; positive or NaN.

    Median and mean of eight weeks, half and half: the median forgets odd days, the mean keeps slow sellers above 0.
    """
    weeks = same_weekdays(ordinary_sales(panel), WEEKS)
    middle = floats((median_of(weeks) + mean_of(weeks)) / 2)
    floor = floats(SMALLEST_SHARE * trailing_mean(panel.demand, LEVEL_DAYS))
    value = np.maximum(middle, floor)
    return masked(value, value > 0)


def level(panel: Panel) -> Floats:
    """(S, T): mean sales of an ordinary open day over the eight weeks up to t; NaN, never 0, where nothing sells."""
    mean = trailing_mean(ordinary_sales(panel), LEVEL_DAYS)
    return masked(mean, mean > 0)


def due(panel: Panel, usual: Floats) -> Floats:
    """(S, T): what was expected a week before of each ordinary day whose sales are known."""
    return masked(shifted(usual, WEEK), ordinary(panel) & ~np.isnan(panel.demand))


def surprise(panel: Panel, usual: Floats) -> Floats:
    """(S, T): sales of an ordinary day per what was expected of it a week before; 1 is as expected."""
    return per(panel.demand, due(panel, usual))


def shut_share(panel: Panel, *, least: int = 1) -> Floats:
    """(S, T): share of the last eight ordinary same weekdays on which the store was shut; NaN below `least` of them."""
    shut = same_weekdays(masked(panel.shut, ordinary(panel)), WEEKS)
    return masked(mean_of(shut), (~np.isnan(shut)).sum(axis=0) >= least)
