"""How a feature is looked up: history only at the origin or whole weeks before the day, never by a shorter lag."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lib.features.arrays import WEEK, Bools, Floats, Ints, floats
from lib.features.spine import Panel


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """N forecasts to describe: the index of series, of the origin's day and of the forecast's day. All (N,) int32."""

    series: Ints
    origin: Ints
    date: Ints

    @property
    def horizon(self) -> Ints:
        """Days from origin to date."""
        return self.date - self.origin

    def take(self, chosen: Bools) -> "Rows":
        """The chosen rows, in order."""
        return Rows(self.series[chosen], self.origin[chosen], self.date[chosen])


@dataclass(frozen=True, slots=True)
class AtOrigin:
    """A (S, T) array whose day t knows days up to t, looked up at the origin."""

    values: Floats

    def gather(self, rows: Rows) -> Floats:
        """(N,) values."""
        return self.values[rows.series, rows.origin]


@dataclass(frozen=True, slots=True)
class SameWeekday:
    """A (S, T) array whose day t knows days up to t, looked up on the last same weekday known at the origin.

    `weeks` asks for one at least so many weeks before the forecast's day.
    """

    values: Floats
    weeks: int = 1

    def gather(self, rows: Rows) -> Floats:
        """(N,) values; NaN before the first day."""
        back = np.maximum(-(-rows.horizon // WEEK), self.weeks) * WEEK
        day = rows.date - back
        found = self.values[rows.series, np.maximum(day, 0)]
        return floats(np.where(day >= 0, found, np.nan))


@dataclass(frozen=True, slots=True)
class SameEvent:
    """A (S, T) array averaged over the last `count` earlier days of the same event that the origin knows.

    `earlier` (J, S, T + H): index of the j-th earlier day of the event, -1 if there is none.
    """

    values: Floats
    earlier: Ints
    count: int

    def gather(self, rows: Rows) -> Floats:
        """(N,) means; NaN where no earlier day is known."""
        total, found = np.zeros(len(rows.series), np.float64), np.zeros(len(rows.series), np.int32)
        for earlier in self.earlier:
            day = earlier[rows.series, rows.date]
            value = self.values[rows.series, np.clip(day, 0, self.values.shape[1] - 1)]
            use = (day >= 0) & (day <= rows.origin) & ~np.isnan(value) & (found < self.count)
            total += np.where(use, value, 0)
            found += use
        return floats(np.where(found > 0, total / np.maximum(found, 1), np.nan))


@dataclass(frozen=True, slots=True)
class Ahead:
    """A (S, T + H) array of what follows from the calendar or was always known, looked up on the forecast's day."""

    values: Floats

    def gather(self, rows: Rows) -> Floats:
        """(N,) values."""
        return self.values[rows.series, rows.date]


@dataclass(frozen=True, slots=True)
class OfRow:
    """A value that follows from series, origin and date together."""

    value: Callable[[Rows], Floats]

    def gather(self, rows: Rows) -> Floats:
        """(N,) values."""
        return floats(self.value(rows))


Column = AtOrigin | SameWeekday | SameEvent | Ahead | OfRow
Scale = Literal["as is", "per expected", "level per expected"]


@dataclass(frozen=True, slots=True)
class Feature:
    """A named column, scaled so that series compare.

    `per expected` divides it by the row's expected same-weekday sales; `level per expected` first multiplies it by the
    series' level at the origin.
    """

    name: str
    column: Column
    scale: Scale = "as is"


Module = Callable[[Panel], list[Feature]]
