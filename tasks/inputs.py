"""Reading what was known as_of a day from the lake."""

from datetime import date

import polars as pl

from lib.adapters.lake import Lake, true_as_of
from lib.contracts import INPUTS, KNOWN_UNTIL
from lib.features.spine import Inputs
from lib.settings import Chain

VERSIONED = ("promotions", "weather")
"""Tables whose rows keep the day they became known, since training may not look at later plans and forecasts."""


def versions(lake: Lake) -> dict[str, int]:
    """Newest version of every input table, -1 where there is none."""
    return {name: lake.version(table) for name, table in INPUTS.items()}


def read(lake: Lake, *, as_of: date, chain: Chain, at: dict[str, int] | None = None) -> Inputs:
    """All input tables as known when `as_of` ended; `at` pins their versions."""

    def frame(name: str) -> pl.DataFrame:
        table = INPUTS[name]
        version = None if at is None else at[name]
        if name in VERSIONED:
            return lake.scan(table, version=version).filter(true_as_of(as_of)).drop(KNOWN_UNTIL).collect()
        return lake.scan(table, as_of=as_of, version=version).collect()

    frames = {name: frame(name).sort(INPUTS[name].key) for name in INPUTS}
    return Inputs(as_of, **frames, country=chain.country, region=chain.region)
