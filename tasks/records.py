"""What a run leaves behind for people: warnings, figures and the duration of its steps."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from lib.adapters.lake import Lake
from lib.contracts import OUTPUTS, Table
from lib.ingest.source import Note
from tasks import context

WARNINGS, METRICS, RUNS = OUTPUTS["warnings"], OUTPUTS["metrics"], OUTPUTS["runs"]


def warn(lake: Lake, as_of: date, step: str, table: str, notes: Sequence[Note]) -> None:
    """Replace the step's warnings about the table that night."""
    rows = [
        {"step": step, "code": n.code, "severity": n.severity, "table": table, "count": 1, "message": n.message}
        for n in notes
    ]
    frame = pl.DataFrame([{"as_of": as_of, **row} for row in rows], schema=WARNINGS.schema)
    replace_night(lake, WARNINGS, frame, as_of=as_of, where={"step": [step], "table": [table]})


def measure(as_of: date, step: str, figures: Mapping[str, float | None]) -> None:
    """Add figures of the running step to the time series."""
    rows = [
        {"as_of": as_of, "run_id": context.run_id(), "step": step, "metric": n, "value": v} for n, v in figures.items()
    ]
    context.lake().append(METRICS, pl.DataFrame(rows, schema=METRICS.schema))


def ran(step: str, *, as_of: date, started_at: datetime, ended_at: datetime, error: str | None) -> None:
    """Note how long a step took and how it ended."""
    row: dict[str, Any] = {
        "as_of": as_of,
        "run_id": context.run_id(),
        "step": step,
        "started_at": started_at,
        "ended_at": ended_at,
        "seconds": (ended_at - started_at).total_seconds(),
        "state": "failed" if error else "completed",
        "detail": error,
    }
    context.lake().append(RUNS, pl.DataFrame([row], schema=RUNS.schema))


def replace_night(
    lake: Lake, table: Table, rows: pl.DataFrame, *, as_of: date, where: Mapping[str, Sequence[Any]]
) -> None:
    """Put `rows` in the place of the night's; without any, and nothing to replace, nothing is written."""
    dated = rows.with_columns(pl.lit(as_of).alias("as_of"))
    matches = [pl.col("as_of") == as_of, *(pl.col(name).is_in(list(values)) for name, values in where.items())]
    if rows.is_empty() and lake.scan(table).filter(*matches).select(pl.len()).collect().item() == 0:
        return
    lake.replace(table, dated, where={"as_of": [as_of], **where})
