from datetime import date, datetime
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.contracts import INPUTS
from lib.ingest.parsing import Form, parse

SALES = INPUTS["sales"]
FRENCH = Form(date_format="%d/%m/%Y", decimal=",")


def read(form: Form | None = None, **columns: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Parse one row of sales.csv whose columns are as given."""
    usual: dict[str, object] = {"date": "2019-04-16", "store": "17", "product": "101", "quantity": "10"}
    row = {**usual, **columns, "file": "sales.csv", "row": 17}
    return parse(pl.DataFrame({name: [value] for name, value in row.items()}), SALES, form or Form())


def refusal(form: Form | None = None, **columns: object) -> tuple[str, str]:
    rows, refused = read(form, **columns)
    assert rows.is_empty()
    return refused["rule"].item(), refused["reason"].item()


def test_a_row_in_the_contracts_own_form_is_taken_as_it_is() -> None:
    rows, refused = read(price=" 0.45 ", sold_out="true", last_sale_at="2019-04-16 17:42:00")
    assert refused.is_empty()
    assert rows.schema == pl.Schema({**SALES.business_schema, "file": pl.String(), "row": pl.Int64()})
    last_sale = datetime.fromisoformat("2019-04-16T17:42")
    values = (date(2019, 4, 16), "17", "101", 10.0, 0.45, True, last_sale, None, "sales.csv", 17)
    assert rows.row(0) == values


def test_french_dates_and_decimal_commas_are_read_once_they_are_declared() -> None:
    rows, _ = read(FRENCH, date="16/04/2019", quantity="3,5")
    assert rows.select("date", "quantity").row(0) == (date(2019, 4, 16), 3.5)


@pytest.mark.parametrize(
    ("quantity", "mend"),
    [
        ("3,5", 'set decimal = "," in source.toml or mend the row'),
        ("1.234,5", 'set decimal = "," and thousands = "." in source.toml or mend the row'),
        ("1 234", 'set thousands = " " in source.toml or mend the row'),
        ("-", "if it means that there is no value, add '-' to null_values in source.toml"),
        ("ten", "mend the row"),
        ("inf", "mend the row"),
    ],
)
def test_a_quantity_that_is_no_number_is_refused_with_file_row_value_and_mend(quantity: str, mend: str) -> None:
    assert refusal(quantity=quantity) == (
        "quantity_is_a_number",
        f"sales.csv row 17: quantity '{quantity}' is not a number; {mend}",
    )


@pytest.mark.parametrize(
    ("day", "mend"),
    [
        ("16/04/2019", 'set date_format = "%d/%m/%Y" in source.toml or mend the row'),
        ("16.04.19", 'set date_format = "%d.%m.%y" in source.toml or mend the row'),
        ("20190416", 'set date_format = "%Y%m%d" in source.toml or mend the row'),
        ("2019-02-30", "mend the row"),
    ],
)
def test_a_date_that_is_none_is_refused_with_the_format_to_set(day: str, mend: str) -> None:
    assert refusal(date=day) == (
        "date_is_a_date",
        f"sales.csv row 17: date '{day}' is not a date of the form %Y-%m-%d; {mend}",
    )


def test_a_year_of_two_digits_is_not_taken_for_the_first_century() -> None:
    assert refusal(FRENCH, date="16/04/19")[0] == "date_is_a_date"


def test_a_point_beside_a_decimal_comma_is_refused_until_it_is_said_to_mean_thousands() -> None:
    assert refusal(Form(decimal=","), quantity="1.234")[0] == "quantity_is_a_number"
    rows, _ = read(Form(decimal=",", thousands="."), quantity="1.234,5")
    assert rows["quantity"].item() == 1234.5


def test_thousands_set_off_by_a_blank_are_read_with_any_kind_of_blank() -> None:
    form = Form(decimal=",", thousands=" ")
    quantities = [read(form, quantity=text)[0]["quantity"].item() for text in ("1 234,5", "1\xa0234,5", "1\u202f234,5")]
    assert quantities == [1234.5] * 3


@pytest.mark.parametrize("empty", ["", "   ", None, "NA"])
def test_an_empty_required_value_refuses_its_row(empty: str | None) -> None:
    rule, reason = refusal(Form(null_values=("NA",)), date=empty)
    assert (rule, reason) == ("date_is_filled", "sales.csv row 17: date is empty; fill it at the source")


def test_an_empty_optional_value_is_not_known() -> None:
    rows, _ = read(Form(null_values=("-",)), price="-", sold_out="")
    assert rows.select("price", "sold_out").row(0) == (None, None)


@pytest.mark.parametrize(
    ("word", "meaning"), [("oui", True), ("Nein", False), ("1", True), (0, False), ("TRUE", True), (1.0, True)]
)
def test_yes_and_no_are_understood_in_three_languages_and_as_figures(word: object, meaning: bool) -> None:  # noqa: FBT001
    assert read(sold_out=word)[0]["sold_out"].item() is meaning


def test_a_word_that_is_neither_yes_nor_no_is_refused() -> None:
    assert refusal(sold_out="maybe")[0] == "sold_out_is_yes_or_no"


@pytest.mark.parametrize("identifier", [101, 101.0, "101", " 101 ", "101.0"])
def test_an_identifier_is_the_same_text_however_the_file_writes_it(identifier: object) -> None:
    assert read(product=identifier)[0]["product"].item() == "101"


def test_leading_zeros_of_an_identifier_are_kept() -> None:
    assert read(store="007")[0]["store"].item() == "007"


def test_boxes_become_pieces_by_the_declared_factor() -> None:
    assert read(Form(units={"quantity": 12}), quantity="2.5")[0]["quantity"].item() == 30.0


@pytest.mark.parametrize("moment", [datetime.fromisoformat("2019-04-16"), date(2019, 4, 16), "2019-04-16"])
def test_dates_and_moments_of_parquet_are_days(moment: object) -> None:
    assert read(date=moment)[0]["date"].item() == date(2019, 4, 16)


def test_a_gap_in_a_column_of_floats_is_an_empty_value() -> None:
    assert refusal(quantity=float("nan"))[0] == "quantity_is_filled"


def test_each_fault_of_a_row_is_recorded_and_the_row_kept_as_read() -> None:
    rows, refused = read(date="yesterday", store="", quantity="3,5")
    assert rows.is_empty()
    assert refused["rule"].to_list() == ["date_is_a_date", "store_is_filled", "quantity_is_a_number"]
    assert refused["content"].unique().to_list() == ['{"date":"yesterday","store":"","product":"101","quantity":"3,5"}']


def test_the_day_on_which_a_row_became_known_is_read_if_the_file_tells_it() -> None:
    assert read(known_from="2019-04-18")[0]["known_from"].item() == date(2019, 4, 18)


VALUES = st.sampled_from(["", " ", "1", "-3", "3,5", "abc", "2019-04-16", "16/04/2019", "true", "é", "1e5", "0.5"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES), max_size=12), st.randoms(use_true_random=False))
def test_every_row_is_either_used_or_refused_in_whatever_order_they_come(
    values: list[tuple[str, str, str, str]], random: Random
) -> None:
    raw = pl.DataFrame(values, schema=dict.fromkeys(SALES.required, pl.String()), orient="row")
    raw = raw.with_columns(pl.lit("sales.csv").alias("file"), pl.int_range(1, pl.len() + 1).alias("row"))
    rows, refused = parse(raw, SALES, Form())
    assert sorted([*rows["row"], *refused["row"].unique()]) == list(range(1, len(values) + 1))
    order = list(range(len(values)))
    random.shuffle(order)
    again_rows, again_refused = parse(raw[order], SALES, Form())
    assert again_rows.sort("row").equals(rows)
    assert again_refused.sort("row", "rule").equals(refused.sort("row", "rule"))
