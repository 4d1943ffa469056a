"""Groups of rows of about equal size, by volume: what holds for slow sellers does not hold for fast ones."""

import numpy as np
import numpy.typing as npt

from lib.features.arrays import Floats

GROUPS = 6
MIN_ROWS_PER_GROUP = 200

Doubles = npt.NDArray[np.float64]


def edges(units: Floats) -> Doubles:
    """(G - 1,) units that part (N,) rows into at most GROUPS groups, fewer where rows are few."""
    groups = int(np.clip(len(units) // MIN_ROWS_PER_GROUP, 1, GROUPS))
    return np.asarray(np.quantile(units.astype(np.float64), np.linspace(0, 1, groups + 1)[1:-1]))


def group(units: Floats, parted: Doubles) -> npt.NDArray[np.intp]:
    """(N,) number of each row's group."""
    return np.asarray(np.searchsorted(parted, units))
