"""Reading what was known as_of a day from the lake."""

from datetime import date

import polars as pl

from lib.adapters.lake import Lake
from lib.contracts import INPUTS, KNOWN_FROM, KNOWN_UNTIL
from lib.features import spine
from lib.features.spine import VERSIONED, Inputs, Panel
from lib.settings import Chain, Recipe


def versions(lake: Lake) -> dict[str, int]:
    """Newest version of every input table, -1 where there is none."""
    return {name: lake.version(table) for name, table in INPUTS.items()}


def read(lake: Lake, *, as_of: date, chain: Chain, at: dict[str, int] | None = None) -> Inputs:
    """All input tables as known when `as_of` ended; `at` pins their versions, those that it lacks being empty."""

    def frame(name: str) -> pl.DataFrame:
        table = INPUTS[name]
        version = None if at is None else at.get(name, -1)
        if name in VERSIONED:
            return _ever_known(lake.scan(table, version=version), as_of).collect().sort(*table.key, KNOWN_FROM)
        return lake.scan(table, as_of=as_of, version=version).collect().sort(table.key)

    return Inputs(as_of, **{name: frame(name) for name in INPUTS}, country=chain.country, region=chain.region)


def panel(known: Inputs, recipe: Recipe) -> Panel:
    """What is known, laid out as the recipe wants it."""
    return spine.build(known, horizon=recipe.horizon, history_days=recipe.model.history_days)


def _ever_known(rows: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Rows that were true at the end of some day up to `as_of`; an end that came later is not known yet."""
    lasted = pl.col(KNOWN_UNTIL).is_null() | (pl.col(KNOWN_UNTIL) > pl.col(KNOWN_FROM))
    ended = pl.when(pl.col(KNOWN_UNTIL) <= as_of).then(KNOWN_UNTIL)
    return rows.filter((pl.col(KNOWN_FROM) <= as_of) & lasted).with_columns(ended)
