"""The spine of every feature: series by days, with what was sold, when stores were shut, and what is planned."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.features import almanac
from lib.features.almanac import Almanac
from lib.features.arrays import Bools, Days, Floats, Ints

SILENCE_DAYS = 28
"""A series without a row for so long is no longer live."""
OUTAGE_DAYS = 7
"""A store without a row for so many days in a row had no delivery of data; a shorter gap means that it was shut."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was known as_of a day: one frame per input table, in the form of its contract (empty if never delivered).

    `promotions` and `weather` keep `known_from`, since training rows of earlier origins may not look at later plans.
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
    country: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """S series by T days of history, and H days ahead. Day index T - 1 is the as_of, T its first day ahead.

    `sales` (S, T): units, NaN where unknown or where the store was shut. `shut` (S, T): 1 the store was shut, 0 it was
    open, NaN unknown. `series` has store, product, name columns and the index of each series' store in `stores`.
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


def day_of(day: np.datetime64) -> date:
    """The calendar day."""
    return date.fromisoformat(str(day.astype("datetime64[D]")))


def build(inputs: Inputs, *, horizon: int, history_days: int | None = None) -> Panel:
    """Lay the known sales out as a panel, sorted by store and product; `history_days` cuts off older days."""
    sales = inputs.sales.filter(pl.col("date") <= inputs.as_of)
    first = _first_day(sales, inputs.as_of, history_days)
    sales = sales.filter(pl.col("date") >= first)
    series = _series(sales, inputs.assortment, inputs.as_of)
    stores = series.select("store").unique().sort("store").join(inputs.stores, on="store", how="left").sort("store")
    length = (inputs.as_of - first).days + 1
    days = np.datetime64(first, "D") + np.arange(length + horizon)
    store_index = _index_of(series["store"], stores["store"])
    product_index = _index_of(series["product"], series["product"].unique().sort())
    raw = _scatter(sales, series, first=first, shape=(series.height, length))
    units, shut = _zeros_told_apart(raw, store_index, stores.height)
    calendar = almanac.build(inputs.events, stores, days, place=(inputs.country, inputs.region))
    live = _live(raw, series, inputs)
    return Panel(inputs, days, horizon, series, stores, calendar, store_index, product_index, units, shut, live)


def spread(panel: Panel, spans: pl.DataFrame, value: str) -> Floats:
    """(S, T + H) values of dated spans (store or null, product, starts, ends or null, value); NaN outside of them.

    Where spans overlap the later start wins; at equal starts the one for a single store.
    """
    rows = panel.series.select("store", "product", series=pl.int_range(pl.len()))
    columns = ["series", "starts", "ends", value]
    for_one = (
        spans.filter(pl.col("store").is_not_null()).join(rows, on=["store", "product"]).select(*columns, one=pl.lit(1))
    )
    for_all = (
        spans.filter(pl.col("store").is_null()).drop("store").join(rows, on="product").select(*columns, one=pl.lit(0))
    )
    first, width = panel.first_day, len(panel.days)
    begin = (pl.col("starts") - first).dt.total_days().clip(0, width)
    end = (pl.col("ends") - first).dt.total_days().fill_null(width).clip(-1, width - 1) + 1
    by_day = (
        pl.concat([for_all, for_one])
        .sort("series", "starts", "one", maintain_order=True)
        .select("series", value, day=pl.int_ranges(begin, pl.max_horizontal(begin, end)))
        .explode("day")
        .drop_nulls("day")
    )
    out = np.full(panel.shape_ahead, np.nan, np.float32)
    out[by_day["series"].to_numpy(), by_day["day"].to_numpy()] = by_day[value].cast(pl.Float32).to_numpy()
    return out


def _first_day(sales: pl.DataFrame, as_of: date, history_days: int | None) -> date:
    first: date = sales.select(pl.col("date").min().fill_null(as_of)).item()
    return first if history_days is None else max(first, as_of - timedelta(days=history_days - 1))


def _series(sales: pl.DataFrame, assortment: pl.DataFrame, as_of: date) -> pl.DataFrame:
    sold = sales.select("store", "product")
    ranged = assortment.filter(pl.col("starts") <= as_of + timedelta(days=1)).select("store", "product")
    return pl.concat([sold, ranged]).unique().sort("store", "product")


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


def _zeros_told_apart(raw: Floats, store_index: Ints, stores: int) -> tuple[Floats, Floats]:
    """Sales with shut days taken out, and the shut marks.

    A store that sold nothing at all was shut. Sources that never write a 0 leave days out instead: there a missing
    row on an open day is a 0, and a short gap of a whole store means that it was shut.
    """
    known = ~np.isnan(raw)
    sold = np.zeros((stores, raw.shape[1]), np.float32)
    seen = np.zeros((stores, raw.shape[1]), np.int32)
    np.add.at(sold, store_index, np.nan_to_num(raw))
    np.add.at(seen, store_index, known)
    shut = np.where(seen > 0, (sold <= 0).astype(np.float32), np.nan).astype(np.float32)
    zeros_written = bool((raw == 0).any())
    if not zeros_written:
        shut[(seen == 0) & _within_life(seen > 0) & ~_outage(seen > 0)] = 1.0
    by_series = shut[store_index]
    units = np.where(by_series == 0, raw, np.nan).astype(np.float32)
    if not zeros_written:
        units[(by_series == 0) & ~known & _within_life(known) & ~_outage(known, days=SILENCE_DAYS)] = 0.0
    return units, by_series


def _within_life(known: Bools) -> Bools:
    """From the first known day on."""
    return np.logical_or.accumulate(known, axis=1)


def _outage(known: Bools, *, days: int = OUTAGE_DAYS) -> Bools:
    """Days inside gaps of at least `days` days."""
    width = known.shape[1]
    index = np.arange(width)
    before = np.maximum.accumulate(np.where(known, index, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, index, width)[:, ::-1], axis=1)[:, ::-1]
    return (after - before - 1 >= days) & ~known


def _live(raw: Floats, series: pl.DataFrame, inputs: Inputs) -> Bools:
    """Series to forecast: ranged on the day after as_of if there is an assortment, else seen in the last weeks."""
    business_date = inputs.as_of + timedelta(days=1)
    live: Bools = np.any(~np.isnan(raw[:, -SILENCE_DAYS:]), axis=1)
    if inputs.assortment.height:
        ranged = inputs.assortment.filter(
            (pl.col("starts") <= business_date) & (pl.col("ends").is_null() | (pl.col("ends") >= business_date))
        )
        live = _isin(series, ranged, ["store", "product"])
    gone = inputs.stores.filter(pl.col("closed") < business_date)
    return live & ~_isin(series, gone, ["store"])


def _isin(series: pl.DataFrame, other: pl.DataFrame, on: list[str]) -> Bools:
    marked: pl.DataFrame = series.join(other.select(on).unique().with_columns(found=True), on=on, how="left")
    found: npt.NDArray[Any] = marked["found"].fill_null(value=False).to_numpy()
    return found.astype(bool)
