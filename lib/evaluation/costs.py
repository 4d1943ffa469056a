"""What orders cost against what was asked for: units left over and units missing, and both in currency."""

import polars as pl


def in_stock() -> pl.Expr:
    """Rows that did not run out, as far as is known: only there are sales what was asked for."""
    return ~pl.col("sold_out").fill_null(value=False)


def baked(point: str, *, tray: str = "tray") -> pl.Expr:
    """Units that someone bakes who trusts a point forecast: the number, rounded up to whole trays."""
    return (pl.col(point) / pl.col(tray)).ceil() * pl.col(tray)


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
