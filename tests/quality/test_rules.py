from dataclasses import replace
from datetime import date, timedelta
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.contracts import INPUTS, KNOWN_FROM
from lib.ingest.source import REFUSED
from lib.quality.rules import Admission, References, RulesConfig, admit, usual_quantities
from tests.factories import DAY, extract_of, promotions_rows, rows_of, sales_rows, stores_rows, weather_rows

TODAY = DAY + timedelta(days=1)
SALES = INPUTS["sales"]


def judge(
    rows: pl.DataFrame, table: str = "sales", *, references: References | None = None, config: RulesConfig | None = None
) -> Admission:
    extract = extract_of(INPUTS[table], rows)
    return admit(extract, config=config or RulesConfig(), today=TODAY, references=references or References())


def fault(admission: Admission) -> tuple[str, str, str]:
    assert admission.rows.is_empty()
    return admission.refused.select("rule", "severity", "reason").row(0)


def history(days: int, **columns: object) -> pl.DataFrame:
    return sales_rows(date=[DAY - timedelta(days=back) for back in range(1, days + 1)], **columns)


def test_good_rows_enter_in_the_form_of_the_contract() -> None:
    admission = judge(sales_rows(quantity=[0.0, 12.0], store=["1", "2"]))
    assert admission.rows.equals(sales_rows(quantity=[0.0, 12.0], store=["1", "2"]))
    assert admission.refused.schema == REFUSED
    assert admission.refused.is_empty()


def test_sales_dated_in_the_future_are_refused() -> None:
    admission = judge(sales_rows(date=[TODAY, TODAY + timedelta(days=1)]))
    assert admission.rows["date"].to_list() == [TODAY]
    rule, reason = admission.refused.select("rule", "reason").row(0)
    assert rule == "date_is_not_in_the_future"
    assert reason == (
        "sales.csv row 2: date 2019-04-18 lies after today, 2019-04-17: nothing can have been sold yet; "
        "mend the date at the source"
    )


@pytest.mark.parametrize("quantity", [-3.0, 1e8])
def test_negative_and_absurd_quantities_are_refused(quantity: float) -> None:
    assert fault(judge(sales_rows(quantity=quantity)))[:2] == ("quantity_is_in_range", "warning")


def test_sales_of_an_unknown_store_or_product_are_refused_once_the_tables_are_given() -> None:
    rows = sales_rows(store=["17", "99"], product=["101", "102"])
    assert judge(rows).refused.is_empty()
    known = References(stores=pl.Series(["17"]), products=pl.Series(["101"]))
    admission = judge(rows, references=known)
    assert admission.rows["store"].to_list() == ["17"]
    assert admission.refused["rule"].to_list() == ["store_is_known", "product_is_known"]
    assert admission.refused["reason"][0] == (
        "sales.csv row 2: store '99' is not in the table stores; "
        "add it there (or mend its row there, if that was refused), or mend this row"
    )


def test_an_empty_table_of_stores_refuses_nothing() -> None:
    nobody = References(stores=pl.Series([], dtype=pl.String), products=pl.Series([], dtype=pl.String))
    assert judge(sales_rows(), references=nobody).refused.is_empty()


def test_a_quantity_far_above_what_the_lake_knows_is_held_back() -> None:
    usual = pl.DataFrame({"store": ["17"], "product": ["101"], "usual": [40.0]})
    admission = judge(sales_rows(quantity=[801.0]), references=References(usual=usual))
    rule, severity, reason = fault(admission)
    assert (rule, severity) == ("quantity_is_plausible", "warning")
    assert "quantity 801.0 is more than 20 times the usual 40.0 of this series" in reason
    assert judge(sales_rows(quantity=[800.0]), references=References(usual=usual)).refused.is_empty()


def test_what_is_usual_is_taken_from_the_batch_when_the_lake_knows_nothing_yet() -> None:
    rows = pl.concat([history(28, quantity=40.0), sales_rows(quantity=4000.0)])
    assert judge(rows).refused["row"].to_list() == [29]
    too_short = pl.concat([history(20, quantity=40.0), sales_rows(quantity=4000.0)])
    assert judge(too_short).refused.is_empty()


def test_a_large_order_of_a_slow_product_is_not_absurd() -> None:
    rows = pl.concat([history(28, quantity=1.0), sales_rows(quantity=90.0)])
    assert judge(rows).refused.is_empty()


def test_a_store_that_opens_for_a_single_day_is_not_measured_by_its_closed_ones() -> None:
    rows = pl.concat([history(100, quantity=0.0), sales_rows(quantity=400.0)])
    assert judge(rows).refused.is_empty()


def test_usual_is_measured_on_days_with_sales() -> None:
    rows = pl.concat([history(40, quantity=0.0), history(30, quantity=8.0, store="18")])
    usual = usual_quantities(rows.lazy(), RulesConfig()).collect()
    assert usual.rows() == [("18", "101", 8.0)]


def test_of_equal_rows_the_first_is_kept() -> None:
    admission = judge(sales_rows(quantity=[10.0, 10.0, 10.0]))
    assert admission.rows.height == 1
    assert admission.refused.select("row", "rule", "severity").rows() == [
        (2, "row_is_unique", "info"),
        (3, "row_is_unique", "info"),
    ]
    assert admission.refused["reason"][0] == ("sales.csv row 2: the same as sales.csv row 1; nothing to mend")


def test_of_rows_that_contradict_each_other_none_enters() -> None:
    admission = judge(sales_rows(quantity=[10.0, 12.0, 5.0], store=["17", "17", "18"]))
    assert admission.rows["store"].to_list() == ["18"]
    assert admission.refused.select("row", "rule", "severity").rows() == [
        (1, "key_is_unique", "warning"),
        (2, "key_is_unique", "warning"),
    ]
    assert "date, store, product are as in sales.csv row 2 but other values differ" in admission.refused["reason"][0]


def test_a_row_with_a_fault_does_not_contradict_its_good_twin() -> None:
    assert judge(sales_rows(quantity=[10.0, -10.0])).rows["quantity"].to_list() == [10.0]


def test_two_versions_of_a_row_that_became_known_on_different_days_are_both_true() -> None:
    rows = sales_rows(quantity=[10.0, 12.0]).with_columns(
        pl.Series(KNOWN_FROM, [DAY, TODAY]),
    )
    admission = judge(rows)
    assert admission.rows.height == 2
    assert admission.rows.columns == [*SALES.names, KNOWN_FROM]


def test_promotions_of_all_stores_contradict_each_other_too() -> None:
    admission = judge(promotions_rows(store=None, discount=[0.1, 0.2]), "promotions")
    assert admission.refused["rule"].to_list() == ["key_is_unique"] * 2


@pytest.mark.parametrize(
    ("table", "starts", "ends"),
    [("promotions", "starts", "ends"), ("assortment", "starts", "ends"), ("stores", "opened", "closed")],
)
def test_what_ends_before_it_starts_is_refused(table: str, starts: str, ends: str) -> None:
    rows = rows_of(INPUTS[table], **{starts: DAY, ends: DAY - timedelta(days=1)})
    assert fault(judge(rows, table))[0] == f"{ends}_is_not_before_{starts}"


def test_a_discount_in_percent_is_refused_with_the_line_that_converts_it() -> None:
    assert fault(judge(promotions_rows(discount=20.0), "promotions"))[2] == (
        "promotions.csv row 1: discount 20.0 is outside 0 to 1; mend it at the source "
        "or, if it is in percent, set units = { discount = 0.01 } in source.toml"
    )


def test_a_forecast_of_the_weather_may_speak_of_the_future_and_an_observation_may_not() -> None:
    rows = weather_rows(date=TODAY + timedelta(days=3), issued=[TODAY, None])
    admission = judge(rows, "weather")
    assert admission.rows["issued"].to_list() == [TODAY]
    assert "a forecast needs the day it was issued" in admission.refused["reason"][0]


def test_a_gap_of_weeks_is_harmless() -> None:
    rows = sales_rows(date=[DAY - timedelta(days=60), DAY])
    assert judge(rows).rows.height == 2


def test_tables_without_rules_enter_whole() -> None:
    assert judge(stores_rows(store=["1", "2"]), "stores").rows.height == 2


ROWS = st.lists(
    st.tuples(
        st.sampled_from([DAY, TODAY, date(2030, 1, 1)]),
        st.sampled_from(["17", "18", "99"]),
        st.sampled_from(["101", "102"]),
        st.sampled_from([-1.0, 0.0, 10.0, 2000.0]),
    ),
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_every_row_enters_or_is_refused_in_whatever_order_they_come(
    values: list[tuple[date, str, str, float]], random: Random
) -> None:
    columns = {name: [row[place] for row in values] for place, name in enumerate(SALES.required)}
    extract = extract_of(SALES, sales_rows(**columns))
    references = References(
        stores=pl.Series(["17", "18"]), usual=pl.DataFrame({"store": ["17"], "product": ["101"], "usual": [20.0]})
    )
    order = list(range(len(values)))
    random.shuffle(order)
    shuffled = replace(extract, rows=extract.rows[order])
    one, other = (admit(each, config=RulesConfig(), today=TODAY, references=references) for each in (extract, shuffled))
    assert one.rows.height + one.refused["row"].n_unique() == len(values)
    assert one.rows.select(SALES.key).is_unique().all()
    assert one.rows.sort(SALES.key).equals(other.rows.sort(SALES.key))
    assert one.refused.sort("row", "rule").equals(other.refused.sort("row", "rule"))
