"""What Fournil writes: every table is appended to or replaced by date, never edited row by row."""

import polars as pl

from lib.contracts.table import Column, Table

QUANTILE_LEVELS: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
"""Levels of the published forecast distribution."""
QUANTILES: tuple[str, ...] = tuple(f"q{round(level * 100):02d}" for level in QUANTILE_LEVELS)
"""Column of each level, in order."""

_AS_OF = Column("as_of", pl.Date(), "last day whose end was known")
_STORE = Column("store", pl.String(), "identifier of the store")
_PRODUCT = Column("product", pl.String(), "identifier of the product")
_RUN = Column("run_id", pl.String(), "identifier of the run that wrote the row")
_SEVERITY = Column("severity", pl.String(), "critical, warning or info")
_UTC = pl.Datetime("us", "UTC")

LIFECYCLES: tuple[str, ...] = ("established", "new product", "new store", "reopened", "ending")
"""What a series may be at the night of a forecast."""
DRIVERS = 3
"""How many drivers of a forecast are named."""

DRIVER_COLUMNS: tuple[str, ...] = tuple(
    f"{part}_{place}" for place in range(1, DRIVERS + 1) for part in ("driver", "effect")
)
"""Columns of the drivers, strongest first, each followed by its effect."""


def _drivers() -> list[Column]:
    """Columns of the strongest drivers, each with its size."""
    columns = []
    for place in range(1, DRIVERS + 1):
        said = f"driver number {place} of the forecast, by size"
        columns += [
            Column(f"driver_{place}", pl.String(), said, null="none"),
            Column(
                f"effect_{place}",
                pl.Float64(),
                "units above or below the mean and median of the last eight ordinary same weekdays",
                "units",
                null="none",
            ),
        ]
    return columns


FORECASTS = Table(
    "forecasts",
    "One row per series and day ahead. Rows of one `forecast_id` belong together and never change.",
    (
        _AS_OF,
        Column("forecast_id", pl.String(), "hash of the rows' content"),
        _STORE,
        _PRODUCT,
        Column("date", pl.Date(), "day the forecast is for"),
        Column("horizon", pl.Int32(), "date - as_of", "days", minimum=1),
        Column("forecast", pl.Float64(), "point forecast of sales", "units", minimum=0),
        *(
            Column(name, pl.Float64(), f"sales stay at or below it with probability {level:g}", "units", minimum=0)
            for name, level in zip(QUANTILES, QUANTILE_LEVELS, strict=True)
        ),
        Column("order", pl.Float64(), "quantity to bake, in whole trays", "units", minimum=0),
        Column("tray", pl.Float64(), "units per tray", "units", minimum=1),
        Column(
            "service_level",
            pl.Float64(),
            "share of days on which the order should suffice, by its costs",
            "0..1",
            minimum=0,
        ),
        Column("method", pl.String(), "model, fallback or closed"),
        Column("reason", pl.String(), "why it is not the model's own number", null="it is the model's own number"),
        Column("lifecycle", pl.String(), f"where the series stands in its life: {', '.join(LIFECYCLES)}"),
        *_drivers(),
        Column("model", pl.String(), "name and version of the champion", null="no model was there"),
    ),
    key=("as_of", "forecast_id", "store", "product", "date"),
    dated_by="as_of",
)

DEMAND = Table(
    "demand",
    "What would have sold on days that ran out. Days that did not run out have no row: demand is what was sold.",
    (
        Column("date", pl.Date(), "day of sale"),
        _STORE,
        _PRODUCT,
        _AS_OF,
        Column("sales", pl.Float64(), "units sold", "units", minimum=0),
        Column("demand", pl.Float64(), "units that would have sold", "units", minimum=0),
        Column("lower", pl.Float64(), "demand is at least this; never below sales", "units", minimum=0),
        Column("upper", pl.Float64(), "demand is hardly above this", "units", minimum=0),
        Column(
            "share_sold", pl.Float64(), "usual share of a day's sales until it ran out", "0..1", null="time not known"
        ),
        Column("method", pl.String(), "how it was estimated: by whose hours, or without a time"),
    ),
    key=("date", "store", "product"),
    dated_by="date",
)

PUBLICATIONS = Table(
    "publications",
    "The ledger: which forecast was live from when. Append-only; the last row of an as_of is its live one.",
    (
        Column("publication_id", pl.String(), "identifier of the publication"),
        _AS_OF,
        Column("business_date", pl.Date(), "first day of the forecast"),
        Column("forecast_id", pl.String(), "the published rows of `forecasts`"),
        Column("rows", pl.Int64(), "number of published rows"),
        Column("published_at", _UTC, "moment of publication"),
        _RUN,
    ),
    key=("publication_id",),
)

DELIVERIES = Table(
    "deliveries",
    "The outbox: one row per manager, publication and state (rendered, sending, sent, failed). Append-only.",
    (
        Column("publication_id", pl.String(), "what was delivered"),
        Column("manager", pl.String(), "address of the manager"),
        Column("state", pl.String(), "rendered, sending, sent or failed"),
        Column("message_id", pl.String(), "deterministic Message-ID of the mail"),
        Column("book_hash", pl.String(), "SHA-256 of the workbook"),
        Column("recorded_at", _UTC, "moment of the record"),
        Column("detail", pl.String(), "what the mail server said", null="nothing to say"),
    ),
    key=("publication_id", "manager", "state", "recorded_at"),
)

SCORES = Table(
    "scores",
    "Published forecasts against the sales that have since arrived. Sums over any group give its FA and bias.",
    (
        Column("date", pl.Date(), "day that was forecast"),
        Column("publication_id", pl.String(), "what had been published"),
        _AS_OF,
        _STORE,
        _PRODUCT,
        Column("horizon", pl.Int32(), "date - as_of", "days", minimum=1),
        Column("method", pl.String(), "model, fallback or closed"),
        Column("actual", pl.Float64(), "units sold, as known when scored; 0 on shut days", "units", minimum=0),
        Column("forecast", pl.Float64(), "published point forecast", "units", minimum=0),
        Column(
            "incumbent",
            pl.Float64(),
            "mean of the last 4 same weekdays that the forecast's as_of knew, 0 where it knew none",
            "units",
        ),
        Column("sold_out", pl.Boolean(), "the shelf was empty before closing, so that `actual` is not demand"),
        Column("order", pl.Float64(), "published order", "units", minimum=0),
        Column("waste_cost", pl.Float64(), "cost of what the order would have left over", "currency", minimum=0),
        Column("lost_cost", pl.Float64(), "cost of what the order would have lacked", "currency", minimum=0),
        Column(
            "incumbent_cost",
            pl.Float64(),
            "waste and lost sales of baking the incumbent's number",
            "currency",
            minimum=0,
        ),
    ),
    key=("date", "publication_id", "store", "product"),
    dated_by="date",
)

RUNS = Table(
    "runs",
    "One row per step of a run: when it started and ended and how it went.",
    (
        _AS_OF,
        _RUN,
        Column("step", pl.String(), "sync, check, train, forecast, deliver, monitor, or the whole flow"),
        Column("started_at", _UTC, "start"),
        Column("ended_at", _UTC, "end"),
        Column("seconds", pl.Float64(), "duration", "s", minimum=0),
        Column("state", pl.String(), "completed or failed"),
        Column("detail", pl.String(), "the error of a failed step", null="it completed"),
    ),
    key=("run_id", "step", "started_at"),
)

METRICS = Table(
    "metrics",
    "Figures of a run as time series: rows synced and quarantined, RMSE at each training, FA, bias, warnings.",
    (
        _AS_OF,
        _RUN,
        Column("step", pl.String(), "step that measured it"),
        Column("metric", pl.String(), "name of the figure"),
        Column("value", pl.Float64(), "the figure", null="could not be measured"),
    ),
    key=("run_id", "step", "metric"),
)

MODEL_DECISIONS = Table(
    "model_decisions",
    "The ledger of models: which was put to use when and why, and which was refused. Append-only.",
    (
        Column("decided_at", _UTC, "moment of the decision"),
        _AS_OF,
        Column("model", pl.String(), "name and version of the model decided about"),
        Column("replaced", pl.String(), "model in use before", null="there was none"),
        Column("decision", pl.String(), "promoted, refused, or returned to by a rollback"),
        Column("reason", pl.String(), "why, with the figures that decided"),
        Column("figures", pl.String(), "all figures of the comparison, as JSON"),
        _RUN,
    ),
    key=("decided_at", "model"),
)

RECEIPTS = Table(
    "receipts",
    "What made each model and each forecast: all that `python -m flows replay` needs to make it again. Append-only.",
    (
        _RUN,
        _AS_OF,
        Column("kind", pl.String(), "training or forecast"),
        Column("result", pl.String(), "hash of what was made: of the model's files or of the forecast's rows"),
        Column("model", pl.String(), "version that was trained, or that forecast", null="no model was there"),
        Column("model_content", pl.String(), "SHA-256 of that version's files", null="no model, or an early release"),
        Column("versions", pl.String(), "version of every table that was read, as JSON"),
        Column("recipe", pl.String(), "the settings that the result depends on, as JSON"),
        Column("code", pl.String(), "SHA-256 of the source that models and forecasts are made by"),
        Column(
            "libraries",
            pl.String(),
            "version of every library that they are made with, as JSON",
            null="an early release",
        ),
    ),
    key=("run_id", "kind", "result"),
)

WARNINGS = Table(
    "warnings",
    "What a person should know about a night, counted.",
    (
        _AS_OF,
        Column("step", pl.String(), "step that found it"),
        Column("code", pl.String(), "short name of the finding"),
        _SEVERITY,
        Column("table", pl.String(), "table it is about; `all`: no single one"),
        Column("count", pl.Int64(), "how many rows or things are concerned", minimum=0),
        Column("message", pl.String(), "what is wrong and how to mend it"),
    ),
    key=("as_of", "step", "code", "table"),
    dated_by="as_of",
)

VERDICTS = Table(
    "verdicts",
    "The checks' decision per store and night: ship, degrade (say so in the book) or hold (keep the last publication).",
    (
        _AS_OF,
        _STORE,
        Column("verdict", pl.String(), "ship, degrade or hold"),
        Column("reason", pl.String(), "why it does not simply ship", null="it ships"),
    ),
    key=("as_of", "store"),
    dated_by="as_of",
)

QUARANTINE = Table(
    "quarantine",
    "Rows that were refused, whole and as they came. Mend them at the source: the next sync reads them again.",
    (
        _AS_OF,
        Column("table", pl.String(), "input table the row was for"),
        Column("file", pl.String(), "file or query it came from"),
        Column("row", pl.Int64(), "row in the file, the first below the header being 1", minimum=1),
        Column("rule", pl.String(), "rule it broke"),
        _SEVERITY,
        Column("reason", pl.String(), "what is wrong and how to mend it"),
        Column("content", pl.String(), "the row as JSON, as read"),
    ),
    key=("as_of", "table", "file", "row", "rule"),
    dated_by="as_of",
)

SYNCS = Table(
    "syncs",
    "One row per table and sync: the watermark, and what the sync brought. Append-only.",
    (
        _AS_OF,
        Column("table", pl.String(), "input table"),
        Column("read", pl.Int64(), "rows read from the source"),
        Column("new", pl.Int64(), "rows added"),
        Column("changed", pl.Int64(), "rows that superseded an earlier one"),
        Column("closed", pl.Int64(), "rows that are no longer true"),
        Column("quarantined", pl.Int64(), "rows refused"),
        Column("version", pl.Int64(), "version of the lake's table afterwards"),
        _RUN,
    ),
    key=("as_of", "table", "run_id"),
)

OUTPUTS: dict[str, Table] = {
    table.name: table
    for table in (
        DEMAND,
        FORECASTS,
        PUBLICATIONS,
        DELIVERIES,
        SCORES,
        RUNS,
        METRICS,
        MODEL_DECISIONS,
        RECEIPTS,
        WARNINGS,
        VERDICTS,
        QUARANTINE,
        SYNCS,
    )
}
"""Every output table."""
