"""What is published where the model cannot say: simple statistics, each labelled with its reason."""

import numpy as np
import numpy.typing as npt

from lib.contracts import QUANTILE_LEVELS
from lib.features import history
from lib.features.arrays import Floats, group_mean, mean_of, same_weekdays, trailing_mean
from lib.features.columns import AtOrigin, Rows, SameWeekday
from lib.features.spine import Panel

SPREAD_DAYS = 56
"""Days whose relative errors show how far off simple statistics are."""
LONE_SPREAD = (0.4, 0.7, 1.0, 1.3, 1.5, 1.8, 2.2)
"""Spread of a chain too young to show one: factors of the forecast, one per published quantile."""


def estimate(panel: Panel, rows: Rows) -> tuple[Floats, npt.NDArray[np.str_]]:
    """(N,) units and the reason in words: the best statistic there is, from the row's weekday to the store's mean."""
    weeks = same_weekdays(panel.sales, history.WEEKS)
    recent = trailing_mean(panel.sales, history.LEVEL_DAYS)
    ladder: list[tuple[str, Floats]] = [
        ("mean of recent same weekdays", SameWeekday(mean_of(weeks)).gather(rows)),
        (
            "mean of the series' recent days",
            AtOrigin(recent).gather(rows),
        ),
        ("the product's mean over stores", AtOrigin(group_mean(recent, panel.product_index)).gather(rows)),
        ("the store's mean over products", AtOrigin(group_mean(recent, panel.store_index)).gather(rows)),
    ]
    units = np.zeros(len(rows.series), np.float32)
    reason = np.full(len(rows.series), "nothing has been sold yet", dtype="<U40")
    for text, values in reversed(ladder):
        known = ~np.isnan(values)
        units[known], reason[known] = values[known], text
    return units, reason


def spread(panel: Panel) -> npt.NDArray[np.float64]:
    """(Q,) factors of a simple forecast, one per published quantile, from its relative errors of the last weeks."""
    recent = history.surprise(panel, history.expected(panel))[:, -SPREAD_DAYS:]
    known = recent[~np.isnan(recent)]
    return np.quantile(known, QUANTILE_LEVELS) if len(known) >= len(LONE_SPREAD) ** 2 else np.array(LONE_SPREAD)
