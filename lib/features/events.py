"""What the series, its product and the chain did on earlier occasions of the same event: Christmas Eve, the day before Good Friday."""

import numpy as np

from lib.features import history
from lib.features.calendar import earlier_days
from lib.features.columns import Feature, SameEvent
from lib.features.spine import Floats, Ints, Panel


def features(panel: Panel, usual: Floats) -> list[Feature]:
    """Sales of earlier occasions, per what was expected then, and per the level of the time (weekdays differ)."""
    earlier = earlier_days(panel)
    level = history.shifted(history.level(panel), 7)
    due = history.shifted(usual, 7)
    everywhere = np.zeros(len(panel.sales), np.int32)
    return [
        Feature("event_surprise", SameEvent(_per(panel.sales, due), earlier, 3)),
        Feature("event_surprise_last", SameEvent(_per(panel.sales, due), earlier, 1)),
        Feature("event_surprise_of_product", SameEvent(_pooled(panel.sales, due, panel.product_index), earlier, 3)),
        Feature("event_surprise_of_store", SameEvent(_pooled(panel.sales, due, panel.store_index), earlier, 3)),
        Feature("event_surprise_of_chain", SameEvent(_pooled(panel.sales, due, everywhere), earlier, 3)),
        Feature("event_level", SameEvent(_per(panel.sales, level), earlier, 3), "level per expected"),
        Feature(
            "event_level_of_product",
            SameEvent(_pooled(panel.sales, level, panel.product_index), earlier, 3),
            "level per expected",
        ),
        Feature("event_open_share", SameEvent(_open_share(panel), earlier, 3)),
    ]


def _per(sold: Floats, due: Floats) -> Floats:
    return (sold / due).astype(np.float32)


def _pooled(sold: Floats, due: Floats, group: Ints) -> Floats:
    """Sum of sold per sum of due over each group's open series; NaN where nothing was due."""
    both = ~np.isnan(sold) & ~np.isnan(due)
    groups = int(group.max(initial=-1)) + 1
    total_sold, total_due = (np.zeros((groups, sold.shape[1])) for _ in range(2))
    np.add.at(total_sold, group, np.where(both, sold, 0))
    np.add.at(total_due, group, np.where(both, due, 0))
    ratio = np.where(total_due > 0, total_sold / np.maximum(total_due, 1e-9), np.nan)
    return ratio.astype(np.float32)[group]


def _open_share(panel: Panel) -> Floats:
    """(S, T): share of the chain's series that were open, of those that usually are on that weekday."""
    usually = _usually_open(panel)
    known = ~np.isnan(panel.shut) & usually
    share = np.where(
        known.sum(axis=0) > 0, ((panel.shut == 0) & known).sum(axis=0) / np.maximum(known.sum(axis=0), 1), np.nan
    )
    return np.broadcast_to(share.astype(np.float32), panel.sales.shape)


def _usually_open(panel: Panel) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    ordinary = np.where(history.ordinary(panel), panel.shut, np.nan).astype(np.float32)
    return history.shifted(history.mean_over_weeks(history.same_weekdays(ordinary, history.WEEKS)), 7) < 0.5
