"""The promotion plan: own promotion, its depth, its first and last days, and the days after it."""

import numpy as np
import polars as pl

from lib.features.almanac import Bools, distance
from lib.features.columns import Ahead, Feature
from lib.features.spine import Panel, spread


def features(panel: Panel) -> list[Feature]:
    """Columns of the plan as the origin knows it."""
    plan = panel.inputs.promotions.with_columns(
        depth=pl.col("discount").fill_null(0.0),
        told=(pl.col("known_from") - pl.lit(panel.days[0].astype(object))).dt.total_days().clip(0),
    )
    depth = spread(panel, plan, "depth")
    told = np.nan_to_num(spread(panel, plan, "told"), nan=0).astype(np.int32)
    on = ~np.isnan(depth)
    since, until = distance(on)
    into, left = distance(~on)
    return [
        Feature("promotion", Ahead(on.astype(np.float32), told)),
        Feature("promotion_discount", Ahead(np.nan_to_num(depth), told)),
        Feature("days_into_promotion", Ahead(np.where(on, into, 0).astype(np.float32), told)),
        Feature("days_left_of_promotion", Ahead(np.where(on, left, 0).astype(np.float32), told)),
        Feature("days_since_promotion", Ahead(since)),
        Feature("days_until_promotion", Ahead(until)),
    ]


def planned(panel: Panel) -> Bools:
    """(S, T + H): days on which the plan as known now has the series on promotion."""
    plan = panel.inputs.promotions.with_columns(on=pl.lit(1.0))
    return ~np.isnan(spread(panel, plan, "on"))
