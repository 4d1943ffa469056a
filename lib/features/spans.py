"""What holds for a span of days, such as a promotion or a price, laid over series and days."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from lib.features.arrays import Bools, Floats, Ints
from lib.features.spine import Panel

FOREVER = 2**30
"""Index of the last day of a span without end."""


@dataclass(frozen=True, slots=True)
class Spans:
    """K spans of single series; where they overlap the later in order holds. All (K,).

    `first` and `last`: index of days, inclusive, which may lie outside of the panel. `known`: of the day from whose
    end on the span was known.
    """

    series: Ints
    first: Ints
    last: Ints
    known: Ints
    value: Floats

    def take(self, chosen: Bools) -> "Spans":
        """The chosen spans, in order."""
        return Spans(self.series[chosen], self.first[chosen], self.last[chosen], self.known[chosen], self.value[chosen])

    def once_known(self) -> "Spans":
        """Without the days before each was known."""
        return Spans(self.series, np.maximum(self.first, self.known), self.last, self.known, self.value)

    def over(self, first: int, shape: tuple[int, int]) -> Floats:
        """(S, W) values on the W days from index `first` on; NaN where no span lies."""
        begin = np.clip(self.first - first, 0, shape[1])
        length = np.maximum(np.clip(self.last - first + 1, 0, shape[1]) - begin, 0)
        which = np.repeat(np.arange(len(length)), length)
        day = np.arange(len(which)) + np.repeat(begin - (np.cumsum(length) - length), length)
        out = np.full(shape, np.nan, np.float32)
        out[self.series[which], day] = self.value[which]
        return out


def of(panel: Panel, frame: pl.DataFrame, value: str) -> Spans:
    """Spans of a frame: store (null: all), product, starts, ends (null: none), known_from (null: always), `value`.

    Where spans overlap the later start holds; at equal starts the one for a single store.
    """
    numbered = panel.series.select("store", "product", series=pl.int_range(pl.len()))
    for_one = frame.filter(pl.col("store").is_not_null()).join(numbered, on=["store", "product"])
    for_all = frame.filter(pl.col("store").is_null()).drop("store").join(numbered, on="product")
    columns = ["series", "starts", "ends", "known_from", value]
    both = pl.concat([for_all.select(*columns, one=pl.lit(0)), for_one.select(*columns, one=pl.lit(1))])

    def index(name: str, otherwise: int) -> pl.Expr:
        return (pl.col(name) - panel.first_day).dt.total_days().fill_null(otherwise).cast(pl.Int32)

    placed = both.sort("series", "starts", "one").select(
        pl.col("series").cast(pl.Int32),
        first=index("starts", 0),
        last=index("ends", FOREVER),
        known=index("known_from", -FOREVER),
        value=pl.col(value).cast(pl.Float32),
    )
    series, first, last, known = (placed[name].to_numpy() for name in ("series", "first", "last", "known"))
    return Spans(series, first, last, known, placed["value"].to_numpy())
