from collections.abc import Mapping
from datetime import date

import polars as pl
import pytest

from lib.contracts.outputs import DRIVER_COLUMNS
from lib.reports.message import Book, compose, file_name, message_id, number, whole

AS_OF, TODAY = date(2019, 4, 30), date(2019, 5, 1)


def plan(*rows: Mapping[str, object]) -> pl.DataFrame:
    """A forecast in which each row states only what it is about."""
    usual: dict[str, object] = {
        "store": "1",
        "product": "roll",
        "date": TODAY,
        "forecast": 10.0,
        "low": 7.0,
        "high": 14.0,
        "order": 12.0,
        **dict.fromkeys(DRIVER_COLUMNS),
    }
    usual |= {"promotion": None, "holiday": None, "school_holiday": False, "method": "model", "reason": None}
    return _named([{**usual, **row} for row in rows or ({},)])


def sold(*rows: Mapping[str, object]) -> pl.DataFrame:
    """Forecast and sales of yesterday, likewise."""
    usual: dict[str, object] = {"store": "1", "product": "roll", "date": AS_OF, "forecast": 10.0, "actual": 10.0}
    return _named([{**usual, **row} for row in rows or ({},)])


def book(forecast: pl.DataFrame | None = None, yesterday: pl.DataFrame | None = None, **changes: object) -> Book:
    values: dict[str, object] = {"manager": "Anna", "chain": "Bakery", "publication_id": "p1", **changes}
    return Book(
        as_of=AS_OF,
        business_date=TODAY,
        forecast=plan() if forecast is None else forecast,
        yesterday=sold() if yesterday is None else yesterday,
        **values,  # type: ignore[arg-type] # each test names fields of Book
    )


def _named(rows: list[dict[str, object]]) -> pl.DataFrame:
    named = [
        {"store_name": f"Store {row['store']}", "product_name": str(row["product"]).capitalize(), **row} for row in rows
    ]
    texts = dict.fromkeys(("promotion", "holiday", "reason", "store_name", "product_name"), pl.String)
    frame = pl.DataFrame(named, infer_schema_length=None)
    numbers = dict.fromkeys(("forecast", "low", "high", "actual"), pl.Float64)
    return frame.cast({name: dtype for name, dtype in {**texts, **numbers}.items() if name in frame.columns})


def text(of: Book) -> str:
    return compose(of).text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(("units", "shown"), [(10.5, 11), (11.5, 12), (10.49, 10), (0.0, 0), (None, 0)])
def test_halves_are_rounded_up(units: float | None, shown: int) -> None:
    assert whole(units) == shown


def test_thousands_are_parted_without_a_comma() -> None:
    assert number(1_234_567) == "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567"


def test_the_mail_names_the_day_and_the_total_that_the_book_shows() -> None:
    forecast = plan({"forecast": 10.5}, {"product": "bun", "forecast": 20.5}, {"store": "2", "forecast": 1000.0})
    message = compose(book(forecast))
    assert message.subject == "Bakery: forecast for Wednesday 1 May 2019"
    assert "- 1 032 units expected in 2 stores." in text(book(forecast))


def test_only_the_business_date_counts_for_the_total() -> None:
    assert "- 10 units expected in 1 store." in text(book(plan({}, {"date": date(2019, 5, 2), "forecast": 99.0})))


def test_holidays_promotions_closed_stores_and_simple_estimates_are_named() -> None:
    forecast = plan(
        {"holiday": "Labour Day", "school_holiday": True, "promotion": "Promotion -20 %"},
        {"store": "2", "method": "closed", "holiday": "Labour Day"},
        {"store": "3", "method": "fallback", "reason": "new product"},
    )
    said = text(book(forecast))
    assert "- Labour Day (Store 1, Store 2)." in said
    assert "- School holidays (Store 1)." in said
    assert "- Promotion -20 %: Roll." in said
    assert "- Closed: Store 2." in said
    assert "- Simple estimate instead of the model: Roll in Store 3." in said


def test_an_ordinary_day_has_no_remarks() -> None:
    assert text(book()).count("\n- ") == 2


def test_many_names_are_shortened_and_counted() -> None:
    forecast = plan({}, *({"store": str(n), "method": "closed"} for n in range(2, 13)))
    assert "Closed: Store 2, Store 3, Store 4 and 8 more." in text(book(forecast))


def test_a_holiday_of_every_store_says_so() -> None:
    assert "Labour Day (all stores)." in text(book(plan(*({"store": s, "holiday": "Labour Day"} for s in "12"))))


def test_a_day_on_which_all_stores_are_closed_has_nothing_to_bake() -> None:
    said = text(book(plan({"method": "closed", "forecast": 0.0})))
    assert "Closed: nothing to bake." in said
    assert "0 units" not in said


def test_yesterday_is_told_with_accuracy_and_difference() -> None:
    yesterday = sold({"forecast": 110.0, "actual": 100.0}, {"product": "bun", "forecast": 40.0, "actual": 50.0})
    expected = "- Yesterday (Tue 30 Apr): accuracy 87 %, forecast 150, sold 150 (exact)."
    assert expected in text(book(yesterday=yesterday))


def test_a_bad_day_is_called_bad() -> None:
    said = text(book(yesterday=sold({"forecast": 160.0, "actual": 100.0})))
    assert "we were far off: accuracy 40 %, forecast 160, sold 100 (60 too many)." in said


def test_sales_that_have_not_arrived_are_not_counted_as_zero() -> None:
    assert "sales have not arrived yet." in text(book(yesterday=sold({"actual": None})))
    part = text(book(yesterday=sold({}, {"store": "2", "forecast": 500.0, "actual": None})))
    assert "accuracy 100 %, forecast 10, sold 10 (exact). 1 of 2 sales figures have not arrived yet." in part


@pytest.mark.parametrize("yesterday", [sold({"forecast": None}), sold().clear()])
def test_a_day_for_which_nothing_was_published_is_not_judged(yesterday: pl.DataFrame) -> None:
    said = text(book(yesterday=yesterday))
    assert "no forecast had been published for this day." in said
    assert "accuracy" not in said


def test_a_day_without_sales_has_a_difference_but_no_accuracy() -> None:
    assert "forecast 10, sold 0 (10 too many)." in text(book(yesterday=sold({"actual": 0.0})))


def test_a_made_up_manager_is_called_made_up() -> None:
    assert "Anna is a made-up manager" in text(book(fictitious=True))
    assert "made-up" not in text(book())


def test_names_cannot_become_markup_in_the_mail() -> None:
    html = compose(book(plan({"store_name": "<b>x</b>", "method": "fallback"}), manager="<script>")).html
    assert "<script>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html


def test_the_subject_is_one_line() -> None:
    assert "\n" not in compose(book(chain="Bakery\nBcc: x@y.example")).subject


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "a/b\\c", "C:con", "", "Олена", "Anna\x00\n Müller"])
def test_no_name_leads_a_file_out_of_its_folder(name: str) -> None:
    file = file_name(book(manager=name, chain=name))
    assert file.endswith(".xlsx")
    assert set(file.removesuffix(".xlsx")) <= set("-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def test_a_file_is_named_after_chain_day_and_manager() -> None:
    assert file_name(book(manager="Anna Müller", chain="Bakery & Sons")) == "Bakery-Sons_2019-05-01_Anna-Muller.xlsx"


def test_one_publication_to_one_address_is_one_mail() -> None:
    first = message_id("p1", "anna@bakery.example")
    assert first == message_id("p1", " Anna@bakery.example")
    assert len({first, message_id("p2", "anna@bakery.example"), message_id("p1", "ben@bakery.example")}) == 3
    assert first.startswith("<")
    assert first.endswith("@fournil>")
