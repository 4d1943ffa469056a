from collections.abc import Sequence
from datetime import date
from itertools import product as every
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lib.contracts import QUANTILE_LEVELS, QUANTILES
from lib.planning.distribution import Numbers, described_by
from lib.planning.orders import DECIDED, decide, whole_trays

DAY = date(2019, 4, 1)
WIDE = (10.0, 40.0, 50.0, 60.0, 70.0, 90.0, 110.0)
TERMS: dict[str, Any] = {
    "underage": 0.9,
    "overage": 0.3,
    "service_level": 0.75,
    "tray": 1.0,
    "minimum_display": 0.0,
    "capacity": None,
}
SCHEMA = {"capacity": pl.Float64}
quantiles = st.lists(st.floats(0, 300), min_size=7, max_size=7).map(sorted)
levels = st.floats(0.3, 0.95)
trays = st.sampled_from([1.0, 2.5, 6.0, 40.0])


def ordered(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Decided rows of products p00, p01 ... in one store on one day; each states what is not as usual."""
    keys = [{"store": "A", "product": f"p{number:02d}", "date": DAY} for number in range(len(rows))]
    said = [dict(zip(QUANTILES, row.get("quantiles", WIDE), strict=True)) for row in rows]
    forecasts = [
        {**key, **numbers, "method": row.get("method", "model")}
        for key, numbers, row in zip(keys, said, rows, strict=True)
    ]
    terms = [
        {**key, **{name: row.get(name, TERMS[name]) for name in TERMS}} for key, row in zip(keys, rows, strict=True)
    ]
    return decide(pl.DataFrame(forecasts), pl.DataFrame(terms, schema_overrides=SCHEMA))


def order(**row: object) -> float:
    return float(ordered([row])["order"].item())


def array(*values: float) -> Numbers:
    return np.array(values, dtype=np.float64)


def cost(numbers: Sequence[float], quantity: float, *, underage: float = 0.9, overage: float = 0.3) -> float:
    """Expected cost, by drawing the quantile function finely instead of by the formula."""
    inner = [0.0, *numbers, numbers[-1] + (numbers[-1] - numbers[-2])]
    middle = (np.arange(20_000) + 0.5) / 20_000
    demand = np.interp(middle, [0.0, *QUANTILE_LEVELS, 1.0], inner)
    over, under = np.maximum(quantity - demand, 0), np.maximum(demand - quantity, 0)
    return float((overage * over + underage * under).mean())


def test_single_units_are_ordered_at_the_quantile_of_the_service_level() -> None:
    assert order() == 65.0
    assert order(service_level=0.7) == 60.0


@pytest.mark.parametrize(("tray", "baked"), [(6.0, 66.0), (40.0, 80.0), (50.0, 50.0), (300.0, 0.0)])
def test_trays_are_rounded_to_what_costs_least(tray: float, baked: float) -> None:
    assert order(tray=tray) == baked
    best = min((cost(WIDE, tray * count), tray * count) for count in range(70))
    assert best[1] == baked


@given(numbers=quantiles, level=levels, tray=trays)
@settings(max_examples=150, deadline=None)
def test_orders_are_whole_trays_and_never_negative(numbers: list[float], level: float, tray: float) -> None:
    baked = order(quantiles=numbers, service_level=level, tray=tray)
    assert baked >= 0
    assert baked / tray == round(baked / tray)


@given(numbers=quantiles, both=st.tuples(levels, levels), tray=trays)
@settings(max_examples=150, deadline=None)
def test_a_higher_service_level_never_orders_less(numbers: list[float], both: tuple[float, float], tray: float) -> None:
    low, high = sorted(both)
    demand = described_by(np.array([numbers, numbers]))
    less, more = whole_trays(demand, array(low, high), array(tray, tray))
    assert less <= more


@given(numbers=quantiles, level=levels, tray=trays)
@settings(max_examples=150, deadline=None)
def test_a_tray_more_or_less_never_costs_less(numbers: list[float], level: float, tray: float) -> None:
    demand = described_by(np.array([numbers] * 3))
    chosen = whole_trays(demand, array(level, level, level), array(tray, tray, tray))[0]
    near = np.maximum(array(chosen - tray, chosen, chosen + tray), 0)
    fewer, kept, more = level * demand.missing(near) + (1 - level) * demand.left_over(near)
    assert kept <= min(fewer, more) + 1e-9


@given(numbers=quantiles, quantity=st.floats(0, 700))
@settings(max_examples=40, deadline=None)
def test_expected_units_are_exact_for_the_published_quantiles(numbers: list[float], quantity: float) -> None:
    demand = described_by(np.array([numbers]))
    left, lost = demand.left_over(array(quantity))[0], demand.missing(array(quantity))[0]
    assert left == pytest.approx(cost(numbers, quantity, underage=0, overage=1), abs=0.01)
    assert lost == pytest.approx(cost(numbers, quantity, underage=1, overage=0), abs=0.01)


def test_beyond_the_published_quantiles_demand_ends_as_steeply_as_it_was_rising() -> None:
    demand = described_by(np.array([WIDE] * 4))
    assert demand.quantile(array(0.0, 0.05, 0.95, 1.0)) == pytest.approx([0.0, 5.0, 110.0, 130.0])


@pytest.mark.parametrize("tray", [1.0, 6.0])
def test_where_nothing_is_expected_nothing_is_baked_but_the_display(tray: float) -> None:
    assert order(quantiles=(0.0,) * 7, tray=tray) == 0
    assert order(quantiles=(0.0,) * 7, tray=tray, minimum_display=5.0) == np.ceil(5 / tray) * tray


def test_a_closed_day_bakes_nothing_not_even_the_display() -> None:
    assert order(method="closed", minimum_display=5.0) == 0


def test_the_display_is_covered_by_whole_trays() -> None:
    assert order(quantiles=(1.0,) * 7, tray=6.0, minimum_display=7.0) == 12


def test_a_store_never_bakes_more_than_it_can() -> None:
    rows = [{"capacity": 100.0}, {"capacity": 100.0}, {"capacity": 100.0, "tray": 6.0}]
    assert 94 < ordered(rows)["order"].sum() <= 100
    assert ordered([{**row, "capacity": 500.0} for row in rows])["order"].to_list() == [65.0, 65.0, 66.0]


def test_what_earns_most_per_unit_is_baked_where_the_oven_is_too_small() -> None:
    dear, cheap = {"underage": 9.0, "overage": 3.0, "capacity": 80.0}, {"capacity": 80.0}
    first, second = ordered([dear, cheap])["order"].to_list()
    assert first > second
    assert first + second == 80


def test_equal_products_share_a_small_oven_to_the_last_unit() -> None:
    shared = ordered([{"capacity": 50.0}] * 3)["order"].to_list()
    assert sum(shared) == 50
    assert max(shared) - min(shared) <= 1


def test_a_tray_too_large_for_the_room_left_does_not_keep_a_smaller_one_out() -> None:
    large = {"quantiles": tuple(3 * units for units in WIDE), "tray": 12.0, "capacity": 5.0}
    assert ordered([large, {"tray": 4.0, "capacity": 5.0}])["order"].to_list() == [0.0, 4.0]


def test_the_display_is_kept_before_anything_else_in_a_small_oven() -> None:
    idle = {"quantiles": (0.0,) * 7, "minimum_display": 20.0, "capacity": 50.0}
    assert ordered([idle, {"capacity": 50.0}])["order"].to_list() == [20.0, 30.0]


def test_an_oven_too_small_for_the_display_is_not_overfilled_either() -> None:
    rows = [{"minimum_display": 40.0, "capacity": 50.0}] * 3
    assert ordered(rows)["order"].sum() == 50


def test_a_store_that_cannot_bake_bakes_nothing() -> None:
    assert ordered([{"capacity": 0.0, "minimum_display": 3.0}] * 2)["order"].to_list() == [0.0, 0.0]


@given(
    numbers=st.lists(quantiles, min_size=2, max_size=2), tray=st.sampled_from([5.0, 12.5]), capacity=st.floats(0, 400)
)
@settings(max_examples=25, deadline=None)
def test_no_other_way_to_fill_a_small_oven_costs_less(numbers: list[list[float]], tray: float, capacity: float) -> None:
    baked = ordered([{"quantiles": each, "tray": tray, "capacity": capacity} for each in numbers])["order"].to_list()
    assert sum(baked) <= capacity
    demand = described_by(np.array(numbers))

    def total(quantities: Sequence[float]) -> float:
        given = array(*quantities)
        return float((0.9 * demand.missing(given) + 0.3 * demand.left_over(given)).sum())

    counts = every(range(int(capacity / tray) + 1), repeat=2)
    feasible = [array(*count) * tray for count in counts if sum(count) * tray <= capacity]
    assert total(baked) <= min(total(one.tolist()) for one in feasible) + 1e-6


def test_capacity_is_of_each_store_and_day_for_itself() -> None:
    keys = [("A", 1), ("A", 2), ("B", 1)]
    forecasts = pl.DataFrame(
        [
            {"store": store, "product": "x", "date": date(2019, 4, day), "method": "model"}
            | dict(zip(QUANTILES, WIDE, strict=True))
            for store, day in keys
        ]
    )
    terms = forecasts.select("store", "product", "date").with_columns(
        **{name: pl.lit(TERMS[name], pl.Float64) for name in TERMS}
    )
    small = terms.with_columns(capacity=pl.when(pl.col("store") == "A").then(30.0))
    assert decide(forecasts, small)["order"].to_list() == [30.0, 30.0, 65.0]


def test_the_order_of_rows_changes_no_order_and_is_kept() -> None:
    rows = [{"capacity": 170.0, "tray": float(number % 3 + 1), "minimum_display": number} for number in range(12)]
    decided = ordered(rows)
    shuffled = decided.sample(fraction=1.0, shuffle=True, seed=3)
    terms = [
        {**key, **TERMS, **row}
        for key, row in zip(decided.select("store", "product", "date").to_dicts(), rows, strict=True)
    ]
    assert_frame_equal(
        decide(shuffled, pl.DataFrame(terms, schema_overrides={"minimum_display": pl.Float64})), shuffled
    )
    assert decided.columns[-3:] == list(DECIDED)


def test_no_rows_give_no_orders() -> None:
    some = ordered([{}])
    terms = some.select("store", "product", "date").with_columns(**{n: pl.lit(TERMS[n], pl.Float64) for n in TERMS})
    assert decide(some.clear(), terms.clear()).is_empty()
