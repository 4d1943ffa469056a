from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from lib.features import matrix, prices
from lib.features.arrays import Floats
from lib.features.columns import Rows
from tests import panels
from tests.panels import ALWAYS, AS_OF, rows

PRODUCTS = rows("products", {"product": "x", "family": "bread"}, {"product": "y", "family": "bread"})


def listed(
    price: float, *, product: str = "x", starts: int | None = None, store: str | None = None
) -> dict[str, object]:
    """A price from a day counted from AS_OF on, else from ever."""
    first = ALWAYS if starts is None else AS_OF + timedelta(days=starts)
    return {"store": store, "product": product, "starts": first, "price": price}


def week(name: str, *given: dict[str, object], series: int = 0) -> Floats:
    """A column of a series (A x, A y, B x, B y) over the seven days ahead."""
    panel = panels.panel(prices=rows("prices", *given), products=PRODUCTS)
    origin = np.full(7, panel.history - 1, np.int32)
    asked = Rows(np.full(7, series, np.int32), origin, (origin + np.arange(1, 8)).astype(np.int32))
    return next(feature.column.gather(asked) for feature in prices.features(panel) if feature.name == name)


def test_an_announced_price_is_seen_against_the_price_of_today() -> None:
    assert week("price_against_today", listed(2.0), listed(2.5, starts=3)) == pytest.approx([1, 1, *[1.25] * 5])


def test_a_price_is_seen_against_the_prices_that_expected_sales_were_made_at() -> None:
    changed = listed(2.0), listed(4.0, starts=-6)
    assert week("price_against_expected", *changed) == pytest.approx([4 / 2.25] * 7)
    assert week("price_against_today", *changed) == pytest.approx([1] * 7)


def test_a_price_is_seen_against_the_weeks_before() -> None:
    found = week("price_against_before", listed(2.0), listed(2.5, starts=1))
    assert found[0] == pytest.approx(1.25)
    assert 1.2 < found[6] < 1.25


def test_a_price_is_seen_against_the_family_in_the_store() -> None:
    given = listed(1.0), listed(3.0, product="y"), listed(2.0, product="y", store="B")
    assert week("price_against_family", *given) == pytest.approx([0.5] * 7)
    assert week("price_against_family", *given, series=2) == pytest.approx([1 / 1.5] * 7)


def test_a_product_without_family_is_compared_with_itself() -> None:
    panel = panels.panel(prices=rows("prices", listed(1.0), listed(3.0, product="y")))
    found = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    assert set(found.values[:, found.names.index("price_against_family")].tolist()) == {1.0}


def test_without_a_price_list_prices_are_unknown() -> None:
    for name in prices.NAMES:
        assert np.isnan(week(name)).all()


def test_a_product_that_is_not_on_the_list_has_no_price() -> None:
    for name in prices.NAMES:
        assert np.isnan(week(name, listed(1.0), series=1)).all()


def known(told: int, gone: int | None = None) -> dict[str, object]:
    """From and until when a price was known, in days counted from AS_OF."""
    days = {"known_from": told, "known_until": gone}
    return {name: None if day is None else AS_OF + timedelta(days=day) for name, day in days.items()}


def test_a_price_told_at_short_notice_is_not_seen_by_an_earlier_origin() -> None:
    raised = listed(2.5, starts=-20)
    usual = listed(2.0) | known(-1000)
    assert earlier("price_against_today", usual, raised | known(-22), origin=-23) == pytest.approx([1] * 7)
    assert earlier("price_against_today", usual, raised | known(-23), origin=-23) == pytest.approx([1, 1] + [1.25] * 5)


def test_a_price_that_was_announced_and_withdrawn_is_seen_in_between() -> None:
    list_ = listed(2.0), listed(2.5, starts=-20) | known(-30, -22)
    assert earlier("price_against_today", *list_, origin=-23) == pytest.approx([1, 1] + [1.25] * 5)
    assert earlier("price_against_today", *list_, origin=-22) == pytest.approx([1] * 7)


def test_a_price_that_left_the_list_when_the_next_began_is_what_was_paid_before() -> None:
    list_ = listed(2.0) | known(-1000, -1), listed(2.5, starts=0) | known(-1)
    assert earlier("price_against_before", *list_, origin=0)[0] == pytest.approx(2.5 / ((55 * 2 + 2.5) / 56))
    assert earlier("price_against_expected", *list_, origin=0)[0] == pytest.approx(1.25)


def earlier(name: str, *given: dict[str, object], origin: int) -> Floats:
    """A column of product x in store A over the seven days after an origin counted from AS_OF."""
    told = pl.concat([panels.told(rows("prices", each)) for each in given])
    panel = panels.panel(prices=told, products=PRODUCTS)
    at = np.full(7, panel.history - 1 + origin, np.int32)
    asked = Rows(np.zeros(7, np.int32), at, (at + np.arange(1, 8)).astype(np.int32))
    return next(feature.column.gather(asked) for feature in prices.features(panel) if feature.name == name)
