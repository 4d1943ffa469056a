from datetime import timedelta

import numpy as np
import pytest

from lib.features import history, promotions
from lib.features.almanac import FAR
from lib.features.columns import Rows
from lib.features.spine import Panel
from tests import panels
from tests.panels import AS_OF, rows


def planned(starts: int, ends: int, *, told: int = -1000, discount: float | None = 0.3) -> dict[str, object]:
    """A promotion of product x between days counted from AS_OF, told on another day."""
    first, last, known = (AS_OF + timedelta(days=days) for days in (starts, ends, told))
    return {"product": "x", "starts": first, "ends": last, "discount": discount, "known_from": known}


def week(name: str, *plan: dict[str, object], origin: int = 0) -> list[float]:
    """A column of product x in store A over the seven days after an origin counted from AS_OF."""
    panel = panels.panel(promotions=rows("promotions", *plan))
    return [round(value, 3) for value in column(panel, name, origin).tolist()]


def column(panel: Panel, name: str, origin: int) -> np.typing.NDArray[np.float32]:
    index = np.full(7, panel.history - 1 + origin, np.int32)
    asked = Rows(np.zeros(7, np.int32), index, (index + np.arange(1, 8)).astype(np.int32))
    found = promotions.features(panel, history.expected(panel))
    return next(feature.column.gather(asked) for feature in found if feature.name == name)


def test_days_of_a_promotion_are_told_with_its_discount() -> None:
    assert week("promotion", planned(3, 5)) == [0, 0, 1, 1, 1, 0, 0]
    assert week("promotion_discount", planned(3, 5)) == [0, 0, 0.3, 0.3, 0.3, 0, 0]


def test_a_promotion_without_discount_is_one_all_the_same() -> None:
    assert week("promotion", planned(3, 5, discount=None)) == [0, 0, 1, 1, 1, 0, 0]
    assert week("promotion_discount", planned(3, 5, discount=None)) == [0] * 7


def test_the_first_and_last_days_of_a_promotion_are_told_apart() -> None:
    assert week("days_into_promotion", planned(3, 5)) == [0, 0, 1, 2, 3, 0, 0]
    assert week("days_left_of_promotion", planned(3, 5)) == [0, 0, 3, 2, 1, 0, 0]


def test_days_before_and_after_a_promotion_are_counted() -> None:
    assert week("days_until_promotion", planned(3, 5)) == [2, 1, 0, 0, 0, FAR, FAR]
    assert week("days_since_promotion", planned(3, 5)) == [FAR, FAR, 0, 0, 0, 1, 2]


def test_a_promotion_that_runs_on_is_counted_from_its_start() -> None:
    assert week("days_into_promotion", planned(-3, 2)) == [5, 6, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("told", "seen"), [(0, 1), (1, 0)])
def test_the_plan_is_seen_as_the_origin_knew_it(told: int, seen: int) -> None:
    assert week("promotion", planned(1, 1, told=told))[0] == seen


def test_a_past_origin_does_not_see_what_was_planned_later() -> None:
    assert week("promotion", planned(-13, -8, told=-10), origin=-14) == [0] * 7
    assert week("promotion", planned(-13, -8, told=-14), origin=-14) == [1, 1, 1, 1, 1, 1, 0]


def test_what_earlier_promotions_brought_is_remembered() -> None:
    given = panels.sales()
    before = (given["date"] >= AS_OF - timedelta(days=20)) & (given["date"] <= AS_OF - timedelta(days=14))
    doubled = given.with_columns(quantity=given["quantity"] * np.where(before & (given["product"] == "x"), 2, 1))
    panel = panels.panel(sales=doubled, promotions=rows("promotions", planned(-20, -14)))
    for name in ("promotion_uplift", "promotion_uplift_of_product"):
        assert np.allclose(column(panel, name, 0), 2, atol=0.2)
        assert np.isnan(column(panel, name, -30)).all()


def test_without_a_plan_nothing_is_planned() -> None:
    panel = panels.panel()
    assert not promotions.planned(panel).any()
    assert set(week("days_until_promotion")) == {FAR}


def test_a_withdrawn_promotion_is_seen_by_origins_before_and_by_none_after() -> None:
    gone = AS_OF - timedelta(days=9)
    plan = planned(-13, -8, told=-20) | {"known_until": gone}
    assert week("promotion", plan, origin=-14) == [1, 1, 1, 1, 1, 1, 0]
    assert week("promotion", plan, origin=-10) == [1, 1, 0, 0, 0, 0, 0]
    assert week("promotion", plan, origin=-9) == [0] * 7
    assert week("days_since_promotion", plan, origin=-9) == [1, 2, 3, 4, 5, 6, 7]


def test_a_promotion_that_left_the_plan_when_it_was_over_is_still_remembered() -> None:
    plan = planned(-6, -1) | {"known_until": AS_OF}
    assert week("days_since_promotion", plan) == [2, 3, 4, 5, 6, 7, 8]


def test_what_is_planned_now_has_no_withdrawn_promotion() -> None:
    panel = panels.panel(promotions=rows("promotions", planned(2, 3) | {"known_until": AS_OF}, planned(5, 5)))
    assert np.flatnonzero(promotions.planned(panel)[0]).tolist() == [panel.history + 4]
