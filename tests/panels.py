"""A small made-up bakery: two stores and two products whose sales follow the weekday, laid out as a panel."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from lib.contracts import INPUTS
from lib.contracts.table import VERSIONING
from lib.features import spine
from lib.features.spine import VERSIONED, Inputs, Panel

AS_OF = date(2019, 3, 31)
"""A Sunday, three weeks before Easter."""
WEEKDAYS = (20, 22, 24, 26, 30, 50, 40)
ALWAYS = date(1900, 1, 1)


def sales(
    *,
    days: int = 200,
    as_of: date = AS_OF,
    stores: tuple[str, ...] = ("A", "B"),
    products: tuple[str, ...] = ("x", "y"),
) -> pl.DataFrame:
    """Daily sales up to `as_of`: the weekday's quantity times 1, 2, ... per series, with noise that never changes."""
    noise = np.random.default_rng(1)
    rows = []
    for number, (store, product) in enumerate((s, p) for s in stores for p in products):
        for back in range(days):
            day = as_of - timedelta(days=back)
            quantity = round(WEEKDAYS[day.weekday()] * (number + 1) * float(noise.uniform(0.8, 1.2)))
            rows.append({"date": day, "store": store, "product": product, "quantity": float(quantity)})
    return pl.DataFrame(rows, schema_overrides={"date": pl.Date}).pipe(table, "sales")


def table(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The frame in the contract's form, null where it says nothing; `known_from` and `known_until` are kept."""
    schema = INPUTS[name].business_schema
    known = [pl.col(column).cast(pl.Date) for column in VERSIONING if column in frame.columns]
    return frame.select(
        *(pl.col(n).cast(t) if n in frame.columns else pl.lit(None, t).alias(n) for n, t in schema.items()), *known
    )


def rows(name: str, *dicts: dict[str, Any]) -> pl.DataFrame:
    """Rows of a table from what each states."""
    if not dicts:
        return table(pl.DataFrame(schema={**INPUTS[name].business_schema, "known_from": pl.Date}), name)
    return table(pl.DataFrame(list(dicts), infer_schema_length=None), name)


def told(frame: pl.DataFrame) -> pl.DataFrame:
    """With `known_from` and `known_until`: known always and still, where that is not said."""
    said = {"known_from": pl.lit(ALWAYS), "known_until": pl.lit(None, pl.Date)}
    whole = frame.with_columns(**{name: value for name, value in said.items() if name not in frame.columns})
    return whole.select(pl.exclude(list(VERSIONING)), *VERSIONING)


def inputs(
    *, as_of: date = AS_OF, place: tuple[str | None, str | None] = ("DE", "BW"), **frames: pl.DataFrame
) -> Inputs:
    """What is known as_of: the made-up sales unless given, and empty tables of the rest."""
    filled = {name: frames.get(name, rows(name)) for name in INPUTS if name != "sales"}
    for name, frame in filled.items():
        filled[name] = told(frame) if name in VERSIONED else frame.drop(VERSIONING, strict=False)
    sold = frames.get("sales", sales(as_of=as_of))
    return Inputs(as_of, sales=sold, **filled, country=place[0], region=place[1])


def panel(*, horizon: int = 7, **given: Any) -> Panel:  # noqa: ANN401 - passed on to `inputs`
    """A panel of :func:`inputs`."""
    return spine.build(inputs(**given), horizon=horizon)
