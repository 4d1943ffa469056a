"""The price list: the price of the day against the prices before it, and against the family's in the store."""

import numpy as np
import polars as pl

from lib.features import history, spans
from lib.features.arrays import Floats, group_mean, masked, mean_of, per, same_weekdays, shifted, trailing_mean
from lib.features.columns import Ahead, Column, Feature, OfRow, SameWeekday
from lib.features.siblings import families
from lib.features.spine import Panel

REFERENCE_DAYS = 56
NAMES = ("price_against_today", "price_against_before", "price_against_expected", "price_against_family")


def features(panel: Panel) -> list[Feature]:
    """The list price per each reference of NAMES; NaN without a price list.

    References are the price at the origin, which the latest sales were made at; its mean of the eight weeks before; its
    mean on the days behind the row's expected sales; and the family's mean in the store on the last same weekday that
    the origin knows.

    Expected sales were made at the prices of their days: only a price that differs from those moves the ratio to them.
    """
    if panel.inputs.prices.is_empty():
        unknown = Ahead(np.broadcast_to(np.float32(np.nan), panel.shape_ahead))
        return [Feature(name, unknown) for name in NAMES]
    price = _listed(panel)
    sold_at = masked(price[:, : panel.history], ~np.isnan(history.ordinary_sales(panel)))
    before = shifted(trailing_mean(price, REFERENCE_DAYS), 1)
    columns: tuple[Column, ...] = (
        OfRow(lambda rows: per(price[rows.series, rows.date], price[rows.series, rows.origin])),
        Ahead(per(price, before)),
        _against(price, mean_of(same_weekdays(sold_at, history.WEEKS))),
        _against(price, group_mean(sold_at, families(panel))),
    )
    return [Feature(name, column) for name, column in zip(NAMES, columns, strict=True)]


def _against(price: Floats, reference: Floats) -> Column:
    """The day's price per a (S, T) reference of the last same weekday."""
    known = SameWeekday(reference)
    return OfRow(lambda rows: per(price[rows.series, rows.date], known.gather(rows)))


def _listed(panel: Panel) -> Floats:
    """(S, T + H) list prices: each holds until the next one of its list."""
    following = pl.col("starts").shift(-1).over("store", "product")
    listed = panel.inputs.prices.sort("store", "product", "starts").with_columns(
        ends=following.dt.offset_by("-1d"), known_from=pl.lit(None, pl.Date)
    )
    return spans.of(panel, listed, "price").over(0, panel.shape_ahead)
