"""Published forecasts against the sales that have since arrived."""

import numpy as np
import polars as pl

from lib import metrics
from lib.contracts import OUTPUTS
from lib.evaluation import costs, truth
from lib.features.arrays import Ints
from lib.features.columns import Rows
from lib.features.spine import Panel
from lib.models import baselines
from lib.planning import economics, publication
from lib.planning.economics import OrderConfig

SCORES = OUTPUTS["scores"]
_DAY = ("store", "product", "date")
_NIGHT = ("publication_id", "store", "date")


def score(published: pl.DataFrame, panel: Panel, *, config: OrderConfig) -> pl.DataFrame:
    """Rows of `scores` for published forecasts (with `publication_id`) whose sales the panel can tell.

    A day without a row in a source that writes no zeros counts as 0, as does a day on which the store was shut.
    """
    if published.is_empty():
        return SCORES.empty()
    first = published.select(pl.col("date").min()).item()
    sold = truth.sales_with_zeros(panel, first=first).rename({"quantity": "actual"})
    known = published.join(sold, on=_DAY, maintain_order="left").sort("publication_id", *_DAY)
    terms = economics.terms(panel.inputs, known.select(_DAY).unique(maintain_order=True), config=config)
    costed = known.with_columns(incumbent=_incumbent(known, panel)).join(
        terms.select(*_DAY, "underage", "overage", "minimum_display", "capacity"),
        on=_DAY,
        how="left",
        maintain_order="left",
    )
    own, rival = costs.of_order(pl.col("order")), costs.of_order(costs.baked("incumbent", night=_NIGHT))
    return (
        costed.with_columns(
            own["waste_cost"].alias("waste_cost"),
            own["lost_cost"].alias("lost_cost"),
            incumbent_cost=rival["waste_cost"] + rival["lost_cost"],
            sold_out=pl.col("sold_out").fill_null(value=False),
        )
        .select(list(SCORES.schema))
        .cast(SCORES.schema)
    )


def daily(scores: pl.DataFrame, *, by: list[str]) -> pl.DataFrame:
    """Additive sums per group of `by`, with those of the incumbent where it had a number."""
    beaten = (pl.col("incumbent") - pl.col("actual")).abs().sum().alias("incumbent_abs_error")
    return scores.group_by(by).agg(*(expr.alias(name) for name, expr in metrics.sums().items()), beaten).sort(by)


def newest_only(scores: pl.DataFrame) -> pl.DataFrame:
    """Of several publications of one as_of the last, so that a day is not counted twice."""
    place = pl.col("publication_id").pipe(publication.in_order)
    return scores.filter(place == place.max().over("date", "as_of"))


def summary(scores: pl.DataFrame) -> dict[str, float | None]:
    """FA and bias of what was published and of the incumbent on the same rows (scored on sales).

    `cost` and `cost_incumbent`, currency: waste and lost sales of the orders of the day before, on days not known to
    have run out.
    """
    names = ("fa", "bias", "fa_incumbent", "bias_incumbent", "cost", "cost_incumbent")
    if scores.is_empty():
        return dict.fromkeys(names)
    model, rival = metrics.accuracy(scores), metrics.accuracy(scores, forecast="incumbent")
    of_orders = scores.filter((pl.col("horizon") == 1) & costs.in_stock())
    spent = of_orders.select(pl.col("waste_cost").sum() + pl.col("lost_cost").sum(), pl.col("incumbent_cost").sum())
    figures = (model["fa"], model["bias"], rival["fa"], rival["bias"], *spent.row(0))
    return dict(zip(names, figures, strict=True))


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
