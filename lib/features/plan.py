"""The promotion plan, laid out as each origin knew it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from lib.features import spans
from lib.features.almanac import FAR
from lib.features.arrays import Bools, Floats
from lib.features.columns import Rows
from lib.features.spans import Spans
from lib.features.spine import Panel


@dataclass(frozen=True, slots=True)
class View:
    """Columns that follow from the plan around an origin.

    `idle` (K,): their values while nothing is planned. `of`: from (S, FAR + H + FAR) depths, NaN without a promotion,
    and the index of the origin, their values (K, S, H) on the days ahead, the first of which lies at FAR.
    """

    names: tuple[str, ...]
    idle: tuple[float, ...]
    of: Callable[[Floats, int], Floats]


def of(panel: Panel) -> Spans:
    """All promotions ever told, withdrawn ones too; the value is the discount, 0 where it was not told."""
    return spans.of(panel, panel.inputs.promotions.with_columns(depth=pl.col("discount").fill_null(0.0)), "depth")


def past(panel: Panel, plan: Spans) -> Bools:
    """(S, T): days in a promotion that was known by then and had not been withdrawn before."""
    days: Bools = ~np.isnan(plan.in_force().over(0, panel.demand.shape))
    return days


def as_known(panel: Panel, plan: Spans, views: Sequence[View]) -> Callable[[Rows], Floats]:
    """(K, N) the columns of all views, from the plan as each row's origin knew it. The last answer is kept."""
    shape = (len(panel.demand), FAR + panel.horizon + FAR)
    idle = np.array([value for view in views for value in view.idle], np.float32)

    @lru_cache(maxsize=1)
    def values(rows: Rows) -> Floats:
        out = np.repeat(idle[:, None], len(rows.series), axis=1)
        for origin, chosen in _by_origin(rows):
            first = origin + 1 - FAR
            near = plan.take((plan.known <= origin) & (plan.last >= first) & (plan.first < first + shape[1]))
            if len(near.series):
                window = near.seen_at(origin).over(first, shape)
                found = np.concatenate([view.of(window, origin) for view in views])
                out[:, chosen] = found[:, rows.series[chosen], rows.horizon[chosen] - 1]
        return out

    return values


def _by_origin(rows: Rows) -> list[tuple[int, np.typing.NDArray[np.int64]]]:
    """Each origin and the places of its rows."""
    order = np.argsort(rows.origin, kind="stable")
    origins, starts = np.unique(rows.origin[order], return_index=True)
    return list(zip(origins.tolist(), np.split(order, starts)[1:], strict=True))
