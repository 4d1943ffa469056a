"""A contest: several models, the incumbent and the seasonal naive on the same recent weeks, which none has seen."""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import polars as pl

from lib import metrics
from lib.evaluation import costs, gate, truth
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

    Only days that are not known to have run out count: on the others sales are not what was asked for. Each model
    speaks as its trial, which has seen none of these weeks; one without a trial, or that wants other features than this
    code makes, is left out. No rows where nothing is known of these weeks.
    """
    last = panel.history - 1 - WEEK
    rows = features.rows_before(panel, first=max(last - WEEK * (weeks - 1), 0), last=last, every=WEEK)
    rows = rows.take(rows.horizon <= WEEK)
    columns = features.of(panel)
    known = _known(panel, rows, plan)
    points = {
        name: planning.forecast(panel, columns, rows, model=model.trial, plan=plan).select("forecast", "order")
        for name, model in models.items()
        if model.trial is not None and model.booster.names == columns.names
    }
    for name, rival in RIVALS.items():
        baked = known.with_columns(forecast=pl.Series(rival(panel, rows).astype(np.float64)))
        points[name] = baked.select("forecast", order=costs.baked("forecast"))
    return pl.concat(_sums(pl.concat([known, said], how="horizontal"), name) for name, said in points.items())


def _known(panel: Panel, rows: Rows, plan: Plan) -> pl.DataFrame:
    """Per row its store, what came true, and what a unit too few and too many costs."""
    asked = features.labels(panel, rows).select("store", "product", "date")
    first = panel.first_day + timedelta(days=int(rows.date.min(initial=panel.history)))
    sold = truth.sales_with_zeros(panel, first=first).rename({"quantity": "actual"})
    terms = economics.terms(panel.inputs, asked, config=plan.orders)
    return terms.join(sold, on=["store", "product", "date"], how="left", maintain_order="left")


def _sums(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    parts, spent = metrics.sums(), costs.of_order(pl.col("order"))
    return (
        rows.filter(costs.in_stock())
        .group_by("store", maintain_order=True)
        .agg(
            pl.lit(name).alias("contestant").first(),
            *(parts[part].alias(part) for part in ("abs_error", "error", "actual")),
            cost=(spent["waste_cost"] + spent["lost_cost"]).sum(),
        )
        .select("contestant", "store", *gate.SUMS)
    )
