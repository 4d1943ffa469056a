"""Quantiles around a point forecast, from the residuals on weeks the model had not seen (split conformal)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lib.contracts import QUANTILE_LEVELS
from lib.features.arrays import Floats

GROUPS = 6
MIN_ROWS_PER_GROUP = 200

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Residuals per spread, in groups of about equal volume; the spread of a forecast is how far off it usually is.

    `edges` (G - 1,): forecasts that part the groups, units. `residuals` (G, Q): quantiles of residual / spread.
    """

    edges: Doubles
    residuals: Doubles

    def quantiles(self, forecast: Floats, spread: Doubles) -> Doubles:
        """(N, Q) quantiles of sales, units, never below 0 and never crossing; `spread` (N,) is in units."""
        group = np.searchsorted(self.edges, forecast)
        levels: Doubles = np.maximum(forecast[:, None] + spread[:, None] * self.residuals[group], 0)
        return np.maximum.accumulate(levels, axis=1)

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"edges": self.edges.tolist(), "residuals": self.residuals.tolist()}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Intervals":
        """The inverse of :meth:`plain`."""
        residuals = np.array(plain["residuals"], np.float64).reshape(-1, len(QUANTILE_LEVELS))
        return cls(np.array(plain["edges"], np.float64), residuals)


def calibrate(forecast: Floats, actual: Floats, spread: Doubles) -> Intervals:
    """Learn from (N,) forecasts, what came true and their positive spread, units. ValueError without any row."""
    if not len(forecast):
        message = "no rows to calibrate on"
        raise ValueError(message)
    groups = int(np.clip(len(forecast) // MIN_ROWS_PER_GROUP, 1, GROUPS))
    edges = np.quantile(forecast.astype(np.float64), np.linspace(0, 1, groups + 1)[1:-1])
    group = np.searchsorted(edges, forecast)
    residuals = (actual - forecast) / spread
    overall = np.quantile(residuals, QUANTILE_LEVELS)
    table = [
        np.quantile(residuals[group == g], QUANTILE_LEVELS) if (group == g).any() else overall for g in range(groups)
    ]
    return Intervals(edges, np.array(table))
