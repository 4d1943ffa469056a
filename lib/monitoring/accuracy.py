"""Published forecasts against the sales that have since arrived."""

import numpy as np
import polars as pl

from lib import metrics
from lib.contracts import OUTPUTS
from lib.features.arrays import Ints
from lib.features.columns import Rows
from lib.features.spine import Panel
from lib.models import baselines
from lib.planning import publication

SCORES = OUTPUTS["scores"]


def score(published: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """Rows of `scores` for published forecasts (with `publication_id`) whose sales the panel's inputs know."""
    sold = panel.inputs.sales.select("store", "product", "date", actual="quantity")
    known = published.join(sold, on=["store", "product", "date"]).sort("publication_id", "store", "product", "date")
    return known.with_columns(incumbent=_incumbent(known, panel)).select(list(SCORES.schema)).cast(SCORES.schema)


def daily(scores: pl.DataFrame, *, by: list[str]) -> pl.DataFrame:
    """Additive sums per group of `by`, with those of the incumbent where it had a number."""
    beaten = (pl.col("incumbent") - pl.col("actual")).abs().sum().alias("incumbent_abs_error")
    return scores.group_by(by).agg(*(expr.alias(name) for name, expr in metrics.sums().items()), beaten).sort(by)


def newest_only(scores: pl.DataFrame) -> pl.DataFrame:
    """Of several publications of one as_of the last, so that a day is not counted twice."""
    place = pl.col("publication_id").pipe(publication.in_order)
    return scores.filter(place == place.max().over("date", "as_of"))


def summary(scores: pl.DataFrame) -> dict[str, float | None]:
    """FA and bias of what was published and of the incumbent on the same rows."""
    if scores.is_empty():
        return dict.fromkeys(("fa", "bias", "fa_incumbent", "bias_incumbent"))
    model, rival = metrics.accuracy(scores), metrics.accuracy(scores, forecast="incumbent")
    return {"fa": model["fa"], "bias": model["bias"], "fa_incumbent": rival["fa"], "bias_incumbent": rival["bias"]}


def _incumbent(known: pl.DataFrame, panel: Panel) -> pl.Series:
    """What the incumbent would have said at each forecast's as_of."""
    placed = known.select("store", "product", "date", "as_of").join(
        panel.series.select("store", "product", series=pl.int_range(pl.len(), dtype=pl.Int32)),
        on=["store", "product"],
        how="left",
        maintain_order="left",
    )
    day = _day_index(placed["date"], panel)
    rows = Rows(placed["series"].to_numpy(), _day_index(placed["as_of"], panel), day)
    return pl.Series("incumbent", baselines.incumbent(panel, rows).astype(np.float64))


def _day_index(days: pl.Series, panel: Panel) -> Ints:
    return (days - panel.first_day).dt.total_days().cast(pl.Int32).to_numpy()
