"""The forecast as it is published: the model's quantiles, labelled fallbacks, shut days, all inside the sanity band."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.contracts import QUANTILES
from lib.features import matrix as features
from lib.features import promotions
from lib.features.columns import Floats, Rows
from lib.features.matrix import Features
from lib.features.spine import Bools, Panel
from lib.models.champion import Model
from lib.planning import fallbacks, opening, sanity
from lib.planning.sanity import SanityConfig

MODEL, FALLBACK, CLOSED = "model", "fallback", "closed"
MEDIAN = QUANTILES.index("q50")


@dataclass(frozen=True, slots=True)
class _Draft:
    point: Floats
    quantiles: npt.NDArray[np.float64]
    method: npt.NDArray[np.str_]
    reason: npt.NDArray[np.object_]


def forecast(panel: Panel, columns: Features, rows: Rows, *, model: Model | None, config: SanityConfig) -> pl.DataFrame:
    """One row per forecast: labels, horizon, `forecast`, the quantiles, `method`, `reason` and `model`; units."""
    draft = _drafted(panel, columns, rows, model)
    draft = _inside_band(panel, rows, draft, config)
    draft = _shut(draft, opening.shut_ahead(panel, rows))
    rounded = np.round(np.column_stack([draft.point, draft.quantiles]).astype(np.float64), 3)
    return features.labels(panel, rows).with_columns(
        pl.Series("forecast", rounded[:, 0]),
        *(pl.Series(name, rounded[:, place + 1]) for place, name in enumerate(QUANTILES)),
        pl.Series("method", draft.method.tolist(), dtype=pl.String),
        pl.Series("reason", draft.reason.tolist(), dtype=pl.String),
        pl.lit(model.name if model else None, pl.String).alias("model"),
    )


def _drafted(panel: Panel, columns: Features, rows: Rows, model: Model | None) -> _Draft:
    matrix = columns.matrix(rows)
    simple, why = fallbacks.estimate(panel, rows)
    factors = fallbacks.spread(panel)
    if model is None:
        simple = np.where(np.isnan(matrix.expected), simple, matrix.expected)
        reason = np.full(len(simple), "no model yet: usual sales of the weekday", dtype=object)
        method = np.full(len(simple), FALLBACK, dtype="<U8")
        return _Draft(simple, simple[:, None] * factors, method, reason)
    point, quantiles = model.predict(matrix)
    unknown = np.isnan(point)
    point = np.where(unknown, simple, point)
    quantiles = np.where(unknown[:, None], simple[:, None] * factors, quantiles)
    method = np.where(unknown, FALLBACK, MODEL)
    reason = np.where(unknown, np.char.add("too little history: ", why).astype(object), None)
    return _Draft(point, quantiles, method, reason)


def _inside_band(panel: Panel, rows: Rows, draft: _Draft, config: SanityConfig) -> _Draft:
    """Numbers outside of the band are held at its edge, and say so."""
    low, high = sanity.band(panel, rows, special=_special(panel, rows), config=config)
    outside = (draft.point < low) | (draft.point > high)
    reason = draft.reason.copy()
    for place in np.flatnonzero(outside):
        edge = f"held at {high[place]:.0f}" if draft.point[place] > high[place] else f"held at {low[place]:.0f}"
        reason[place] = f"{edge}: {draft.point[place]:.0f} strays too far from recent weeks"
    held = np.clip(draft.point, low, high)
    shift = np.where(outside, held / np.maximum(draft.point, 1e-9), 1.0)
    return _Draft(held, draft.quantiles * shift[:, None], draft.method, reason)


def _special(panel: Panel, rows: Rows) -> Bools:
    """Days near holidays and days in a promotion, on which sales may well stray."""
    near = ~panel.almanac.ordinary[panel.store_index[rows.series], rows.date]
    return near | promotions.planned(panel)[rows.series, rows.date]


def _shut(draft: _Draft, shut: Bools) -> _Draft:
    return _Draft(
        np.where(shut, 0, draft.point).astype(np.float32),
        np.where(shut[:, None], 0, draft.quantiles),
        np.where(shut, CLOSED, draft.method),
        np.where(shut, None, draft.reason),
    )
