"""What came true: known sales, and the zeros that a source leaves out."""

from datetime import date

import numpy as np
import polars as pl

from lib.features.spine import Panel


def against_sales(forecasts: pl.DataFrame, sales: pl.DataFrame) -> pl.DataFrame:
    """The forecasts whose sales are known, with `actual` and `sold_out` (null: not known).

    `sales` has store, product, date, quantity and sold_out; a day without a row is not scored, unless it is filled in
    by :func:`sales_with_zeros`.
    """
    truth = sales.select("store", "product", "date", "sold_out", actual="quantity")
    return forecasts.join(truth, on=["store", "product", "date"], maintain_order="left")


def sales_with_zeros(panel: Panel, *, first: date) -> pl.DataFrame:
    """Sales from `first` on, with a 0 also where the source wrote none: the store was shut, or nothing was bought.

    `panel` must reach to the last forecast day. What it cannot tell (a till cut off, a product long silent) has no row,
    nor have the days after a store's newest row: they may only be late.
    """
    start = max((first - panel.first_day).days, 0)
    units = np.where(panel.shut == 1, 0, panel.sales)[:, start:]
    series, day = np.nonzero(~np.isnan(units))
    told = panel.inputs.sales.select("store", "product", "date", "sold_out", told="quantity")
    dates = pl.Series("date", panel.days[start + day].astype("datetime64[ms]")).cast(pl.Date)
    zeros = panel.series[series].select("store", "product").with_columns(dates, found=pl.Series(units[series, day]))
    joined = zeros.join(told, on=["store", "product", "date"], how="left", maintain_order="left")
    quantity = pl.coalesce("told", pl.col("found").cast(pl.Float64))
    newest = told.group_by("store").agg(newest=pl.col("date").max())
    arrived = joined.join(newest, on="store", how="left", maintain_order="left").filter(
        pl.col("date") <= pl.col("newest")
    )
    return arrived.select("store", "product", "date", "sold_out", quantity=quantity)
