"""What a unit too many and a unit too few cost, and the service level that follows from it."""

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lib.contracts import QUANTILE_LEVELS
from lib.features.spine import Inputs

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
    nothing would empty the shelf for a typing error. A planned discount lowers neither: what is advertised must be
    there. `capacity` is null without a limit.
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
    paid = (
        inputs.sales.filter((pl.col("date") <= inputs.as_of) & (pl.col("price") > 0))
        .group_by("store", "product")
        .agg(paid=pl.col("price").sort_by("date").last())
        .sort("store", "product")
    )
    elsewhere = paid.group_by("product").agg(elsewhere=pl.col("paid").mean())
    return (
        _listed(inputs.prices, rows.with_row_index("row"))
        .join(paid, on=["store", "product"], how="left")
        .join(elsewhere, on="product", how="left")
    )


def _listed(prices: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the list price of the day: the latest to start; the store's own where two start together."""
    lists = prices.select("store", "product", "starts", "price").sort("starts")
    own = lists.drop_nulls("store").rename({"starts": "own_starts", "price": "own"})
    common = (
        lists.filter(pl.col("store").is_null()).drop("store").rename({"starts": "common_starts", "price": "common"})
    )
    found = (
        rows.sort("date")
        .join_asof(
            own, left_on="date", right_on="own_starts", by=["store", "product"], check_sortedness=False, coalesce=False
        )
        .join_asof(
            common, left_on="date", right_on="common_starts", by="product", check_sortedness=False, coalesce=False
        )
    )
    later = pl.col("own_starts") >= pl.col("common_starts").fill_null(pl.col("own_starts"))
    return found.with_columns(listed=pl.when(later).then("own").otherwise("common"))
