from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from lib.features import matrix
from lib.features.spine import Panel
from tests import panels
from tests.panels import rows

WEEK_BEFORE_CHRISTMAS_EVE = date(2018, 12, 17)


def on(panel: Panel, day: date) -> dict[str, float]:
    """The features of the first series on a day ahead."""
    found = matrix.of(panel)
    ahead = matrix.rows_ahead(panel)
    place = int(np.flatnonzero(ahead.date == (day - panel.first_day).days)[0])
    return dict(zip(found.names, found.matrix(ahead).values[place].tolist(), strict=True))


def night(**tables: Any) -> Panel:  # noqa: ANN401 - passed on to `panel`
    return panels.panel(as_of=WEEK_BEFORE_CHRISTMAS_EVE, **tables)


def test_christmas_eve_is_seen_even_where_christmas_lies_beyond_the_horizon() -> None:
    eve = on(night(), date(2018, 12, 24))
    assert eve["holiday_offset"] == -1
    assert eve["days_until_holiday"] == 1
    assert on(night(), date(2018, 12, 18))["days_until_holiday"] == 7


@pytest.mark.parametrize(("day", "since", "left"), [(22, 0, 14), (24, 0, 12), (21, 21, 0)])
def test_school_holidays_are_seen_to_their_end(day: int, since: int, left: int) -> None:
    days = [date(2018, 12, 22) + timedelta(days=number) for number in range(14)]
    school = rows("events", *({"date": d, "name": "Christmas holidays", "kind": "school_holiday"} for d in days))
    found = on(night(events=school), date(2018, 12, day))
    assert (found["days_since_school_holiday"], found["days_left_of_school_holiday"]) == (since, left)


def test_a_promotion_is_seen_to_its_end() -> None:
    starts = WEEK_BEFORE_CHRISTMAS_EVE + timedelta(days=6)
    plan = rows("promotions", {"product": "x", "starts": starts, "ends": starts + timedelta(days=13), "discount": 0.2})
    found = on(night(promotions=plan), starts)
    assert (found["days_into_promotion"], found["days_left_of_promotion"]) == (1, 14)
    assert on(night(promotions=plan), starts - timedelta(days=5))["days_until_promotion"] == 5


def test_a_price_is_compared_with_the_weeks_before() -> None:
    first = {"product": "x", "starts": panels.ALWAYS, "price": 1.0}
    coming = {"product": "x", "starts": WEEK_BEFORE_CHRISTMAS_EVE + timedelta(days=3), "price": 1.1}
    found = night(prices=rows("prices", first, coming))
    assert on(found, date(2018, 12, 19))["price_against_before"] == 1
    assert on(found, date(2018, 12, 20))["price_against_before"] == pytest.approx(1.1)
