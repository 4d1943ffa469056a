"""A simulated chain whose true demand is known: to try the system at any size, and to test that it finds effects."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.contracts import INPUTS, KNOWN_FROM, KNOWN_UNTIL
from lib.demo import market as markets
from lib.demo import plans, till
from lib.demo.market import FACTORS, Market
from lib.demo.plans import Chain
from lib.demo.scenario import SimulationConfig
from lib.features.spine import VERSIONED, Inputs

BY_STORE = ("sales", "hourly", "weather")
"""Tables that a streamed source has a file per store of."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """`frames`: every input table in the form of its contract with `known_from`, sorted by key.

    `truth`: one row per row of `sales`, in its order: date, store, product, `demand` (units, before stock ended it),
    `expected` (its mean), `baseline` (without any effect) and the factors FACTORS, which multiply up to `expected`.
    """

    config: SimulationConfig
    frames: dict[str, pl.DataFrame]
    truth: pl.DataFrame


def simulate(config: SimulationConfig) -> Simulation:
    """The whole chain in memory; :func:`stream` and :func:`write_stream` hold one store at a time."""
    parts = list(stream(config))
    frames = {name: pl.concat([part.frames[name] for part in parts]).unique(maintain_order=True) for name in _SHARED}
    own = {name: pl.concat([part.frames[name] for part in parts]) for name in INPUTS if name not in _SHARED}
    sales_order = INPUTS["sales"].key
    return Simulation(
        config,
        {name: frame.sort(INPUTS[name].key) for name, frame in {**frames, **own}.items()},
        pl.concat([part.truth for part in parts]).sort(sales_order),
    )


_SHARED = ("products", "prices", "promotions", "events")
"""Tables of which each store's part repeats what holds for all."""


def stream(config: SimulationConfig) -> Iterator[Simulation]:
    """One store after the other; what holds for all stores is in each part."""
    chain = plans.chain(config)
    holidays = plans.holidays(chain)
    shared = {
        "products": plans.products(chain).with_columns(pl.lit(config.first_day).alias(KNOWN_FROM)),
        "prices": plans.prices(chain),
        "promotions": plans.promotions(chain, chain.depth),
        "events": holidays,
    }
    index = (holidays["date"] - config.first_day).dt.total_days().to_numpy()
    for number in range(config.stores):
        yield _store(chain, shared, number, index)


def inputs(simulation: Simulation, *, as_of: date) -> Inputs:
    """What was known when `as_of` ended, as the features read it."""
    still = pl.lit(None, pl.Date).alias(KNOWN_UNTIL)
    known = {name: frame.filter(pl.col(KNOWN_FROM) <= as_of) for name, frame in simulation.frames.items()}
    frames: dict[str, Any] = {
        name: frame.with_columns(still) if name in VERSIONED else frame.drop(KNOWN_FROM)
        for name, frame in known.items()
    }
    return Inputs(as_of, **frames)


def write(simulation: Simulation, folder: Path) -> None:
    """Write the source files, which carry `known_from`; tables without rows have none."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in simulation.frames.items():
        if frame.height:
            frame.write_parquet(folder / f"{name}.parquet")


def write_stream(config: SimulationConfig, folder: Path) -> int:
    """Write the source files store by store, with a source.toml; the number of rows of sales."""
    folder.mkdir(parents=True, exist_ok=True)
    rest: dict[str, list[pl.DataFrame]] = {name: [] for name in INPUTS if name not in BY_STORE}
    rows = 0
    for number, part in enumerate(stream(config)):
        rows += part.frames["sales"].height
        for name in BY_STORE:
            if part.frames[name].height:
                part.frames[name].write_parquet(folder / f"{name}_{number:05d}.parquet")
        for name, parts in rest.items():
            parts.append(part.frames[name])
    for name, parts in rest.items():
        pl.concat(parts).unique(maintain_order=True).write_parquet(folder / f"{name}.parquet")
    named = [name for name in BY_STORE if any(folder.glob(f"{name}_*.parquet"))]
    text = "\n".join(f'[{name}]\nfile = "{name}_*.parquet"\n' for name in named)
    (folder / "source.toml").write_text(text, encoding="utf-8")
    return rows


def _store(chain: Chain, shared: dict[str, pl.DataFrame], number: int, holidays: npt.NDArray[np.int64]) -> Simulation:
    """One store; what it draws depends on the seed and its number alone."""
    config, store = chain.config, f"S{number:04d}"
    rng = np.random.default_rng([config.seed, number])
    new = number >= max(config.stores - config.new_stores, 1)
    opened = int(config.days * rng.uniform(0.5, 0.8)) if new else 0
    found = markets.market(chain, rng, opened=opened, holidays=holidays)
    frames = {
        "stores": _stores(chain, store, opened),
        "assortment": _assortment(chain, store, opened),
        "weather": _weather(chain, found, store),
        **till.sales(chain, found, rng, store),
        **shared,
        "promotions": pl.concat([shared["promotions"], plans.promotions(chain, found.local, store)]),
        "events": pl.concat([shared["events"], _fairs(chain, found, store)], how="diagonal"),
    }
    formed = {name: _formed(frames[name] if name in frames else pl.DataFrame(), name) for name in INPUTS}
    return Simulation(config, formed, _truth(chain, found, store))


def _formed(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """In the contract's form, with `known_from`; null where it says nothing."""
    schema = {**INPUTS[name].business_schema, KNOWN_FROM: pl.Date()}
    if not frame.width:
        return pl.DataFrame(schema=schema)
    return frame.select(
        pl.col(column).cast(dtype) if column in frame.columns else pl.lit(None, dtype).alias(column)
        for column, dtype in schema.items()
    )


def _stores(chain: Chain, store: str, opened: int) -> pl.DataFrame:
    first = chain.config.first_day if not opened else None
    return pl.DataFrame(
        {"store": [store], "name": [f"Store {store}"], "opened": plans.dates(chain, np.array([opened]))}
    ).with_columns(plans.told(chain.config, "opened"), opened=pl.lit(None, pl.Date) if first else pl.col("opened"))


def _assortment(chain: Chain, store: str, opened: int) -> pl.DataFrame:
    first = np.maximum(chain.first, opened)
    ends = plans.dates(chain, chain.last)
    ranges = pl.DataFrame({"product": chain.names, "starts": plans.dates(chain, first), "ends": ends})
    endless = pl.Series(chain.last == chain.config.days - 1)
    sold = ranges.with_columns(
        plans.told(chain.config, "starts"), store=pl.lit(store), ends=pl.when(~endless).then("ends")
    )
    return sold.filter(pl.Series(chain.last >= first))


def _weather(chain: Chain, found: Market, store: str) -> pl.DataFrame:
    date, sky = pl.Series("date", plans.dates(chain, np.arange(chain.config.days))), found.sky
    eve = date.dt.offset_by("-1d")
    seen = {"date": date, "temperature": sky.temperature, "precipitation": sky.rain, KNOWN_FROM: date}
    told = {"date": date, "temperature": sky.temperature_told, "precipitation": sky.rain_told, KNOWN_FROM: eve}
    both = [pl.DataFrame(seen), pl.DataFrame(told).with_columns(issued=eve)]
    return pl.concat(both, how="diagonal").with_columns(store=pl.lit(store))


def _fairs(chain: Chain, found: Market, store: str) -> pl.DataFrame:
    days = plans.dates(chain, np.flatnonzero(found.fair))
    fairs = pl.DataFrame({"date": days}).with_columns(name=pl.lit("fair"), kind=pl.lit("local"), store=pl.lit(store))
    return fairs.with_columns(plans.told(chain.config, "date"))


def _truth(chain: Chain, found: Market, store: str) -> pl.DataFrame:
    day, product = np.nonzero(found.ranged.T)
    figures = {"demand": found.demand.astype(np.float64), "expected": found.expected, "baseline": found.baseline}
    figures |= {name: found.factors[name] for name in FACTORS}
    keys = {"date": plans.dates(chain, day), "product": chain.names[product]}
    made = pl.DataFrame({**keys, **{name: values[product, day] for name, values in figures.items()}})
    return made.select("date", pl.lit(store).alias("store"), pl.exclude("date"))
