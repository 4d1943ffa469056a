"""The price list: the price of the day against the prices before it."""

import polars as pl

from lib.features.arrays import per, shifted, trailing_mean
from lib.features.columns import Ahead, Feature
from lib.features.spine import Panel, spread

REFERENCE_DAYS = 56


def features(panel: Panel) -> list[Feature]:
    """List price per its mean of the eight weeks before; NaN without a price list."""
    price = spread(panel, panel.inputs.prices.with_columns(ends=pl.lit(None, pl.Date)), "price")
    return [Feature("price_against_before", Ahead(per(price, shifted(trailing_mean(price, REFERENCE_DAYS), 1))))]
