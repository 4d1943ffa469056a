"""A contest: several models, the incumbent and the seasonal naive on the same recent weeks, which none has seen."""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import polars as pl

from lib import metrics
from lib.evaluation import backtest, costs, gate
from lib.features import matrix as features
from lib.features.arrays import WEEK
from lib.features.columns import Rows
from lib.features.spine import Panel
from lib.models import baselines
from lib.models.champion import Model
from lib.planning import economics
from lib.planning import forecast as planning
from lib.planning.forecast import Plan

RIVALS = {gate.INCUMBENT: baselines.incumbent, gate.NAIVE: baselines.seasonal_naive}


def hold(panel: Panel, models: Mapping[str, Model], plan: Plan, *, weeks: int) -> pl.DataFrame:
    """Sums per contestant and store over the panel's last weeks: abs_error, error, actual (units) and cost (currency).

    Each model speaks as it was before it saw its own last weeks, which must reach back beyond these. Costs are those of
    the orders, on days not known to have run out. A model that wants other features than this code makes is left out.
    """
    last = panel.history - 1 - WEEK
    rows = features.rows_before(panel, first=last - WEEK * (weeks - 1), last=last, every=WEEK)
    columns = features.of(panel)
    known = _known(panel, rows, plan)
    points = {
        name: planning.forecast(panel, columns, rows, model=model.on_trial(), plan=plan).select("forecast", "order")
        for name, model in models.items()
        if model.booster.names == columns.names
    }
    for name, rival in RIVALS.items():
        baked = known.with_columns(forecast=pl.Series(rival(panel, rows).astype(np.float64)))
        points[name] = baked.select("forecast", order=costs.baked("forecast"))
    return pl.concat(_sums(pl.concat([known, said], how="horizontal"), name) for name, said in points.items())


def _known(panel: Panel, rows: Rows, plan: Plan) -> pl.DataFrame:
    """Per row its store, what came true, and what a unit too few and too many costs."""
    asked = features.labels(panel, rows).select("store", "product", "date")
    first = panel.first_day + timedelta(days=int(rows.date.min(initial=panel.history)))
    sold = backtest.sales_with_zeros(panel, first=first).rename({"quantity": "actual"})
    terms = economics.terms(panel.inputs, asked, config=plan.orders)
    return terms.join(sold, on=["store", "product", "date"], how="left", maintain_order="left")


def _sums(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    spent = costs.of_order(pl.col("order"))
    cost = pl.when(costs.in_stock()).then(spent["waste_cost"] + spent["lost_cost"])
    parts = metrics.sums()
    return (
        rows.group_by("store", maintain_order=True)
        .agg(
            pl.lit(name).alias("contestant").first(),
            *(parts[part].alias(part) for part in ("abs_error", "error", "actual")),
            cost=cost.sum(),
        )
        .select("contestant", "store", "abs_error", "error", "actual", "cost")
    )
