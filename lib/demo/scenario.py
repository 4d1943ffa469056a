"""What a simulated chain is like: its size, how customers respond, and what goes wrong in its shops."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class Effects(BaseModel):
    """How customers respond. Each multiplies demand; 0 switches it off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lift: float = Field(2.0, ge=0, description="gain per unit of discount: 2 sells 60 % more at 0.3 off")
    cannibalization: float = Field(0.5, ge=0, le=1, description="share of the gain that the rest of the family loses")
    halo: float = Field(0.5, ge=0, description="gain of the complement family per relative gain of the promoted one")
    elasticity: float = Field(-1.2, le=0, description="power of the list price, against the first one")
    warmth: float = Field(0.01, description="relative change per degree C above the season")
    rain: float = Field(-0.01, description="relative change per mm of rain, up to 20 mm")
    local_event: float = Field(0.3, gt=-1, description="relative change on the day of a local event")
    holiday: float = Field(-0.3, gt=-1, description="relative change on a public holiday")


class SimulationConfig(BaseModel):
    """The chain. Equal values give equal frames; a store is the same however many others there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stores: int = Field(5, ge=1)
    products: int = Field(12, ge=1)
    families: int = Field(3, ge=1, description="products go to them in turn; each complements the next")
    days: int = Field(730, ge=1)
    first_day: date = date(2023, 1, 2)
    seed: int = Field(1, ge=0)
    units: float = Field(25, gt=0, description="sales of a usual series on a usual day")
    dispersion: float | None = Field(20, gt=0, description="size of the negative binomial; none: Poisson")
    season: float = Field(0.15, ge=0, lt=1, description="relative swing over the year")
    promotion_share: float = Field(0.06, ge=0, le=1, description="of weeks a product is on promotion in all stores")
    local_promotion_share: float = Field(0.04, ge=0, le=1, description="likewise, in one store alone")
    discounts: tuple[float, ...] = Field((0.1, 0.2, 0.3), min_length=1)
    price_changes: float = Field(1.5, ge=0, description="of a product's list price, a year")
    told_days: int = Field(21, ge=0, description="so long before their first day plans and prices are known")
    stock_out_share: float = Field(0.04, ge=0, le=1, description="of days on which too little is baked")
    late_share: float = Field(0.01, ge=0, le=1, description="of rows that arrive one to five days late")
    new_product_share: float = Field(0.1, ge=0, le=1, description="of products that start after the first day")
    ended_product_share: float = Field(0.1, ge=0, le=1, description="of products that end before the last day")
    new_stores: int = Field(1, ge=0, description="stores, the last ones, that open after half of the days")
    hourly: bool = Field(default=False, description="with sales per hour")
    effects: Effects = Effects()
