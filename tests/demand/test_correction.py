from datetime import time
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lib import demand
from lib.contracts import OUTPUTS
from lib.demand import DemandConfig
from tests.demand import chains
from tests.demand.chains import EVEN, MONDAY, a_day, random_chain, week

PURE = DemandConfig(history_weight=0)
"""Hours alone, no blend with the same weekdays."""
NOON = {8: 10.0, 12: 10.0}
"""A usual day that ran out in the hour from noon on."""


def corrected(
    days: list[dict[str, Any]], config: DemandConfig | None = None, *, hours: bool = True, **family: str
) -> pl.DataFrame:
    hourly = chains.hourly(days if hours else [])
    return demand.correct(chains.sales(days), hourly, chains.products(**family), config or DemandConfig())


def the_row(days: list[dict[str, Any]], config: DemandConfig | None = None, *, hours: bool = True) -> dict[str, Any]:
    return corrected(days, config, hours=hours).row(-1, named=True)


def test_a_usual_day_that_ran_out_is_worth_a_usual_day() -> None:
    row = the_row([*week(0, EVEN), *week(1, EVEN), a_day(14, NOON, out=True)])
    assert row["demand"] == pytest.approx(40)
    assert row["share_sold"] == pytest.approx(0.5)
    assert row["method"].startswith("hours of the ")


def test_a_day_that_sold_twice_as_fast_is_worth_two_usual_days() -> None:
    row = the_row([*week(0, EVEN), a_day(7, {8: 20.0, 12: 20.0}, out=True)], PURE)
    assert row["demand"] == pytest.approx(80)


def test_the_usual_same_weekday_holds_a_hasty_day_back() -> None:
    days = [*week(0, EVEN), a_day(7, {8: 20.0, 12: 20.0}, out=True)]
    assert 60 < the_row(days)["demand"] < 80
    assert the_row(days, DemandConfig(history_weight=5))["demand"] < the_row(days)["demand"]


def test_the_hour_that_the_last_unit_went_in_does_not_count_as_speed() -> None:
    row = the_row([*week(0, EVEN), a_day(7, {8: 10.0, 12: 30.0}, out=True)], PURE)
    assert row["demand"] == pytest.approx(40 + 0.5 * 40)


def test_sales_themselves_are_never_overwritten() -> None:
    days = random_chain()
    found = corrected(days).join(chains.sales(days), on=["date", "store", "product"])
    assert (found["sales"] == found["quantity"]).all()


def test_a_day_of_which_nobody_knows_whether_it_ran_out_is_left_alone() -> None:
    days = [*week(0, EVEN), a_day(7, NOON, out=None), a_day(8, NOON, out=True)]
    assert corrected(days)["date"].to_list() == [chains.sales(days)["date"].max()]


def test_without_any_sold_out_day_there_is_no_row() -> None:
    assert corrected([*week(0, EVEN), *week(1, EVEN, out=None)]).is_empty()
    assert corrected([]).is_empty()


def test_rows_have_the_form_of_the_contract_and_its_order() -> None:
    contract = OUTPUTS["demand"]
    found = corrected(random_chain())
    assert found.schema == {name: dtype for name, dtype in contract.schema.items() if name != "as_of"}
    assert corrected([]).schema == found.schema
    assert_frame_equal(found, found.sort(contract.key))
    assert found.drop("share_sold").null_count().sum_horizontal().item() == 0


def test_weekends_have_hours_of_their_own() -> None:
    late = {8: 4.0, 16: 36.0}
    learned = [a_day(number, late if number % 7 >= 5 else EVEN) for number in range(14)]
    saturday = the_row([*learned, a_day(19, {8: 4.0}, out=True)])
    assert saturday["share_sold"] == pytest.approx(0.1)
    assert the_row([*learned, a_day(18, {8: 10.0}, out=True)])["share_sold"] == pytest.approx(0.25)


def test_days_that_ran_out_teach_no_hours_and_no_usual_sales() -> None:
    row = the_row([*week(0, EVEN), *week(1, {8: 1.0}, out=True), a_day(14, NOON, out=True)])
    assert row["demand"] == pytest.approx(40)
    assert row["share_sold"] == pytest.approx(0.5)


def test_a_day_that_ran_out_too_early_to_tell_is_worth_a_usual_day() -> None:
    early = {8: 1.0, 12: 39.0}
    row = the_row([*week(0, early), a_day(7, {8: 8.0}, out=True)])
    assert row["method"] == "same weekdays, since it ran out early"
    assert row["demand"] == pytest.approx(8 + 0.975 * 40)


def test_no_correction_is_absurd_however_early_it_ran_out() -> None:
    rare = {8: 0.01, 12: 40.0}
    known = the_row([*week(0, rare), a_day(7, {8: 20.0}, out=True)])
    assert known["demand"] < 20 + 40 + 1
    other = [*week(0, rare), a_day(7, {8: 20.0}, out=True, store="B")]
    assert the_row(other)["demand"] <= 20 + 20 / DemandConfig().smallest_share


def test_a_shelf_that_was_empty_all_day_is_worth_a_usual_day() -> None:
    row = the_row([*week(0, EVEN), a_day(7, {}, out=True)])
    assert row["demand"] == pytest.approx(40)
    assert row["share_sold"] is None


def test_the_first_week_has_no_hours_to_learn_from() -> None:
    days = [a_day(0, EVEN), a_day(1, NOON, out=True)]
    assert the_row(days)["method"] == "same weekdays, without a time"


def test_the_last_sale_tells_the_time_within_the_hour() -> None:
    row = the_row([*week(0, EVEN), a_day(7, NOON, out=True, last=time(12, 30))], PURE)
    assert row["share_sold"] == pytest.approx(0.375)
    assert row["demand"] == pytest.approx(20 + (1 - 0.375) * 40)


def test_hours_of_other_days_serve_a_day_of_which_only_the_last_sale_is_known() -> None:
    known, asked = week(0, EVEN), a_day(7, NOON, out=True, last=time(13))
    found = demand.correct(chains.sales([*known, asked]), chains.hourly(known), chains.products(), PURE)
    assert found["share_sold"].item() == pytest.approx(0.5)
    assert found["demand"].item() == pytest.approx(40)


def test_without_hours_the_usual_last_sale_tells_how_long_a_day_is() -> None:
    days = [*week(0, EVEN, last=time(17)), a_day(7, {8: 30.0}, out=True, last=time(12))]
    row = the_row(days, DemandConfig(opening=7, history_weight=0), hours=False)
    assert row["method"] == "usual last sale"
    assert row["share_sold"] == pytest.approx(0.5)
    assert row["demand"] == pytest.approx(60)


def test_a_last_sale_at_the_usual_time_changes_nothing() -> None:
    days = [*week(0, EVEN, last=time(17)), a_day(7, {8: 30.0}, out=True, last=time(17, 20))]
    row = the_row(days, hours=False)
    assert (row["lower"], row["demand"], row["upper"]) == (30, 30, 30)


def test_a_new_store_closes_when_the_chain_does() -> None:
    days = [*week(0, EVEN, last=time(17)), a_day(7, {8: 30.0}, out=True, last=time(12), store="B")]
    row = the_row(days, hours=False)
    assert row["share_sold"] == pytest.approx(0.5)
    assert row["demand"] == pytest.approx(60)


def test_by_the_flag_alone_it_is_worth_what_the_same_weekdays_sold_that_sold_more() -> None:
    days = [*week(0, {8: 20.0}), *week(1, {8: 40.0}), a_day(14, {8: 30.0}, out=True)]
    row = the_row(days, hours=False)
    assert row["method"] == "same weekdays, without a time"
    assert row["demand"] == pytest.approx((30 + 40 + 30 + 30) / 4), "two Mondays, and twice the level of 30"
    assert (row["lower"], row["share_sold"]) == (30, None)


def test_by_the_flag_alone_a_record_day_stays_what_it_sold() -> None:
    row = the_row([*week(0, EVEN), a_day(7, {8: 90.0}, out=True)], hours=False)
    assert row["demand"] == 90
    assert row["upper"] >= 90


def test_with_nothing_to_go_by_demand_is_what_was_sold() -> None:
    row = the_row([a_day(0, NOON, out=True)])
    assert row["demand"] == 20
    assert row["method"] == "sales alone, nothing to go by"


def test_a_store_that_only_tells_of_stock_outs_is_believed_on_all_other_days() -> None:
    row = the_row([*week(0, EVEN, out=None), a_day(7, NOON, out=True)])
    assert row["demand"] == pytest.approx(40)


def test_a_store_that_only_tells_of_stock_outs_is_believed_whatever_other_stores_tell() -> None:
    others = [*week(0, EVEN, store="B", product="y"), *week(1, EVEN, store="B", product="y")]
    row = the_row([*others, *week(0, EVEN, out=None), a_day(7, NOON, out=True)], hours=False)
    assert row["method"] == "same weekdays, without a time"
    assert row["demand"] == pytest.approx(40)


def test_once_a_store_says_in_stock_silence_no_longer_means_it() -> None:
    silent = [a_day(8 + number, {8: 1.0, 16: 99.0}, out=None) for number in range(6)]
    row = the_row([*week(0, EVEN), a_day(7, EVEN), *silent, a_day(14, NOON, out=True)])
    assert row["demand"] == pytest.approx(40)


def test_hours_of_a_day_without_sales_say_nothing() -> None:
    days = [*week(0, EVEN), a_day(7, NOON, out=True)]
    stray = chains.hourly([*days, *week(-1, {20: 500.0})])
    with_stray = demand.correct(chains.sales(days), stray, chains.products())
    assert_frame_equal(with_stray, corrected(days))


def test_demand_lies_between_its_bounds_and_never_below_sales() -> None:
    for hours in (True, False):
        found = corrected(random_chain(), hours=hours)
        assert (found["lower"] >= found["sales"]).all()
        assert (found["demand"] >= found["lower"]).all()
        assert (found["upper"] >= found["demand"]).all()
        assert found["share_sold"].drop_nulls().is_between(0, 1).all()


def test_the_earlier_it_ran_out_the_wider_are_the_bounds() -> None:
    uneven = [*week(0, EVEN), *week(1, {8: 12.0, 12: 12.0, 16: 24.0}), *week(2, EVEN)]
    early = the_row([*uneven, a_day(21, {8: 10.0}, out=True)])
    late = the_row([*uneven, a_day(21, NOON, out=True)])
    for end in ("lower", "upper"):
        assert abs(early[end] / early["demand"] - 1) > abs(late[end] / late["demand"] - 1) > 0


def test_planted_demand_comes_back_without_bias() -> None:
    days = random_chain(days=200)
    found = corrected(days, hours=True).filter(pl.col("date") > MONDAY.replace(month=3))
    usual = chains.sales(days).filter(~pl.col("sold_out")).group_by("store", "product").agg(pl.mean("quantity"))
    sums = found.join(usual, on=["store", "product"]).select("sales", "demand", "quantity").sum().row(0)
    sold, recovered, planted = sums
    assert sold < 0.7 * planted
    assert recovered == pytest.approx(planted, rel=0.03)


@pytest.mark.parametrize("hours", [True, False], ids=["hours", "only the flag"])
@pytest.mark.parametrize("last", [10, 24, 41])
def test_later_days_change_no_earlier_correction(last: int, hours: bool) -> None:  # noqa: FBT001  a parameter
    days = random_chain()
    today = sorted({day["date"] for day in days})[last]
    known = [day for day in days if day["date"] <= today]
    later = [{**day, "h09": 999.0, "quantity": 999.0} for day in days if day["date"] > today]
    silent = [{**day, "sold_out": None} for day in later]
    newcomer = [{**day, "product": "a", "store": "0"} for day in later]
    past = pl.col("date") <= today
    expected = corrected(known, hours=hours)
    assert expected.height
    for future in (days, [*known, *later], [*known, *silent], [*days, *newcomer]):
        assert_frame_equal(corrected(future, hours=hours).filter(past), expected, check_exact=True)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), last=st.integers(1, 29))
def test_a_replay_of_any_night_corrects_as_that_night_did(seed: int, last: int) -> None:
    days = random_chain(seed=seed, days=30)
    known = [day for day in days if (day["date"] - MONDAY).days <= last]
    tonight, later = corrected(known), corrected(days)
    if known:
        past = later.filter((pl.col("date") - MONDAY).dt.total_days() <= last)
        assert_frame_equal(past, tonight, check_exact=True)


def test_the_order_of_rows_does_not_matter() -> None:
    days, families = random_chain(), chains.products(x="bread", y="bread", z="cake")
    sales, hourly = chains.sales(days), chains.hourly(days)
    first, second, third = (frame.sample(fraction=1, shuffle=True, seed=5) for frame in (sales, hourly, families))
    assert_frame_equal(demand.correct(first, second, third), demand.correct(sales, hourly, families), check_exact=True)


def test_units_may_be_pieces_kilograms_or_cents() -> None:
    days = random_chain()
    scale = pl.selectors.float() * 0.125
    small = demand.correct(
        chains.sales(days).with_columns(scale), chains.hourly(days).with_columns(scale), chains.products()
    )
    units = ["sales", "demand", "lower", "upper"]
    assert_frame_equal(small, corrected(days).with_columns(pl.col(units) * 0.125))
