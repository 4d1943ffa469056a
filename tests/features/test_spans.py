from datetime import date, timedelta

import numpy as np
import polars as pl

from lib.features import spans
from lib.features.spans import Spans
from tests import panels
from tests.panels import AS_OF, rows

FIRST = AS_OF - timedelta(days=20)
START = 200 - 21
PANEL = panels.panel()
"""Series: A x, A y, B x, B y."""


def promotions(*given: dict[str, object]) -> Spans:
    plan = rows("promotions", *({"known_from": panels.ALWAYS, **row} for row in given))
    return spans.of(PANEL, plan, "discount")


def test_of_overlapping_promotions_the_later_start_holds_and_one_store_before_all() -> None:
    ends, later = FIRST + timedelta(days=9), FIRST + timedelta(days=3)
    found = promotions(
        {"product": "x", "starts": later, "ends": ends, "discount": 0.2},
        {"store": "A", "product": "x", "starts": later, "ends": ends, "discount": 0.3},
        {"product": "x", "starts": FIRST, "ends": ends, "discount": 0.1},
    ).over(0, PANEL.shape_ahead)
    assert np.allclose(found[0, START : START + 4], [0.1, 0.1, 0.1, 0.3])
    assert np.allclose(found[2, START : START + 4], [0.1, 0.1, 0.1, 0.2])
    assert np.isnan(found[0, START - 1])
    assert np.isnan(found[0, START + 10])
    assert np.isnan(found[1]).all()


def test_a_promotion_of_products_and_stores_nobody_knows_lies_nowhere() -> None:
    found = promotions(
        {"product": "z", "starts": FIRST, "ends": AS_OF, "discount": 0.2},
        {"store": "Z", "product": "x", "starts": FIRST, "ends": AS_OF, "discount": 0.2},
    )
    assert np.isnan(found.over(0, PANEL.shape_ahead)).all()


def test_a_promotion_counts_from_the_day_it_was_known() -> None:
    told = FIRST + timedelta(days=2)
    plan = promotions({"product": "x", "starts": FIRST, "ends": AS_OF, "discount": 0.2, "known_from": told})
    found = plan.in_force().over(0, PANEL.sales.shape)
    assert np.isnan(found[0, START + 1])
    assert found[0, START + 2] == np.float32(0.2)


def test_a_span_that_starts_before_the_history_and_never_ends_covers_all_of_it() -> None:
    price = rows("prices", {"product": "y", "starts": date(2000, 1, 1), "price": 2.0}).with_columns(
        ends=pl.lit(None, pl.Date), known_from=pl.lit(None, pl.Date)
    )
    assert (spans.of(PANEL, price, "price").over(0, PANEL.shape_ahead)[1] == 2.0).all()


def test_a_span_that_ends_before_it_starts_or_before_the_history_lies_nowhere() -> None:
    found = promotions(
        {"product": "x", "starts": AS_OF, "ends": FIRST, "discount": 0.2},
        {"product": "y", "starts": date(2000, 1, 1), "ends": date(2000, 1, 9), "discount": 0.2},
    )
    assert np.isnan(found.over(0, PANEL.shape_ahead)).all()


def prices(*given: dict[str, object]) -> Spans:
    return spans.of(PANEL, panels.told(rows("prices", *({"product": "x", **row} for row in given))), "price")


def value(found: Spans, day: date, *, origin: date = AS_OF, series: int = 0) -> float:
    index = (np.array([(each - PANEL.first_day).days], np.int32) for each in (day, origin))
    return float(found.at(np.array([series], np.int32), *index)[0])


def test_a_value_is_looked_up_as_the_origin_knew_it() -> None:
    told, gone = FIRST + timedelta(days=3), FIRST + timedelta(days=6)
    found = prices(
        {"starts": date(2000, 1, 1), "price": 1.0},
        {"starts": FIRST, "price": 2.0, "known_from": told, "known_until": gone},
        {"starts": FIRST, "price": 3.0, "known_from": gone},
        {"store": "A", "starts": FIRST, "price": 4.0, "known_from": AS_OF},
    )
    by_origin = [value(found, AS_OF, origin=FIRST + timedelta(days=days)) for days in (2, 3, 5, 6, 20)]
    assert by_origin == [1.0, 2.0, 2.0, 3.0, 4.0]
    assert value(found, AS_OF, series=2) == 3.0
    assert value(found, FIRST - timedelta(days=1)) == 1.0
    assert np.isnan(value(found, AS_OF, series=1))
    assert np.isnan(value(found, date(1999, 12, 31)))


def test_a_span_with_an_end_is_not_looked_up_beyond_it() -> None:
    plan = {"product": "x", "discount": 0.2, "starts": FIRST}
    found = promotions({**plan, "ends": AS_OF}, {**plan, "store": "A", "ends": FIRST, "discount": 0.3})
    assert value(found, FIRST) == 0.3
    assert value(found, FIRST + timedelta(days=1)) == 0.2
    assert np.isnan(value(found, AS_OF + timedelta(days=1)))


def test_what_was_withdrawn_was_in_force_until_then() -> None:
    gone = FIRST + timedelta(days=4)
    found = promotions({"product": "x", "starts": FIRST, "ends": AS_OF, "discount": 0.2, "known_until": gone})
    laid = found.in_force().over(START, (4, 7))[0]
    assert (~np.isnan(laid)).tolist() == [True] * 5 + [False] * 2
    before, after = (found.seen_at(START + days).over(START, (4, 21)) for days in (3, 4))
    assert (~np.isnan(before[0])).sum() == 21
    assert (~np.isnan(after[0])).sum() == 5


def test_many_spans_without_end_are_laid_as_each_in_its_turn() -> None:
    chance = np.random.default_rng(5)

    def back(first: int, last: int) -> date:
        return AS_OF - timedelta(days=int(chance.integers(first, last)))

    given: list[dict[str, object]] = [
        {
            "store": None if chance.random() < 0.5 else "AB"[number % 2],
            "product": "xy"[int(chance.integers(2))],
            "starts": back(-5, 60),
            "price": float(number),
            "known_from": back(0, 60),
            "known_until": None if chance.random() < 0.7 else back(0, 9),
        }
        for number in range(1, 200)
    ]
    found = prices(*given)
    for each in (found, found.in_force(), found.seen_at(START)):
        slow = np.full((4, 30), np.nan, np.float32)
        for series, first, last, paid in zip(each.series, each.first, each.last, each.value, strict=True):
            slow[series, max(first - START, 0) : max(last - START + 1, 0)] = paid
        assert np.array_equal(each.over(START, (4, 30)), slow, equal_nan=True)
