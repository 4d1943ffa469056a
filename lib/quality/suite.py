"""What is expected of a night's data, as values: each expectation says what it means and what to do when it fails."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import polars as pl

from lib.contracts import INPUTS, Column, Table
from lib.quality.verdict import VerdictConfig

Severity = Literal["critical", "warning", "info"]
Kind = Literal["columns", "unique", "filled", "between"]
"""`columns`: the frame has these and no others; `unique`: no two rows agree in all of them; `filled`: no nulls;
`between`: values lie in minimum..maximum, inclusive, and nulls are left to `filled`."""

BATCH_DAYS: Final = 28
"""Days of sales and weather in a batch, as_of being the last."""
ARRIVALS, FRESHNESS, VOLUME = "arrivals", "freshness", "volume"
"""Small tables of measurements, checked beside the input tables."""
_ANY = "any"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a night's checks look at, all as known at the end of `as_of`.

    `frames` holds the admitted rows per input table (sales and weather: the last 28 days); a table that is not given or
    empty is not checked, sales excepted. `quarantine` and `syncs` are this as_of's rows of these tables.
    """

    as_of: date
    frames: Mapping[str, pl.DataFrame]
    quarantine: pl.DataFrame
    syncs: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Expectation:
    """One check of one frame. `name` is unique within `table`, the input table that it is about.

    `where` restricts it to the rows with these values; `concerns` is how many rows a failure is about where the frame
    holds figures and not the rows themselves.
    """

    name: str
    table: str
    frame: str
    kind: Kind
    columns: tuple[str, ...]
    severity: Severity
    message: str
    minimum: float | None = None
    maximum: float | None = None
    where: tuple[tuple[str, str], ...] = ()
    concerns: int | None = None


def suite(batch: Batch, config: VerdictConfig) -> tuple[Expectation, ...]:
    """Everything that is expected of the batch; :func:`frames` is what to check it against."""
    return (
        *(expectation for table in INPUTS.values() if _given(batch, table) for expectation in _form(table)),
        *_freshness_and_volume(config),
        *_refusals(batch, config),
    )


def frames(batch: Batch) -> dict[str, pl.DataFrame]:
    """The batch's tables, and the small tables `freshness`, `volume` and `arrivals` measured on them."""
    given = {table.name: batch.frames[table.name] for table in INPUTS.values() if _given(batch, table)}
    sales = batch.frames["sales"]
    return {**given, FRESHNESS: freshness(sales, batch.as_of), VOLUME: volume(sales), ARRIVALS: arrivals(batch)}


def freshness(sales: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """One row: table, newest date, its age in days. Without any sales the age is that of the day before the batch."""
    newest = pl.col("date").max()
    return sales.select(
        table=pl.lit("sales"),
        newest=newest,
        days_old=(pl.lit(as_of) - newest.fill_null(as_of - timedelta(days=BATCH_DAYS))).dt.total_days(),
    )


def volume(sales: pl.DataFrame) -> pl.DataFrame:
    """One row: table, newest date, its rows, the median of its weekday before it, and the share (null: unknown)."""
    days = sales.group_by("date").agg(rows=pl.len().cast(pl.Float64))
    newest = pl.col("date").max()
    earlier = (pl.col("date") < newest) & (pl.col("date").dt.weekday() == newest.dt.weekday())
    return days.select(
        table=pl.lit("sales"),
        newest=newest,
        rows=pl.col("rows").filter(pl.col("date") == newest).first(),
        usual=pl.col("rows").filter(earlier).median(),
    ).with_columns(share=pl.col("rows") / pl.col("usual"))


def arrivals(batch: Batch) -> pl.DataFrame:
    """Per synced table a row for `any` rule, and one per rule that refused rows: rows_read, refused, share.

    A row that broke two rules counts once under `any`. Of several syncs as_of the same day the largest counts.
    """
    place = pl.struct("file", "row").n_unique().alias("refused")
    refused = batch.quarantine.lazy()
    counts = pl.concat(
        [
            refused.group_by("table").agg(place).select("table", pl.lit(_ANY).alias("rule"), "refused"),
            refused.group_by("table", "rule").agg(place),
        ]
    )
    synced = batch.syncs.lazy().group_by("table").agg(rows_read=pl.col("read").max())
    unrefused = synced.join(counts, on="table", how="anti").select(
        "table", pl.lit(_ANY).alias("rule"), pl.lit(0, pl.UInt32).alias("refused")
    )
    share = (pl.col("refused") / pl.max_horizontal("rows_read", "refused")).fill_nan(0)
    return (
        pl.concat([counts, unrefused.cast(counts.collect_schema())])
        .join(synced, on="table", how="left")
        .with_columns(rows_read=pl.max_horizontal("rows_read", "refused"), share=share)
        .select("table", "rule", "rows_read", "refused", "share")
        .sort(pl.col("table"), pl.col("rule") != _ANY, pl.col("rule"))
        .collect()
    )


def _given(batch: Batch, table: Table) -> bool:
    frame = batch.frames.get(table.name)
    return frame is not None and (table.name == "sales" or not frame.is_empty())


def _form(table: Table) -> Iterator[Expectation]:
    """What the contract says: columns, key, filled columns, limits."""
    yield Expectation(
        "columns",
        table.name,
        table.name,
        "columns",
        tuple(table.names),
        "critical",
        f"The columns of {table.name} are not those of the contract: migrate the table or deploy the matching version.",
    )
    yield Expectation(
        "key",
        table.name,
        table.name,
        "unique",
        table.key,
        "critical",
        f"Rows of {table.name} share {', '.join(table.key)}, so they would count twice: "
        "sync again, and if they remain restore the table's last good version.",
    )
    for column in table.columns:
        yield from _limits(table, column)


def _limits(table: Table, column: Column) -> Iterator[Expectation]:
    severity: Severity = "critical" if table.name == "sales" and column.required else "warning"
    if column.null is None:
        yield Expectation(
            f"{column.name} filled",
            table.name,
            table.name,
            "filled",
            (column.name,),
            severity,
            f"{table.name} has rows without {column.name} ({column.meaning}): complete them at the source.",
        )
    if column.minimum is not None or column.maximum is not None:
        limits = _between(column.minimum, column.maximum)
        yield Expectation(
            f"{column.name} in range",
            table.name,
            table.name,
            "between",
            (column.name,),
            severity,
            f"{table.name} has {column.name} ({column.unit}) outside {limits}: mend unit or rows at the source.",
            minimum=column.minimum,
            maximum=column.maximum,
        )


def _freshness_and_volume(config: VerdictConfig) -> Iterator[Expectation]:
    mend = "find out why the source sent no newer ones, then sync again"
    yield Expectation(
        "fresh",
        "sales",
        FRESHNESS,
        "between",
        ("days_old",),
        "warning",
        f"The newest sales are not of the last day (age in days): {mend}.",
        minimum=0,
        maximum=0,
    )
    yield Expectation(
        "stale",
        "sales",
        FRESHNESS,
        "between",
        ("days_old",),
        "critical",
        f"The newest sales are older than {config.max_stale_days} days or of the future (age in days): {mend}.",
        minimum=0,
        maximum=config.max_stale_days,
    )
    yield Expectation(
        "volume",
        "sales",
        VOLUME,
        "between",
        ("share",),
        "warning",
        f"The newest day has less than {config.min_volume_share:.0%} of its weekday's usual rows of sales (share): "
        "see which stores or products are missing at the source, then sync again.",
        minimum=config.min_volume_share,
    )


def _refusals(batch: Batch, config: VerdictConfig) -> Iterator[Expectation]:
    """A warning per table and rule that refused rows; for sales also the share above which the night is held."""
    rows = arrivals(batch)
    ruled = set(rows.filter(pl.col("rule") != _ANY)["table"])
    mend = "see the reasons in quarantine and mend the source: the next sync reads the rows again."
    for table, rule, rows_read, refused in rows.select("table", "rule", "rows_read", "refused").iter_rows():
        counts = f"{refused} of {rows_read} rows of {table} were refused"
        if table == "sales" and rule == _ANY:
            yield _refusal(
                table, rule, ("refused share", "critical", config.max_refused_share), refused, f"{counts}: {mend}"
            )
        if rule != _ANY:
            yield _refusal(table, rule, (f"refused: {rule}", "warning", 0), refused, f"{counts} by {rule!r}: {mend}")
        elif table not in ruled:
            yield _refusal(table, rule, ("refused", "warning", 0), refused, f"{counts}: {mend}")


def _refusal(table: str, rule: str, check: tuple[str, Severity, float], refused: int, message: str) -> Expectation:
    name, severity, maximum = check
    return Expectation(
        name,
        table,
        ARRIVALS,
        "between",
        ("share",),
        severity,
        message,
        minimum=0,
        maximum=maximum,
        where=(("table", table), ("rule", rule)),
        concerns=refused,
    )


def _between(minimum: float | None, maximum: float | None) -> str:
    if maximum is None:
        return f"{minimum:g} or more"
    return f"at most {maximum:g}" if minimum is None else f"{minimum:g} to {maximum:g}"
