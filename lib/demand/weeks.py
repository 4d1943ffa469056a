"""Sums over the calendar weeks before a day: what is learned changes once a week and never looks ahead."""

from dataclasses import dataclass

import numpy as np

from lib.demand.days import NONE, Bools, Days, Doubles, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Trailing:
    """Sums per group and week, looked up for N rows; no more than G groups by W weeks are in memory at a time."""

    learned: Bools
    cell: Ints
    shape: tuple[int, int]
    end: tuple[Ints, Ints]
    start: tuple[Ints, Ints]

    def sums(self, values: Doubles) -> Doubles:
        """(N,) sums of (R,) values over the same group's rows of the weeks before."""
        height, width = self.shape
        weekly = np.bincount(self.cell, values[self.learned], minlength=height * width)
        running: Doubles = np.cumsum(weekly.reshape(self.shape), axis=1, dtype=np.float64)
        found: Doubles = running[self.end] - running[self.start]
        return found


def trailing(days: Days, group: Ints, *, learn: Ints, asked: Ints, weeks: int) -> Trailing:
    """Learn from R rows `learn`, for N rows `asked`; `group` is the code of each day's group, NONE for no group.

    A row sees the `weeks` calendar weeks before its own.
    """
    wanted = np.unique(group[asked])
    wanted = wanted[wanted != NONE]
    first, last = int(days.week.min()), int(days.week.max())
    width = last - first + 2
    place = np.searchsorted(wanted, group[learn])
    learned = np.append(wanted, NONE)[place] == group[learn]
    learned &= group[learn] != NONE
    cell = (place * width + days.week[learn] - first + 1)[learned]
    row = np.where(group[asked] == NONE, len(wanted), np.searchsorted(wanted, group[asked]))
    week = days.week[asked] - first
    return Trailing(learned, cell, (len(wanted) + 1, width), (row, week), (row, np.maximum(week - weeks, 0)))
