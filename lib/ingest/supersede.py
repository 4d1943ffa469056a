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
    """Fold a batch (business columns, one row per key) into what is known.

    If the source tells `known_from`, the batch may hold several versions of a key: of a key that is not known yet all
    are taken, each true until the next; of one that is known the newest is compared. What becomes known only after
    `as_of` is left for a later night.

    `known`: all versions the lake has of the rows that the batch may touch. A row is known from the moment that its
    table says (see :data:`lib.contracts.table.Known`), but never from before the sync that first could have seen it:
    what was missing at the `watermark`, the as_of of the last sync, counts from `as_of`. A key that is missing from
    the batch ends only in reference tables, and only if the batch is `whole`, nothing of it having been refused.
    Folding the same batch in twice changes nothing.
    """
    current = known.filter(pl.col(KNOWN_UNTIL).is_null())
    versions = _told(table, batch, night)
    told = KNOWN_FROM in batch.columns
    newest = versions.unique(list(table.key), keep="last", maintain_order=True) if told else versions
    compared = newest.join(
        current.with_columns(seen=True), on=list(table.key), how="left", nulls_equal=True, suffix="_before"
    )
    unequal = (pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in table.values)
    differs = pl.any_horizontal(pl.lit(value=False), *unequal)
    unseen = compared.filter(pl.col("seen").is_null())
    changed = compared.filter(pl.col("seen") & differs)
    gone = _gone(table, current, newest) if whole else current.clear()
    ended = pl.concat([changed.select(table.key), gone.select(table.key)])
    new = versions.join(unseen, on=list(table.key), how="semi", nulls_equal=True) if told else unseen
    added = pl.concat(
        [
            _following(table, _known_from(new, night), several=told),
            changed.select(
                *table.names, pl.lit(night.as_of).alias(KNOWN_FROM), pl.lit(None, pl.Date).alias(KNOWN_UNTIL)
            ),
        ]
    )
    days = _days(table, added, ended)
    touched = known.filter(pl.col(table.dated_by).is_in(list(days))) if table.dated_by else known
    rows = pl.concat([_with_ends(table, touched, ended, night.as_of), added])
    return News(rows, days, new.height, changed.height, gone.height)


def _gone(table: Table, current: pl.DataFrame, batch: pl.DataFrame) -> pl.DataFrame:
    if table.known != "ahead":
        return current.clear()
    return current.join(batch, on=list(table.key), how="anti", nulls_equal=True)


def _told(table: Table, batch: pl.DataFrame, night: Night) -> pl.DataFrame:
    """The batch with the day whose end makes a row known had every sync been on time; versions in that order."""
    day = _naturally_known(table)
    if KNOWN_FROM in batch.columns:
        batch = batch.sort(KNOWN_FROM, maintain_order=True)
        day = pl.max_horizontal(KNOWN_FROM, day)
    return batch.select(*table.names, day.alias(KNOWN_FROM)).filter(pl.col(KNOWN_FROM) <= night.as_of)


def _naturally_known(table: Table) -> pl.Expr:
    if table.known == "after the day":
        return pl.col(str(table.dated_by))
    if table.known == "as issued":
        return pl.coalesce("issued", str(table.dated_by))
    return pl.lit(ALWAYS)


def _known_from(new: pl.DataFrame, night: Night) -> pl.DataFrame:
    """Rows that no sync has seen before with the day from which they count as known."""
    late = pl.lit(value=False) if night.watermark is None else pl.col(KNOWN_FROM) <= night.watermark
    return new.with_columns(pl.when(late).then(pl.lit(night.as_of)).otherwise(KNOWN_FROM).alias(KNOWN_FROM))


def _following(table: Table, new: pl.DataFrame, *, several: bool) -> pl.DataFrame:
    """Rows in the stored form, a version being true until the next of its key; those that never were are left out."""
    until = pl.col(KNOWN_FROM).shift(-1).over(table.key) if several else pl.lit(None, pl.Date)
    return new.select(*table.names, KNOWN_FROM, until.alias(KNOWN_UNTIL)).filter(
        pl.col(KNOWN_FROM).ne_missing(pl.col(KNOWN_UNTIL))
    )


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
