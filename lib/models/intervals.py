"""Quantiles around a point forecast, from the residuals on weeks the model had not seen (split conformal)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lib.contracts import QUANTILE_LEVELS
from lib.features.arrays import Floats
from lib.models import volume

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
        group = volume.group(forecast, self.edges)
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
    edges = volume.edges(forecast)
    group = volume.group(forecast, edges)
    residuals = (actual - forecast) / spread
    overall = np.quantile(residuals, QUANTILE_LEVELS)
    table = [
        np.quantile(residuals[group == g], QUANTILE_LEVELS) if (group == g).any() else overall
        for g in range(len(edges) + 1)
    ]
    return Intervals(edges, np.array(table))
