"""What happened on earlier days of the same event: last Christmas Eve, the last day before Good Friday."""

import numpy as np

from lib.features import history
from lib.features.arrays import WEEK, Bools, Floats, Ints, floats, group_sum, masked, one_group, per, shifted
from lib.features.calendar import earlier_days
from lib.features.columns import Feature, SameEvent
from lib.features.spine import Panel

HALF = 0.5


def features(panel: Panel, usual: Floats) -> list[Feature]:
    """Sales of earlier days per what was expected of them, and per the level of the time, since weekdays differ."""
    sold, due, level = panel.demand, shifted(usual, WEEK), shifted(history.level(panel), WEEK)
    product, store, chain = panel.product_index, panel.store_index, one_group(sold)
    days = earlier_days(panel)

    def earlier(values: Floats, count: int = 3) -> SameEvent:
        return SameEvent(values, days, count)

    return [
        Feature("event_surprise", earlier(per(sold, due))),
        Feature("event_surprise_last", earlier(per(sold, due), 1)),
        Feature("event_surprise_of_product", earlier(_pooled(sold, due, product))),
        Feature("event_surprise_of_store", earlier(_pooled(sold, due, store))),
        Feature("event_surprise_of_chain", earlier(_pooled(sold, due, chain))),
        Feature("event_level", earlier(per(sold, level)), "level per expected"),
        Feature("event_level_of_product", earlier(_pooled(sold, level, product)), "level per expected"),
        Feature("event_level_of_store", earlier(_pooled(sold, level, store)), "level per expected"),
        Feature("event_open_share", earlier(_open_share(panel))),
    ]


def _pooled(sold: Floats, due: Floats, group: Ints) -> Floats:
    """Sum of sold per sum of due over each group's series that have both."""
    both = ~np.isnan(sold) & ~np.isnan(due)
    return per(group_sum(masked(sold, both), group), group_sum(masked(due, both), group))


def _open_share(panel: Panel) -> Floats:
    """(S, T): share of the chain's series that were open, of those that usually are on that weekday."""
    usually: Bools = shifted(history.shut_share(panel), WEEK) < HALF
    is_open = masked(floats(panel.shut == 0), ~np.isnan(panel.shut) & usually)
    known = masked(np.ones_like(is_open), ~np.isnan(is_open))
    return per(group_sum(is_open, one_group(is_open)), group_sum(known, one_group(known)))
