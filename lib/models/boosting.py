"""The global model: one CatBoost regression over all series, fitted to sales per expected sales."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from lib.features.arrays import Floats, floats

if TYPE_CHECKING:
    from catboost import CatBoostRegressor

    from lib.features.matrix import Matrix


class BoostingConfig(BaseModel):
    """How the model is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: int = Field(400, ge=1)
    depth: int = Field(6, ge=1, le=10)
    learning_rate: float = Field(0.06, gt=0)
    row_share: float = Field(0.7, gt=0, le=1, description="share of the rows that each tree is grown on")
    column_share: float = Field(0.4, gt=0, le=1, description="share of the columns that each tree may look at")
    border_count: int = Field(64, ge=2, le=254)
    random_strength: float = Field(0, ge=0, description="noise in the choice of splits; CatBoost's own default is 1")
    loss: Literal["MAE", "RMSE"] = Field("MAE", description="of the ratio to what is expected")
    seeds: int = Field(1, ge=1, description="models that are averaged, each with a seed of its own")
    origin_every: int = Field(4, ge=1, description="train on every so-manieth past day as origin")
    warm_up_days: int = Field(70, ge=56, description="first days of the history, which have no history of their own")
    validation_days: int = Field(56, ge=14, description="last days, which the model is validated and calibrated on")
    history_days: int | None = Field(None, ge=200, description="train on at most so many days")


@dataclass(frozen=True, slots=True)
class Booster:
    """A fitted CatBoost model and the columns it wants."""

    model: "CatBoostRegressor"
    names: tuple[str, ...]

    def predict(self, matrix: "Matrix") -> Floats:
        """(N,) units; NaN where nothing was expected. ValueError if the matrix has other columns than the model."""
        if matrix.names != self.names:
            other = sorted(set(matrix.names) ^ set(self.names))
            differing = ", ".join(other) or "another order"
            message = f"the model was trained on other features than these: {differing}; train again"
            raise ValueError(message)
        ratio = self.model.predict(matrix.values)
        return floats(np.maximum(ratio, 0) * matrix.expected)


def fit(matrix: "Matrix", actual: Floats, *, config: BoostingConfig, seed: int, threads: int) -> Booster:
    """Fit to (N,) demand that came true, units; something must be expected of every row.

    The target is demand per what was expected, weighted by it, so that the absolute error it minimises is in
    units. Equal rows in equal order give an equal model, whatever `threads` is.
    """
    from catboost import Pool, sum_models  # noqa: PLC0415  two seconds that only training and forecasting pay

    ratio = actual / matrix.expected
    pool = Pool(matrix.values, ratio, weight=matrix.expected, feature_names=list(matrix.names))
    models = [_point(config, seed + number, threads).fit(pool) for number in range(config.seeds)]
    if config.seeds == 1:
        return Booster(models[0], matrix.names)
    return Booster(sum_models(models, weights=[1 / config.seeds] * config.seeds), matrix.names)


def regressor(*, seed: int, threads: int, **settings: object) -> "CatBoostRegressor":
    """An unfitted CatBoost regressor that gives equal models for equal input and writes nothing by itself."""
    from catboost import CatBoostRegressor  # noqa: PLC0415  likewise

    return CatBoostRegressor(
        **settings,
        boosting_type="Plain",
        random_seed=seed,
        thread_count=threads,
        allow_writing_files=False,
        verbose=False,
        allow_const_label=True,
    )


def _point(config: BoostingConfig, seed: int, threads: int) -> "CatBoostRegressor":
    return regressor(
        seed=seed,
        threads=threads,
        loss_function=config.loss,
        iterations=config.iterations,
        depth=config.depth,
        learning_rate=config.learning_rate,
        bootstrap_type="Bernoulli",
        subsample=config.row_share,
        rsm=config.column_share,
        border_count=config.border_count,
        random_strength=config.random_strength,
    )
