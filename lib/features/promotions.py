"""The promotion plan: own promotion, its depth, its first and last days, the days around it, and earlier uplifts."""

from collections.abc import Callable

import numpy as np

from lib.features import plan as plans
from lib.features import siblings
from lib.features.almanac import FAR, distance
from lib.features.arrays import Bools, Floats, floats
from lib.features.columns import AtOrigin, Feature, OfRow, Rows
from lib.features.levels import uplift
from lib.features.plan import View
from lib.features.spans import FOREVER, Spans
from lib.features.spine import Panel

OWN = View(
    (
        "promotion",
        "promotion_discount",
        "days_into_promotion",
        "days_left_of_promotion",
        "days_since_promotion",
        "days_until_promotion",
    ),
    (0, 0, 0, 0, FAR, FAR),
    lambda depth, _: _described(depth)[:, :, FAR : depth.shape[1] - FAR],
)
"""On promotion or not, the discount, and days counted up to FAR: the first day of a promotion is 1 day into it."""


def features(panel: Panel, usual: Floats) -> list[Feature]:
    """Columns of the plan as each origin knew it: of the series, and of the products around it."""
    plan, views = plans.of(panel), (OWN, siblings.view(panel, usual))
    planned_at = plans.as_known(panel, plan, views)
    names = [name for view in views for name in view.names]
    return [
        *(Feature(name, OfRow(_one(planned_at, place))) for place, name in enumerate(names)),
        *_earlier_uplifts(panel, plan, usual),
    ]


def planned(panel: Panel) -> Bools:
    """(S, T + H): days on which the plan as known now has the series on promotion."""
    plan = plans.of(panel)
    return ~np.isnan(plan.take(plan.until == FOREVER).over(0, panel.shape_ahead))


def _earlier_uplifts(panel: Panel, plan: Spans, usual: Floats) -> list[Feature]:
    names = ("promotion_uplift", "promotion_uplift_of_product")
    if not len(plan.series):
        unknown = AtOrigin(np.broadcast_to(np.float32(np.nan), panel.demand.shape))
        return [Feature(name, unknown) for name in names]
    past = floats(plans.past(panel, plan))
    groups = (np.arange(len(past), dtype=np.int32), panel.product_index)
    return [
        Feature(name, AtOrigin(uplift(panel, usual, past, group))) for name, group in zip(names, groups, strict=True)
    ]


def _one(values: Callable[[Rows], Floats], place: int) -> Callable[[Rows], Floats]:
    return lambda rows: values(rows)[place]


def _described(depth: Floats) -> Floats:
    """(6, S, W) of (S, W) depths, NaN where there is no promotion; distances count up to FAR days."""
    on = ~np.isnan(depth)
    into, left = distance(~on)
    since, until = distance(on)
    return np.stack([floats(on), np.nan_to_num(depth), into, left, since, until])
