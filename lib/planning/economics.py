"""What a unit too many and a unit too few cost, and the service level that follows from it."""

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lib.contracts import QUANTILE_LEVELS
from lib.features import spans
from lib.features.spine import Inputs

PAID_DAYS = 56
KEY = ("store", "product", "date")
TERMS = (*KEY, "price", "underage", "overage", "service_level", "tray", "minimum_display", "capacity")
_MONEY = ("unit_cost", "salvage", "lost_sale_cost")


class OrderConfig(BaseModel):
    """Costs of products whose own are not known, as shares of the list price, and the limits of the service level.

    By the defaults a lost sale costs three times a wasted unit: 1 - 0.3 + 0.2 against 0.3, a service level of 0.75.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: float = Field(1.0, gt=0, description="of a product whose price nobody knows: its costs are relative then")
    unit_cost_share: float = Field(0.3, gt=0, lt=1, description="what a unit costs to make")
    salvage_share: float = Field(0.0, ge=0, lt=1, description="what an unsold unit still brings")
    lost_sale_share: float = Field(0.2, ge=0, description="goodwill lost with a unit not to be had, besides its margin")
    lowest_service_level: float = Field(0.3, ge=0, le=1, description="below it the shelf would be empty most days")
    highest_service_level: float = Field(QUANTILE_LEVELS[-1], ge=0, le=1, description="beyond it quantiles are guesses")

    @model_validator(mode="after")
    def _sound(self) -> "OrderConfig":
        if self.salvage_share >= self.unit_cost_share:
            message = "salvage_share must be below unit_cost_share: else waste costs nothing"
            raise ValueError(message)
        if self.lowest_service_level > self.highest_service_level:
            message = "lowest_service_level must not be above highest_service_level"
            raise ValueError(message)
        return self


def terms(inputs: Inputs, rows: pl.DataFrame, *, config: OrderConfig) -> pl.DataFrame:
    """The TERMS of each row of `rows` (store, product, date, each once), in its order; currency per unit, units.

    `underage` = price - unit cost + lost-sale cost is what a unit too few costs, `overage` = unit cost - salvage what
    a unit too many costs; the service level is the critical fractile underage / (underage + overage), kept within the
    limits. Where an unsold unit brings back all it cost, overage is 0 and the level the highest. Where a sale does not
    even cover its unit the costs on file are not believed and the shares of the price stand in, since an order of
    nothing would empty the shelf for a typing error. A discount lowers neither, be it planned or over: what is
    advertised must be there. `capacity` is null without a limit.
    """
    known = (
        _priced(inputs, rows.select(KEY))
        .join(inputs.products.select("product", *_MONEY, "tray", "minimum_display"), on="product", how="left")
        .join(inputs.stores.select("store", "capacity"), on="store", how="left")
    )
    return (
        known.with_columns(price=_price(config))
        .with_columns(*_filled(config))
        .with_columns(*_costs(config))
        .with_columns(service_level=_service_level(config))
        .sort("row")
        .select(TERMS)
    )


def usually_paid(sales: pl.DataFrame) -> pl.DataFrame:
    """Store, product and `paid`: the median price of the PAID_DAYS days up to its newest, so that no discount shows.

    Sorted; without series of which no price is known.
    """
    late = pl.col("date") > pl.col("date").max() - pl.duration(days=PAID_DAYS)
    known = sales.filter(pl.col("price") > 0).group_by("store", "product")
    return known.agg(paid=pl.col("price").filter(late).median()).sort("store", "product")


def _price(config: OrderConfig) -> pl.Expr:
    """The best price there is: listed, paid here, paid elsewhere, as follows from the unit cost, or the default."""
    usual = pl.col("unit_cost") / config.unit_cost_share
    ladder = [
        pl.when(price > 0).then(price) for price in (pl.col("listed"), pl.col("paid"), pl.col("elsewhere"), usual)
    ]
    return pl.coalesce(*ladder, pl.lit(config.price))


def _filled(config: OrderConfig) -> list[pl.Expr]:
    shares = (config.unit_cost_share, config.salvage_share, config.lost_sale_share)
    return [
        *(pl.col(name).fill_null(share * pl.col("price")) for name, share in zip(_MONEY, shares, strict=True)),
        pl.col("tray").fill_null(1.0),
        pl.col("minimum_display").fill_null(0.0),
    ]


def _costs(config: OrderConfig) -> list[pl.Expr]:
    underage = pl.col("price") - pl.col("unit_cost") + pl.col("lost_sale_cost")
    overage = (pl.col("unit_cost") - pl.col("salvage")).clip(0)
    usual_underage = (1 - config.unit_cost_share + config.lost_sale_share) * pl.col("price")
    usual_overage = (config.unit_cost_share - config.salvage_share) * pl.col("price")
    return [
        pl.when(underage > 0).then(underage).otherwise(usual_underage).alias("underage"),
        pl.when(underage > 0).then(overage).otherwise(usual_overage).alias("overage"),
    ]


def _service_level(config: OrderConfig) -> pl.Expr:
    """Rounded, so that equal costs in another currency give an equal order."""
    fractile = pl.col("underage") / (pl.col("underage") + pl.col("overage"))
    return fractile.clip(config.lowest_service_level, config.highest_service_level).round(6)


def _priced(inputs: Inputs, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, numbered, with `listed`, `paid` (in the store) and `elsewhere` (mean over stores), null if unknown."""
    paid = usually_paid(inputs.sales.filter(pl.col("date") <= inputs.as_of))
    elsewhere = paid.group_by("product", maintain_order=True).agg(elsewhere=pl.col("paid").mean())
    return (
        rows.with_row_index("row")
        .with_columns(_listed(inputs, rows))
        .join(paid, on=["store", "product"], how="left")
        .join(elsewhere, on="product", how="left")
    )


def _listed(inputs: Inputs, rows: pl.DataFrame) -> pl.Series:
    """`listed` of each row: the list price of its day as known now, null without one."""
    series = rows.select("store", "product").unique(maintain_order=True)
    numbered = rows.join(series.with_row_index("series"), on=["store", "product"], how="left", maintain_order="left")
    day = (numbered["date"] - inputs.as_of).dt.total_days()
    prices = spans.laid(series, inputs.as_of, inputs.prices, "price")
    place, ahead = (column.cast(pl.Int32).to_numpy() for column in (numbered["series"], day))
    return pl.Series("listed", prices.at(place, ahead, np.zeros_like(ahead))).fill_nan(None)
