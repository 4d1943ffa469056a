"""Weather as issued: for days ahead only forecasts that the origin knew, never what was observed later."""

from collections.abc import Callable

import numpy as np
import polars as pl

from lib.features.arrays import Floats
from lib.features.columns import Feature, OfRow, Rows
from lib.features.spine import Panel

VALUES = ("temperature", "temperature_max", "precipitation")


def features(panel: Panel) -> list[Feature]:
    """The newest forecast of the day that the origin knew; NaN without one."""
    issued = panel.inputs.weather.drop_nulls("issued")
    return [Feature(f"{value}_forecast", OfRow(_newest(panel, issued, value))) for value in VALUES]


def _newest(panel: Panel, issued: pl.DataFrame, value: str) -> Callable[[Rows], Floats]:
    first = panel.first_day
    known = (
        issued.sort("known_from", "issued")
        .select(
            "store",
            value,
            day=(pl.col("date") - first).dt.total_days().cast(pl.Int32),
            origin=(pl.col("known_from") - first).dt.total_days().cast(pl.Int32),
        )
        .unique(["store", "day", "origin"], keep="last", maintain_order=True)
    )

    def values(rows: Rows) -> Floats:
        if known.is_empty():
            return np.full(len(rows.series), np.nan, np.float32)
        asked = pl.DataFrame({"series": rows.series, "origin": rows.origin, "day": rows.date}).with_row_index("row")
        stores = panel.series.select("store", series=pl.int_range(pl.len(), dtype=pl.Int32))
        found = (
            asked.join(stores, on="series")
            .sort("origin")
            .join_asof(known, on="origin", by=["store", "day"], strategy="backward", check_sortedness=False)
        )
        return found.sort("row")[value].cast(pl.Float32).to_numpy(writable=True)

    return values
