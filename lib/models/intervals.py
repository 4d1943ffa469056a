"""Quantiles around a point forecast, from the residuals on weeks the model had not seen (split conformal)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lib.contracts import QUANTILE_LEVELS
from lib.features.arrays import Floats

GROUPS = 6
MIN_ROWS_PER_GROUP = 200
SMALLEST = 1e-3
"""Units; a point forecast of 0 has no relative residuals."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Relative residuals, in groups of about equal volume.

    `edges` (G - 1,): forecasts that part the groups, units. `residuals` (G, Q): quantiles of actual / forecast - 1.
    """

    edges: npt.NDArray[np.float64]
    residuals: npt.NDArray[np.float64]

    def quantiles(self, forecast: Floats) -> npt.NDArray[np.float64]:
        """(N, Q) quantiles of sales, units, never below 0 and never crossing."""
        group = np.searchsorted(self.edges, forecast)
        spread: npt.NDArray[np.float64] = np.maximum(forecast[:, None] * (1 + self.residuals[group]), 0)
        return np.maximum.accumulate(spread, axis=1)

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"edges": self.edges.tolist(), "residuals": self.residuals.tolist()}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Intervals":
        """The inverse of :meth:`plain`."""
        residuals = np.array(plain["residuals"], np.float64).reshape(-1, len(QUANTILE_LEVELS))
        return cls(np.array(plain["edges"], np.float64), residuals)


def calibrate(forecast: Floats, actual: Floats) -> Intervals:
    """Learn the residuals from (N,) forecasts and what came true, units. ValueError without any row."""
    if not len(forecast):
        message = "no rows to calibrate on"
        raise ValueError(message)
    point = np.maximum(forecast.astype(np.float64), SMALLEST)
    groups = int(np.clip(len(point) // MIN_ROWS_PER_GROUP, 1, GROUPS))
    edges = np.quantile(point, np.linspace(0, 1, groups + 1)[1:-1])
    group = np.searchsorted(edges, point)
    residuals = (actual - point) / point
    overall = np.quantile(residuals, QUANTILE_LEVELS)
    table = [
        np.quantile(residuals[group == g], QUANTILE_LEVELS) if (group == g).any() else overall for g in range(groups)
    ]
    return Intervals(edges, np.array(table))
