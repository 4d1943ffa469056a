"""Promotions of other products of the store: siblings of the family, which take sales away, and complements.

Siblings are of the same family in the same store; a product without a family has none. All else in the store
complements it. Each counts by what it usually sells on such a weekday.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.features.almanac import FAR
from lib.features.arrays import WEEK, Floats, Ints, floats
from lib.features.plan import View
from lib.features.spine import Panel

NAMES = (
    "sibling_promotions",
    "sibling_promotion_share",
    "sibling_deepest_discount",
    "sibling_pressure",
    "complement_promotion_share",
    "complement_pull",
)
NOTHING = 1e-6
"""Units: what subtraction leaves of nothing."""
Doubles = npt.NDArray[np.float64]


def view(panel: Panel, usual: Floats) -> View:
    """Siblings on promotion: how many, their share of the family's usual sales, their deepest discount, their pressure.

    Pressure: discount times usual sales of each sibling on promotion, spread over the others of the family. Complements
    on promotion: their share of the usual sales of all complements, and pull, the same weighted by discount.
    """
    family = families(panel)

    def of(window: Floats, origin: int) -> Floats:
        depth = window[:, FAR : window.shape[1] - FAR]
        size = _size(usual, origin, depth.shape[1])
        return floats(
            np.concatenate([_siblings(depth, size, family), _complements(depth, size, family, panel.store_index)])
        )

    return View(NAMES, (0.0,) * len(NAMES), of)


def families(panel: Panel, *, of_chain: bool = False) -> Ints:
    """(S,): number of the family in its store, or in the chain; a product without family is numbered alone."""
    families_ = panel.inputs.products.select("product", "family")
    named = panel.series.join(families_, on="product", how="left", maintain_order="left")
    alone = pl.when(pl.col("family").is_null()).then("product")
    where = [] if of_chain else ["store"]
    keyed = named.select(pl.struct(*where, "family", alone=alone).rank("dense"))
    return keyed.to_series().to_numpy().astype(np.int32) - 1


def total(values: Doubles, group: Ints) -> Doubles:
    """(S, H): each series gets the sum of its group. Added one after the other, so that zeros change no bit."""
    width = values.shape[1]
    cell = group[:, None].astype(np.int64) * width + np.arange(width)
    groups = int(group.max(initial=-1)) + 1
    sums = np.bincount(cell.ravel(), weights=values.ravel(), minlength=groups * width)
    return np.asarray(sums.reshape(groups, width)[group])


def _size(usual: Floats, origin: int, days: int) -> Doubles:
    """(S, H): what each series usually sells on the last same weekday that the origin knows; 0 where not known."""
    ahead = np.arange(1, days + 1)
    day = origin + ahead - -(-ahead // WEEK) * WEEK
    return np.where(day >= 0, np.nan_to_num(usual[:, np.maximum(day, 0)]), 0).astype(np.float64)


def _siblings(depth: Floats, size: Doubles, family: Ints) -> Doubles:
    on, cut = ~np.isnan(depth), np.nan_to_num(depth).astype(np.float64)
    whole = total(size, family)
    count = total(on.astype(np.float64), family) - on
    share = _share(total(size * on, family) - size * on, whole)
    pressure = _share(size * cut, whole - size)
    return np.stack([count, share, _deepest(np.where(on, cut, -1), family), total(pressure, family) - pressure])


def _complements(depth: Floats, size: Doubles, family: Ints, store: Ints) -> Doubles:
    on, cut = ~np.isnan(depth), np.nan_to_num(depth).astype(np.float64)

    def others(values: Doubles) -> Doubles:
        return total(values, store) - total(values, family)

    rest = others(size)
    return np.stack([_share(others(size * on), rest), _share(others(size * cut), rest)])


def _share(part: Doubles, whole: Doubles) -> Doubles:
    """The ratio, 0 of nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > NOTHING)


def _deepest(depth: Doubles, family: Ints) -> Doubles:
    """(S, H): deepest discount among the others of the family; 0 if there is none. `depth` is -1 without promotion."""
    order = np.argsort(family, kind="stable")
    starts = np.flatnonzero(np.diff(family[order], prepend=-1))
    first = np.maximum.reduceat(depth[order], starts, axis=0)[family]
    leads = depth == first
    second = np.maximum.reduceat(np.where(leads, -1, depth)[order], starts, axis=0)[family]
    alone = leads & (total(leads.astype(np.float64), family) == 1)
    return np.maximum(np.where(alone, second, first), 0)
