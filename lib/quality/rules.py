"""Which rows may enter the lake. A rule is a named expression with a severity and a reason that says how to mend it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from lib.contracts import KNOWN_FROM, Column, Table
from lib.ingest.source import FILE, ROW, Extract, Fault, coming, refuse

_SERIES = ["store", "product"]
_USUAL, _TWIN = "usual", "twin"
_SPANS = {"assortment": ("starts", "ends"), "promotions": ("starts", "ends"), "stores": ("opened", "closed")}


class RulesConfig(BaseModel):
    """How far a quantity may stray before it is held back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_quantity_factor: float = Field(20, gt=1, description="times the usual quantity of the series")
    min_quantity: float = Field(100, ge=0, description="smaller quantities are never held back as absurd")
    min_history_days: int = Field(28, ge=1, description="days with sales before a series has a usual quantity")


@dataclass(frozen=True, slots=True)
class References:
    """What a batch is checked against; None or empty: not checked.

    `stores` and `products` are the identifiers that exist. `usual` has store, product and usual (units); a series that
    is not in it is measured by the batch itself, if that has enough of its history.
    """

    stores: pl.Series | None = None
    products: pl.Series | None = None
    usual: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """What may enter: `rows` (business columns, and `known_from` if given).

    `refused` is everything that may not, in the REFUSED schema: what the source refused and what the rules refused.
    """

    rows: pl.DataFrame
    refused: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Rule:
    """`broken` is true for the rows that have the fault; null is not broken."""

    broken: pl.Expr
    fault: Fault


def admit(extract: Extract, *, config: RulesConfig, today: date, references: References) -> Admission:
    """Split an extract by the rules of its table. The order of its rows does not matter."""
    table, rows = extract.table, extract.rows
    business = [*table.names, *(name for name in (KNOWN_FROM,) if name in rows.columns)]
    if table.name == "sales":
        rows = _with_usual(rows, config, references)
    checked = [
        (rows.select(rule.broken.fill_null(False)).to_series(), rule.fault)
        for rule in _rules(table, config=config, today=today, references=references)
    ]
    broken = [(flags, fault) for flags, fault in checked if flags.any()]
    refused = [refuse(rows.filter(flags), table=table, fault=fault, content=business) for flags, fault in broken]
    if broken:
        rows = rows.filter(~pl.any_horizontal(flags for flags, _ in broken))
    rows, repeated = _once(table, rows, business)
    return Admission(rows.select(business), pl.concat([extract.refused, *refused, *repeated]))


def usual_quantities(sales: pl.LazyFrame, config: RulesConfig) -> pl.LazyFrame:
    """95th percentile of the positive quantities per series (store, product, usual), of series with enough history."""
    return (
        sales.filter(pl.col("quantity") > 0)
        .group_by(_SERIES)
        .agg(pl.col("quantity").quantile(0.95).alias(_USUAL), pl.len().alias("days"))
        .filter(pl.col("days") >= config.min_history_days)
        .select(*_SERIES, _USUAL)
    )


def _rules(table: Table, *, config: RulesConfig, today: date, references: References) -> Iterator[Rule]:
    for column in table.columns:
        if column.minimum is not None or column.maximum is not None:
            yield _in_range(column)
    if table.known in ("after the day", "as issued"):
        yield _not_in_the_future(table, today)
    if table.name in _SPANS:
        yield _not_reversed(*_SPANS[table.name])
    if table.name == "sales":
        yield from _listed("store", references.stores)
        yield from _listed("product", references.products)
        yield _plausible(config)


def _in_range(column: Column) -> Rule:
    value = pl.col(column.name)
    low, high = column.minimum, column.maximum
    below = pl.lit(False) if low is None else value < low
    above = pl.lit(False) if high is None else value > high
    limits = f"below {low:g}" if high is None else f"above {high:g}" if low is None else f"outside {low:g} to {high:g}"
    percent = f" or, if it is in percent, set units = {{ {column.name} = 0.01 }} in source.toml" if high == 1 else ""
    reason = pl.format(f"{column.name} {{}} is {limits}; mend it at the source{{}}", value, pl.lit(percent))
    return Rule(below | above, Fault(f"{column.name}_is_in_range", "warning", reason))


def _not_in_the_future(table: Table, today: date) -> Rule:
    mend = "a forecast needs the day it was issued" if table.known == "as issued" else "nothing can have been sold yet"
    reason = pl.format(f"date {{}} lies after today, {today}: {mend}; mend the date at the source", pl.col("date"))
    return Rule(coming(table, after=today), Fault("date_is_not_in_the_future", "warning", reason))


def _not_reversed(starts: str, ends: str) -> Rule:
    reason = pl.format(f"{ends} {{}} is before {starts} {{}}; mend it at the source", ends, starts)
    return Rule(pl.col(ends) < pl.col(starts), Fault(f"{ends}_is_not_before_{starts}", "warning", reason))


def _listed(name: str, known: pl.Series | None) -> Iterator[Rule]:
    if known is not None and known.len():
        mend = "add it there (or mend its row there, if that was refused), or mend this row"
        reason = pl.format(f"{name} '{{}}' is not in the table {name}s; {mend}", name)
        yield Rule(~pl.col(name).is_in(known.unique().implode()), Fault(f"{name}_is_known", "warning", reason))


def _plausible(config: RulesConfig) -> Rule:
    quantity, usual = pl.col("quantity"), pl.col(_USUAL)
    absurd = (quantity > config.max_quantity_factor * usual) & (quantity > config.min_quantity)
    mend = "mend it at the source or, if it is true, raise rules.max_quantity_factor in the settings"
    text = f"quantity {{}} is more than {config.max_quantity_factor:g} times the usual {{}} of this series; {mend}"
    return Rule(absurd, Fault("quantity_is_plausible", "warning", pl.format(text, quantity, usual.round(1))))


def _with_usual(rows: pl.DataFrame, config: RulesConfig, references: References) -> pl.DataFrame:
    measured = usual_quantities(rows.lazy(), config).collect()
    known = measured.clear() if references.usual is None else references.usual.select(measured.columns)
    usual = pl.concat([known, measured.join(known, on=_SERIES, how="anti")])
    return rows.join(usual, on=_SERIES, how="left", maintain_order="left")


def _once(table: Table, rows: pl.DataFrame, business: list[str]) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Of equal rows the first stays; of rows that agree in the key only none, since which is right cannot be told."""
    key = [*table.key, *(name for name in (KNOWN_FROM,) if name in business)]
    hashes = rows.select(key).hash_rows()
    if hashes.n_unique() == rows.height:
        return rows, []
    # Equal keys have equal hashes. The exact comparison is slow, so it is made only where hashes are equal.
    suspect = hashes.is_duplicated()
    suspects = rows.filter(suspect).sort(FILE, ROW)
    place = pl.struct(FILE, ROW)
    is_first, shared = pl.struct(business).is_first_distinct(), pl.struct(key).is_duplicated()
    copies = suspects.with_columns(place.first().over(business).alias(_TWIN)).filter(~is_first)
    originals = suspects.filter(is_first)
    first, last = place.first().over(key), place.last().over(key)
    twins = originals.with_columns(pl.when(place == first).then(last).otherwise(first).alias(_TWIN)).filter(shared)
    kept = pl.concat([rows.filter(~suspect), originals.filter(~shared)])
    parts = ((copies, _repeats()), (twins, _contradicts(table)))
    return kept, [refuse(part, table=table, fault=fault, content=business) for part, fault in parts]


def _repeats() -> Fault:
    reason = pl.format("the same as {} row {}; nothing to mend", *_twin())
    return Fault("row_is_unique", "info", reason)


def _contradicts(table: Table) -> Fault:
    same = ", ".join(table.key)
    reason = pl.format(
        f"{same} are as in {{}} row {{}} but other values differ; keep one of them at the source", *_twin()
    )
    return Fault("key_is_unique", "warning", reason)


def _twin() -> tuple[pl.Expr, pl.Expr]:
    return pl.col(_TWIN).struct.field(FILE), pl.col(_TWIN).struct.field(ROW)
