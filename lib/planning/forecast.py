"""The forecast as it is published: the model's quantiles, labelled fallbacks, shut days, all inside the sanity band."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.contracts import QUANTILES
from lib.contracts.outputs import DRIVERS
from lib.features import matrix as features
from lib.features import promotions
from lib.features.arrays import Bools, Floats, floats
from lib.features.columns import Rows
from lib.features.matrix import Features, Matrix
from lib.features.spine import Panel
from lib.models import drivers
from lib.models.champion import Model
from lib.planning import economics, fallbacks, lifecycle, opening, orders, sanity
from lib.planning.economics import OrderConfig
from lib.planning.sanity import SanityConfig

MODEL, FALLBACK, CLOSED = "model", "fallback", "closed"


@dataclass(frozen=True, slots=True)
class _Draft:
    """Point (N,) and quantiles (N, Q), units, with `method` and `reason` (N,), None where there is nothing to say."""

    point: Floats
    quantiles: npt.NDArray[np.float64]
    method: npt.NDArray[np.object_]
    reason: npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Plan:
    """How forecasts become what is published. `explain` names their drivers; `threads` changes the speed only."""

    sanity: SanityConfig = field(default_factory=SanityConfig)
    orders: OrderConfig = field(default_factory=OrderConfig)
    explain: bool = True
    threads: int = 2


def forecast(panel: Panel, columns: Features, rows: Rows, *, model: Model | None, plan: Plan) -> pl.DataFrame:
    """One row per forecast, in the form of `forecasts`: its numbers (units), how they came about, and the order."""
    seen = columns.matrix(rows)
    draft = _by_model(panel, rows, seen, model) if model else _by_statistics(panel, rows, seen)
    draft = _inside_band(panel, rows, draft, plan.sanity)
    draft = _shut(draft, opening.shut_ahead(panel, rows))
    rounded = np.round(np.column_stack([draft.point, draft.quantiles]).astype(np.float64), 3)
    made = features.labels(panel, rows).with_columns(
        pl.Series("forecast", rounded[:, 0]),
        *(pl.Series(name, rounded[:, place + 1]) for place, name in enumerate(QUANTILES)),
        pl.Series("method", draft.method.tolist(), dtype=pl.String),
        pl.Series("reason", draft.reason.tolist(), dtype=pl.String),
        pl.Series("lifecycle", lifecycle.stages(panel, rows).tolist(), dtype=pl.String),
        *_drivers(model if plan.explain else None, seen, draft, plan.threads),
        pl.lit(model.name if model else None, pl.String).alias("model"),
    )
    return orders.decide(made, economics.terms(panel.inputs, made, config=plan.orders))


def _drivers(model: Model | None, seen: Matrix, draft: _Draft, threads: int) -> list[pl.Series]:
    """Drivers of the rows that are the model's own number; none of those held, mixed or of another method."""
    own = np.array([reason is None for reason in draft.reason], bool) & (draft.method == MODEL)
    keys, effects = np.full((len(own), DRIVERS), None, dtype=object), np.full((len(own), DRIVERS), np.nan)
    if model is not None and own.any():
        found = drivers.of(model.booster, seen.take(own), threads=threads)
        keys[own], effects[own] = found.keys, found.effects
    return drivers.Drivers(keys, effects).columns()


def _by_statistics(panel: Panel, rows: Rows, seen: Matrix) -> _Draft:
    """Without a model: what the weekday usually sells, or the best simple statistic there is."""
    simple, why = fallbacks.estimate(panel, rows)
    known = ~np.isnan(seen.expected) & ~lifecycle.too_young(panel, rows)
    point = floats(np.where(known, seen.expected, simple))
    reason = [f"no model yet: {'usual sales of the weekday' if k else w}" for k, w in zip(known, why, strict=True)]
    factors = np.where(known[:, None], fallbacks.spread(panel, point), fallbacks.spreads(panel, point, why))
    method = np.full(len(point), FALLBACK, dtype=object)
    return _Draft(point, point[:, None].astype(np.float64) * factors, method, _objects(reason))


def _by_model(panel: Panel, rows: Rows, seen: Matrix, model: Model) -> _Draft:
    """The model's numbers; where it has none or next to nothing to go by, the best simple statistic."""
    point, quantiles, mixed = fallbacks.mixed(panel, rows, *model.predict(seen))
    unknown = np.isnan(point) | lifecycle.too_young(panel, rows)
    method, reason = np.full(len(point), MODEL, dtype=object), np.full(len(point), None, dtype=object)
    reason[mixed] = "new product: mixed with the mean of its recent days"
    simple, why = fallbacks.estimate(panel, rows.take(unknown))
    point[unknown] = simple
    quantiles[unknown] = simple[:, None] * fallbacks.spreads(panel, simple, why)
    method[unknown] = FALLBACK
    reason[unknown] = [f"too little history: {text}" for text in why]
    return _Draft(point, quantiles, method, reason)


def _inside_band(panel: Panel, rows: Rows, draft: _Draft, config: SanityConfig) -> _Draft:
    """Numbers outside of the band are held at its edge, and say so."""
    low, high = sanity.band(panel, rows, special=_special(panel, rows), config=config)
    spread = fallbacks.spread(panel, draft.point)
    held, quantiles, moved = sanity.hold(draft.point, draft.quantiles, low=low, high=high, spread=spread)
    reason = draft.reason.copy()
    for place in np.flatnonzero(moved):
        strays = f"{draft.point[place]:.0f} strays too far from recent weeks"
        reason[place] = "; ".join(filter(None, [reason[place], f"held at {held[place]:.0f}: {strays}"]))
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


def _objects(values: list[str]) -> npt.NDArray[np.object_]:
    return np.array(values, dtype=object)
