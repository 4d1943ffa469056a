"""The price list: the price of the day against the prices before it."""

import numpy as np
import polars as pl

from lib.features import history
from lib.features.columns import Ahead, Feature
from lib.features.spine import Panel, spread

REFERENCE_DAYS = 56


def features(panel: Panel) -> list[Feature]:
    """List price per its mean of the eight weeks before; NaN without a price list."""
    price = spread(panel, panel.inputs.prices.with_columns(ends=pl.lit(None, pl.Date)), "price")
    reference = history.shifted(history.trailing_mean(price, REFERENCE_DAYS), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return [Feature("price_against_before", Ahead((price / reference).astype(np.float32)))]
