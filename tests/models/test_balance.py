import numpy as np
import pytest

from lib.features.arrays import Floats, floats
from lib.models import balance
from lib.models.balance import Balance

ROWS = 4_000


def poisson(rate: float) -> Floats:
    return floats(np.random.default_rng(1).poisson(rate, ROWS))


def all_the_same(value: float) -> Floats:
    return np.full(ROWS, value, np.float32)


def test_slow_sellers_are_forecast_at_their_mean_though_their_middle_day_sells_nothing() -> None:
    actual = poisson(0.3)
    learned = balance.fit(all_the_same(0.0), actual, all_the_same(0.15))
    centred = learned.centred(all_the_same(0.0), all_the_same(0.15))
    assert centred.mean() == pytest.approx(actual.mean(), rel=0.02)


def test_where_mean_and_median_lie_close_together_the_median_stands() -> None:
    learned = balance.fit(all_the_same(100.0), all_the_same(104.0), all_the_same(100.0))
    assert not learned.shift.any()
    assert balance.fit(all_the_same(100.0), all_the_same(106.0), all_the_same(100.0)).shift.any()


def test_forecasts_that_were_too_high_are_left_to_the_next_training() -> None:
    assert not balance.fit(all_the_same(100.0), all_the_same(50.0), all_the_same(100.0)).shift.any()


def test_each_volume_group_has_its_own_shift() -> None:
    expected = np.tile(floats(np.array([0.5, 50.0])), ROWS // 2)
    actual = floats(expected + np.where(expected < 1, 0.5, 0.0))
    learned = balance.fit(expected, actual, expected)
    assert learned.centred(floats(np.array([0.5])), floats(np.array([0.5])))[0] == pytest.approx(1.0, rel=0.05)
    assert learned.centred(floats(np.array([50.0])), floats(np.array([50.0])))[0] == pytest.approx(50.0)


def test_what_is_kept_as_json_is_the_same_again() -> None:
    learned = balance.fit(all_the_same(0.0), poisson(0.3), all_the_same(0.15))
    again = Balance.of(learned.plain())
    assert again.shift.tolist() == learned.shift.tolist()
    assert again.edges.tolist() == learned.edges.tolist()
