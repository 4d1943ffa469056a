"""How sure a forecaster is: scatter and intervals learned from days that it had not seen."""

from dataclasses import dataclass

import numpy as np

from lib.features.arrays import Bools, Floats, Ints
from lib.features.matrix import Matrix
from lib.models import intervals, scatter
from lib.models.boosting import Booster
from lib.models.intervals import Intervals
from lib.models.scatter import Scatter


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """N rows whose demand came true: their features, demand (N,) in units, and index of the day (N,)."""

    matrix: Matrix
    demand: Floats
    day: Ints

    def take(self, chosen: Bools) -> "Known":
        """The chosen rows, in order."""
        return Known(self.matrix.take(chosen), self.demand[chosen], self.day[chosen])


def learn(forecaster: Booster, unseen: Known, *, seed: int, threads: int) -> tuple[Scatter, Intervals]:
    """The model of the scatter, fitted to all rows, and intervals for it.

    The intervals are calibrated on spreads of each half of the days by a scatter that saw the other half only: on its
    own rows a scatter is too sure of itself, and the quantiles would be too narrow.
    """
    point = forecaster.predict(unseen.matrix)
    spread = np.empty(len(point), np.float64)
    late = unseen.day > np.median(unseen.day)
    for half in (late, ~late):
        other = unseen.take(~half) if (~half).any() else unseen
        of_other = scatter.fit(other.matrix, forecaster.predict(other.matrix), other.demand, seed=seed, threads=threads)
        spread[half] = of_other.units(unseen.matrix.take(half), point[half])
    whole = scatter.fit(unseen.matrix, point, unseen.demand, seed=seed, threads=threads)
    return whole, intervals.calibrate(point, unseen.demand, spread)
