"""What is published where the model cannot say: simple statistics, each labelled with its reason."""

import numpy as np
import numpy.typing as npt

from lib.contracts import QUANTILE_LEVELS
from lib.features import history
from lib.features.columns import AtOrigin, Rows, SameWeekday
from lib.features.spine import Floats, Ints, Panel

SPREAD_DAYS = 56
"""Days whose surprises show how far simple statistics miss."""
LONE_SPREAD = (0.4, 0.7, 1.0, 1.3, 1.5, 1.8, 2.2)
"""Spread of a chain too young to show one, as factors of the forecast, one per published quantile."""


def estimate(panel: Panel, rows: Rows) -> tuple[Floats, npt.NDArray[np.str_]]:
    """(N,) units and the reason in words: the best statistic there is, from the row's own weekday to the chain's mean."""
    ladder: list[tuple[str, Floats]] = [
        ("mean of recent same weekdays", SameWeekday(_recent_weekdays(panel)).gather(rows)),
        (
            "mean of the series' recent days",
            AtOrigin(history.trailing_mean(panel.sales, history.LEVEL_DAYS)).gather(rows),
        ),
        ("the product's mean over stores", AtOrigin(_mean_of_group(panel, panel.product_index)).gather(rows)),
        ("the store's mean over products", AtOrigin(_mean_of_group(panel, panel.store_index)).gather(rows)),
    ]
    units = np.zeros(len(rows.series), np.float32)
    reason = np.full(len(rows.series), "nothing has been sold yet", dtype="<U40")
    for text, values in reversed(ladder):
        known = ~np.isnan(values)
        units[known], reason[known] = values[known], text
    return units, reason


def spread(panel: Panel) -> npt.NDArray[np.float64]:
    """(Q,) factors of a simple forecast, one per published quantile, from its misses of the last weeks."""
    recent = history.surprise(panel, history.expected(panel))[:, -SPREAD_DAYS:]
    known = recent[~np.isnan(recent)]
    return np.quantile(known, QUANTILE_LEVELS) if len(known) >= len(LONE_SPREAD) ** 2 else np.array(LONE_SPREAD)


def _recent_weekdays(panel: Panel) -> Floats:
    return history.mean_over_weeks(history.same_weekdays(panel.sales, history.WEEKS))


def _mean_of_group(panel: Panel, group: Ints) -> Floats:
    """(S, T): mean over the group's series of their recent means."""
    own = history.trailing_mean(panel.sales, history.LEVEL_DAYS)
    groups = int(group.max(initial=-1)) + 1
    total, count = np.zeros((groups, own.shape[1])), np.zeros((groups, own.shape[1]))
    np.add.at(total, group, np.nan_to_num(own))
    np.add.at(count, group, ~np.isnan(own))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)[group]
