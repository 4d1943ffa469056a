"""How a batch changes what is known: new rows are added, differing ones supersede, and nothing is ever overwritten."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from lib.contracts import KNOWN_FROM, KNOWN_UNTIL, Table

ALWAYS = date(1900, 1, 1)
"""Reference data of a first sync count as known from the beginning: nobody can say when they became known."""


@dataclass(frozen=True, slots=True)
class Night:
    """When a sync reads: `watermark` is the as_of of the sync before (None: it is the first)."""

    as_of: date
    watermark: date | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What a batch brought. `rows` are all versions, old and new, of the days it touched (of the table, if undated)."""

    rows: pl.DataFrame
    days: tuple[date, ...]
    new: int
    changed: int
    closed: int

    @property
    def empty(self) -> bool:
        """Nothing in the lake needs to change."""
        return self.new + self.changed + self.closed == 0


def supersede(table: Table, known: pl.DataFrame, batch: pl.DataFrame, *, night: Night, whole: bool) -> News:
    """Fold a batch (business columns, one row per key, and `known_from` if the source tells it) into what is known.

    `known`: all versions the lake has of the rows that the batch may touch. A row is known from the moment that its
    table says (see :data:`lib.contracts.table.Known`), but never from before the sync that first could have seen it:
    what was missing at the `watermark`, the as_of of the last sync, counts from `as_of`. A key that is missing from
    the batch ends only in reference tables, and only if the batch is `whole`, nothing of it having been refused.
    Folding the same batch in twice changes nothing.
    """
    current = known.filter(pl.col(KNOWN_UNTIL).is_null())
    compared = batch.join(current, on=list(table.key), how="left", nulls_equal=True, suffix="_before")
    unseen = pl.col(f"{KNOWN_FROM}_before" if KNOWN_FROM in batch.columns else KNOWN_FROM).is_null()
    unequal = (pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in table.values)
    differs = pl.any_horizontal(pl.lit(value=False), *unequal)
    new = compared.filter(unseen)
    changed = compared.filter(~unseen & differs)
    gone = _gone(table, current, batch) if whole else current.clear()
    ended = pl.concat([changed.select(table.key), gone.select(table.key)])
    added = pl.concat(
        [
            _known_from(table, new, night),
            changed.select(*table.names, pl.lit(night.as_of).alias(KNOWN_FROM)),
        ]
    ).with_columns(pl.lit(None, pl.Date).alias(KNOWN_UNTIL))
    days = _days(table, added, ended)
    touched = known.filter(pl.col(table.dated_by).is_in(list(days))) if table.dated_by else known
    rows = pl.concat([_with_ends(table, touched, ended, night.as_of), added.select(list(table.schema))])
    return News(rows, days, new.height, changed.height, gone.height)


def _gone(table: Table, current: pl.DataFrame, batch: pl.DataFrame) -> pl.DataFrame:
    if table.known != "ahead":
        return current.clear()
    return current.join(batch, on=list(table.key), how="anti", nulls_equal=True)


def _known_from(table: Table, new: pl.DataFrame, night: Night) -> pl.DataFrame:
    told = _naturally_known(table, told=KNOWN_FROM in new.columns)
    late = pl.lit(value=False) if night.watermark is None else told <= night.watermark
    return new.select(*table.names, pl.when(late).then(pl.lit(night.as_of)).otherwise(told).alias(KNOWN_FROM))


def _naturally_known(table: Table, *, told: bool) -> pl.Expr:
    """The day whose end makes a row known, had every sync been on time."""
    if table.known == "after the day":
        return pl.col(str(table.dated_by))
    if table.known == "as issued":
        return pl.coalesce("issued", str(table.dated_by))
    return pl.coalesce(KNOWN_FROM, pl.lit(ALWAYS)) if told else pl.lit(ALWAYS)


def _days(table: Table, added: pl.DataFrame, ended: pl.DataFrame) -> tuple[date, ...]:
    if table.dated_by is None:
        return ()
    return tuple(pl.concat([added[table.dated_by], ended[table.dated_by]]).unique().sort().to_list())


def _with_ends(table: Table, versions: pl.DataFrame, ended: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Versions of which the current ones with an `ended` key are true until `as_of`."""
    marked = versions.join(
        ended.unique().with_columns(superseded=True), on=list(table.key), how="left", nulls_equal=True
    )
    ends = pl.col("superseded") & pl.col(KNOWN_UNTIL).is_null()
    until = pl.when(ends).then(pl.lit(as_of)).otherwise(pl.col(KNOWN_UNTIL))
    return marked.with_columns(until.alias(KNOWN_UNTIL)).select(list(table.schema))
