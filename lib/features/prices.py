"""The price list: the price of the day against the prices before it."""

import polars as pl

from lib.features import spans
from lib.features.arrays import Floats, per, shifted, trailing_mean
from lib.features.columns import Ahead, Feature
from lib.features.spine import Panel

REFERENCE_DAYS = 56


def features(panel: Panel) -> list[Feature]:
    """List price per its mean of the eight weeks before; NaN without a price list."""
    price = _listed(panel)
    return [Feature("price_against_before", Ahead(per(price, shifted(trailing_mean(price, REFERENCE_DAYS), 1))))]


def _listed(panel: Panel) -> Floats:
    """(S, T + H) list prices: each holds until the next one of its list."""
    following = pl.col("starts").shift(-1).over("store", "product")
    listed = panel.inputs.prices.sort("store", "product", "starts").with_columns(
        ends=following.dt.offset_by("-1d"), known_from=pl.lit(None, pl.Date)
    )
    return spans.of(panel, listed, "price").over(0, panel.shape_ahead)
