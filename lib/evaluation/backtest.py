"""A backtest is a replay: at each origin the same path sees what was known then, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from lib import metrics
from lib.contracts import QUANTILES
from lib.errors import TrainingError
from lib.evaluation import costs
from lib.features import matrix as features
from lib.features import spine
from lib.features.matrix import Features
from lib.features.spine import Inputs, Panel
from lib.models import baselines, training
from lib.models.boosting import BoostingConfig
from lib.models.champion import Model
from lib.planning import economics
from lib.planning import forecast as planning
from lib.planning.economics import OrderConfig
from lib.planning.sanity import SanityConfig

RIVALS = ("incumbent", "seasonal_naive")
FORECASTERS = {"model": "forecast", **{rival: rival for rival in RIVALS}}
"""Column of each forecaster's point."""
_TERMS = ("underage", "overage", "minimum_display", "capacity")
_COSTS = ("order", "tray", "service_level", *_TERMS)
COLUMNS = ("store", "product", "origin", "date", "horizon", "forecast", *QUANTILES, *RIVALS, *_COSTS, "method")


@dataclass(frozen=True, slots=True)
class Plan:
    """Which origins are replayed, how often the model is refitted, and how."""

    first: date
    last: date
    step: int
    refit: int
    horizon: int
    model: BoostingConfig
    sanity: SanityConfig
    seed: int
    threads: int
    orders: OrderConfig = field(default_factory=OrderConfig)

    @property
    def of_night(self) -> planning.Plan:
        """How each origin's forecasts become what would have been published."""
        return planning.Plan(sanity=self.sanity, orders=self.orders, explain=False, threads=self.threads)

    @property
    def origins(self) -> list[date]:
        """Every so many days from the first to the last, inclusive."""
        return [self.first + timedelta(days=days) for days in range(0, (self.last - self.first).days + 1, self.step)]


def replay(read: Callable[[date], Inputs], plan: Plan) -> Iterator[pl.DataFrame]:
    """The forecasts of one origin after the other, in COLUMNS; `read` gives what was known as_of a day."""
    model: Model | None = None
    fitted: date | None = None
    for origin in plan.origins:
        panel = spine.build(read(origin), horizon=plan.horizon, history_days=plan.model.history_days)
        columns = features.of(panel)
        if fitted is None or (origin - fitted).days >= plan.refit:
            model = _trained(panel, columns, plan) or model
            fitted = origin
        rows = features.rows_ahead(panel)
        made = planning.forecast(panel, columns, rows, model=model, plan=plan.of_night)
        terms = economics.terms(panel.inputs, made, config=plan.orders)
        yield made.with_columns(
            *(terms[name] for name in _TERMS),
            pl.Series("incumbent", baselines.incumbent(panel, rows).astype(np.float64)),
            pl.Series("seasonal_naive", baselines.seasonal_naive(panel, rows).astype(np.float64)),
        ).select(COLUMNS)


def _trained(panel: Panel, columns: Features, plan: Plan) -> Model | None:
    """A fresh model; None while there is too little to train on."""
    try:
        return training.train(panel, columns, config=plan.model, seed=plan.seed, threads=plan.threads).model
    except TrainingError:
        return None


def summary(scored: pl.DataFrame, *, demand: pl.DataFrame | None = None) -> pl.DataFrame:
    """How good model, incumbent and seasonal naive were, on the same rows; one row per forecaster and `truth`.

    FA, bias, RMSE, mean pinball loss (units; a rival without quantiles says its point at every level) and the costs of
    the whole backtest: waste and lost sales, in units and currency. The model's order is what would have been
    published; a rival bakes its point forecast by the same trays, display and capacity. `truth` says what counts as
    having come true:

    - sales: what was sold, on all days; without costs where some day ran out, since its sales are not demand
    - in-stock days: what was sold, on days not known to have run out; if some day ran out
    - corrected demand: likewise, and on days that ran out the estimate in `demand` (date, store, product, demand);
      if some scored day has one
    """
    return pl.DataFrame(
        [
            {"truth": truth, "forecaster": name, **_figures(rows, column, costed=costed)}
            for truth, rows, costed in _truths(scored, demand)
            for name, column in FORECASTERS.items()
        ],
        infer_schema_length=None,
    )


def _truths(scored: pl.DataFrame, demand: pl.DataFrame | None) -> Iterator[tuple[str, pl.DataFrame, bool]]:
    """Name and rows of each truth, and whether it tells what orders cost."""
    ran_out = not scored.filter(~costs.in_stock()).is_empty()
    yield "sales", scored, not ran_out
    if ran_out:
        yield "in-stock days", scored.filter(costs.in_stock()), True
    corrected = scored if demand is None else _corrected(scored, demand)
    if corrected is not scored:
        yield "corrected demand", corrected, True


def _corrected(scored: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """Rows whose demand is known or estimated; `scored` itself if none is estimated."""
    estimates = demand.select("store", "product", "date", "demand")
    joined = scored.join(estimates, on=["store", "product", "date"], how="left", maintain_order="left")
    estimated = pl.col("demand").is_not_null()
    if joined.filter(estimated).is_empty():
        return scored
    known = joined.filter(estimated | costs.in_stock())
    return known.with_columns(
        actual=pl.coalesce("demand", "actual"), sold_out=pl.when(estimated).then(False).otherwise("sold_out")
    )


def _figures(rows: pl.DataFrame, column: str, *, costed: bool) -> dict[str, float | None]:
    order = pl.col("order") if column == "forecast" else costs.baked(column, night=("origin", "store", "date"))
    found: dict[str, float | None] = {**costs.totals(rows, order)}
    spent = found if costed else dict.fromkeys(found)
    return {"rows": rows.height, **metrics.accuracy(rows, forecast=column), "pinball": _pinball(rows, column), **spent}


def _pinball(scored: pl.DataFrame, column: str) -> float | None:
    own = scored if column == "forecast" else scored.with_columns(pl.col(column).alias(level) for level in QUANTILES)
    losses = [loss for loss in metrics.pinball(own).values() if loss is not None]
    return sum(losses) / len(losses) if losses else None
