import polars as pl
import pytest

from lib.evaluation import costs

ROWS = pl.DataFrame(
    {
        "order": [12.0, 12.0, 12.0],
        "actual": [10.0, 15.0, 12.0],
        "naive": [7.0, 12.0, 12.1],
        "tray": [6.0, 6.0, 6.0],
        "underage": [0.9, 0.9, 0.9],
        "overage": [0.3, 0.3, 0.3],
        "sold_out": [None, False, None],
        "store": ["A", "B", "C"],
        "date": ["today"] * 3,
        "minimum_display": [0.0, 0.0, 0.0],
        "capacity": [None, None, None],
    },
    schema_overrides={"capacity": pl.Float64},
)


def test_what_is_left_over_costs_its_making_and_what_is_missing_its_margin() -> None:
    found = costs.totals(ROWS, pl.col("order"))
    assert found == pytest.approx({"waste": 2, "lost": 3, "waste_cost": 0.6, "lost_cost": 2.7, "cost": 3.3})


def test_a_day_that_ran_out_is_not_counted_since_nobody_knows_what_it_lacked() -> None:
    ran_out = ROWS.with_columns(sold_out=pl.Series([None, True, None]))
    assert costs.totals(ran_out, pl.col("order"))["lost"] == 0
    assert costs.totals(ran_out, pl.col("order"))["waste"] == 2


def test_who_trusts_a_point_forecast_bakes_the_trays_that_cover_it() -> None:
    assert ROWS.select(costs.baked("naive")).to_series().to_list() == [12.0, 12.0, 18.0]


def test_who_trusts_a_point_forecast_keeps_display_and_capacity_too() -> None:
    shown = ROWS.with_columns(minimum_display=pl.lit(20.0))
    assert shown.select(costs.baked("naive")).to_series().to_list() == [24.0, 24.0, 24.0]
    one_oven = shown.with_columns(store=pl.lit("A"), capacity=pl.lit(60.0))
    assert one_oven.select(costs.baked("naive")).to_series().to_list() == [18.0, 18.0, 18.0]
    nothing = ROWS.with_columns(naive=pl.lit(0.0), minimum_display=pl.lit(20.0))
    assert nothing.select(costs.baked("naive")).to_series().to_list() == [0.0] * 3


def test_an_order_that_meets_demand_costs_nothing() -> None:
    assert set(costs.totals(ROWS, pl.col("actual")).values()) == {0.0}


def test_costs_of_parts_add_up() -> None:
    parts = [costs.totals(part, pl.col("order"))["cost"] for part in (ROWS.head(1), ROWS.tail(2))]
    assert sum(parts) == pytest.approx(costs.totals(ROWS, pl.col("order"))["cost"])
