"""The forecast as it is published: the model's quantiles, labelled fallbacks, shut days, all inside the sanity band."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.contracts import QUANTILES
from lib.features import matrix as features
from lib.features import promotions
from lib.features.arrays import Bools, Floats, floats
from lib.features.columns import Rows
from lib.features.matrix import Features
from lib.features.spine import Panel
from lib.models.champion import Model
from lib.planning import fallbacks, opening, sanity
from lib.planning.sanity import SanityConfig

MODEL, FALLBACK, CLOSED = "model", "fallback", "closed"


@dataclass(frozen=True, slots=True)
class _Draft:
    """Point (N,) and quantiles (N, Q), units, with `method` and `reason` (N,), None where there is nothing to say."""

    point: Floats
    quantiles: npt.NDArray[np.float64]
    method: npt.NDArray[np.object_]
    reason: npt.NDArray[np.object_]


def forecast(panel: Panel, columns: Features, rows: Rows, *, model: Model | None, config: SanityConfig) -> pl.DataFrame:
    """One row per forecast: labels, horizon, `forecast`, the quantiles, `method`, `reason` and `model`; units."""
    draft = _by_model(panel, columns, rows, model) if model else _by_statistics(panel, columns, rows)
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


def _by_statistics(panel: Panel, columns: Features, rows: Rows) -> _Draft:
    """Without a model: what the weekday usually sells, or the best simple statistic there is."""
    simple, why = fallbacks.estimate(panel, rows)
    usual = columns.usual.gather(rows)
    known = ~np.isnan(usual)
    point = floats(np.where(known, usual, simple))
    reason = [f"no model yet: {'usual sales of the weekday' if k else w}" for k, w in zip(known, why, strict=True)]
    quantiles = point[:, None] * fallbacks.spread(panel)
    return _Draft(point, quantiles, np.full(len(point), FALLBACK, dtype=object), np.array(reason, dtype=object))


def _by_model(panel: Panel, columns: Features, rows: Rows, model: Model) -> _Draft:
    """The model's numbers; where it has none, the best simple statistic."""
    point, quantiles = model.predict(columns.matrix(rows))
    unknown = np.isnan(point)
    method, reason = np.full(len(point), MODEL, dtype=object), np.full(len(point), None, dtype=object)
    simple, why = fallbacks.estimate(panel, rows)
    point[unknown] = simple[unknown]
    quantiles[unknown] = simple[unknown, None] * fallbacks.spread(panel)
    method[unknown] = FALLBACK
    reason[unknown] = [f"too little history: {text}" for text in why[unknown]]
    return _Draft(point, quantiles, method, reason)


def _inside_band(panel: Panel, rows: Rows, draft: _Draft, config: SanityConfig) -> _Draft:
    """Numbers outside of the band are held at its edge, and say so."""
    low, high = sanity.band(panel, rows, special=_special(panel, rows), config=config)
    held = floats(np.clip(draft.point, low, high))
    reason = draft.reason.copy()
    for place in np.flatnonzero(held != draft.point):
        strays = f"{draft.point[place]:.0f} strays too far from recent weeks"
        reason[place] = "; ".join(filter(None, [reason[place], f"held at {held[place]:.0f}: {strays}"]))
    usable = draft.point > 0
    shift = np.where(usable, held / np.where(usable, draft.point, 1), 0)
    raised = ~usable & (held > 0)
    quantiles = np.where(usable[:, None], draft.quantiles * shift[:, None], draft.quantiles)
    quantiles[raised] = held[raised, None] * fallbacks.spread(panel)
    return _Draft(held, quantiles, draft.method, reason)


def _special(panel: Panel, rows: Rows) -> Bools:
    """Days near holidays and days in a promotion, on which sales may well stray."""
    near = ~panel.almanac.ordinary[panel.store_index[rows.series], rows.date]
    special: Bools = near | promotions.planned(panel)[rows.series, rows.date]
    return special


def _shut(draft: _Draft, shut: Bools) -> _Draft:
    """Nothing is sold on a shut day."""
    method, reason = draft.method.copy(), draft.reason.copy()
    method[shut], reason[shut] = CLOSED, None
    return _Draft(floats(np.where(shut, 0, draft.point)), np.where(shut[:, None], 0, draft.quantiles), method, reason)
