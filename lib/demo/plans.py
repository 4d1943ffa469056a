"""What a simulated chain has decided beforehand: products, ranges, price lists, promotions and holidays."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.demo.scenario import SimulationConfig

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Generator = np.random.Generator

WEEK, YEAR = 7, 365.25
HOLIDAYS = {(1, 1): "New Year", (5, 1): "First of May", (10, 3): "Third of October", (12, 26): "Second of Christmas"}
WEEKDAYS = np.array([0.85, 0.85, 0.9, 0.95, 1.1, 1.35, 1.0])
COST_SHARES = {"unit_cost": 0.35, "salvage": 0.05, "lost_sale_cost": 0.1}
"""Of the first list price."""
NO_STORE = 2**31
"""Stands in a seed where stores have their number."""


@dataclass(frozen=True, slots=True)
class Chain:
    """P products over D days, the same in all stores.

    `family`, `level` (P,); `shape` (P, D): weekday and season; `price` (P, D): list prices; `depth` (P, D): discount in
    all stores, 0 where there is none; `first`, `last` (P,): indices of the first and last day in the range.
    """

    config: SimulationConfig
    names: pl.Series
    family: Integers
    level: Doubles
    shape: Doubles
    price: Doubles
    depth: Doubles
    first: Integers
    last: Integers

    @property
    def days(self) -> npt.NDArray[np.datetime64]:
        """(D,) days."""
        return np.datetime64(self.config.first_day, "D") + np.arange(self.config.days)


def chain(config: SimulationConfig) -> Chain:
    """What all stores have in common."""
    rng = np.random.default_rng([config.seed, NO_STORE])
    products, days = config.products, config.days
    new, ended = (
        rng.uniform(size=products) < share for share in (config.new_product_share, config.ended_product_share)
    )
    first = np.where(new, (days * rng.uniform(0.3, 0.9, products)).astype(int), 0)
    last = np.where(ended & ~new, (days * rng.uniform(0.5, 0.95, products)).astype(int), days - 1)
    family = np.arange(products) % config.families
    return Chain(
        config,
        pl.Series("product", [f"P{number:04d}" for number in range(products)]),
        family,
        rng.lognormal(0, 0.4, products),
        _shape(rng, config, family),
        _price_list(rng, config),
        promoted(rng, config, config.promotion_share),
        first,
        last,
    )


def promoted(rng: Generator, config: SimulationConfig, share: float) -> Doubles:
    """(P, D) discounts of whole weeks drawn with probability `share`; 0 elsewhere."""
    weeks = -(-config.days // WEEK)
    shape = config.products, weeks
    depth = np.where(rng.uniform(size=shape) < share, rng.choice(config.discounts, size=shape), 0.0)
    return np.repeat(depth, WEEK, axis=1)[:, : config.days]


def _shape(rng: Generator, config: SimulationConfig, family: Integers) -> Doubles:
    days = np.arange(config.days)
    weekday = WEEKDAYS ** rng.uniform(0.5, 1.5, (config.products, 1))
    start = (config.first_day.weekday() + days) % WEEK
    peak = rng.uniform(0, YEAR, config.families)[family][:, None]
    of_year = 2 * np.pi * (config.first_day.timetuple().tm_yday + days - peak) / YEAR
    return np.asarray(weekday[:, start] * (1 + config.season * np.cos(of_year)))


def _price_list(rng: Generator, config: SimulationConfig) -> Doubles:
    shape = config.products, config.days
    steps = np.where(
        rng.uniform(size=shape) < config.price_changes / YEAR, np.log1p(rng.uniform(-0.15, 0.25, shape)), 0.0
    )
    steps[:, 0] = 0
    first = rng.uniform(0.8, 4.0, (config.products, 1))
    return np.asarray(np.round(first * np.exp(np.cumsum(steps, axis=1)), 2))


def products(chain: Chain) -> pl.DataFrame:
    """The table `products`."""
    first = chain.price[:, 0]
    costs = {name: np.round(share * first, 3) for name, share in COST_SHARES.items()}
    family = pl.Series([f"family {number}" for number in chain.family])
    return pl.DataFrame({"product": chain.names, "name": "Product " + chain.names, "family": family, **costs})


def prices(chain: Chain) -> pl.DataFrame:
    """The table `prices`, of all stores."""
    changed = np.diff(chain.price, axis=1, prepend=0.0) != 0
    product, day = np.nonzero(changed)
    listed = {"product": chain.names[product], "starts": dates(chain, day), "price": chain.price[product, day]}
    return pl.DataFrame(listed).with_columns(told(chain.config, "starts"))


def promotions(chain: Chain, depth: Doubles, store: str | None = None) -> pl.DataFrame:
    """The table `promotions` of one store, or of all: one row per product and week of (P, D) discounts."""
    product, week = np.nonzero(depth[:, ::WEEK])
    starts = dates(chain, week * WEEK)
    planned = {
        "product": chain.names[product],
        "starts": starts,
        "ends": starts.dt.offset_by(f"{WEEK - 1}d"),
        "discount": depth[product, week * WEEK],
    }
    where, how = pl.lit(store, pl.String).alias("store"), pl.lit("price cut").alias("mechanism")
    return pl.DataFrame(planned).with_columns(told(chain.config, "starts"), where, how)


def holidays(chain: Chain) -> pl.DataFrame:
    """Public holidays, as rows of `events`, known all along."""
    found: list[dict[str, Any]] = []
    for number in range(chain.config.days):
        day = chain.config.first_day + timedelta(days=number)
        if name := HOLIDAYS.get((day.month, day.day)):
            found.append({"date": day, "name": name, "kind": "public_holiday"})
    known = pl.lit(chain.config.first_day).alias("known_from")
    schema = {"date": pl.Date, "name": pl.String, "kind": pl.String}
    return pl.DataFrame(found, schema=schema).with_columns(known)


def dates(chain: Chain, index: npt.NDArray[Any]) -> pl.Series:
    """Calendar days of indices."""
    return pl.Series(chain.days[index].astype("datetime64[ms]"), dtype=pl.Datetime("ms")).cast(pl.Date)


def told(config: SimulationConfig, column: str) -> pl.Expr:
    """`known_from` of what starts on a day."""
    return pl.col(column).dt.offset_by(f"-{config.told_days}d").alias("known_from")
