"""Demand on days that ran out: what was sold, and what the rest of the day would have sold."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from lib.contracts.outputs import DEMAND
from lib.demand import days as layout
from lib.demand import history, profile
from lib.demand.days import Days, Doubles, Ints
from lib.demand.history import Usual

EARLY = "same weekdays, since it ran out early"
SPAN = "usual last sale"
UNTIMED = "same weekdays, without a time"
NOTHING = "sales alone, nothing to go by"
BY_HOURS = tuple(f"hours of the {level}" for level in profile.LEVELS)
METHODS = (*BY_HOURS, SPAN, EARLY, UNTIMED, NOTHING)
"""How a row was estimated, in words."""
SCHEMA = pl.Schema({name: dtype for name, dtype in DEMAND.schema.items() if name != "as_of"})
UNKNOWN_SCATTER = 0.5
"""Relative scatter of a series without any history."""


class DemandConfig(BaseModel):
    """How much is needed to trust what. Tests vary it; it is no setting, since one set of values serves any chain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weeks: int = Field(26, ge=1, description="weeks that the usual hours are learned from")
    evidence: float = Field(100, gt=0, description="hours with sales from which a level weighs more than the next one")
    history_weight: float = Field(0.5, ge=0, description="share of a day that the usual same weekday counts for")
    smallest_share: float = Field(0.1, gt=0, lt=1, description="usual share sold below which it ran out too early")
    opening: float = Field(7, ge=0, lt=24, description="hour at which sales begin, where no hours are known")
    width: float = Field(2, ge=0, description="standard deviations from demand to its bounds")


DEFAULT = DemandConfig()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is seen of (N,) days by the time they ran out; NaN where that time tells nothing.

    `share`: usually sold by then. `counted`, units, are usually the share `counted_share`: they tell how fast it sold.
    `method`: index of METHODS.
    """

    share: Doubles
    counted: Doubles
    counted_share: Doubles
    method: Ints


def correct(
    sales: pl.DataFrame, hourly: pl.DataFrame, products: pl.DataFrame, config: DemandConfig = DEFAULT
) -> pl.DataFrame:
    """One row per series-day known to have sold out: `demand` without `as_of`, sorted by date, store, product.

    Frames are in the form of the input contracts; `hourly` and `products` may be empty. A row depends on days up to
    its own alone, so that later days change no earlier row. Demand and its lower bound are never below sales.
    """
    if not sales["sold_out"].any():
        return pl.DataFrame(schema=SCHEMA)
    days = layout.of(sales, hourly, products)
    asked = np.flatnonzero(days.sold_out)
    usual, seen = history.usual(days, asked), _seen(days, asked, config)
    sold = days.quantity[asked]
    timed = ~np.isnan(seen.share)
    demand = np.where(timed, sold + _rest(seen, sold, usual.mean, config), np.fmax(usual.at_least, sold))
    lower, upper = _bounds(demand, sold, seen, usual, config)
    named = pl.Series(METHODS)[_method(seen, usual, config)]
    figures = {"sales": sold, "demand": demand, "lower": lower, "upper": upper, "share_sold": seen.share}
    rows = days.frame[asked].with_columns(**{name: pl.Series(values) for name, values in figures.items()}, method=named)
    return rows.with_columns(pl.col("share_sold").fill_nan(None)).select(SCHEMA.names()).cast(SCHEMA).sort(DEMAND.key)


def _seen(days: Days, asked: Ints, config: DemandConfig) -> _Seen:
    """What the time tells. By hours, only what sold before the hour of the last unit says how fast it sold.

    That hour is seen because something sold in it: counted in, it would make every day look faster than it was (why
    inverse sampling has its (r - 1) / (n - 1)). Without the day's own hours all that was sold counts.
    """
    begun, gone, before = _times(days)
    known = ~np.isnan(gone[asked])
    rows = asked[known]
    shares = profile.by_hours(days, rows, (gone[rows], begun[rows]), weeks=config.weeks, evidence=config.evidence)
    span = profile.by_span(days, rows, days.last_sale[rows], weeks=config.weeks, opening=config.opening)
    timed = ~np.isnan(shares.by[0])
    own_hours = timed & ~np.isnan(before[rows])
    share = np.where(timed, shares.by[0], span)
    unknown = np.full(len(asked), np.nan)
    seen = _Seen(unknown, unknown.copy(), unknown.copy(), np.full(len(asked), METHODS.index(SPAN)))
    seen.share[known] = share
    seen.counted[known] = np.where(own_hours, before[rows], days.quantity[rows])
    seen.counted_share[known] = np.where(own_hours, shares.by[1], share)
    seen.method[known] = np.where(timed, shares.level, METHODS.index(SPAN))
    return seen


def _times(days: Days) -> tuple[Doubles, Doubles, Doubles]:
    """Of all days: beginning of the hour of the last unit, when it was gone, and units sold before that hour.

    NaN where not known. The time of the last sale is exact; else it went by the end of the last hour with sales.
    """
    told, rows = ~np.isnan(days.last_sale), days.hours.row
    gone, before = np.full(len(days.day), np.nan), np.full(len(days.day), np.nan)
    for hour, sold in enumerate(days.hours.sold):
        gone[rows[sold > 0]] = hour + 1
    begun = np.where(told, np.floor(days.last_sale), gone - 1)
    earlier = (np.where(begun[rows] > hour, sold, 0) for hour, sold in enumerate(days.hours.sold))
    before[rows] = np.where(np.isnan(gone[rows]), np.nan, sum(earlier, np.zeros(len(rows))))
    return begun, np.where(told, days.last_sale, gone), before


def _rest(seen: _Seen, sold: Doubles, mean: Doubles, config: DemandConfig) -> Doubles:
    """Units that the rest of the day would have sold: a day's sales at the speed seen, held to the usual ones."""
    weight = config.history_weight
    held = (seen.counted + weight * mean) / np.maximum(seen.counted_share + weight, config.smallest_share)
    alone = sold / np.maximum(seen.share, config.smallest_share)
    return (1 - seen.share) * np.where(np.isnan(mean), alone, held)


def _bounds(demand: Doubles, sold: Doubles, seen: _Seen, usual: Usual, config: DemandConfig) -> tuple[Doubles, Doubles]:
    """The scatter of a day's sales, less what is known: none is left when it ran out at the end of the day."""
    share = np.nan_to_num(seen.share)
    weight = max(config.history_weight, config.smallest_share)
    left = np.sqrt((1 - share) * weight / (share + weight))
    scatter = np.where(np.isnan(usual.scatter), UNKNOWN_SCATTER, usual.scatter)
    width = config.width * demand * scatter * left
    lower = np.where(np.isnan(seen.share), sold, np.maximum(demand - width, sold))
    return lower, demand + width


def _method(seen: _Seen, usual: Usual, config: DemandConfig) -> Ints:
    known = ~np.isnan(usual.mean)
    untimed = np.where(known, METHODS.index(UNTIMED), METHODS.index(NOTHING))
    early = known & (seen.share < config.smallest_share)
    return np.where(np.isnan(seen.share), untimed, np.where(early, METHODS.index(EARLY), seen.method))
