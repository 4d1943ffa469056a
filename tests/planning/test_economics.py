from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from lib.planning import economics
from lib.planning.economics import OrderConfig
from tests import panels
from tests.panels import AS_OF, rows

DAY = AS_OF + timedelta(days=1)
ROWS = pl.DataFrame({"store": ["A", "B"], "product": ["x", "x"], "date": [DAY, DAY]})


def found(**tables: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - frames, passed on to `inputs`
    return economics.terms(panels.inputs(**tables), ROWS, config=OrderConfig()).to_dicts()


def product(**columns: object) -> pl.DataFrame:
    return rows("products", {"product": "x", **columns})


def price(value: float, *, store: str | None = None, starts: date = AS_OF) -> dict[str, Any]:
    return {"store": store, "product": "x", "starts": starts, "price": value}


def test_where_nothing_is_known_a_lost_sale_costs_three_times_a_wasted_unit() -> None:
    for row in found():
        assert row["underage"] == pytest.approx(3 * row["overage"])
        assert row["service_level"] == 0.75
        assert (row["price"], row["tray"], row["minimum_display"], row["capacity"]) == (1.0, 1.0, 0.0, None)


def test_costs_on_file_make_the_service_level() -> None:
    known = product(unit_cost=1.0, salvage=0.2, lost_sale_cost=0.3, tray=6.0, minimum_display=4.0)
    stores = rows("stores", {"store": "A", "capacity": 500.0}, {"store": "B"})
    first, second = found(products=known, prices=rows("prices", price(2.0)), stores=stores)
    assert first["underage"] == pytest.approx(2.0 - 1.0 + 0.3)
    assert first["overage"] == pytest.approx(1.0 - 0.2)
    assert first["service_level"] == pytest.approx(1.3 / 2.1, abs=1e-6)
    assert (first["tray"], first["minimum_display"], first["capacity"], second["capacity"]) == (6.0, 4.0, 500.0, None)


def test_a_dearer_unit_is_ordered_more_carefully() -> None:
    listed = rows("prices", price(2.0))
    cheap, dear = (found(products=product(unit_cost=cost), prices=listed)[0]["service_level"] for cost in (0.4, 1.2))
    assert dear < cheap


def test_the_price_list_of_the_day_holds_and_the_stores_own_before_that_of_all_stores() -> None:
    yesterday, tomorrow = AS_OF, DAY + timedelta(days=1)
    listed = rows(
        "prices", price(1.0, starts=yesterday), price(2.0, store="A", starts=yesterday), price(9.0, starts=tomorrow)
    )
    assert [row["price"] for row in found(prices=listed)] == [2.0, 1.0]


def test_a_later_price_of_all_stores_replaces_a_stores_own() -> None:
    listed = rows("prices", price(2.0, store="A", starts=AS_OF - timedelta(days=9)), price(3.0, starts=AS_OF))
    assert [row["price"] for row in found(prices=listed)] == [3.0, 3.0]


def paid(price: pl.Expr, *, store: str = "A") -> pl.DataFrame:
    """The made-up sales, with prices in one store."""
    return panels.sales().with_columns(price=pl.when(pl.col("store") == store).then(price))


def since(days: int) -> pl.Expr:
    return pl.col("date") > AS_OF - timedelta(days=days)


def test_without_a_price_list_the_price_usually_paid_counts_then_that_of_other_stores() -> None:
    assert [row["price"] for row in found(sales=paid(pl.lit(1.5)))] == [1.5, 1.5]
    assert [row["price"] for row in found(sales=paid(pl.when(since(30)).then(1.5).otherwise(1.2)))] == [1.5, 1.5]


def test_a_promotion_that_is_just_over_lowers_no_cost() -> None:
    usual, reduced = (found(sales=paid(pl.when(since(20)).then(price).otherwise(1.5))) for price in (1.5, 0.9))
    assert reduced == usual


def test_a_price_paid_long_ago_is_better_than_none() -> None:
    assert [row["price"] for row in found(sales=paid(pl.when(~since(90)).then(1.5)))] == [1.5, 1.5]


def test_a_price_that_was_withdrawn_is_no_price() -> None:
    listed = rows("prices", price(2.0) | {"known_until": AS_OF}, price(1.0, starts=AS_OF - timedelta(days=90)))
    assert [row["price"] for row in found(prices=panels.told(listed))] == [1.0, 1.0]


def test_without_any_price_the_unit_cost_says_what_the_price_will_be() -> None:
    first = found(products=product(unit_cost=0.6))[0]
    assert first["price"] == pytest.approx(2.0)
    assert first["service_level"] == 0.75


@pytest.mark.parametrize("cost", [2.5, 40.0])
def test_a_cost_above_the_price_is_not_believed(cost: float) -> None:
    first = found(products=product(unit_cost=cost), prices=rows("prices", price(2.0)))[0]
    assert first["service_level"] == 0.75
    assert first["underage"] == pytest.approx(1.8)
    assert first["overage"] == pytest.approx(0.6)


def test_where_an_unsold_unit_brings_back_its_cost_the_service_level_is_the_highest() -> None:
    first = found(products=product(unit_cost=0.5, salvage=0.7), prices=rows("prices", price(2.0)))[0]
    assert (first["overage"], first["service_level"]) == (0.0, 0.95)


def test_a_price_of_nothing_counts_as_unknown() -> None:
    assert found(prices=rows("prices", price(0.0)))[0]["price"] == 1.0


def test_the_service_level_stays_within_its_limits() -> None:
    prices = rows("prices", price(2.0))
    assert found(products=product(unit_cost=2.3), prices=prices)[0]["service_level"] == 0.3
    assert found(products=product(unit_cost=0.0001), prices=prices)[0]["service_level"] == 0.95


def test_terms_come_in_the_order_of_the_rows_asked_for() -> None:
    given = economics.terms(panels.inputs(), ROWS.reverse(), config=OrderConfig())
    assert given["store"].to_list() == ["B", "A"]
    assert tuple(given.columns) == economics.TERMS


@pytest.mark.parametrize("wrong", [{"salvage_share": 0.4}, {"lowest_service_level": 0.99}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="must"):
        OrderConfig(**wrong)
