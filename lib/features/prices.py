"""The price list: the price of the day against the prices before it, and against the family's in the store."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lib.features import history, spans
from lib.features.arrays import Floats, floats, group_mean, masked, mean_of, per, same_weekdays
from lib.features.columns import Ahead, Column, Feature, OfRow, Rows, SameWeekday
from lib.features.siblings import families
from lib.features.spans import Doubles, Spans
from lib.features.spine import Panel

REFERENCE_DAYS = 56
NAMES = ("price_against_today", "price_against_before", "price_against_expected", "price_against_family")


@dataclass(frozen=True, slots=True)
class _Listed:
    """Of N rows, as their origins knew the list: the price of the day, and on the days between origin and it.

    `between` (N,) is the sum of the known prices, `days` (N,) their number.
    """

    price: Floats
    between: Doubles
    days: Doubles


def features(panel: Panel) -> list[Feature]:
    """The list price per each reference of NAMES; NaN without a price list.

    References are the price at the origin, which the latest sales were made at; the mean of the eight weeks before the
    day; its mean on the days behind the row's expected sales; and the family's mean in the store on the last same
    weekday that the origin knows. Days ahead have the price that the origin knew, past ones the one known on the day.

    Expected sales were made at the prices of their days: only a price that differs from those moves the ratio to them.
    """
    if panel.inputs.prices.is_empty():
        unknown = Ahead(np.broadcast_to(np.float32(np.nan), panel.shape_ahead))
        return [Feature(name, unknown) for name in NAMES]
    prices = of(panel)
    paid = prices.in_force().over(0, panel.demand.shape)
    sold_at = masked(paid, ~np.isnan(history.ordinary_sales(panel)))
    listed = _ahead(panel, prices)

    def against(reference: Floats) -> Column:
        """The day's price per a (S, T) reference of the last same weekday."""
        known = SameWeekday(reference)
        return OfRow(lambda rows: per(listed(rows).price, known.gather(rows)))

    before = _before(paid, listed)
    columns: tuple[Column, ...] = (
        OfRow(lambda rows: per(listed(rows).price, paid[rows.series, rows.origin])),
        OfRow(lambda rows: per(listed(rows).price, before(rows))),
        against(mean_of(same_weekdays(sold_at, history.WEEKS))),
        against(group_mean(sold_at, families(panel))),
    )
    return [Feature(name, column) for name, column in zip(NAMES, columns, strict=True)]


def of(panel: Panel) -> Spans:
    """All prices ever told, withdrawn ones too: each holds until the next that starts."""
    return spans.of(panel, panel.inputs.prices, "price")


def _ahead(panel: Panel, prices: Spans) -> Callable[[Rows], _Listed]:
    """What rows see of the days ahead. Looked up once for all rows of a series and origin; the last answer is kept."""

    @lru_cache(maxsize=1)
    def values(rows: Rows) -> _Listed:
        seen, which = np.unique(rows.series.astype(np.int64) * panel.history + rows.origin, return_inverse=True)
        series, origin = (part.astype(np.int32)[:, None] for part in np.divmod(seen, panel.history))
        day = origin + np.arange(1, panel.horizon + 1, dtype=np.int32)
        asked = (np.broadcast_to(index, day.shape).ravel() for index in (series, day, origin))
        price = prices.at(*asked).reshape(day.shape)
        place = which.reshape(-1), rows.horizon - 1
        between, days = (_sums_before(each) for each in (np.nan_to_num(price), ~np.isnan(price)))
        return _Listed(floats(price[place]), between[place], days[place])

    return values


def _before(paid: Floats, listed: Callable[[Rows], _Listed]) -> Callable[[Rows], Floats]:
    """(N,) mean price of the REFERENCE_DAYS days before the row's day; NaN if none is known."""
    total, count = (_sums_before(each) for each in (np.nan_to_num(paid), ~np.isnan(paid)))

    def mean(rows: Rows) -> Floats:
        end = rows.origin + 1
        first = np.clip(rows.date - REFERENCE_DAYS, 0, end)
        ahead = listed(rows)
        price, days = (
            sums[rows.series, end] - sums[rows.series, first] + between
            for sums, between in ((total, ahead.between), (count, ahead.days))
        )
        return per(floats(price), floats(days))

    return mean


def _sums_before(values: npt.NDArray[np.generic]) -> Doubles:
    """(R, W + 1) sums of the columns before each."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums
