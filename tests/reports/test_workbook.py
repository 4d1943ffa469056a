import io
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from lib.contracts.outputs import DRIVER_COLUMNS
from lib.reports.message import Book
from lib.reports.workbook import render
from tests.real_parts import require

AS_OF, TODAY = date(2019, 4, 30), date(2019, 5, 1)


def plan(*rows: Mapping[str, object], days: int = 1) -> pl.DataFrame:
    """A forecast in which each row states only what it is about, repeated over the days."""
    usual: dict[str, object] = {
        "store": "1",
        "product": "roll",
        "forecast": 10.0,
        "low": 7.0,
        "high": 14.0,
        "order": 12.0,
        **dict.fromkeys(DRIVER_COLUMNS),
        "school_holiday": False,
    }
    usual |= {"promotion": None, "holiday": None, "method": "model", "reason": None}
    dates = [TODAY + timedelta(days=day) for day in range(days)]
    return _named([{**usual, "date": day, **row} for row in rows or ({},) for day in dates])


def sold(*rows: Mapping[str, object]) -> pl.DataFrame:
    usual: dict[str, object] = {"store": "1", "product": "roll", "date": AS_OF, "forecast": 10.0, "actual": 10.0}
    return _named([{**usual, **row} for row in rows or ({},)])


def _named(rows: list[dict[str, object]]) -> pl.DataFrame:
    named = [
        {"store_name": f"Store {row['store']}", "product_name": str(row["product"]).capitalize(), **row} for row in rows
    ]
    frame = pl.DataFrame(named, infer_schema_length=None)
    types = dict.fromkeys(("promotion", "holiday", "reason", "store_name", "product_name"), pl.String)
    numbers = dict.fromkeys(("forecast", "low", "high", "actual"), pl.Float64)
    return frame.cast({name: dtype for name, dtype in {**types, **numbers}.items() if name in frame.columns})


def book(forecast: pl.DataFrame | None = None, yesterday: pl.DataFrame | None = None) -> Book:
    return Book(
        manager="Anna",
        chain="Bakery & Sons",
        as_of=AS_OF,
        business_date=TODAY,
        publication_id="p1",
        forecast=plan() if forecast is None else forecast,
        yesterday=sold() if yesterday is None else yesterday,
    )


def sheet(of: Book, name: str) -> Worksheet:
    read = openpyxl.load_workbook(io.BytesIO(render(of)))[name]
    assert isinstance(read, Worksheet)
    return read


def lines(of: Book, name: str) -> list[list[object]]:
    """The sheet's rows without empty cells."""
    values = ([value for value in row if value not in {None, ""}] for row in sheet(of, name).values)
    return [row for row in values if row]


def starting(of: Book, name: str, first: str) -> list[list[object]]:
    return [row for row in lines(of, name) if row[0] == first]


def every_cell(of: Book) -> Iterator[tuple[str, object]]:
    with io.BytesIO(render(of)) as file:
        for read in openpyxl.load_workbook(file).worksheets:
            yield from ((cell.data_type, cell.value) for row in read.iter_rows() for cell in row)


def test_equal_books_are_equal_bytes_in_any_row_order() -> None:
    forecast = plan(*({"store": s, "product": p} for s in ("2", "10", "1") for p in ("roll", "bun")), days=7)
    yesterday = sold({"store": "2"}, {"store": "1"})
    shuffled = book(forecast.sample(fraction=1, shuffle=True, seed=5), yesterday.reverse())
    assert render(book(forecast, yesterday)) == render(shuffled)
    assert render(book(forecast, yesterday)) != render(book(forecast.with_columns(pl.col("forecast") + 1), yesterday))


def test_store_2_stands_before_store_10() -> None:
    forecast = plan(*({"store": store} for store in ("10", "2", "1")))
    stores = [row[0] for row in lines(book(forecast), "Today") if str(row[0]).startswith("Store ")]
    assert stores == ["Store 1", "Store 2", "Store 10"]


def test_today_shows_whole_units_with_their_range() -> None:
    (line,) = starting(book(plan({"forecast": 10.5, "low": 7.4, "high": 1400.0})), "Today", "Roll")
    assert line[1:] == [12, 11, "7 – 1\N{NO-BREAK SPACE}400"]


def test_today_says_what_moved_a_number_of_the_models_own() -> None:
    moved = {"driver_1": "school_holidays", "effect_1": -14.0, "driver_2": "weather", "effect_2": 2.26}
    assert starting(book(plan(moved)), "Today", "Roll")[0][-1] == "school holidays -14, weather +2.3"


def test_today_holds_only_the_business_date() -> None:
    assert len(starting(book(plan(days=7)), "Today", "Roll")) == 1


def test_the_total_of_a_store_is_the_sum_of_the_numbers_shown() -> None:
    forecast = plan({"forecast": 10.5}, {"product": "bun", "forecast": 20.5, "order": 24.0}, days=7)
    assert starting(book(forecast), "Today", "Store 1")[0][1:3] == [36, 32]
    assert starting(book(forecast), "Week", "Store 1")[0][1:] == [32] * 7 + [7 * 32]


def test_a_promotion_a_holiday_and_a_simple_estimate_are_marked_today() -> None:
    marked = {"promotion": "Promotion -20 %", "holiday": "Labour Day", "school_holiday": True}
    of = book(plan({**marked, "method": "fallback", "reason": "new product"}))
    assert starting(of, "Today", "Store 1")[0][3] == "Labour Day, school holidays"
    assert starting(of, "Today", "Roll")[0][1:] == [12, 10, "7 – 14", "Promotion -20 %", "new product"]
    formats = {cell.value: cell.number_format for row in sheet(of, "Today").iter_rows() for cell in row}
    assert formats[10].startswith('"~"')


def test_a_closed_day_says_closed_and_shows_no_number() -> None:
    of = book(plan({"method": "closed", "forecast": 0.0}, {"product": "bun", "store": "2"}, days=2))
    assert starting(of, "Today", "Store 1") == [["Store 1", "closed"]]
    assert starting(of, "Today", "Roll") == [["Roll", "closed"]]
    assert starting(of, "Week", "Roll") == [["Roll", "closed", "closed", 0]]


def test_the_week_has_a_column_a_day_with_weekday_and_date() -> None:
    (head,) = starting(book(plan(days=7)), "Week", "Store, product")
    assert head[1:3] == ["Wed\n1 May", "Thu\n2 May"]
    assert head[-1] == "Total"
    assert len(head) == 9


def test_the_week_names_holidays_at_the_head_and_signs_the_cells() -> None:
    holiday = {"holiday": "Labour Day", "school_holiday": True}
    forecast = plan({**holiday, "promotion": "Promotion", "method": "fallback"}, {"date": date(2019, 5, 2)})
    of = book(forecast)
    assert ["Labour Day\nschool holidays"] in lines(of, "Week")
    rows = {row[0].value: row for row in sheet(of, "Week").iter_rows()}
    assert rows["Store 1"][1].number_format.startswith('"HS"')
    assert rows["Roll"][1].number_format.startswith('"P~"')
    assert rows["Roll"][2].number_format.startswith('""')


def test_yesterday_compares_line_by_line_and_store_by_store() -> None:
    yesterday = sold({"forecast": 110.0, "actual": 100.0}, {"product": "bun", "forecast": 40.0, "actual": 50.0})
    of = book(yesterday=yesterday)
    assert starting(of, "Yesterday", "Roll") == [["Roll", 110, 100, 10, "10 too many"]]
    assert starting(of, "Yesterday", "Bun") == [["Bun", 40, 50, -10, "10 too few"]]
    assert starting(of, "Yesterday", "Store 1") == [["Store 1", 150, 150, 0, "accuracy 87\N{NO-BREAK SPACE}%"]]


def test_sales_that_have_not_arrived_are_shown_as_missing_not_as_zero() -> None:
    of = book(yesterday=sold({"actual": None}, {"store": "2"}, {"store": "2", "product": "bun", "actual": None}))
    assert starting(of, "Yesterday", "Roll")[0] == ["Roll", 10, "–", "–", "sales not here yet"]
    assert starting(of, "Yesterday", "Store 1") == [["Store 1", "–", "–", "–", "sales have not arrived yet"]]
    assert starting(of, "Yesterday", "Store 2")[0][-1] == "accuracy 100\N{NO-BREAK SPACE}% · 1 of 2 lines"


def test_a_book_without_any_rows_still_opens_and_says_so() -> None:
    of = book(plan().clear(), sold().clear())
    assert ["There is no forecast for this day."] in lines(of, "Today")
    assert ["No forecast"] in lines(of, "Week")
    assert any("no forecast had been published" in str(row[0]) for row in lines(of, "Yesterday"))


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_product_name_that_looks_like_a_formula_stays_text(start: str) -> None:
    name = f"{start}HYPERLINK(1+1)"
    nasty = {"product_name": name, "store_name": name, "promotion": name, "holiday": name, "reason": name}
    of = replace(book(plan(nasty), sold({"product_name": name, "store_name": name})), manager=name, chain=name)
    cells = list(every_cell(of))
    assert {kind for kind, _ in cells} <= {"s", "n"}
    assert [value for _, value in cells].count(name) >= 6


def test_a_number_as_product_name_and_a_web_address_stay_text() -> None:
    of = book(plan({"product_name": "101"}, {"product": "bun", "product_name": "https://elsewhere.example"}))
    assert {"101", "https://elsewhere.example"} <= {value for _, value in every_cell(of)}
    assert all(cell.hyperlink is None for row in sheet(of, "Today").iter_rows() for cell in row)


def test_without_names_the_identifiers_are_shown() -> None:
    of = book(plan({"store": "s7", "product": "p3", "store_name": None, "product_name": None}))
    assert starting(of, "Today", "s7")
    assert starting(of, "Today", "p3")


def test_every_sheet_carries_the_note_of_a_made_up_manager() -> None:
    of = replace(book(), fictitious=True)
    for name in ("Today", "Week", "Yesterday"):
        assert any("made-up manager" in str(row[0]) for row in lines(of, name))
        assert not any("made-up" in str(row[0]) for row in lines(book(), name))


@pytest.mark.parametrize(("name", "across"), [("Today", "portrait"), ("Week", "landscape"), ("Yesterday", "portrait")])
def test_each_sheet_prints_on_a4_with_heads_page_number_chain_and_date(name: str, across: str) -> None:
    read = sheet(book(), name)
    assert (read.page_setup.paperSize, read.page_setup.orientation or "portrait") == (9, across)
    assert (read.page_setup.fitToHeight, read.sheet_properties.pageSetUpPr.fitToPage) == (0, True)
    assert read.print_title_rows is not None
    assert read.freeze_panes is not None
    assert read.oddHeader.left.text == "Bakery && Sons"
    assert read.oddHeader.right.text == "Wednesday 1 May 2019"
    assert read.oddFooter.right.text == "&P / &N"


def test_few_stores_share_a_page_and_many_get_one_each() -> None:
    assert len(sheet(book(plan({}, {"store": "2"})), "Today").row_breaks.brk) == 0
    many = sheet(book(plan(*({"store": str(n)} for n in range(30)))), "Today")
    first = [cell.row for cell in many["A"] if str(cell.value).startswith("Store ")]
    assert [mark.id for mark in many.row_breaks.brk] == [row - 1 for row in first[1:]]


@pytest.mark.parametrize(("stores", "pages"), [(6, 1), (30, 30)])
def test_libreoffice_prints_all_columns_of_today_on_one_page_and_many_stores_on_their_own(
    tmp_path: Path, stores: int, pages: int
) -> None:
    names = [{"store": str(store), "product": product} for store in range(stores) for product in ("roll", "bun", "pie")]
    of = book(plan(*({**name, "reason": "a reason that needs some room"} for name in names), days=7), sold(*names))
    printed = [page for page in pages_of(of, tmp_path) if "Range on 8" in page]
    assert len(printed) == pages
    assert all("Promotion" in page and "Why" in page and "needs some" in page for page in printed)
    shops = [len(set(re.findall(r"Store \d+", page))) for page in printed]
    assert shops == ([stores] if pages == 1 else [1] * stores)


def pages_of(of: Book, folder: Path) -> list[str]:
    """Text of each printed page, by LibreOffice."""
    soffice, pdftotext = require("soffice"), require("pdftotext")
    (folder / "book.xlsx").write_bytes(render(of))
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    convert = [soffice, profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder)]
    subprocess.run([*convert, str(folder / "book.xlsx")], check=True, capture_output=True, timeout=120)
    text = [pdftotext, "-layout", str(folder / "book.pdf"), "-"]
    return subprocess.run(text, check=True, capture_output=True, text=True).stdout.split("\f")
