"""Accuracy from sums. Numerators and denominators are kept and added; percentages are never averaged."""

import polars as pl

from lib.contracts import QUANTILE_LEVELS, QUANTILES


def sums(forecast: str = "forecast", actual: str = "actual") -> dict[str, pl.Expr]:
    """The additive parts: absolute error, signed error (forecast - actual), squared error, actual, number of rows."""
    error = pl.col(forecast) - pl.col(actual)
    return {
        "abs_error": error.abs().sum(),
        "error": error.sum(),
        "squared_error": (error**2).sum(),
        "actual": pl.col(actual).sum(),
        "rows": pl.len(),
    }


def forecast_accuracy() -> pl.Expr:
    """FA = 1 - sum|F - A| / sum A of additive parts; null where nothing was sold."""
    return pl.when(pl.col("actual") > 0).then(1 - pl.col("abs_error") / pl.col("actual"))


def bias() -> pl.Expr:
    """sum(F - A) / sum A of additive parts; null where nothing was sold."""
    return pl.when(pl.col("actual") > 0).then(pl.col("error") / pl.col("actual"))


def rmse() -> pl.Expr:
    """Root of the mean squared error, units; null without rows."""
    return pl.when(pl.col("rows") > 0).then((pl.col("squared_error") / pl.col("rows")).sqrt())


def accuracy(rows: pl.DataFrame, *, forecast: str = "forecast", actual: str = "actual") -> dict[str, float | None]:
    """FA, bias and RMSE of a frame of forecasts with what came true."""
    parts = rows.select(**sums(forecast, actual))
    return parts.select(fa=forecast_accuracy(), bias=bias(), rmse=rmse()).row(0, named=True)


def pinball(rows: pl.DataFrame, *, actual: str = "actual") -> dict[str, float | None]:
    """Mean pinball loss of each published quantile, units."""
    losses = {}
    for name, level in zip(QUANTILES, QUANTILE_LEVELS, strict=True):
        miss = pl.col(actual) - pl.col(name)
        losses[name] = pl.max_horizontal(level * miss, (level - 1) * miss).mean()
    return rows.select(**losses).row(0, named=True)
