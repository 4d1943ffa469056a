"""The spine of every feature: series by days, with what was sold, when stores were shut, and what is planned."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.contracts import KNOWN_UNTIL
from lib.demand import correct
from lib.features import almanac
from lib.features.almanac import FAR, Almanac
from lib.features.arrays import Bools, Days, Floats, Ints, day_of

SILENCE_DAYS = 28
"""A series without a row for so long is no longer live."""
OUTAGE_DAYS = 7
"""From so many days without a row on a store counts as cut off from its till; in a shorter gap so far it was shut."""
WEEKEND_DAYS = 2
"""A whole store without a row for at most so many days was shut, whatever the source does with zeros."""
LONG_AGO = np.int32(-(2**20))
WRITTEN_SHARE = 0.1
"""A source writes zeros if there are more of them than this share of the rows that are missing on open days."""


VERSIONED = ("prices", "promotions", "weather")
"""Tables of :class:`Inputs` that keep all that was ever known, with `known_from` and `known_until`."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was known as_of a day: one frame per input table, in the form of its contract (empty if never delivered).

    Rows are those that are true as_of, in VERSIONED tables also those that were (`known_until` is null while a row is
    true): training rows of earlier origins may see the plan as it stood then, and no later one. Whoever wants to know
    what holds now asks :meth:`current`.
    """

    as_of: date
    sales: pl.DataFrame
    stores: pl.DataFrame
    products: pl.DataFrame
    assortment: pl.DataFrame
    prices: pl.DataFrame
    promotions: pl.DataFrame
    events: pl.DataFrame
    weather: pl.DataFrame
    hourly: pl.DataFrame
    country: str | None = None
    region: str | None = None

    def current(self, table: str) -> pl.DataFrame:
        """The rows of a table that are true as_of."""
        rows: pl.DataFrame = getattr(self, table)
        return rows.filter(pl.col(KNOWN_UNTIL).is_null()) if KNOWN_UNTIL in rows.columns else rows


@dataclass(frozen=True, slots=True)
class Panel:
    """S series by T days of history, and H days ahead. Day index T - 1 is the as_of, T its first day ahead.

    `sales` (S, T): units, NaN where unknown or where the store was shut. `demand` (S, T): the same, and on days that
    ran out what would have sold; all features and models look at it. `shut` (S, T): 1 the store was shut, 0 it was
    open, NaN unknown. What day t says depends on days up to t alone. `series` has store and product, `stores` the
    stores of the series; `almanac` reaches FAR days beyond the days ahead, so that their next holiday is in sight.
    """

    inputs: Inputs
    days: Days
    horizon: int
    series: pl.DataFrame
    stores: pl.DataFrame
    almanac: Almanac
    store_index: Ints
    product_index: Ints
    sales: Floats
    demand: Floats
    shut: Floats
    live: Bools

    @property
    def first_day(self) -> date:
        """The day with index 0."""
        return day_of(self.days[0])

    @property
    def history(self) -> int:
        """Number of days of history, T."""
        return int(self.sales.shape[1])

    @property
    def shape_ahead(self) -> tuple[int, int]:
        """S and T + H: the shape of what is known ahead."""
        return self.sales.shape[0], len(self.days)


def build(inputs: Inputs, *, horizon: int, history_days: int | None = None) -> Panel:
    """Lay the known sales out as a panel, sorted by store and product; `history_days` cuts off older days."""
    sales = inputs.sales.filter(pl.col("date") <= inputs.as_of)
    first = _first_day(sales, inputs.as_of, history_days)
    sales = sales.filter(pl.col("date") >= first)
    series = _series(sales, inputs.assortment, (inputs.as_of, horizon))
    stores = series.select("store").unique().sort("store").join(inputs.stores, on="store", how="left").sort("store")
    length = (inputs.as_of - first).days + 1
    days = np.datetime64(first, "D") + np.arange(length + horizon)
    store_index = _index_of(series["store"], stores["store"])
    product_index = _index_of(series["product"], series["product"].unique().sort())
    raw = _scatter(sales, series, first=first, shape=(series.height, length))
    units, shut = _zeros_told_apart(raw, store_index, _ran_out(sales, stores, first, raw.shape[1]))
    calendar = almanac.build(
        inputs.events, stores, days[0] + np.arange(len(days) + FAR), place=(inputs.country, inputs.region)
    )
    live = _live(raw, series, inputs, horizon)
    demand = _demand(units, inputs, series, first)
    return Panel(inputs, days, horizon, series, stores, calendar, store_index, product_index, units, demand, shut, live)


def _first_day(sales: pl.DataFrame, as_of: date, history_days: int | None) -> date:
    first: date = sales.select(pl.col("date").min().fill_null(as_of)).item()
    return first if history_days is None else max(first, as_of - timedelta(days=history_days - 1))


def _series(sales: pl.DataFrame, assortment: pl.DataFrame, ahead: tuple[date, int]) -> pl.DataFrame:
    """What was sold and what will be on the shelf on one of the days ahead (as_of, horizon)."""
    sold = sales.select("store", "product")
    ranged = _ranged(assortment, *ahead).select("store", "product")
    return pl.concat([sold, ranged]).unique().sort("store", "product")


def _ranged(assortment: pl.DataFrame, as_of: date, horizon: int) -> pl.DataFrame:
    """The assortment's rows that hold on one of the days ahead."""
    first, last = as_of + timedelta(days=1), as_of + timedelta(days=horizon)
    return assortment.filter((pl.col("starts") <= last) & (pl.col("ends").is_null() | (pl.col("ends") >= first)))


def _index_of(values: pl.Series, vocabulary: pl.Series) -> Ints:
    lookup = {value: index for index, value in enumerate(vocabulary.to_list())}
    return np.array([lookup[value] for value in values.to_list()], dtype=np.int32)


def _scatter(sales: pl.DataFrame, series: pl.DataFrame, *, first: date, shape: tuple[int, int]) -> Floats:
    placed = sales.join(series.with_row_index("series"), on=["store", "product"]).select(
        "series", "quantity", day=(pl.col("date") - first).dt.total_days()
    )
    out = np.full(shape, np.nan, np.float32)
    out[placed["series"].to_numpy(), placed["day"].to_numpy()] = placed["quantity"].to_numpy()
    return out


def _demand(units: Floats, inputs: Inputs, series: pl.DataFrame, first: date) -> Floats:
    """The sales, and on open days that ran out what would have sold; the same array where nothing ran out.

    Corrected from all that is known, so that it does not depend on how much history is laid out.
    """
    known = pl.col("date") <= inputs.as_of
    corrected = correct(inputs.sales.filter(known), inputs.hourly.filter(known), inputs.products)
    if not corrected.height:
        return units
    rows = corrected.filter(pl.col("date") >= first).with_columns(quantity="demand")
    estimated = _scatter(rows, series, first=first, shape=units.shape)
    return np.where(np.isnan(units) | np.isnan(estimated), units, estimated)


def _ran_out(sales: pl.DataFrame, stores: pl.DataFrame, first: date, days: int) -> Bools:
    """(G, T): the store ran out of something that day."""
    out = sales.filter("sold_out").select("store", day=(pl.col("date") - first).dt.total_days())
    placed = out.join(stores.select("store", group=pl.int_range(pl.len())), on="store")
    marks = np.zeros((stores.height, days), bool)
    marks[placed["group"].to_numpy(), placed["day"].to_numpy()] = True
    return marks


def _zeros_told_apart(raw: Floats, store_index: Ints, ran_out: Bools) -> tuple[Floats, Floats]:
    """Sales with shut days taken out, and the shut marks; `ran_out` (G, T) is of stores.

    A store that sold nothing at all was shut, unless it ran out. A source that writes no zeros leaves days out instead:
    there a missing row on an open day is a 0, and a short gap of a whole store means that it was shut. One that writes
    zeros for slow products may still write nothing on closing days: a day or two of a whole store are taken for these.
    """
    known = ~np.isnan(raw)
    sold = np.zeros(ran_out.shape, np.float32)
    seen = np.zeros(ran_out.shape, np.int32)
    np.add.at(sold, store_index, np.nan_to_num(raw))
    np.add.at(seen, store_index, known)
    empty = ~known & _recent(known, SILENCE_DAYS)
    left_out = ~_zeros_written(raw, empty & (seen > 0)[store_index])
    nothing = (sold <= 0) & ~ran_out
    shut = np.where(seen > 0, nothing.astype(np.float32), np.nan).astype(np.float32)
    gap = np.where(left_out, OUTAGE_DAYS, WEEKEND_DAYS + 1)
    shut[(seen == 0) & (_since(seen > 0) < gap)] = 1.0
    by_series = shut[store_index]
    units = np.where(by_series == 0, raw, np.nan).astype(np.float32)
    units[(by_series == 0) & empty & left_out] = 0.0
    return units, by_series


def _zeros_written(raw: Floats, missing: Bools) -> Bools:
    """(T,): whether, by the days up to t, the source writes a 0 where nothing was sold."""
    zeros, gaps = np.cumsum((raw == 0).sum(axis=0)), np.cumsum(missing.sum(axis=0))
    written: Bools = zeros > WRITTEN_SHARE * gaps
    return written


def _recent(known: Bools, days: int) -> Bools:
    """Whether one of the last `days` days, today included, was known."""
    recent: Bools = _since(known) < days
    return recent


def _since(known: Bools) -> Ints:
    """Days since the last known one, 0 on it; many before the first."""
    index = np.arange(known.shape[1], dtype=np.int32)
    return index - np.maximum.accumulate(np.where(known, index, LONG_AGO), axis=1)


def _live(raw: Floats, series: pl.DataFrame, inputs: Inputs, horizon: int) -> Bools:
    """Series to forecast: ranged on a day ahead if there is an assortment, else seen in the last weeks.

    A store that is closed for good is not forecast, nor one or a product that is gone from its table (if that is
    given): it goes by another name now.
    """
    live: Bools = np.any(~np.isnan(raw[:, -SILENCE_DAYS:]), axis=1)
    if inputs.assortment.height:
        live = _isin(series, _ranged(inputs.assortment, inputs.as_of, horizon), ["store", "product"])
    for known, key in ((inputs.stores, "store"), (inputs.products, "product")):
        if known.height:
            live &= _isin(series, known, [key])
    return live & ~_isin(series, inputs.stores.filter(pl.col("closed") <= inputs.as_of), ["store"])


def _isin(series: pl.DataFrame, other: pl.DataFrame, on: list[str]) -> Bools:
    marked: pl.DataFrame = series.join(
        other.select(on).unique().with_columns(found=True), on=on, how="left", maintain_order="left"
    )
    found: npt.NDArray[Any] = marked["found"].fill_null(value=False).to_numpy()
    return found.astype(bool)
