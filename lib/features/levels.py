"""Where the series, its product, its store and the chain stand against what was expected of them: 1 is as expected."""

import numpy as np

from lib.features import history
from lib.features.arrays import (
    Floats,
    Ints,
    floats,
    group_sum,
    masked,
    one_group,
    per,
    trailing_count,
    trailing_mean,
    trailing_sum,
)
from lib.features.columns import AtOrigin, Feature, SameWeekday
from lib.features.spine import Panel

PRIOR_DAYS = 2.0
"""So many days as expected are mixed in, so that a single odd day does not make a level."""
A_YEAR_LESS_A_WEEK = 51


def features(panel: Panel, usual: Floats) -> list[Feature]:
    """Levels over several windows, last week's and last year's, and how widely the series scatters."""
    due = history.due(panel, usual)
    sold = masked(panel.demand, ~np.isnan(due))
    return [
        *(Feature(f"series_level_{days}", AtOrigin(_level(sold, due, days))) for days in (1, 3, 7, 14, 28, 91)),
        *_pooled("product", group_sum(sold, panel.product_index), group_sum(due, panel.product_index)),
        *_pooled("store", group_sum(sold, panel.store_index), group_sum(due, panel.store_index)),
        *_pooled("chain", group_sum(sold, one_group(sold)), group_sum(due, one_group(due))),
        *_in_school_holidays(panel, usual),
        Feature("surprise_last_week", SameWeekday(history.surprise(panel, usual))),
        Feature("scatter", AtOrigin(per(trailing_sum(np.abs(sold - due), 56), trailing_sum(due, 56)))),
        Feature("log_expected", SameWeekday(floats(np.log1p(np.nan_to_num(usual))))),
    ]


def uplift(panel: Panel, usual: Floats, marks: Floats, group: Ints) -> Floats:
    """(S, T): sold per due over all marked days up to t of the series' group; NaN before the first."""
    due = masked(history.due(panel, usual), marks > 0)
    sold = masked(panel.demand, ~np.isnan(due))
    span = panel.history
    return per(trailing_sum(group_sum(sold, group), span), trailing_sum(group_sum(due, group), span))


def _in_school_holidays(panel: Panel, usual: Floats) -> list[Feature]:
    marks = floats(panel.almanac.school[panel.store_index, : panel.history])
    own = np.arange(len(marks), dtype=np.int32)
    return [
        Feature("school_holiday_uplift", AtOrigin(uplift(panel, usual, marks, own))),
        Feature("school_holiday_uplift_of_store", AtOrigin(uplift(panel, usual, marks, panel.store_index))),
    ]


def _pooled(name: str, sold: Floats, due: Floats) -> list[Feature]:
    """Levels of a group at the origin, on the last same weekdays, and around the day a year ago."""
    daily = per(sold, due)
    return [
        *(Feature(f"{name}_level_{days}", AtOrigin(_level(sold, due, days))) for days in (1, 3, 7, 28)),
        Feature(f"{name}_surprise_last_week", SameWeekday(daily)),
        Feature(f"{name}_surprise_two_weeks_ago", SameWeekday(daily, weeks=2)),
        Feature(f"{name}_around_a_year_ago", SameWeekday(trailing_mean(daily, 15), weeks=A_YEAR_LESS_A_WEEK)),
    ]


def _level(sold: Floats, due: Floats, days: int) -> Floats:
    """Sold per due over the `days` days up to t, drawn towards 1 by PRIOR_DAYS."""
    total = trailing_sum(due, days)
    prior = floats(total / np.maximum(trailing_count(due, days), 1) * PRIOR_DAYS)
    return per(floats(trailing_sum(sold, days) + prior), floats(total + prior))
