"""What a series usually sells: the robust statistics that lags, levels and targets are measured against."""

import numpy as np

from lib.features.columns import WEEK, masked
from lib.features.spine import Bools, Floats, Panel

WEEKS = 8
"""Same weekdays that the expected sales look back on."""
LEVEL_DAYS = 56


def ordinary(panel: Panel) -> Bools:
    """(S, T) days that no holiday is near to."""
    return panel.almanac.ordinary[panel.store_index, : panel.history]


def expected(panel: Panel) -> Floats:
    """(S, T): what a weekday like day t usually sells, from the ordinary same weekdays up to t. Zero is never expected.

    Median and mean of eight weeks, half and half: the median forgets odd days, the mean keeps slow sellers above 0.
    Series without ordinary same weekdays have NaN.
    """
    weeks = same_weekdays(masked(panel.sales, ordinary(panel)), WEEKS)
    with np.errstate(all="ignore"):
        middle = (median_over_weeks(weeks) + mean_over_weeks(weeks)) / 2
        floor = 0.1 * trailing_mean(panel.sales, LEVEL_DAYS)
    return np.where(middle > 0, np.fmax(middle, floor), np.where(floor > 0, floor, np.nan)).astype(np.float32)


def level(panel: Panel) -> Floats:
    """(S, T): mean sales of an ordinary open day over the eight weeks up to t; NaN, never 0, where nothing sells."""
    mean = trailing_mean(masked(panel.sales, ordinary(panel)), LEVEL_DAYS)
    return masked(mean, mean > 0)


def surprise(panel: Panel, usual: Floats) -> Floats:
    """(S, T): sales of day t per what was expected for it a week before, 1 being as expected; NaN on special days."""
    return masked(surprise_any_day(panel, usual), ordinary(panel))


def surprise_any_day(panel: Panel, usual: Floats) -> Floats:
    """The same, special days included."""
    return (panel.sales / shifted(usual, WEEK)).astype(np.float32)


def same_weekdays(values: Floats, weeks: int) -> Floats:
    """(weeks, S, T): the value of day t, of a week before, and so on."""
    return np.stack([shifted(values, WEEK * back) for back in range(weeks)])


def shifted(values: Floats, days: int) -> Floats:
    """(S, T): the value `days` days before; NaN before the first day."""
    out = np.full_like(values, np.nan)
    out[:, days:] = values[:, : values.shape[1] - days] if days else values
    return out


def trailing_mean(values: Floats, days: int) -> Floats:
    """(S, T): mean of the known values of the `days` days up to t; NaN if there is none."""
    return (trailing_sum(values, days) / np.maximum(trailing_count(values, days), 1e-9)).astype(np.float32)


def trailing_sum(values: Floats, days: int) -> Floats:
    """(S, T): sum of the known values of the `days` days up to t; NaN if there is none."""
    total = np.cumsum(np.nan_to_num(values), axis=1, dtype=np.float64)
    windowed = total - np.concatenate([np.zeros((len(values), min(days, total.shape[1]))), total[:, :-days]], axis=1)
    return np.where(trailing_count(values, days) > 0, windowed, np.nan).astype(np.float32)


def trailing_count(values: Floats, days: int) -> Floats:
    """(S, T): number of known values in the `days` days up to t."""
    total = np.cumsum(~np.isnan(values), axis=1)
    before = np.concatenate([np.zeros((len(values), min(days, total.shape[1])), total.dtype), total[:, :-days]], axis=1)
    return (total - before).astype(np.float32)


def mean_over_weeks(stack: Floats) -> Floats:
    """(S, T) mean of the known layers of (weeks, S, T)."""
    known = ~np.isnan(stack)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, stack, 0).sum(axis=0) / np.maximum(count, 1), np.nan).astype(np.float32)


def median_over_weeks(stack: Floats) -> Floats:
    """(S, T) median of the known layers; for few layers much faster than numpy's own. Sorting puts NaN last."""
    ordered = np.sort(stack, axis=0)
    count = (~np.isnan(stack)).sum(axis=0)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, len(stack) - 1)[None], axis=0)[0]
    return np.where(count > 0, (low + high) / 2, np.nan).astype(np.float32)
