"""The sanity band: no published number strays too far from what the series sold on such days."""

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from lib.features import history
from lib.features.arrays import Bools, Floats, floats, same_weekdays
from lib.features.columns import Rows, SameWeekday
from lib.features.spine import Panel

Doubles = npt.NDArray[np.float64]


class SanityConfig(BaseModel):
    """How wide the band is, as factors of the lowest and highest recent same weekday."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = Field(0.4, ge=0, le=1)
    high: float = Field(2.0, ge=1)
    special_low: float = Field(0.1, ge=0, le=1, description="likewise around holidays and in promotions")
    special_high: float = Field(5.0, ge=1)
    slack: float = Field(3.0, ge=0, description="units beyond the band that never matter")


def band(panel: Panel, rows: Rows, *, special: Bools, config: SanityConfig) -> tuple[Floats, Floats]:
    """(N,) lowest and highest sane units; 0 and infinity where the series has no recent same weekday."""
    weeks = same_weekdays(panel.demand, history.WEEKS)
    lowest = SameWeekday(floats(np.fmin.reduce(weeks, axis=0))).gather(rows)
    highest = SameWeekday(floats(np.fmax.reduce(weeks, axis=0))).gather(rows)
    low = lowest * np.where(special, config.special_low, config.low) - config.slack
    high = highest * np.where(special, config.special_high, config.high) + config.slack
    known = ~np.isnan(lowest)
    return floats(np.where(known, np.maximum(low, 0), 0)), floats(np.where(known, high, np.inf))


def hold(
    point: Floats, quantiles: Doubles, *, low: Floats, high: Floats, spread: Doubles
) -> tuple[Floats, Doubles, Bools]:
    """(N,) points held inside of the band, (N, Q) quantiles that fit them, and (N,) which points were moved.

    A forecaster whose point strays is not believed about its range either: where the point is moved, the quantiles are
    the edge times `spread`, factors of simple statistics, (Q,) or (N, Q). Elsewhere they stay, but for what lies beyond
    the edges times the outermost factors. Order is kept, and so are 0 and a band without edges.
    """
    held = floats(np.clip(point, low, high))
    moved: Bools = held != point
    factors = np.broadcast_to(spread, quantiles.shape)
    lowest = low * np.minimum(factors[:, 0], 1)
    highest = high * np.maximum(factors[:, -1], 1)
    inside = np.clip(quantiles, lowest[:, None], highest[:, None])
    return held, np.where(moved[:, None], held[:, None] * factors, inside), moved
