"""How widely demand scatters around a forecast: a small model of the residuals; sure days get narrow quantiles."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lib.features.arrays import Floats, floats
from lib.models import boosting

if TYPE_CHECKING:
    from catboost import CatBoostRegressor

    from lib.features.matrix import Matrix

SMALLEST_SHARE = 0.25
"""Of what was expected: relative residuals of a forecast near 0 would be of any size."""
EXACT = 0.02
"""Relative residual that counts as none: keeps the logarithm finite."""
ITERATIONS, DEPTH, LEARNING_RATE = 150, 4, 0.06


@dataclass(frozen=True, slots=True)
class Scatter:
    """A fitted CatBoost model of the logarithm of the relative residual."""

    model: "CatBoostRegressor"

    def units(self, matrix: "Matrix", forecast: Floats) -> npt.NDArray[np.float64]:
        """(N,) how far sales usually are from the forecast, units; positive."""
        relative = np.exp(self.model.predict(_described(matrix, forecast)))
        return np.asarray(relative * _volume(matrix, forecast), np.float64)


def fit(matrix: "Matrix", forecast: Floats, actual: Floats, *, seed: int, threads: int) -> Scatter:
    """Fit to (N,) forecasts of days that the forecaster had not seen, and their demand, units."""
    from catboost import Pool  # noqa: PLC0415  two seconds that only training and forecasting pay

    target = np.log(np.abs(actual - forecast) / _volume(matrix, forecast) + EXACT)
    model = boosting.regressor(
        seed=seed,
        threads=threads,
        loss_function="RMSE",
        iterations=ITERATIONS,
        depth=DEPTH,
        learning_rate=LEARNING_RATE,
        border_count=64,
    )
    return Scatter(model.fit(Pool(_described(matrix, forecast), target)))


def _described(matrix: "Matrix", forecast: Floats) -> Floats:
    """The features, and the volume."""
    return np.column_stack([matrix.values, np.log(_volume(matrix, forecast))])


def _volume(matrix: "Matrix", forecast: Floats) -> Floats:
    return floats(np.maximum(forecast, SMALLEST_SHARE * matrix.expected))
