"""Orders: the whole trays that cost least in expectation, with the display kept and the oven not overfilled."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.contracts import QUANTILES
from lib.planning.distribution import Distribution, Numbers, described_by
from lib.planning.economics import KEY

CLOSED = "closed"
"""Method of a row whose store is shut: nothing is baked."""
DECIDED = ("order", "tray", "service_level")
HALVINGS = 40
"""Of the range of the price of oven space: to a millionth of a millionth of the largest stake."""


@dataclass(frozen=True, slots=True)
class _Question:
    """N rows to decide: demand, and per row service level, tray, least order, stake (all (N,)), and its store-day.

    `stake` is underage + overage: what certainty about one unit is worth, currency. `capacity` (D,) is of store-days.
    """

    demand: Distribution
    level: Numbers
    tray: Numbers
    least: Numbers
    stake: Numbers
    day: npt.NDArray[np.int64]
    capacity: Numbers

    def take(self, chosen: npt.NDArray[np.bool_]) -> "_Question":
        """The chosen rows; store-days keep their numbers."""
        demand, day = Distribution(self.demand.values[chosen]), self.day[chosen]
        level, tray, least, stake = (values[chosen] for values in (self.level, self.tray, self.least, self.stake))
        return _Question(demand, level, tray, least, stake, day, self.capacity)

    def per_day(self, units: Numbers) -> Numbers:
        """(D,) sums over the rows of each store-day."""
        return np.bincount(self.day, weights=units, minlength=len(self.capacity)).astype(np.float64)


def decide(forecasts: pl.DataFrame, terms: pl.DataFrame) -> pl.DataFrame:
    """The forecasts with `order`, `tray` (units) and `service_level`, replaced where they stood; rows keep their order.

    `forecasts` is one night's: store, product, date (each once), the quantiles and `method`; `terms` as of
    :func:`lib.planning.economics.terms`. An order is the number of whole trays with the least expected cost by the
    row's service level, the smaller at a tie; at least the trays that cover the minimum display; 0 on closed days.
    Where a store's orders of a day exceed its capacity the trays that are worth least per unit of capacity are left
    out, of the display only if that alone exceeds it.
    """
    joined = forecasts.drop(DECIDED, strict=False).with_row_index("row").join(terms, on=KEY, how="left", validate="1:1")
    rows = joined.sort("store", "date", "product")
    question = _question(rows)
    orders = _within_capacity(question, _cheapest(question, question.level))
    decided = rows.with_columns(pl.Series("order", orders)).sort("row")
    return forecasts.drop(DECIDED, strict=False).with_columns(*(decided[name] for name in DECIDED))


def whole_trays(demand: Distribution, level: Numbers, tray: Numbers) -> Numbers:
    """(N,) units, whole trays: another tray is worth it while its units stay unsold less often than `level`.

    This is the least expected cost where underage : overage is level : 1 - level; it grows with the level.
    """
    trays = np.floor(demand.quantile(level) / tray)
    unsold = (demand.left_over((trays + 1) * tray) - demand.left_over(trays * tray)) / tray
    return np.asarray((trays + (unsold < level)) * tray)


def _question(rows: pl.DataFrame) -> _Question:
    tray, display = (rows[name].to_numpy() for name in ("tray", "minimum_display"))
    is_open = (rows["method"].fill_null("") != CLOSED).to_numpy()
    quantiles = np.where(is_open[:, None], rows.select(QUANTILES).to_numpy(), 0)
    days = rows.select("store", "date", "capacity").unique(["store", "date"], maintain_order=True).with_row_index("day")
    day = rows.join(days, on=["store", "date"], how="left", maintain_order="left")["day"]
    return _Question(
        described_by(quantiles),
        rows["service_level"].to_numpy(),
        tray,
        np.where(is_open, np.ceil(display / tray) * tray, 0),
        (rows["underage"] + rows["overage"]).to_numpy(),
        day.to_numpy().astype(np.int64),
        days["capacity"].fill_null(np.inf).to_numpy(),
    )


def _cheapest(question: _Question, level: Numbers) -> Numbers:
    """(N,) orders at a service level, the least order kept."""
    return np.maximum(whole_trays(question.demand, level, question.tray), question.least)


def _within_capacity(question: _Question, orders: Numbers) -> Numbers:
    """The orders, with those of overfull store-days cut."""
    overfull = (question.per_day(orders) > question.capacity)[question.day]
    out = orders.copy()
    out[overfull] = _cut(question.take(overfull))
    return out


def _cut(question: _Question) -> Numbers:
    """(N,) orders of overfull store-days: those of the lowest price of oven space that keeps within the capacity.

    A unit of space priced p leaves level - p / stake of a row's service level, so that every tray left out is worth
    less per unit than every tray kept. What ties at that price is filled up in the order of products.
    """
    displayed = question.per_day(question.least) <= question.capacity
    asked = replace(question, least=np.where(displayed[question.day], question.least, 0))
    cheap = np.zeros(len(asked.capacity))
    dear = np.full(len(asked.capacity), asked.stake.max(initial=0))
    for _ in range(HALVINGS):
        price = (cheap + dear) / 2
        fits = asked.per_day(_at_price(asked, price)) <= asked.capacity
        cheap, dear = np.where(fits, cheap, price), np.where(fits, price, dear)
    kept = _at_price(asked, dear)
    return kept + _fitting(asked, _at_price(asked, cheap) - kept, asked.capacity - asked.per_day(kept))


def _at_price(question: _Question, price: Numbers) -> Numbers:
    """(N,) orders where a unit of oven space costs (D,) `price`."""
    return _cheapest(question, question.level - price[question.day] / question.stake)


def _fitting(question: _Question, more: Numbers, room: Numbers) -> Numbers:
    """(N,) of `more` units per row, whole trays, as many as fit into each store-day's room, first rows first."""
    out, left = np.zeros_like(more), np.maximum(room, 0)
    rows = np.flatnonzero(more > 0)
    day, tray = question.day[rows], question.tray[rows]
    turn = np.arange(len(rows)) - np.searchsorted(day, day, side="left")
    for number in range(int(turn.max(initial=-1)) + 1):
        now = turn == number
        units = np.floor(np.minimum(more[rows[now]], left[day[now]]) / tray[now]) * tray[now]
        out[rows[now]], left[day[now]] = units, left[day[now]] - units
    return out
