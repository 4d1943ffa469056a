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
    found = plan.once_known().over(0, PANEL.sales.shape)
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
