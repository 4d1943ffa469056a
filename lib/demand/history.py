"""What a series usually sells on such a weekday, from its days in stock."""

from dataclasses import dataclass

import numpy as np

from lib.demand.days import WEEK, Days, Doubles, Ints

SAME_WEEKDAYS = 8
LEVEL_DAYS = 56
LEVEL_COUNT = 2
"""The mean of all weekdays weighs as much as so many same weekdays."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Of (N,) days, from days in stock before; NaN where there was none.

    `mean`: the usual sales. `at_least`: their mean if each of those days had sold no less than the day itself.
    `scatter`: relative standard deviation.
    """

    mean: Doubles
    at_least: Doubles
    scatter: Doubles


def usual(days: Days, asked: Ints) -> Usual:
    """Look back from the rows `asked`."""
    weekdays = _same_weekdays(days, asked)
    level, scatter = _level(days, asked)
    layers = np.column_stack([weekdays, *([level] * LEVEL_COUNT)])
    at_least = np.fmax(layers, np.where(np.isnan(layers), np.nan, days.quantity[asked, None]))
    return Usual(_mean(layers), _mean(at_least), scatter)


def _same_weekdays(days: Days, asked: Ints) -> Doubles:
    """(N, K) sales of the same weekdays before, NaN where not in stock."""
    place = _places(days)
    out = np.full((len(asked), SAME_WEEKDAYS), np.nan)
    for back in range(SAME_WEEKDAYS):
        wanted = place[asked] - WEEK * (back + 1)
        found = np.searchsorted(place, wanted)
        usable = (place[found] == wanted) & days.in_stock[found]
        out[usable, back] = days.quantity[found[usable]]
    return out


def _level(days: Days, asked: Ints) -> tuple[Doubles, Doubles]:
    """Mean and relative standard deviation of the days in stock of the last weeks."""
    place = _places(days)
    first = np.searchsorted(place, place[asked] - LEVEL_DAYS)
    sold = np.where(days.in_stock, days.quantity, 0)
    counted = days.in_stock.astype(np.float64)
    count, total, squares = (_between(values, first, asked) for values in (counted, sold, sold**2))
    mean = total / np.maximum(count, 1)
    deviation = np.sqrt(np.maximum(squares / np.maximum(count, 1) - mean**2, 0))
    scatter = np.where(mean > 0, deviation / np.where(mean > 0, mean, 1), np.nan)
    return np.where(count > 0, mean, np.nan), scatter


def _places(days: Days) -> Ints:
    """(N,) rising with the series and by 1 a day, so far apart between series that no look back meets another one."""
    first = int(days.day.min())
    reach = int(days.day.max()) - first + WEEK * SAME_WEEKDAYS + LEVEL_DAYS
    return days.series * reach + days.day - first


def _between(values: Doubles, first: Ints, last: Ints) -> Doubles:
    """Sums from `first` to before `last`, each by itself: what comes later cannot change how an earlier one rounds."""
    sums = np.add.reduceat(values, np.column_stack([first, last]).ravel())[::2]
    return np.where(first < last, sums, 0)


def _mean(layers: Doubles) -> Doubles:
    """(N,) mean of the known of (N, K); NaN if there is none."""
    known = ~np.isnan(layers)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, layers, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
