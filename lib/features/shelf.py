"""The assortment laid over the days: when a store sells a product, as planned."""

import numpy as np
import polars as pl

from lib.features import spans
from lib.features.arrays import Bools
from lib.features.spans import Spans
from lib.features.spine import Panel


def ranges(panel: Panel) -> Spans:
    """Each range of the assortment that concerns a series of the panel; none without an assortment."""
    always = panel.inputs.assortment.with_columns(known_from=pl.lit(None, pl.Date), on=pl.lit(1.0))
    return spans.of(panel, always, "on")


def on_shelf(panel: Panel) -> Bools:
    """(S, T + H): days on which the store sells the product; all of them without an assortment."""
    if panel.inputs.assortment.is_empty():
        return np.ones(panel.shape_ahead, bool)
    marks: Bools = ranges(panel).over(0, panel.shape_ahead) > 0
    return marks
