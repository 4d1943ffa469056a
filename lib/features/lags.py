"""Recent same weekdays of the series, against what they usually sell."""

import numpy as np

from lib.features import history
from lib.features.arrays import Floats, floats, mean_of, median_of, same_weekdays, trailing_mean
from lib.features.columns import AtOrigin, Feature, SameWeekday
from lib.features.spine import Panel

A_YEAR = 52
"""Weeks after which the weekdays of a year fall on about the same dates."""


def features(panel: Panel, usual: Floats) -> list[Feature]:
    """Lags and their statistics. Special days are left out of them, but for the extremes."""
    sold = history.ordinary_sales(panel)
    around_last_year = trailing_mean(history.surprise(panel, usual), 21)
    all_days = same_weekdays(panel.demand, history.WEEKS)
    return [
        Feature("last_week", SameWeekday(sold), "per expected"),
        Feature("two_weeks_ago", SameWeekday(sold, weeks=2), "per expected"),
        Feature("three_weeks_ago", SameWeekday(sold, weeks=3), "per expected"),
        Feature("mean_of_4_weeks", SameWeekday(mean_of(same_weekdays(sold, 4))), "per expected"),
        Feature("mean_of_13_weeks", SameWeekday(mean_of(same_weekdays(sold, 13))), "per expected"),
        Feature("median_of_13_weeks", SameWeekday(median_of(same_weekdays(sold, 13))), "per expected"),
        Feature("mean_of_26_weeks", SameWeekday(mean_of(same_weekdays(sold, 26))), "per expected"),
        Feature("lowest_of_8_weeks", SameWeekday(floats(np.fmin.reduce(all_days, axis=0))), "per expected"),
        Feature("highest_of_8_weeks", SameWeekday(floats(np.fmax.reduce(all_days, axis=0))), "per expected"),
        Feature("spread_of_8_weeks", SameWeekday(_spread(same_weekdays(sold, 8))), "per expected"),
        Feature("a_year_ago", SameWeekday(sold, weeks=A_YEAR), "per expected"),
        Feature("around_a_year_ago", SameWeekday(around_last_year, weeks=A_YEAR - 1)),
        Feature("week_at_origin", AtOrigin(trailing_mean(panel.demand, 7)), "per expected"),
        Feature("month_at_origin", AtOrigin(trailing_mean(panel.demand, 28)), "per expected"),
    ]


def _spread(layers: Floats) -> Floats:
    """(S, T) standard deviation of the known layers."""
    return floats(np.sqrt(mean_of(floats((layers - mean_of(layers)) ** 2))))
