import polars as pl
import pytest

from lib import metrics
from lib.contracts import QUANTILES

ROWS = pl.DataFrame({"forecast": [8.0, 12.0, 0.0], "actual": [10.0, 10.0, 0.0]})


def test_accuracy_and_bias_come_from_sums() -> None:
    assert metrics.accuracy(ROWS) == {
        "fa": pytest.approx(0.8),
        "bias": pytest.approx(0.0),
        "rmse": pytest.approx((8 / 3) ** 0.5),
    }


def test_parts_of_two_groups_add_up_to_those_of_both() -> None:
    parts = pl.concat([ROWS.head(1).select(**metrics.sums()), ROWS.tail(2).select(**metrics.sums())]).sum()
    assert parts.rows() == ROWS.select(**metrics.sums()).rows()


def test_where_nothing_was_sold_there_is_no_accuracy() -> None:
    assert metrics.accuracy(ROWS.tail(1)) == {"fa": None, "bias": None, "rmse": 0.0}


def test_without_rows_there_is_no_figure_at_all() -> None:
    assert set(metrics.accuracy(ROWS.clear()).values()) == {None}


def test_pinball_charges_each_side_by_its_level() -> None:
    rows = pl.DataFrame({"actual": [10.0, 10.0], **{name: [8.0, 12.0] for name in QUANTILES}})
    found = metrics.pinball(rows)
    assert found["q10"] == pytest.approx((0.1 * 2 + 0.9 * 2) / 2)
    assert found["q90"] == pytest.approx((0.9 * 2 + 0.1 * 2) / 2)
    too_low = metrics.pinball(rows.head(1))
    assert too_low["q90"] == pytest.approx(1.8)
