"""What orders cost against what was asked for: units left over and units missing, and both in currency."""

from collections.abc import Sequence

import polars as pl


def in_stock() -> pl.Expr:
    """Rows that did not run out, as far as is known: only there are sales what was asked for."""
    return ~pl.col("sold_out").fill_null(value=False)


def baked(point: str, *, night: Sequence[str] = ("store", "date")) -> pl.Expr:
    """Units that someone bakes who trusts a point forecast, under the same rules as every order.

    The number, and at least the minimum display, rounded up to whole trays; nothing where nothing is forecast. Where a
    store's rows of one `night` exceed its capacity all are cut by the same share, to whole trays.
    """
    whole = (pl.max_horizontal(point, "minimum_display") / pl.col("tray")).ceil() * pl.col("tray")
    asked = pl.when(pl.col(point) > 0).then(whole).otherwise(0.0)
    share = (pl.col("capacity") / asked.sum().over(*night)).fill_nan(1).fill_null(1).clip(0, 1)
    return pl.when(share < 1).then((asked * share / pl.col("tray")).floor() * pl.col("tray")).otherwise(asked)


def of_order(order: pl.Expr, *, actual: str = "actual") -> dict[str, pl.Expr]:
    """Per row `waste` and `lost` (units), `waste_cost` and `lost_cost` (currency) of an order.

    A wasted unit costs the row's `overage`, a missing one its `underage`. Null where `actual` is.
    """
    waste, lost = (order - pl.col(actual)).clip(0), (pl.col(actual) - order).clip(0)
    return {
        "waste": waste,
        "lost": lost,
        "waste_cost": waste * pl.col("overage"),
        "lost_cost": lost * pl.col("underage"),
    }


def totals(rows: pl.DataFrame, order: pl.Expr, *, actual: str = "actual") -> dict[str, float]:
    """Sums of :func:`of_order` over the rows, and `cost`, waste and lost sales together.

    Rows that ran out are left out: how much they lacked their sales cannot tell.
    """
    parts = of_order(order, actual=actual)
    summed = rows.filter(in_stock()).select(**parts).sum()
    return summed.with_columns(cost=pl.col("waste_cost") + pl.col("lost_cost")).row(0, named=True)
