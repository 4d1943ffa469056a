"""Where the series, its product and its store stand lately against what was expected of them: 1 is as expected."""

import numpy as np

from lib.features import history
from lib.features.columns import AtOrigin, Feature, SameWeekday, masked
from lib.features.spine import Floats, Ints, Panel

PRIOR_DAYS = 2.0
"""So many days as expected are mixed in, so that a single odd day does not make a level."""


def features(panel: Panel, usual: Floats) -> list[Feature]:
    """Levels over several windows, and how widely the series scatters around its expectation."""
    due = masked(history.shifted(usual, 7), history.ordinary(panel) & ~np.isnan(panel.sales))
    sold = masked(panel.sales, ~np.isnan(due))
    everywhere = np.zeros(len(sold), np.int32)
    own = [Feature(f"series_level_{days}", AtOrigin(_level(sold, due, days))) for days in (7, 14, 28, 91)]
    groups = {"product": panel.product_index, "store": panel.store_index, "chain": everywhere}
    pooled = [
        Feature(f"{name}_level_{days}", AtOrigin(_level(_summed(sold, group), _summed(due, group), days)))
        for name, group in groups.items()
        for days in (3, 7, 28)
    ]
    return [*own, *pooled, *_surprises(panel, usual, sold, due)]


def _surprises(panel: Panel, usual: Floats, sold: Floats, due: Floats) -> list[Feature]:
    error = np.abs(sold - due)
    volume = np.log1p(np.nan_to_num(usual))
    return [
        Feature("surprise_last_week", SameWeekday(history.surprise(panel, usual))),
        Feature(
            "scatter_56", AtOrigin((history.trailing_sum(error, 56) / history.trailing_sum(due, 56)).astype(np.float32))
        ),
        Feature("log_expected", SameWeekday(volume)),
    ]


def _level(sold: Floats, due: Floats, days: int) -> Floats:
    """Sold per due over the `days` days up to t, drawn towards 1 by PRIOR_DAYS."""
    count = history.trailing_count(due, days)
    total_due = history.trailing_sum(due, days)
    prior = total_due / np.maximum(count, 1) * PRIOR_DAYS
    return ((history.trailing_sum(sold, days) + prior) / (total_due + prior)).astype(np.float32)


def _summed(values: Floats, group: Ints) -> Floats:
    """(S, T): each series gets the sum of its group; NaN on days without any known value."""
    groups = int(group.max(initial=-1)) + 1
    total, count = np.zeros((groups, values.shape[1])), np.zeros((groups, values.shape[1]))
    np.add.at(total, group, np.nan_to_num(values))
    np.add.at(count, group, ~np.isnan(values))
    return np.where(count > 0, total, np.nan).astype(np.float32)[group]
