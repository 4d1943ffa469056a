"""A backtest is a replay: at each origin the same path sees what was known then, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from lib import metrics
from lib.contracts import QUANTILES
from lib.errors import TrainingError
from lib.features import matrix as features
from lib.features import spine
from lib.features.matrix import Features
from lib.features.spine import Inputs, Panel
from lib.models import baselines, training
from lib.models.boosting import BoostingConfig
from lib.models.champion import Model
from lib.planning import forecast as planning
from lib.planning.sanity import SanityConfig

RIVALS = ("incumbent", "seasonal_naive")
COLUMNS = ("store", "product", "origin", "date", "horizon", "forecast", *QUANTILES, *RIVALS, "method")


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
        drafted = planning.forecast(panel, columns, rows, model=model, config=plan.sanity)
        yield drafted.with_columns(
            pl.Series("incumbent", baselines.incumbent(panel, rows).astype(np.float64)),
            pl.Series("seasonal_naive", baselines.seasonal_naive(panel, rows).astype(np.float64)),
        ).select(COLUMNS)


def _trained(panel: Panel, columns: Features, plan: Plan) -> Model | None:
    """A fresh model; None while there is too little to train on."""
    try:
        return training.train(panel, columns, config=plan.model, seed=plan.seed, threads=plan.threads).model
    except TrainingError:
        return None


def against_sales(forecasts: pl.DataFrame, sales: pl.DataFrame) -> pl.DataFrame:
    """The forecasts whose sales are known, with `actual`."""
    return forecasts.join(sales.select("store", "product", "date", actual="quantity"), on=["store", "product", "date"])


def summary(scored: pl.DataFrame) -> pl.DataFrame:
    """FA, bias, RMSE and mean pinball loss of model, incumbent and seasonal naive on the same rows (scored on sales).

    A rival without quantiles says its point at every level.
    """
    names = {"model": "forecast", **{rival: rival for rival in RIVALS}}
    return pl.DataFrame(
        [
            {"forecaster": name, **metrics.accuracy(scored, forecast=column), "pinball": _pinball(scored, column)}
            for name, column in names.items()
        ]
    )


def _pinball(scored: pl.DataFrame, column: str) -> float | None:
    own = scored if column == "forecast" else scored.with_columns(pl.col(column).alias(level) for level in QUANTILES)
    losses = [loss for loss in metrics.pinball(own).values() if loss is not None]
    return sum(losses) / len(losses) if losses else None
