"""Series-days as sorted arrays: who sold how much, whether it ran out, and when."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.contracts.inputs import HOURS

Doubles: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]

KEY = ("store", "product", "date")
WEEK = 7
THURSDAY, SATURDAY = 3, 5
"""1970-01-01 was a Thursday; weeks begin on Monday."""
NONE = -1
"""Code of a product without a family."""


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """Units per hour of R series-days, and which row of the days each is. Equal rows in equal order as the days."""

    row: Ints
    sold: tuple[Doubles, ...]

    def take(self, chosen: Bools) -> "Hours":
        """The chosen rows, in order."""
        return Hours(self.row[chosen], tuple(sold[chosen] for sold in self.sold))


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """N series-days, sorted by store, product and date; all arrays are (N,).

    `frame` has the key. `day` counts from a Monday. `in_stock`: known not to have run out; `sold_out`: known to have
    run out. `last_sale`: time of the last sale, hours since midnight, NaN if not known.
    """

    frame: pl.DataFrame
    hours: Hours
    store: Ints
    product: Ints
    family: Ints
    series: Ints
    day: Ints
    quantity: Doubles
    in_stock: Bools
    sold_out: Bools
    last_sale: Doubles

    @property
    def week(self) -> Ints:
        """Number of the calendar week."""
        return self.day // WEEK

    @property
    def weekend(self) -> Ints:
        """1 on Saturday and Sunday, else 0."""
        return (self.day % WEEK >= SATURDAY).astype(np.int64)


def of(sales: pl.DataFrame, hourly: pl.DataFrame, products: pl.DataFrame) -> Days:
    """Lay frames of the input contracts out; rows of `hourly` without a row of `sales` say nothing."""
    frame = sales.select(*KEY, "quantity", "sold_out", "last_sale_at").sort(KEY)
    store, product = _codes(frame["store"]), _codes(frame["product"])
    return Days(
        frame=frame.select(KEY),
        hours=_hours(frame, hourly),
        store=store,
        product=product,
        family=_families(frame["product"], products),
        series=_codes(pl.Series(store * (int(product.max(initial=0)) + 1) + product)),
        day=frame["date"].to_physical().to_numpy().astype(np.int64) + THURSDAY,
        quantity=frame["quantity"].to_numpy().astype(np.float64),
        in_stock=_in_stock(frame),
        sold_out=_bools(frame["sold_out"].fill_null(value=False)),
        last_sale=_clock(frame["last_sale_at"]),
    )


def _in_stock(frame: pl.DataFrame) -> Bools:
    """Days told not to have run out; as long as a store has only ever told of stock-outs, all others of it too."""
    said = pl.col("date").filter(~pl.col("sold_out")).min().over("store")
    silent = (pl.col("date") < said).fill_null(value=True)
    return _bools(frame.select((~pl.col("sold_out")).fill_null(silent)).to_series())


def _hours(frame: pl.DataFrame, hourly: pl.DataFrame) -> Hours:
    found = frame.select(KEY).with_row_index("row").join(hourly.select(*KEY, *HOURS), on=KEY).sort("row")
    sold = (found[name].fill_null(0.0).to_numpy().astype(np.float64) for name in HOURS)
    return Hours(found["row"].to_numpy().astype(np.int64), tuple(sold))


def _clock(moments: pl.Series) -> Doubles:
    hours = (moments - moments.dt.truncate("1d")).dt.total_microseconds() / 3.6e9
    return hours.fill_null(float("nan")).to_numpy().astype(np.float64)


def _codes(values: pl.Series) -> Ints:
    """0, 1, ... in the order of the values; NONE where null."""
    return (values.rank("dense").cast(pl.Int64) - 1).fill_null(NONE).to_numpy().astype(np.int64)


def _families(product: pl.Series, products: pl.DataFrame) -> Ints:
    family = products.select("product", "family")
    return _codes(product.to_frame().join(family, on="product", how="left", maintain_order="left")["family"])


def _bools(values: pl.Series) -> Bools:
    found: npt.NDArray[Any] = values.to_numpy()
    return found.astype(bool)
