"""Bringing a source's tables into the lake."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from prefect import task

from lib.adapters.lake import Lake
from lib.contracts import INPUTS, OUTPUTS, Table
from lib.errors import SourceError
from lib.ingest.source import Extract, Note, Source
from lib.ingest.supersede import News, Night, supersede
from lib.quality.rules import References, admit, usual_quantities
from tasks import context, records
from tasks.policies import LAKE

SYNCS, QUARANTINE = OUTPUTS["syncs"], OUTPUTS["quarantine"]
INCOMPLETE = {"file_left_out", "file_is_cut", "no_rows", "no_usable_row"}
"""Notes of an extract after which a missing row says nothing."""
SHOWN_REASONS = 3
"""Reasons of refused rows that a sync's result carries; all of them stand in quarantine."""
REFERENCE_DAYS = 365
"""Days of sales that tell what a series usually sells."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a sync asks for: all that is known at the end of `as_of`, from so many days before the last sync on.

    Rows dated after `today`, the calendar day of the run, cannot be right.
    """

    as_of: date
    today: date
    overlap_days: int


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did to one table. `problem` says why it could not be read; the lake is then as it was."""

    table: str
    read: int = 0
    new: int = 0
    changed: int = 0
    closed: int = 0
    quarantined: int = 0
    problem: str = ""
    notes: tuple[str, ...] = ()


@task(**LAKE)
def tables_to_sync() -> list[str]:
    """The tables that the source offers or once offered, and sales in any case: one that is gone must be noticed."""
    offered, lake = context.source().tables(), context.lake()
    return [name for name in INPUTS if name in offered or name == "sales" or lake.version(INPUTS[name]) >= 0]


@task(task_run_name="sync-{name}", **LAKE)
def sync_table(name: str, *, as_of: date, today: date, overlap_days: int) -> Synced:
    """Read what is new in one table, refuse what cannot be right, and fold the rest into what is known."""
    lake, table = context.lake(), INPUTS[name]
    try:
        return bring(table, lake, context.source(), Reach(as_of, today, overlap_days))
    except SourceError as error:
        note = Note("table_not_readable", "critical" if name == "sales" else "warning", str(error))
        records.warn(lake, as_of, "sync", name, [note])
        return Synced(name, problem=str(error))


def bring(table: Table, lake: Lake, source: Source, reach: Reach) -> Synced:
    """Bring one table of a source into a lake. SourceError if it cannot be read at all; the lake is then as it was."""
    as_of, today = reach.as_of, reach.today
    watermark = _watermark(lake, table)
    if watermark is not None and as_of < watermark:
        return Synced(table.name)
    since = _since(lake, table, reach)
    extract = source.read(table, since=since, until=as_of, today=today)
    rules = context.in_force().rules
    admitted = admit(extract, config=rules, today=today, references=_references(lake, table.name, as_of))
    base = lake.version(table)
    known = _known(lake, table, since, base)
    whole = (
        admitted.refused.filter(pl.col("rule") != "row_is_unique").is_empty()
        and not {note.code for note in extract.notes} & INCOMPLETE
    )
    news = supersede(table, known, admitted.rows, night=Night(as_of, watermark), whole=whole)
    if not news.empty:
        where = {table.dated_by: news.days} if table.dated_by else None
        lake.replace(table, news.rows, where=where, base=base)
    return _noted(lake, extract, news, admitted.refused, as_of=as_of)


def _noted(lake: Lake, extract: Extract, news: News, refused: pl.DataFrame, *, as_of: date) -> Synced:
    """Record what was done; the watermark last, so that a sync cut short is simply done again."""
    table = extract.table
    rows = refused.select(["file", "row"]).n_unique()
    records.replace_night(lake, QUARANTINE, refused, as_of=as_of, where={"table": [table.name]})
    records.warn(lake, as_of, "sync", table.name, list(extract.notes))
    read = extract.rows.height + extract.refused.select(["file", "row"]).n_unique()
    told = tuple(note.message for note in extract.notes if note.severity != "info")
    reasons = tuple(refused["reason"].head(SHOWN_REASONS).to_list())
    synced = Synced(table.name, read, news.new, news.changed, news.closed, rows, notes=told + reasons)
    entry = {"as_of": as_of, "version": lake.version(table), "run_id": context.run_id()}
    counts = {name: getattr(synced, name) for name in ("table", "read", "new", "changed", "closed", "quarantined")}
    lake.append(SYNCS, pl.DataFrame([{**counts, **entry}], schema=SYNCS.schema))
    return synced


def _watermark(lake: Lake, table: Table, *, before: date = date.max) -> date | None:
    """The as_of of the newest sync of the table, of those before a day."""
    earlier = lake.scan(SYNCS).filter((pl.col("table") == table.name) & (pl.col("as_of") < before))
    newest = earlier.select(pl.col("as_of").max()).collect().item()
    return newest if isinstance(newest, date) else None


def _since(lake: Lake, table: Table, reach: Reach) -> date | None:
    """First day to read; None: all. A night that is synced again reads as far back as it did the first time."""
    before = _watermark(lake, table, before=reach.as_of)
    return None if before is None or table.dated_by is None else before - timedelta(days=reach.overlap_days)


def _known(lake: Lake, table: Table, since: date | None, version: int) -> pl.DataFrame:
    rows = lake.scan(table, version=version)
    return (rows if since is None or table.dated_by is None else rows.filter(pl.col(table.dated_by) >= since)).collect()


def _references(lake: Lake, name: str, as_of: date) -> References:
    if name in {"stores", "products"}:
        return References()
    stores = lake.scan(INPUTS["stores"], as_of=as_of).select("store").collect().to_series()
    products = lake.scan(INPUTS["products"], as_of=as_of).select("product").collect().to_series()
    if name != "sales":
        return References(stores, products)
    recent = lake.scan(INPUTS["sales"], as_of=as_of).filter(pl.col("date") > as_of - timedelta(days=REFERENCE_DAYS))
    usual = usual_quantities(recent, context.in_force().rules).collect()
    return References(stores, products, usual)
