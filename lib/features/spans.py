"""What holds for a span of days, such as a promotion or a price, laid over series and days."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.contracts import KNOWN_FROM, KNOWN_UNTIL
from lib.features.arrays import Bools, Floats, Ints
from lib.features.spine import Panel

Doubles = npt.NDArray[np.float64]

FOREVER = 2**30
"""Index of the last day of a span without end."""
_INDICES = ("series", "first", "last", "known", "until")


@dataclass(frozen=True, slots=True)
class Spans:
    """K spans of single series; where they overlap the later in order holds. All (K,), sorted by series and first day.

    `first` and `last`: index of days, inclusive, which may lie outside of the panel. A span was known from the end of
    day `known` on and until before the end of day `until` (FOREVER: it still is).
    """

    series: Ints
    first: Ints
    last: Ints
    known: Ints
    until: Ints
    value: Doubles

    def take(self, chosen: Bools) -> "Spans":
        """The chosen spans, in order."""
        return Spans(
            self.series[chosen],
            self.first[chosen],
            self.last[chosen],
            self.known[chosen],
            self.until[chosen],
            self.value[chosen],
        )

    def in_force(self) -> "Spans":
        """What held on each day as told by then: no day before a span was known, none after it was withdrawn."""
        return replace(self, first=np.maximum(self.first, self.known), last=np.minimum(self.last, self.until))

    def seen_at(self, origin: int) -> "Spans":
        """As the end of the day `origin` saw them: of what was withdrawn by then only the days until it was."""
        last = np.where(self.until <= origin, np.minimum(self.last, self.until), self.last)
        return replace(self, last=last).take((self.known <= origin) & (self.first <= last))

    def over(self, first: int, shape: tuple[int, int]) -> Floats:
        """(S, W) values on the W days from index `first` on; NaN where no span lies."""
        begin = np.clip(self.first - first, 0, shape[1])
        length = np.maximum(np.clip(self._shown_until() - first, 0, shape[1]) - begin, 0)
        which = np.repeat(np.arange(len(length)), length)
        day = np.arange(len(which)) + np.repeat(begin - (np.cumsum(length) - length), length)
        out = np.full(shape, np.nan, np.float32)
        out[self.series[which], day] = self.value[which]
        return out

    def at(self, series: Ints, day: Ints, origin: Ints) -> Doubles:
        """(N,) values on the days of the series, as told by the end of the origins; NaN where no span lies."""
        place = np.searchsorted(_ordered(self.series, self.first), _ordered(series, day), side="right") - 1
        out = np.full(len(place), np.nan)
        asked = np.flatnonzero(place >= 0)
        while len(asked):
            asked = asked[self.series[place[asked]] == series[asked]]
            span, when = place[asked], origin[asked]
            holds = (self.known[span] <= when) & (when < self.until[span]) & (day[asked] <= self.last[span])
            out[asked[holds]] = self.value[span[holds]]
            asked = asked[~holds]
            place[asked] -= 1
            asked = asked[place[asked] >= 0]
        return out

    def _shown_until(self) -> npt.NDArray[np.int64]:
        """(K,): the day after the last, or from which on a later span without end lies over it, if that is earlier.

        Many prices without end would else be laid one over the other, each up to the last day.
        """
        none = np.iinfo(np.int64).max
        endless = np.where(self.last == FOREVER, _ordered(self.series, self.first), none)
        later = np.append(np.minimum.accumulate(endless[::-1])[::-1][1:], none)[: len(endless)]
        hidden = later - _ordered(self.series, np.zeros_like(self.first))
        return np.minimum(self.last.astype(np.int64) + 1, hidden)


def of(panel: Panel, frame: pl.DataFrame, value: str) -> Spans:
    """Spans of a frame as in :func:`laid`, for the series of a panel."""
    return laid(panel.series, panel.first_day, frame, value)


def laid(series: pl.DataFrame, first_day: date, frame: pl.DataFrame, value: str) -> Spans:
    """Spans of a frame for `series` (store, product; each once), days counted from `first_day`.

    The frame: store (null: all), product, starts, `value`; `ends` (null or no such column: none), and likewise
    `known_from` (always) and `known_until` (still). Where spans overlap the later start holds; at equal starts the one
    for a single store.
    """
    numbered = series.select("store", "product", series=pl.int_range(pl.len()))
    for_one = frame.filter(pl.col("store").is_not_null()).join(numbered, on=["store", "product"])
    for_all = frame.filter(pl.col("store").is_null()).drop("store").join(numbered, on="product")
    columns = [name for name in ("ends", KNOWN_FROM, KNOWN_UNTIL) if name in frame.columns]
    parts = (part.select("series", "starts", value, *columns) for part in (for_all, for_one))
    both = pl.concat(part.with_columns(one=pl.lit(one)) for one, part in enumerate(parts))

    def index(name: str, otherwise: int) -> pl.Expr:
        if name not in both.columns:
            return pl.lit(otherwise, pl.Int32)
        return (pl.col(name) - first_day).dt.total_days().fill_null(otherwise).cast(pl.Int32)

    placed = both.with_columns(
        pl.col("series").cast(pl.Int32),
        first=index("starts", 0),
        last=index("ends", FOREVER),
        known=index(KNOWN_FROM, -FOREVER),
        until=index(KNOWN_UNTIL, FOREVER),
    ).sort("series", "first", "one", "known", "last", value)
    series_, first, last, known, until = (placed[name].to_numpy() for name in _INDICES)
    return Spans(series_, first, last, known, until, placed[value].cast(pl.Float64).to_numpy())


def _ordered(series: Ints, day: Ints) -> npt.NDArray[np.int64]:
    """Numbers that rise with the series, and within it with the day."""
    return (series.astype(np.int64) << 32) + day
