"""The promotion plan: own promotion, its depth, its first and last days, the days around it, and earlier uplifts."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import polars as pl

from lib.features import spans
from lib.features.almanac import FAR, distance
from lib.features.arrays import Bools, Floats, floats
from lib.features.columns import AtOrigin, Feature, OfRow, Rows
from lib.features.levels import uplift
from lib.features.spans import Spans
from lib.features.spine import Panel

NAMES = (
    "promotion",
    "promotion_discount",
    "days_into_promotion",
    "days_left_of_promotion",
    "days_since_promotion",
    "days_until_promotion",
)


def features(panel: Panel, usual: Floats) -> list[Feature]:
    """Columns of the plan as each origin knew it."""
    plan = _plan(panel)
    planned_at = _as_known(panel, plan)
    past = floats(~np.isnan(plan.once_known().over(0, panel.sales.shape)))
    own = np.arange(len(past), dtype=np.int32)
    return [
        *(Feature(name, OfRow(_one(planned_at, place))) for place, name in enumerate(NAMES)),
        Feature("promotion_uplift", AtOrigin(uplift(panel, usual, past, own))),
        Feature("promotion_uplift_of_product", AtOrigin(uplift(panel, usual, past, panel.product_index))),
    ]


def planned(panel: Panel) -> Bools:
    """(S, T + H): days on which the plan as known now has the series on promotion."""
    return ~np.isnan(_plan(panel).over(0, panel.shape_ahead))


def _plan(panel: Panel) -> Spans:
    return spans.of(panel, panel.inputs.promotions.with_columns(depth=pl.col("discount").fill_null(0.0)), "depth")


def _one(values: Callable[[Rows], Floats], place: int) -> Callable[[Rows], Floats]:
    return lambda rows: values(rows)[place]


def _as_known(panel: Panel, plan: Spans) -> Callable[[Rows], Floats]:
    """(6, N): the columns of NAMES, from the plan as each row's origin knew it. The last answer is kept."""

    @lru_cache(maxsize=1)
    def values(rows: Rows) -> Floats:
        out = np.empty((len(NAMES), len(rows.series)), np.float32)
        order = np.argsort(rows.origin, kind="stable")
        origins, starts = np.unique(rows.origin[order], return_index=True)
        for origin, chosen in zip(origins.tolist(), np.split(order, starts)[1:], strict=True):
            near = plan.take((plan.known <= origin) & (plan.last > origin - FAR) & (plan.first <= origin + reach))
            first = origin + 1 - FAR
            window = _described(near.over(first, (len(panel.sales), FAR + reach)))
            out[:, chosen] = window[:, rows.series[chosen], rows.date[chosen] - first]
        return out

    reach = panel.horizon + FAR
    return values


def _described(depth: Floats) -> Floats:
    """(6, S, W) of (S, W) depths, NaN where there is no promotion; distances count up to FAR days."""
    on = ~np.isnan(depth)
    into, left = distance(~on)
    since, until = distance(on)
    return np.stack([floats(on), np.nan_to_num(depth), into, left, since, until])
