"""Series-major arrays: (S, T) float32 of series by days, NaN where unknown, and what is worked out along the days."""

from datetime import date
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int32]
Days: TypeAlias = npt.NDArray[np.datetime64]

WEEK = 7


def day_of(day: np.datetime64) -> date:
    """The calendar day."""
    return date.fromisoformat(str(day.astype("datetime64[D]")))


def floats(values: npt.NDArray[Any]) -> Floats:
    """As float32."""
    return values.astype(np.float32, copy=False)


def masked(values: Floats, keep: Bools) -> Floats:
    """`values` with NaN where `keep` is false."""
    return floats(np.where(keep, values, np.float32(np.nan)))


def per(numerator: Floats, denominator: Floats) -> Floats:
    """The ratio; NaN where the denominator is 0 or unknown."""
    usable = denominator > 0
    return masked(floats(numerator / np.where(usable, denominator, 1)), usable)


def shifted(values: Floats, days: int) -> Floats:
    """The value `days` days before; NaN before the first day."""
    out = np.full_like(values, np.nan)
    out[:, days:] = values[:, : max(values.shape[1] - days, 0)]
    return out


def same_weekdays(values: Floats, weeks: int) -> Floats:
    """(weeks, S, T): the value of day t, of a week before, and so on."""
    return np.stack([shifted(values, WEEK * back) for back in range(weeks)])


def mean_of(layers: Floats) -> Floats:
    """(S, T) mean of the known layers of (K, S, T)."""
    known = ~np.isnan(layers)
    count = known.sum(axis=0)
    return masked(floats(np.where(known, layers, 0).sum(axis=0) / np.maximum(count, 1)), count > 0)


def median_of(layers: Floats) -> Floats:
    """(S, T) median of the known layers of (K, S, T). Sorting puts NaN last, and is faster than numpy's nanmedian."""
    ordered = np.sort(layers, axis=0)
    count = (~np.isnan(layers)).sum(axis=0)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, len(layers) - 1)[None], axis=0)[0]
    return masked(floats((low + high) / 2), count > 0)


def trailing_mean(values: Floats, days: int) -> Floats:
    """Mean of the known values of the `days` days up to t; NaN if there is none."""
    return floats(trailing_sum(values, days) / np.maximum(trailing_count(values, days), 1))


def trailing_sum(values: Floats, days: int) -> Floats:
    """Sum of the known values of the `days` days up to t; NaN if there is none."""
    total = np.cumsum(np.nan_to_num(values), axis=1, dtype=np.float64)
    return masked(floats(total - _before(total, days)), trailing_count(values, days) > 0)


def trailing_count(values: Floats, days: int) -> Floats:
    """Number of known values in the `days` days up to t."""
    total = np.cumsum(~np.isnan(values), axis=1)
    return floats(total - _before(total, days))


def group_sum(values: Floats, group: Ints) -> Floats:
    """(S, T): each series gets the sum of its group's known values; NaN on days without any."""
    groups = int(group.max(initial=-1)) + 1
    total, count = (np.zeros((groups, values.shape[1])) for _ in range(2))
    np.add.at(total, group, np.nan_to_num(values))
    np.add.at(count, group, ~np.isnan(values))
    return masked(floats(total), count > 0)[group]


def group_mean(values: Floats, group: Ints) -> Floats:
    """(S, T): each series gets the mean of its group's known values; NaN on days without any."""
    known = floats(~np.isnan(values))
    return floats(group_sum(values, group) / np.maximum(group_sum(known, group), 1))


def one_group(values: Floats) -> Ints:
    """All series in one group."""
    return np.zeros(len(values), np.int32)


def _before(total: npt.NDArray[Any], days: int) -> npt.NDArray[Any]:
    """The running total `days` days before."""
    width = min(days, total.shape[1])
    return np.concatenate([np.zeros((len(total), width), total.dtype), total[:, : total.shape[1] - width]], axis=1)
