"""The demand distribution that the published quantiles describe: straight lines between them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lib.contracts import QUANTILE_LEVELS

Numbers = npt.NDArray[np.float64]

KNOTS = np.array([0.0, *QUANTILE_LEVELS, 1.0])
"""Levels between which the quantile function is straight."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """N distributions by their quantile functions: (N, 9) units at KNOTS, straight in between."""

    values: Numbers

    def quantile(self, level: Numbers) -> Numbers:
        """(N,) units at each row's level; levels outside of 0 to 1 count as 0 and 1."""
        kept = np.clip(level, 0, 1)
        place = np.clip(np.searchsorted(KNOTS, kept, side="right") - 1, 0, len(KNOTS) - 2)
        row = np.arange(len(kept))
        low, high = self.values[row, place], self.values[row, place + 1]
        share = (kept - KNOTS[place]) / (KNOTS[place + 1] - KNOTS[place])
        return np.asarray(low + share * (high - low))

    def left_over(self, quantity: Numbers) -> Numbers:
        """(N,) units expected to be left of each row's quantity; exact for the straight lines."""
        low, high = self.values[:, :-1], self.values[:, 1:]
        asked, width = quantity[:, None], high - low
        inside = np.clip(asked - low, 0, width)
        within = inside**2 / (2 * np.where(width > 0, width, 1))
        return np.asarray((within + np.maximum(asked - high, 0)) @ np.diff(KNOTS))

    def missing(self, quantity: Numbers) -> Numbers:
        """(N,) units of demand expected to find each row's quantity gone."""
        mean = (self.values[:, :-1] + self.values[:, 1:]) @ np.diff(KNOTS) / 2
        return np.asarray(mean - quantity + self.left_over(quantity))


def described_by(quantiles: npt.NDArray[Any]) -> Distribution:
    """The distribution of (N, Q) published quantiles, units.

    The tails are agreed: below the first level straight down to 0, beyond the last on with the slope before it.
    """
    inner = np.maximum.accumulate(np.maximum(quantiles.astype(np.float64), 0), axis=1)
    slope = (inner[:, -1] - inner[:, -2]) / (QUANTILE_LEVELS[-1] - QUANTILE_LEVELS[-2])
    highest = inner[:, -1] + slope * (1 - QUANTILE_LEVELS[-1])
    return Distribution(np.column_stack([np.zeros(len(inner)), inner, highest]))
