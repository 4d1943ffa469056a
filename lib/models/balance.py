"""From a median to a mean: what slow sellers sell on average lies far above their middle day."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lib.features.arrays import Floats, floats
from lib.models import volume

SMALLEST_SHIFT = 0.05
"""Of what is expected: where mean and median lie closer together the median stands, which has the smaller error."""

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Balance:
    """What is added to a forecast, in shares of what was expected, by volume group.

    `edges` (G - 1,): expected units that part the groups. `shift` (G,): 0 or at least SMALLEST_SHIFT.
    """

    edges: Doubles
    shift: Doubles

    def centred(self, forecast: Floats, expected: Floats) -> Floats:
        """(N,) forecasts that are about right on average, units."""
        return floats(forecast + self.shift[volume.group(expected, self.edges)] * expected)

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"edges": self.edges.tolist(), "shift": self.shift.tolist()}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Balance":
        """The inverse of :meth:`plain`."""
        return cls(np.array(plain["edges"], np.float64), np.array(plain["shift"], np.float64))


def fit(forecast: Floats, actual: Floats, expected: Floats) -> Balance:
    """Learn from (N,) forecasts of medians and what came true, units, over as long a time as there is.

    Over years rising and falling levels cancel, and what is left is the distance of the mean from the median.
    """
    edges = volume.edges(expected)
    group = volume.group(expected, edges)
    missed, due = (
        np.bincount(group, weights=values.astype(np.float64), minlength=len(edges) + 1)
        for values in (actual - forecast, expected)
    )
    shift = missed / np.where(due > 0, due, 1)
    return Balance(edges, np.where(shift >= SMALLEST_SHIFT, shift, 0.0))
