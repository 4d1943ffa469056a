"""Recent same weekdays of the series, against what they usually sell."""

import numpy as np

from lib.features import history
from lib.features.columns import AtOrigin, Feature, SameWeekday, masked
from lib.features.spine import Floats, Panel


def features(panel: Panel, usual: Floats) -> list[Feature]:
    """Lags and their statistics. Special days are left out of them."""
    ordinary = masked(panel.sales, history.ordinary(panel))
    return [
        Feature("last_week", SameWeekday(ordinary), "per expected"),
        Feature("two_weeks_ago", SameWeekday(ordinary, weeks=2), "per expected"),
        Feature("three_weeks_ago", SameWeekday(ordinary, weeks=3), "per expected"),
        Feature("mean_of_4_weeks", SameWeekday(_mean(ordinary, 4)), "per expected"),
        Feature("mean_of_13_weeks", SameWeekday(_mean(ordinary, 13)), "per expected"),
        Feature("spread_of_8_weeks", SameWeekday(_spread(ordinary, 8)), "per expected"),
        Feature("around_this_day_last_year", SameWeekday(_around_last_year(panel, usual), weeks=51)),
        Feature("week_at_origin", AtOrigin(history.trailing_mean(panel.sales, 7)), "per expected"),
        Feature("month_at_origin", AtOrigin(history.trailing_mean(panel.sales, 28)), "per expected"),
    ]


def _mean(values: Floats, weeks: int) -> Floats:
    return history.mean_over_weeks(history.same_weekdays(values, weeks))


def _spread(values: Floats, weeks: int) -> Floats:
    stack = history.same_weekdays(values, weeks)
    return np.sqrt(history.mean_over_weeks((stack - history.mean_over_weeks(stack)) ** 2)).astype(np.float32)


def _around_last_year(panel: Panel, usual: Floats) -> Floats:
    """Mean surprise of the three weeks that end 51 weeks before the forecast's day."""
    return history.trailing_mean(history.surprise(panel, usual), 21)
