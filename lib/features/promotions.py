"""The promotion plan: own promotion, its depth, its first and last days, the days around it, and earlier uplifts."""

import numpy as np
import polars as pl

from lib.features.almanac import FAR, distance
from lib.features.arrays import Bools, Floats, Ints, floats
from lib.features.columns import Ahead, AtOrigin, Feature
from lib.features.levels import uplift
from lib.features.spine import Panel, spread


def features(panel: Panel, usual: Floats) -> list[Feature]:
    """Columns of the plan as each origin knew it."""
    plan = panel.inputs.promotions.with_columns(
        depth=pl.col("discount").fill_null(0.0),
        told=(pl.col("known_from") - panel.first_day).dt.total_days().clip(0),
    )
    depth = spread(panel, plan, "depth")
    told = np.nan_to_num(spread(panel, plan, "told"), nan=0).astype(np.int32)
    on = ~np.isnan(depth)
    into, left = distance(~on)
    past = floats((on & (told <= np.arange(on.shape[1])))[:, : panel.history])
    return [
        Feature("promotion", Ahead(floats(on), told)),
        Feature("promotion_discount", Ahead(np.nan_to_num(depth), told)),
        Feature("days_into_promotion", Ahead(floats(np.where(on, into, 0)), told)),
        Feature("days_left_of_promotion", Ahead(floats(np.where(on, left, 0)), told)),
        *_around(on, told),
        Feature("promotion_uplift", AtOrigin(uplift(panel, usual, past, np.arange(len(past), dtype=np.int32)))),
        Feature("promotion_uplift_of_product", AtOrigin(uplift(panel, usual, past, panel.product_index))),
    ]


def planned(panel: Panel) -> Bools:
    """(S, T + H): days on which the plan as known now has the series on promotion."""
    plan = panel.inputs.promotions.with_columns(on=pl.lit(1.0))
    return ~np.isnan(spread(panel, plan, "on"))


def _around(on: Bools, told: Ints) -> list[Feature]:
    """Days since the last promotion and until the next, each counting once its promotion was known."""
    since, until = distance(on)
    index, width = np.arange(on.shape[1]), on.shape[1]
    last = np.maximum.accumulate(np.where(on, index, 0), axis=1)
    following = np.minimum.accumulate(np.where(on, index, width - 1)[:, ::-1], axis=1)[:, ::-1]
    return [
        Feature("days_since_promotion", Ahead(since, np.take_along_axis(told, last, axis=1), FAR)),
        Feature("days_until_promotion", Ahead(until, np.take_along_axis(told, following, axis=1), FAR)),
    ]
