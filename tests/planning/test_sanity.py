from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.features import matrix
from lib.features.arrays import Floats
from lib.planning import sanity
from lib.planning.sanity import Doubles, SanityConfig
from tests import panels
from tests.panels import AS_OF

SPREAD = np.array([0.4, 0.7, 1.0, 1.3, 1.5, 1.8, 2.2])
CONFIG = SanityConfig()


def band(*, special: bool = False, sales: pl.DataFrame | None = None) -> tuple[Floats, Floats]:
    """The edges of the four series on the first day ahead."""
    panel = panels.panel(horizon=1) if sales is None else panels.panel(horizon=1, sales=sales)
    ahead = matrix.rows_ahead(panel)
    return sanity.band(panel, ahead, special=np.full(len(ahead.series), special), config=CONFIG)


def held(
    point: float, quantiles: list[float] | Doubles, *, low: float, high: float, spread: Doubles = SPREAD
) -> tuple[float, Doubles, bool]:
    """A single forecast that is held."""
    alone, lowest, highest = (np.array([value], np.float32) for value in (point, low, high))
    found = sanity.hold(alone, np.array([quantiles], np.float64), low=lowest, high=highest, spread=spread)
    return float(found[0][0]), found[1][0], bool(found[2][0])


def test_the_band_reaches_beyond_the_lowest_and_highest_of_eight_same_weekdays() -> None:
    low, high = band()
    mondays = (
        panels.sales()
        .filter(
            (pl.col("date").dt.weekday() == 1)
            & (pl.col("date") > AS_OF - timedelta(days=56))
            & (pl.col("product") == "x")
        )["quantity"]
        .to_numpy()[:8]
    )
    assert low[0] == pytest.approx(max(mondays.min() * CONFIG.low - CONFIG.slack, 0))
    assert high[0] == pytest.approx(mondays.max() * CONFIG.high + CONFIG.slack)


def test_the_band_is_wider_on_special_days() -> None:
    (low, high), (special_low, special_high) = band(), band(special=True)
    assert (special_low < low).all()
    assert (special_high > high).all()


def test_a_series_without_a_recent_same_weekday_has_no_band() -> None:
    low, high = band(sales=panels.sales(days=3))
    assert (low == 0).all()
    assert np.isinf(high).all()


def test_a_number_inside_the_band_is_left_alone_and_so_is_its_range() -> None:
    quantiles = [6.0, 8.0, 10.0, 11.0, 12.0, 14.0, 16.0]
    point, range_, moved = held(10, quantiles, low=4, high=20)
    assert (point, range_.tolist(), moved) == (10, quantiles, False)


def test_a_number_held_from_above_gets_the_range_of_a_simple_forecast() -> None:
    point, quantiles, moved = held(1000, np.linspace(990, 1010, 7), low=4, high=20)
    assert moved
    assert point == 20
    assert quantiles == pytest.approx(20 * SPREAD)


def test_a_tiny_number_held_from_below_does_not_blow_its_range_up() -> None:
    point, quantiles, _ = held(0.01, np.linspace(0, 3, 7), low=5, high=20)
    assert point == 5
    assert quantiles == pytest.approx(5 * SPREAD)


def test_nothing_forecast_is_held_with_a_range() -> None:
    point, quantiles, _ = held(0, np.zeros(7), low=5, high=20)
    assert point == 5
    assert (np.diff(quantiles) > 0).all()


def test_a_range_that_strays_is_cut_even_where_the_number_does_not() -> None:
    _, quantiles, moved = held(10, [0.01, 8, 10, 11, 12, 100, 5000], low=4, high=20)
    assert not moved
    assert quantiles.tolist() == pytest.approx([4 * 0.4, 8, 10, 11, 12, 44, 44])


def test_without_a_band_nothing_is_cut() -> None:
    quantiles = np.array([0, 8, 10, 11, 12, 100, 5000.0])
    assert held(10, quantiles, low=0, high=float("inf"))[1].tolist() == quantiles.tolist()


def test_each_row_may_have_a_spread_of_its_own() -> None:
    spread = np.stack([SPREAD, SPREAD**2])
    ones, quantiles = np.ones(2, np.float32), np.ones((2, 7))
    found = sanity.hold(ones, quantiles, low=ones * 5, high=ones * 9, spread=spread)[1]
    assert found == pytest.approx(5 * spread)


NUMBERS = st.floats(0, 1e7, width=32)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    point=NUMBERS,
    quantiles=st.lists(NUMBERS, min_size=7, max_size=7).map(sorted),
    edges=st.tuples(NUMBERS, st.one_of(NUMBERS, st.just(float("inf")))).map(sorted),
    spread=st.lists(st.floats(0, 50), min_size=7, max_size=7).map(sorted).map(np.array),
)
def test_whatever_is_held_is_finite_in_order_and_near_the_band(
    point: float, quantiles: list[float], edges: list[float], spread: Doubles
) -> None:
    low, high = edges
    number, range_, moved = held(point, quantiles, low=low, high=high, spread=spread)
    assert low <= number <= high
    assert moved == (number != point)
    assert np.isfinite(range_).all()
    assert (range_ >= 0).all()
    assert (np.diff(range_) >= 0).all()
    assert range_[-1] <= high * max(spread[-1], 1)
