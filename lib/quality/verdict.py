"""What failed checks mean: a finding each for people, and one decision per store for the night."""

from datetime import date, timedelta

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from lib.contracts.outputs import VERDICTS, WARNINGS


class VerdictConfig(BaseModel):
    """From when on the night's data is not good enough."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_stale_days: int = Field(
        3, ge=0, lt=28, description="the night is held when the newest sales are more days old than this"
    )
    max_refused_share: float = Field(
        0.2, ge=0, le=1, description="the night is held when a larger share of the sales rows read was refused"
    )
    min_volume_share: float = Field(
        0.5, ge=0, le=1, description="warn when the newest day has a smaller share of its weekday's usual rows of sales"
    )
    live_days: int = Field(28, ge=1, description="a store silent for longer is not live and gets no verdict")
    habit_days: int = Field(56, ge=7, description="how far back the usual silences of a store are looked up")


def verdicts(outcomes: pl.DataFrame, sales: pl.DataFrame, *, as_of: date, config: VerdictConfig) -> pl.DataFrame:
    """One decision per live store, as in the contract: hold, degrade or ship.

    `sales` are rows as known at the end of `as_of` that reach back at least `config.habit_days`. A failed critical
    outcome holds every store of these days, live or not. No row at all means that nothing has sold: nothing may ship.
    """
    stores = _silences(sales, as_of, days=config.habit_days)
    failed = outcomes.filter(~pl.col("success") & (pl.col("severity") == "critical"))
    if failed.is_empty():
        decided = stores.filter(pl.col("silent") <= config.live_days).with_columns(_ship_or_degrade())
    else:
        reason = " ".join(failed.select(_sentence()).to_series())
        decided = stores.with_columns(verdict=pl.lit("hold"), reason=pl.lit(reason))
    return _in_form(decided.with_columns(as_of=pl.lit(as_of)), VERDICTS.schema)


def findings(outcomes: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """One warning per failed outcome, as in the contract."""
    rows = outcomes.filter(~pl.col("success")).with_columns(
        as_of=pl.lit(as_of),
        step=pl.lit("check"),
        code=pl.col("expectation"),
        count=pl.col("failed_rows"),
        message=_sentence(),
    )
    return _in_form(rows, WARNINGS.schema).sort("table", "code")


def _silences(sales: pl.DataFrame, as_of: date, *, days: int) -> pl.DataFrame:
    """Per store its newest day with sales, the days since then, and the longest earlier stretch without any."""
    recent = pl.col("date").is_between(as_of - timedelta(days=days), as_of)
    gaps = pl.col("date").diff().dt.total_days()
    return (
        sales.lazy()
        .filter(recent)
        .select("store", "date")
        .unique()
        .sort("store", "date")
        .group_by("store", maintain_order=True)
        .agg(
            newest=pl.col("date").last(),
            silent=(pl.lit(as_of) - pl.col("date").last()).dt.total_days(),
            usual=(gaps.max() - 1).fill_null(0),
        )
        .collect()
    )


def _ship_or_degrade() -> list[pl.Expr]:
    late = pl.col("silent") > pl.col("usual")
    reason = pl.format(
        "The newest sales are those of {}: days without any are {}, at most {} in a row are usual here.",
        pl.col("newest").dt.to_string("iso"),
        "silent",
        "usual",
    )
    return [
        pl.when(late).then(pl.lit("degrade")).otherwise(pl.lit("ship")).alias("verdict"),
        pl.when(late).then(reason).alias("reason"),
    ]


def _sentence() -> pl.Expr:
    return pl.format("{} Found: {}.", "message", "observed")


def _in_form(rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
