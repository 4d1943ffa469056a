"""What other series say of one: weekdays of its family, its product elsewhere, its nearest products by price."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.features import history, prices
from lib.features.almanac import weekdays
from lib.features.arrays import WEEK, Ints, day_of
from lib.features.siblings import families
from lib.features.spine import Panel
from lib.planning import economics, launches

Doubles = npt.NDArray[np.float64]

SETTLED_DAYS = 7.0
"""A series known for so many days says how others sell."""
SEEN_DAYS = 28
"""A series known for so many of the last eight weeks says how weekdays differ."""
SHAPE_PRIOR = 1.0
"""So many series of the wider group are mixed into the weekdays of a narrower one."""
STORE_PRIOR_DAYS = 1.0
"""So many days of a mean store are mixed into what a store's own days show."""
ROUNDS = 20
"""Rounds in which the levels of products and stores are fitted to each other."""
NEAREST = 3
"""Products of the family, nearest by price, whose mean is taken."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Units of a mean day, as one origin can tell. (S,) per series, NaN where nothing tells.

    `own`: of the series' last eight weeks, and `due` how many mean days its known ones come to. `elsewhere`: of its
    product in other stores, at this store's level. `nearest`: its nearest products by price in the store. `family`,
    `store`: means of the store. `relatives`, `chain`: its family in the chain and a mean product, at its store's level.
    `shape` (S, 7): factors of the weekdays from Monday on, as in the family in the store (else in the store, else in
    the chain), times how the product's weekdays differ from the chain's. `ramp` (W,): see :func:`launches.ramp`.
    """

    own: Doubles
    due: Doubles
    elsewhere: Doubles
    nearest: Doubles
    family: Doubles
    store: Doubles
    relatives: Doubles
    chain: Doubles
    shape: Doubles
    ramp: Doubles


def levels(panel: Panel, origin: int) -> Levels:
    """What the days up to `origin` say, new products being measured by the level they are bound for."""
    days = np.arange(max(origin + 1 - history.LEVEL_DAYS, 0), origin + 1)
    demand = panel.demand[:, days].astype(np.float64)
    family, family_in_store = families(panel, of_chain=True), families(panel)
    shape, ramp = _shapes(panel, days, family_in_store), launches.ramp(panel, origin)
    age = launches.ages(panel, launches.tonight(panel, origin))[:, None] + (days - origin - 1)
    factor = shape[:, weekdays(panel.days[days])] * launches.growth(ramp, age.astype(np.int32))
    known = ~np.isnan(demand)
    due, sold, count = np.where(known, factor, 0).sum(axis=1), np.nan_to_num(demand).sum(axis=1), known.sum(axis=1)
    own = _ratio(sold, due)
    settled = np.where(count >= SETTLED_DAYS, own, np.nan)
    by_product, by_store = _crossed(sold, due, panel.product_index, panel.store_index)
    other_days = _total(count.astype(np.float64), panel.product_index) - count
    return Levels(
        own=own,
        due=due,
        elsewhere=np.where(other_days >= SETTLED_DAYS, by_product * by_store, np.nan),
        nearest=_nearest(settled, _prices(panel, origin), family_in_store),
        family=_mean(settled, family_in_store),
        store=_mean(settled, panel.store_index),
        relatives=_mean(by_product, family) * by_store,
        chain=_mean(by_product, np.zeros_like(family)) * by_store,
        shape=shape,
        ramp=ramp,
    )


def _shapes(panel: Panel, days: npt.NDArray[np.int64], family_in_store: Ints) -> Doubles:
    """(S, 7) weekdays of the family in the store, times how those of the product differ from the chain's."""
    usual = history.ordinary_sales(panel)[:, days].astype(np.float64)
    weekday = weekdays(panel.days[days])
    chain, product = (_shape(usual, weekday, groups) for groups in ((), (panel.product_index,)))
    differs = _ratio(product, chain)
    return _shape(usual, weekday, (panel.store_index, family_in_store)) * np.where(np.isnan(differs), 1, differs)


def _shape(ordinary: Doubles, weekday: npt.NDArray[np.int64], groups: tuple[Ints, ...]) -> Doubles:
    """(S, 7) weekdays against their mean, from the chain's to ever narrower groups'; 1 where nothing tells."""
    known = ~np.isnan(ordinary)
    known &= (known.sum(axis=1) >= SEEN_DAYS)[:, None]
    days = np.eye(WEEK)[weekday]
    sold, count = np.where(known, ordinary, 0) @ days, known.astype(np.float64) @ days
    shape = np.ones((len(ordinary), WEEK))
    for prior, group in ((0.0, np.zeros(len(ordinary), np.int32)), *((SHAPE_PRIOR, group) for group in groups)):
        mean = _ratio(_total(sold, group), _total(count, group))
        told = ~np.isnan(mean)
        factor = _ratio(mean, (np.nan_to_num(mean).sum(axis=1) / np.maximum(told.sum(axis=1), 1))[:, None])
        weight = _total((count > 0).astype(np.float64), group)
        mixed = (weight * np.nan_to_num(factor) + prior * shape) / np.maximum(weight + prior, 1)
        shape = np.where(np.isnan(factor), shape, mixed)
    return shape


def _crossed(sold: Doubles, due: Doubles, product: Ints, store: Ints) -> tuple[Doubles, Doubles]:
    """(S,) level of the series' product in a mean store, NaN if never sold, and level of its store against a mean one.

    Sold = product's level x store's level x days that were due, summed by product and by store in turns.
    """
    by_store = np.ones_like(sold)
    by_product = np.full_like(sold, np.nan)
    for _ in range(ROUNDS):
        by_product = _ratio(_total(sold, product), _total(due * by_store, product))
        bound = np.nan_to_num(by_product)
        prior = STORE_PRIOR_DAYS * _total(np.where(due > 0, bound, 0), store)
        fitted = _ratio(_total(sold, store) + prior, _total(due * bound, store) + prior)
        by_store = np.where(np.isnan(fitted), 1.0, fitted)
    return by_product, by_store


def _prices(panel: Panel, origin: int) -> Doubles:
    """(S,) list price of the day after `origin`, else the price usually paid by then; NaN if neither is known."""
    night = launches.tonight(panel, origin)
    listed = prices.of(panel).at(night.series, night.date, night.origin)
    sold = panel.inputs.sales.filter(pl.col("date") <= day_of(panel.days[origin]))
    paid = panel.series.join(economics.usually_paid(sold), on=["store", "product"], how="left", maintain_order="left")[
        "paid"
    ]
    price = np.where(np.isnan(listed), paid.fill_null(float("nan")).to_numpy(), listed)
    return np.where(price > 0, price, np.nan)


def _nearest(settled: Doubles, price: Doubles, group: Ints) -> Doubles:
    """(S,) mean level of the NEAREST others of the group by ratio of prices; NaN without any or without a price."""
    place = np.log(price)
    order = np.lexsort((place, group))
    donors = order[~np.isnan(settled + place)[order]]
    before = np.empty(len(order), np.int64)
    before[order] = np.cumsum(~np.isnan(settled + place)[order])
    if not len(donors):
        return np.full(len(order), np.nan)
    asked = before[:, None] + np.arange(-NEAREST - 1, NEAREST + 1)
    other = donors[np.clip(asked, 0, len(donors) - 1)]
    usable = (asked >= 0) & (asked < len(donors)) & (group[other] == group[:, None])
    usable &= (other != np.arange(len(order))[:, None]) & ~np.isnan(place)[:, None]
    far = np.where(usable, np.abs(place[other] - place[:, None]), np.inf)
    chosen = np.argsort(far, axis=1, kind="stable")[:, :NEAREST]
    level, use = (np.take_along_axis(values, chosen, axis=1) for values in (settled[other], usable))
    return _ratio(np.where(use, level, 0).sum(axis=1), use.sum(axis=1).astype(np.float64))


def _mean(values: Doubles, group: Ints) -> Doubles:
    """(S,) mean of the group's known values; NaN without any."""
    return _ratio(_total(np.nan_to_num(values), group), _total((~np.isnan(values)).astype(np.float64), group))


def _total(values: Doubles, group: Ints) -> Doubles:
    """The sum over the group, for each of its series."""
    total = np.zeros((int(group.max(initial=-1)) + 1, *values.shape[1:]))
    np.add.at(total, group, values)
    return np.asarray(total[group], np.float64)


def _ratio(numerator: Doubles, denominator: Doubles) -> Doubles:
    usable = denominator > 0
    return np.where(usable, numerator / np.where(usable, denominator, 1), np.nan)
