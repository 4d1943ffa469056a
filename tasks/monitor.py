"""Scoring what was published and showing how the night went."""

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
from prefect import task

from lib.adapters.lake import Lake
from lib.contracts import INPUTS, OUTPUTS
from lib.features import spine
from lib.monitoring import accuracy
from lib.planning import publication
from lib.reports import dashboard
from lib.reports.dashboard import Dashboard
from tasks import context, inputs, records
from tasks.policies import LAKE

SCORES, PUBLICATIONS, FORECASTS = OUTPUTS["scores"], OUTPUTS["publications"], OUTPUTS["forecasts"]
RESCORED_DAYS = 14
"""Late and corrected sales change the scores of so many days."""
SHOWN_DAYS = 28


@task(**LAKE)
def score_publications(*, as_of: date) -> dict[str, float | None]:
    """Score what was published for the last days against the sales known as_of, and note the day's figures."""
    lake, chosen = context.lake(), context.in_force()
    days = [as_of - timedelta(days=back) for back in range(RESCORED_DAYS)]
    published = _published(lake, days)
    panel = spine.build(inputs.read(lake, as_of=as_of, chain=chosen.chain), horizon=chosen.horizon)
    scores = accuracy.score(published, panel, config=chosen.orders)
    if scores.height or lake.version(SCORES) >= 0:
        lake.replace(SCORES, scores, where={"date": days})
    figures = accuracy.summary(accuracy.newest_only(scores).filter(pl.col("date") == as_of))
    warned = (
        lake.scan(OUTPUTS["warnings"]).filter(pl.col("as_of") == as_of).select(pl.col("count").len()).collect().item()
    )
    records.measure(as_of, "monitor", {**figures, "scored_rows": scores.height, "warnings": warned})
    return figures


@task(**LAKE)
def recent_accuracy(*, as_of: date) -> dict[str, float]:
    """FA and bias of what was published and of the incumbent, and the number of scored rows, over the shown days."""
    first = as_of - timedelta(days=SHOWN_DAYS - 1)
    scores = context.lake().scan(SCORES).filter(pl.col("date").is_between(first, as_of)).collect()
    counted = accuracy.newest_only(scores)
    return {
        "rows": float(counted.height),
        **{name: v for name, v in accuracy.summary(counted).items() if v is not None},
    }


@task(**LAKE)
def render_dashboard(*, as_of: date, at: datetime) -> str:
    """Draw the page of the night; its path."""
    path: Path = context.home() / "dashboard.html"
    context.put(path, dashboard.render(_dashboard(context.lake(), as_of, at)))
    return str(path)


def _published(lake: Lake, days: list[date]) -> pl.DataFrame:
    """Forecasts of these days, with the live publication that they belong to."""
    ledger = publication.live(lake.scan(PUBLICATIONS).collect()).select("publication_id", "forecast_id")
    rows = lake.scan(FORECASTS).filter(pl.col("date").is_in(days) & (pl.col("as_of") >= min(days) - timedelta(days=28)))
    return rows.join(ledger.lazy(), on="forecast_id").collect()


def _dashboard(lake: Lake, as_of: date, at: datetime) -> Dashboard:
    scores = accuracy.newest_only(lake.scan(SCORES).filter(pl.col("date") <= as_of).collect())
    recent = scores.filter(pl.col("date") > as_of - timedelta(days=SHOWN_DAYS))
    names = lake.scan(INPUTS["stores"], as_of=as_of).select("store", "name").collect()
    runs = lake.scan(OUTPUTS["runs"]).filter(pl.col("as_of") <= as_of).sort("started_at").collect()
    warnings = lake.scan(OUTPUTS["warnings"]).filter(pl.col("as_of") <= as_of).collect()
    ledger = lake.scan(PUBLICATIONS).filter(pl.col("as_of") <= as_of).collect()
    newest = runs.filter(pl.col("as_of") == as_of).unique("step", keep="last", maintain_order=True)
    live = publication.live(ledger).filter(pl.col("as_of") == as_of)
    mix = lake.scan(FORECASTS).filter(pl.col("forecast_id").is_in(live["forecast_id"].to_list())).collect()
    return Dashboard(
        chain=context.in_force().chain.name,
        as_of=as_of,
        generated_at=at,
        accuracy=accuracy.daily(scores, by=["date", "horizon"]),
        stores=accuracy.daily(recent, by=["store"]).join(names, on="store", how="left"),
        steps=newest,
        durations=runs.select("as_of", "step", "seconds"),
        training=_training(lake, as_of),
        warnings=warnings.filter(pl.col("as_of") == as_of),
        warning_counts=warnings.group_by("as_of", "severity").agg(pl.len().alias("count")).sort("as_of", "severity"),
        forecast_mix=mix.group_by("method").agg(pl.len().alias("rows")).sort("method"),
        published=ledger.select("publication_id", "as_of", "rows", "published_at").sort("published_at"),
    )


def _training(lake: Lake, as_of: date) -> pl.DataFrame:
    """RMSE, FA and bias of each training, one row per night."""
    names = ["rmse_train", "rmse_validation", "fa", "bias"]
    figures = lake.scan(OUTPUTS["metrics"]).filter((pl.col("step") == "train") & (pl.col("as_of") <= as_of)).collect()
    if figures.is_empty():
        return pl.DataFrame(schema={"as_of": pl.Date, **dict.fromkeys(names, pl.Float64)})
    wide = figures.pivot("metric", index="as_of", values="value", aggregate_function="last")
    return wide.select(
        "as_of", *(pl.col(n) if n in wide.columns else pl.lit(None, pl.Float64).alias(n) for n in names)
    ).sort("as_of")
