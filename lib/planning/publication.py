"""The ledger of publications: which forecast is live for which night."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from lib.contracts import OUTPUTS

PUBLICATIONS = OUTPUTS["publications"]


def live(ledger: pl.DataFrame) -> pl.DataFrame:
    """The live publication of each as_of: the one published last."""
    last = ledger.sort("published_at", pl.col("publication_id").pipe(in_order))
    return last.unique("as_of", keep="last", maintain_order=True).sort("as_of")


def in_order(publication_id: pl.Expr) -> pl.Expr:
    """Text that sorts like the publications of a night: the tenth after the ninth."""
    return publication_id.str.pad_start(40, "0")


def entry(ledger: pl.DataFrame, published: dict[str, Any], *, as_of: date, forecast_id: str) -> pl.DataFrame:
    """The row to append for a forecast; no row if that forecast is live already.

    `published` has rows, published_at and run_id. The identifier counts the publications of a business date.
    """
    of_night = ledger.filter(pl.col("as_of") == as_of)
    if live(of_night)["forecast_id"].to_list() == [forecast_id]:
        return PUBLICATIONS.empty()
    business_date = as_of + timedelta(days=1)
    row = {
        "publication_id": f"{business_date:%Y-%m-%d}-{of_night.height + 1}",
        "as_of": as_of,
        "business_date": business_date,
        "forecast_id": forecast_id,
        **published,
    }
    return pl.DataFrame([row], schema=PUBLICATIONS.schema)


def newest_for(ledger: pl.DataFrame, day: date, *, before: date, horizon: int) -> str | None:
    """The forecast that was live for `day` when the night of `before` came: of the latest as_of that reaches to it."""
    reaching = live(ledger).filter(
        (pl.col("as_of") < day) & (pl.col("as_of") >= day - timedelta(days=horizon)) & (pl.col("as_of") < before)
    )
    return str(reaching["forecast_id"][-1]) if reaching.height else None


def with_verdicts(forecasts: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Forecasts of held stores are left out; those of degraded stores say why they are less sure."""
    judged = forecasts.join(
        verdicts.select("store", "verdict", doubt="reason"), on="store", how="left", maintain_order="left"
    )
    kept = judged.filter(pl.col("verdict").fill_null("ship") != "hold")
    doubtful = (pl.col("verdict") == "degrade") & (pl.col("method") != "closed")
    reason = (
        pl.when(doubtful).then(pl.concat_str("reason", "doubt", separator="; ", ignore_nulls=True)).otherwise("reason")
    )
    return kept.with_columns(reason.alias("reason")).drop("verdict", "doubt")
