from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from lib.contracts import QUANTILE_LEVELS
from lib.features import matrix
from lib.features.spine import Panel
from lib.planning import fallbacks, launches, newcomers
from tests import panels
from tests.panels import AS_OF, rows

NEW = rows(
    "assortment",
    *(
        {"store": store, "product": product, "starts": date(2018, 1, 1)}
        for store, product in (("A", "x"), ("B", "x"), ("B", "new"), ("C", "x"), ("C", "new"))
    ),
)


def estimated(panel: Panel) -> dict[tuple[str, str], tuple[float, str]]:
    """Units and reason per series on the last day ahead."""
    ahead = matrix.rows_ahead(panel)
    units, reason = fallbacks.estimate(panel, ahead)
    labels = matrix.labels(panel, ahead).with_columns(pl.Series("units", units), pl.Series("reason", reason.tolist()))
    last = labels.filter(pl.col("horizon") == panel.horizon)
    return {(row["store"], row["product"]): (row["units"], row["reason"]) for row in last.iter_rows(named=True)}


def test_each_series_gets_the_best_statistic_there_is_and_its_name() -> None:
    found = estimated(panels.panel(assortment=NEW, sales=panels.sales(products=("x",))))
    assert found["A", "x"][1] == "mean of recent same weekdays"
    assert found["B", "new"][1] == "the store's mean over products"
    assert found["C", "x"][1] == "the product's mean over stores, at this store's level"
    assert found["C", "new"][1] == "the chain's mean over products"


def test_a_chain_that_has_never_sold_anything_is_forecast_as_nothing() -> None:
    found = estimated(panels.panel(assortment=NEW, sales=panels.sales().clear()))
    assert found["A", "x"] == (0, "nothing has been sold yet")


def test_a_series_that_has_not_met_the_weekday_gets_its_recent_days() -> None:
    found = estimated(panels.panel(sales=panels.sales(days=3)))
    recent = panels.sales(days=3).filter((pl.col("store") == "A") & (pl.col("product") == "x"))["quantity"].mean()
    thursday = panels.panel(sales=panels.sales(days=3), horizon=4)
    assert found["A", "x"][1] == "mean of recent same weekdays"
    units, reason = estimated(thursday)["A", "x"]
    assert reason == "mean of the series' recent days"
    assert units == pytest.approx(recent, rel=0.2)


def test_shut_days_do_not_pull_the_mean_down() -> None:
    shut = (pl.col("store") == "A") & pl.col("date").is_in([AS_OF - timedelta(days=7 * week) for week in (0, 1)])
    sales = panels.sales().with_columns(quantity=pl.when(shut).then(0.0).otherwise("quantity"))
    whole, without = (estimated(panels.panel(sales=known))["A", "x"][0] for known in (panels.sales(), sales))
    assert without == pytest.approx(whole, rel=0.1)


A, Y = pl.col("store") == "A", pl.col("product") == "y"
PRODUCTS = ("v", "w", "x", "y", "z")


def since(days: int) -> pl.Expr:
    return pl.col("date") > AS_OF - timedelta(days=days)


def priced(**prices: float) -> pl.DataFrame:
    return rows("prices", *({"product": p, "starts": panels.ALWAYS, "price": price} for p, price in prices.items()))


def ranged(*pairs: str) -> pl.DataFrame:
    return rows("assortment", *({"store": pair[0], "product": pair[1:], "starts": date(2018, 1, 1)} for pair in pairs))


def test_a_new_product_sells_as_it_does_elsewhere_at_this_stores_level() -> None:
    four = tuple("ABCD")
    sold = panels.sales(stores=four).filter(~((pl.col("store") == "D") & Y))
    everywhere = ranged(*(s + p for s in four for p in "xy"))
    units, reason = estimated(panels.panel(sales=sold, assortment=everywhere))["D", "y"]
    assert reason == "the product's mean over stores, at this store's level"
    as_others = sum((2, 4, 6)) * 7 / sum((1, 3, 5))
    assert units == pytest.approx(panels.WEEKDAYS[6] * as_others, rel=0.1)


def test_a_new_product_gets_its_family_nearest_in_price() -> None:
    sold = panels.sales(stores=("A",), products=PRODUCTS).filter(~Y)
    family = rows("products", *({"product": p, "family": "rolls" if p in "vwxy" else "cakes"} for p in PRODUCTS))
    tables: dict[str, Any] = {"sales": sold, "products": family, "assortment": ranged(*("A" + p for p in PRODUCTS))}
    near_two = priced(v=9.0, w=1.1, x=1.3, y=1.2, z=1.2)
    units, reason = estimated(panels.panel(**tables, prices=near_two))["A", "y"]
    assert reason == "products of its family nearest in price"
    assert units == pytest.approx(panels.WEEKDAYS[6] * (1 + 2 + 3) / 3, rel=0.1)
    units, reason = estimated(panels.panel(**tables))["A", "y"]
    assert reason == "the mean of its family in the store"
    assert units == pytest.approx(panels.WEEKDAYS[6] * (1 + 2 + 3) / 3, rel=0.1)


def test_only_the_three_nearest_in_price_are_asked() -> None:
    sold = panels.sales(stores=("A",), products=PRODUCTS).filter(pl.col("product") != "z")
    family = rows("products", *({"product": p, "family": "rolls"} for p in PRODUCTS))
    shelf = ranged(*("A" + p for p in PRODUCTS))
    prices = priced(v=1.0, w=2.0, x=2.1, y=2.2, z=2.1)
    panel = panels.panel(sales=sold, products=family, assortment=shelf, prices=prices)
    assert estimated(panel)["A", "z"][0] == pytest.approx(panels.WEEKDAYS[6] * (2 + 3 + 4) / 3, rel=0.1)


def test_a_product_is_not_its_own_neighbour() -> None:
    sold = panels.sales(stores=("A",), products=PRODUCTS[:4])
    family = rows("products", *({"product": p, "family": "rolls"} for p in PRODUCTS))
    panel = panels.panel(sales=sold, products=family, prices=priced(v=1.0, w=2.0, x=2.1, y=2.2))
    nearest = newcomers.levels(panel, panel.history - 1).nearest
    assert nearest / np.mean(panels.WEEKDAYS) == pytest.approx(np.array([9, 8, 7, 6]) / 3, rel=0.05)


def test_prices_paid_stand_in_for_a_price_list() -> None:
    sold = panels.sales(products=PRODUCTS).with_columns(price=pl.lit(1.0)).filter(~(Y & (A | ~since(2))))
    family = rows("products", *({"product": p, "family": "rolls"} for p in PRODUCTS))
    panel = panels.panel(sales=sold.filter(~A), products=family, assortment=ranged("By", "Bx"))
    assert newcomers.levels(panel, panel.history - 1).nearest[2] > 0


def test_a_new_product_sells_more_on_the_weekdays_of_its_family() -> None:
    panel = panels.panel(assortment=NEW, sales=panels.sales(products=("x",)))
    ahead = matrix.rows_ahead(panel)
    units, _ = fallbacks.estimate(panel, ahead)
    new = units[(matrix.labels(panel, ahead)["store"] + matrix.labels(panel, ahead)["product"]).to_numpy() == "Bnew"]
    shape = np.array(panels.WEEKDAYS) / np.mean(panels.WEEKDAYS)
    assert new / new.mean() == pytest.approx(shape, rel=0.15)


def test_the_first_days_of_a_new_store_show_its_size_little_by_little() -> None:
    def level(days: int) -> float:
        doubled = pl.when(A).then(pl.col("quantity") * 6).otherwise("quantity")
        sold = panels.sales().with_columns(quantity=doubled).filter(~(A & (Y | ~since(days))))
        return estimated(panels.panel(sales=sold, assortment=ranged("Ax", "Ay", "Bx", "By")))["A", "y"][0]

    unknown, after_a_day, after_a_month = (level(days) for days in (0, 1, 30))
    assert unknown == pytest.approx(panels.WEEKDAYS[6] * 4, rel=0.1)
    assert after_a_month == pytest.approx(panels.WEEKDAYS[6] * 4 * 2, rel=0.15)
    assert unknown < after_a_day < after_a_month


def test_a_store_that_reopens_sells_as_it_did_before() -> None:
    sold = panels.sales().filter(~(A & since(80)))
    found = estimated(panels.panel(sales=sold, assortment=ranged("Ax", "Bx")))
    units, reason = found["A", "x"]
    assert reason == "its level before the gap"
    assert units == pytest.approx(panels.WEEKDAYS[6], rel=0.1)


def launched(*, peak: float, launches: int) -> Panel:
    """Products p0, p1, ... that sold `peak` times as much in their first week; the last starts tomorrow."""
    names = tuple(f"p{number}" for number in range(launches))
    sold = panels.sales(stores=("A",), products=("w", "x", *names, "z"), days=400)
    for number, name in enumerate(names):
        start = AS_OF - timedelta(days=120 + 10 * number)
        its, first_week = pl.col("product") == name, pl.col("date") < start + timedelta(days=7)
        sold = sold.filter(~its | (pl.col("date") >= start)).with_columns(
            quantity=pl.when(its & first_week).then(pl.col("quantity") * peak).otherwise("quantity")
        )
    shelf = ranged("Aw", "Ax", "Az", *("A" + name for name in names))
    return panels.panel(sales=sold.filter(pl.col("product") != "z"), assortment=shelf)


def test_a_new_product_starts_as_earlier_launches_did() -> None:
    ramp = launches.ramp(launched(peak=2.0, launches=8), 399)
    assert ramp[0] == pytest.approx((8 * 2 + 5) / 13, rel=0.1)
    assert ramp[1:] == pytest.approx(1, abs=0.15)
    high, flat = (estimated(launched(peak=peak, launches=8))["A", "z"][0] for peak in (2.0, 1.0))
    assert high / flat == pytest.approx((8 * 2 + 5) / 13, rel=0.15)


def test_too_few_launches_show_nothing() -> None:
    assert launches.ramp(launched(peak=2.0, launches=4), 399).tolist() == [1.0] * launches.RAMP_WEEKS


def test_the_order_of_sales_and_tables_changes_no_estimate() -> None:
    sold = panels.sales(products=PRODUCTS).with_columns(price=pl.col("quantity") / 7).filter(~(A & Y & ~since(2)))
    family = rows("products", *({"product": p, "family": "rolls"} for p in PRODUCTS))
    one = panels.panel(sales=sold, products=family)
    other = panels.panel(sales=sold.sample(fraction=1, shuffle=True, seed=1), products=family.reverse())
    for panel in (one, other):
        assert matrix.rows_ahead(panel).series.shape == (70,)
    units, again = (fallbacks.estimate(panel, matrix.rows_ahead(panel))[0] for panel in (one, other))
    assert units.tobytes() == again.tobytes()


def test_what_others_say_is_less_sure_than_what_the_series_says() -> None:
    panel = panels.panel(assortment=NEW, sales=panels.sales(products=("x",)))
    ahead = matrix.rows_ahead(panel)
    units, reason = fallbacks.estimate(panel, ahead)
    factors = fallbacks.spreads(panel, units, reason)
    of_its_own = np.isin(reason, fallbacks.OF_ITS_OWN)
    assert factors.shape == (len(reason), len(QUANTILE_LEVELS))
    assert (factors[of_its_own] == fallbacks.spread(panel, units)[of_its_own]).all()
    assert (factors[~of_its_own, 0] <= fallbacks.LONE_SPREAD[0]).all()
    assert (factors[~of_its_own, -1] >= fallbacks.LONE_SPREAD[-1]).all()
    assert (np.diff(factors, axis=1) >= 0).all()


def test_quantiles_of_a_simple_forecast_lie_around_it_in_order() -> None:
    (factors,) = fallbacks.spread(panels.panel(), np.array([30.0], np.float32))
    assert factors.shape == (len(QUANTILE_LEVELS),)
    assert (np.diff(factors) > 0).all()
    assert factors[2] == pytest.approx(1, abs=0.05)
    assert 0.7 < factors[0] < 1 < factors[-1] < 1.4


def test_a_chain_too_young_to_show_its_spread_gets_a_wide_one() -> None:
    (factors,) = fallbacks.spread(panels.panel(sales=panels.sales(days=5)), np.array([30.0], np.float32))
    assert tuple(factors) == fallbacks.LONE_SPREAD


def test_slow_sellers_do_not_widen_the_range_of_fast_ones() -> None:
    chance = np.random.default_rng(1)
    slow = panels.sales(stores=("C", "D"), products=("x", "y"))
    slow = slow.with_columns(quantity=pl.Series(chance.poisson(0.7, slow.height).astype(np.float64)))
    many = panels.sales(stores=("A", "B", "E"))
    alone, beside = panels.panel(sales=many), panels.panel(sales=pl.concat([many, slow]))
    fast = np.array([90.0], np.float32)
    (own,), (both,) = (fallbacks.spread(panel, fast) for panel in (alone, beside))
    assert both == pytest.approx(own, abs=0.1)
    assert fallbacks.spread(beside, np.array([0.7], np.float32))[0, 0] < 0.3


def mixed_with_ones(panel: Panel) -> pl.DataFrame:
    """A model that says 1 everywhere, mixed."""
    ahead = matrix.rows_ahead(panel)
    ones = np.ones(len(ahead.series), np.float32)
    point, quantiles, which = fallbacks.mixed(panel, ahead, ones, np.ones((len(ones), 7)))
    assert (ones == 1).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles[~which] == 1).all()
    found = {"point": point, "mixed": which, "q10": quantiles[:, 0], "q95": quantiles[:, -1]}
    return matrix.labels(panel, ahead).with_columns(**{name: pl.Series(values) for name, values in found.items()})


def test_a_models_number_for_a_new_product_is_mixed_with_its_recent_days_less_and_less() -> None:
    def share(days: int) -> float:
        sold = panels.sales().with_columns(quantity=pl.lit(101.0)).filter(~(A & Y & ~since(days)))
        found = mixed_with_ones(panels.panel(sales=sold))
        new = found.filter(A & Y & (pl.col("horizon") == 7))
        assert found["mixed"].sum() == 7
        return float((new["point"].item() - 1) / 100)

    assert [share(days) for days in (7, 14, 21)] == pytest.approx([1 / 2, 1 / 3, 1 / 4], rel=0.01)


def test_a_models_number_for_an_old_series_or_a_new_store_is_left_alone() -> None:
    assert not mixed_with_ones(panels.panel())["mixed"].any()
    young = mixed_with_ones(panels.panel(sales=panels.sales().filter(~(A & ~since(20)))))
    assert not young["mixed"].any()
    assert set(young["point"]) == {1.0}
