"""What drives a forecast: Shapley values of the point model, summed over features that people see as one thing."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.contracts.outputs import DRIVERS

if TYPE_CHECKING:
    from lib.features.matrix import Matrix
    from lib.models.boosting import Booster

OTHER = "other"
"""Features of no group, and what the model adds to every forecast alike; never named as a driver."""
GROUPS: dict[str, tuple[str, ...]] = {
    "recent_level": ("series_level_*", "product_level_*", "store_level_*", "chain_level_*", "*_at_origin"),
    "same_weekday": (
        *("last_week", "two_weeks_ago", "three_weeks_ago", "*surprise_last_week", "*surprise_two_weeks_ago"),
        *("mean_of_*", "median_of_*", "lowest_of_*", "highest_of_*", "spread_of_*"),
    ),
    "last_year": ("a_year_ago", "*around_a_year_ago"),
    "season": ("season_*", "day_of_month"),
    "weekday": ("weekday",),
    "holidays": (
        *("holiday_offset", "days_since_holiday", "days_until_holiday", "sunday_next_to_holiday", "bridge_day"),
        *("local_event", "event_*"),
    ),
    "school_holidays": ("school_holiday*", "days_*_school_holiday"),
    "promotion": ("promotion*", "days_*_promotion"),
    "siblings": ("sibling*", "complement*"),
    "price": ("price*",),
    "weather": ("temperature*", "precipitation*", "weather*"),
    OTHER: ("horizon", "log_expected", "scatter"),
}
"""Patterns of feature names by group; each feature belongs to one. Keys are what `driver_1` ... may say."""
NAMES = tuple(GROUPS)
SMALLEST_UNITS, SMALLEST_SHARE = 0.05, 0.005
"""An effect below so many units, or below so large a share of the forecast, is not named."""
CHUNK = 50_000
"""Rows explained at a time, so that the values of all features never lie in memory together."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """The strongest drivers of N forecasts, strongest first: keys (N, 3) of GROUPS, None where there are no more.

    `effects` (N, 3): units that each adds to or takes from what is usual, rounded to thousandths; NaN likewise.
    """

    keys: npt.NDArray[np.object_]
    effects: npt.NDArray[np.float64]

    def where(self, keep: npt.NDArray[np.bool_]) -> "Drivers":
        """Those of the (N,) rows to keep; none of the others."""
        return Drivers(
            np.where(keep[:, None], self.keys, np.array(None)), np.where(keep[:, None], self.effects, np.nan)
        )

    def columns(self) -> list[pl.Series]:
        """`driver_1`, `effect_1`, `driver_2` ... as in the contract of forecasts."""
        out = []
        for place in range(DRIVERS):
            out.append(pl.Series(f"driver_{place + 1}", self.keys[:, place].tolist(), dtype=pl.String))
            out.append(pl.Series(f"effect_{place + 1}", self.effects[:, place]).fill_nan(None))
        return out


def of(booster: "Booster", matrix: "Matrix", *, threads: int) -> Drivers:
    """The drivers of each row's point forecast; the same whatever `threads` is. None where nothing was expected."""
    return strongest(by_group(booster, matrix, threads=threads), matrix.expected)


def none(count: int) -> Drivers:
    """Of so many forecasts without a model: no drivers."""
    return Drivers(np.full((count, DRIVERS), None, dtype=object), np.full((count, DRIVERS), np.nan))


def by_group(booster: "Booster", matrix: "Matrix", *, threads: int) -> npt.NDArray[np.float64]:
    """(N, G) units by which each group of NAMES moves the forecast away from what is usual; NaN where that is unknown.

    What is usual plus all groups is the point forecast before it is kept at 0 or above. Exact Shapley values of the
    trees: Lundberg et al., Consistent Individualized Feature Attribution for Tree Ensembles (2018).
    """
    member = _membership(matrix.names)
    pieces = [
        values[:, :-1] @ member + (values[:, -1:] - 1) * _only(OTHER) for values in _shapley(booster, matrix, threads)
    ]
    ratios = np.concatenate(pieces) if pieces else np.empty((0, len(NAMES)))
    return np.asarray(ratios * matrix.expected[:, None].astype(np.float64))


def strongest(effects: npt.NDArray[np.float64], usual: npt.NDArray[np.float32]) -> Drivers:
    """The largest of (N, G) effects by absolute size; at a tie the earlier in NAMES. `usual` (N,): units expected."""
    named = np.nan_to_num(np.delete(effects, NAMES.index(OTHER), axis=1)).round(3)
    keys = np.array([name for name in NAMES if name != OTHER], dtype=object)
    order = np.argsort(-np.abs(named), axis=1, kind="stable")[:, :DRIVERS]
    values = np.take_along_axis(named, order, axis=1)
    forecast = np.nan_to_num(usual + effects.sum(axis=1))
    least = np.maximum(SMALLEST_UNITS, SMALLEST_SHARE * forecast)
    shown = np.abs(values) >= least[:, None]
    found = keys[order]
    found[~shown] = None
    return Drivers(found, np.where(shown, values, np.nan))


def group_of(feature: str) -> str:
    """The group of a feature by its name; `other` where no pattern fits."""
    found = (group for group, patterns in GROUPS.items() if any(fnmatchcase(feature, one) for one in patterns))
    return next(found, OTHER)


def _membership(features: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """(K, G): 1 where the feature belongs to the group."""
    places = [NAMES.index(group_of(feature)) for feature in features]
    return np.asarray(np.eye(len(NAMES))[places])


def _only(group: str) -> npt.NDArray[np.float64]:
    return np.asarray(np.eye(len(NAMES))[NAMES.index(group)])


def _shapley(booster: "Booster", matrix: "Matrix", threads: int) -> Iterator[npt.NDArray[np.float64]]:
    """(n, K + 1) Shapley values of the ratio to what is usual, its mean last, chunk by chunk."""
    from catboost import Pool  # noqa: PLC0415  two seconds that only training and forecasting pay

    for start in range(0, len(matrix.values), CHUNK):
        pool = Pool(matrix.values[start : start + CHUNK], feature_names=list(matrix.names))
        yield booster.model.get_feature_importance(pool, type="ShapValues", thread_count=threads)
