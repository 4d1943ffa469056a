"""What goes into the books: forecasts with the names, promotions and holidays of their days."""

from collections.abc import Collection
from datetime import date

import numpy as np
import polars as pl

from lib.contracts.outputs import DRIVER_COLUMNS
from lib.features import almanac
from lib.features.spine import Inputs

LOW, HIGH = "q10", "q90"
"""The range that books show: four days in five end inside it."""
_SERIES = ["store", "product"]


def forecast_rows(forecasts: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
    """Rows of a book's forecast from rows of `forecasts`: names, order, range, promotion, holidays, reason, drivers."""
    stores = (
        forecasts.select("store")
        .unique()
        .sort("store")
        .join(inputs.stores, on="store", how="left", maintain_order="left")
    )
    days = _days(*forecasts.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0))
    return (
        named(forecasts, inputs)
        .join(_promotions(inputs.current("promotions"), forecasts), on=["store", "product", "date"], how="left")
        .join(_holidays(inputs, stores, days), on=["store", "date"], how="left")
        .rename({LOW: "low", HIGH: "high"})
        .select(
            *("store", "store_name", "product", "product_name", "date", "forecast", "low", "high"),
            *("promotion", "holiday", pl.col("school_holiday").fill_null(value=False), "method", "reason"),
            *("order", *DRIVER_COLUMNS),
        )
        .sort("store", "product", "date")
    )


def comparison(forecasts: pl.DataFrame, inputs: Inputs, *, day: date) -> pl.DataFrame:
    """What had been forecast for `day` beside its sales; either may be missing (null)."""
    said = forecasts.filter(pl.col("date") == day).select(*_SERIES, "forecast")
    sold = inputs.sales.filter(pl.col("date") == day).select(*_SERIES, actual="quantity")
    both = said.join(sold, on=_SERIES, how="full", coalesce=True).with_columns(date=pl.lit(day))
    columns = ("store", "store_name", "product", "product_name", "date", "forecast", "actual")
    return named(both, inputs).select(columns).sort("store", "product")


def of_stores(rows: pl.DataFrame, stores: Collection[str]) -> pl.DataFrame:
    """The rows of these stores; of all if none is named."""
    return rows.filter(pl.col("store").is_in(list(stores))) if stores else rows


def named(rows: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
    """Rows with `store_name` and `product_name`; the identifier stands in for a name that is not known."""
    stores = inputs.stores.select("store", store_name="name")
    products = inputs.products.select("product", product_name="name")
    joined = rows.join(stores, on="store", how="left").join(products, on="product", how="left")
    return joined.with_columns(
        pl.coalesce("store_name", "store").alias("store_name"),
        pl.coalesce("product_name", "product").alias("product_name"),
    )


def _promotions(plan: pl.DataFrame, forecasts: pl.DataFrame) -> pl.DataFrame:
    """`promotion` in words per store, product and date; the deepest where several are planned."""
    asked = forecasts.select("store", "product", "date").unique()
    planned = asked.join(plan.rename({"store": "planned_store"}), on="product").filter(
        pl.col("date").is_between(pl.col("starts"), pl.col("ends"))
        & (pl.col("planned_store").is_null() | (pl.col("planned_store") == pl.col("store")))
    )
    depth = (pl.col("discount") * 100).round(0).cast(pl.Int64)
    words = pl.when(pl.col("discount") > 0).then(pl.format("Promotion -{} %", depth)).otherwise(pl.lit("Promotion"))
    deepest = planned.with_columns(promotion=words).sort("discount", nulls_last=False)
    return deepest.unique(["store", "product", "date"], keep="last", maintain_order=True).select(
        "store", "product", "date", "promotion"
    )


def _holidays(
    inputs: Inputs, stores: pl.DataFrame, days: np.ndarray[tuple[int], np.dtype[np.datetime64]]
) -> pl.DataFrame:
    """`holiday` (name or null) and `school_holiday` per store and date."""
    marked = almanac.build(inputs.events, stores, days, place=(inputs.country, inputs.region))
    names = np.array(marked.names, dtype=object)[marked.holiday]
    return pl.DataFrame(
        {
            "store": np.repeat(stores["store"].to_numpy(), len(days)).tolist(),
            "date": np.tile(days.astype("datetime64[ms]"), stores.height),
            "holiday": [name or None for name in names.ravel().tolist()],
            "school_holiday": marked.school.ravel(),
        },
        schema_overrides={"holiday": pl.String, "store": pl.String},
    ).with_columns(pl.col("date").cast(pl.Date))


def _days(first: date, last: date) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return np.datetime64(first, "D") + np.arange((last - first).days + 1)
