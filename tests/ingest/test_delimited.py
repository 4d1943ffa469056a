import csv
import io
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.contracts import INPUTS
from lib.errors import SourceError
from lib.ingest.delimited import read_delimited
from lib.ingest.intake import from_csv
from lib.ingest.mapping import Layout
from lib.ingest.source import REFUSED, Extract

HEADER = "date,store,product,quantity\n"


def read(content: str | bytes, *, encoding: str = "utf-8") -> Extract:
    data = content.encode() if isinstance(content, str) else content
    layout = Layout(encoding=encoding)
    return from_csv(data, file="sales.csv", table=INPUTS["sales"], layout=layout, keep=None)


def complaint(content: str | bytes) -> str:
    with pytest.raises(SourceError) as caught:
        read(content)
    return str(caught.value)


def notes(extract: Extract) -> dict[str, str]:
    return {note.code: note.severity for note in extract.notes}


def test_another_separator_is_recognised_and_named() -> None:
    text = complaint("date;store;product;quantity\n")
    assert text == 'sales.csv has a single column "date;store;product;quantity"; set separator = ";" in source.toml'


def test_a_column_that_stands_twice_is_not_guessed() -> None:
    text = complaint("date,store,product,quantity,quantity\n")
    assert text == 'sales.csv has 2 columns called "quantity", so quantity is not clear; rename one'


@pytest.mark.parametrize("content", ["", "\n", "   "])
def test_an_empty_file_is_named(content: str) -> None:
    text = complaint(content)
    assert text == "sales.csv is empty: it has no header; copy it again or take it away"


def test_a_header_without_rows_is_no_error_but_noted() -> None:
    extract = read(HEADER)
    assert extract.rows.is_empty()
    assert notes(extract) == {"no_rows": "warning"}


def test_another_encoding_is_named_with_row_byte_and_the_line_to_write() -> None:
    latin = (HEADER + "2019-04-16,17,101,1\n2019-04-16,17,Pâté,1\n").encode("cp1252")
    assert complaint(latin) == (
        'sales.csv row 2: byte 0xE2 (offset 63) is not utf-8, which as cp1252 reads "Pâté"; '
        'set encoding = "cp1252" in source.toml, or write the file in utf-8'
    )
    assert read(latin, encoding="cp1252").rows["product"][1] == "Pâté"


def test_utf_16_is_recognised_by_its_mark() -> None:
    utf_16 = (HEADER + "2019-04-16,17,101,1\n").encode("utf-16")
    assert complaint(utf_16) == ('sales.csv is written in UTF-16; set encoding = "utf-16" in source.toml')
    assert read(utf_16, encoding="utf-16").rows.height == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04\x14\x00", "sales.csv is an Excel workbook or another archive; save the sheet as CSV"),
        (b"PAR1\x15\x04", "sales.csv is a Parquet file; let its name end in .parquet"),
        (b"\x89PNG\r\n\x1a\n\x00", "sales.csv is not text; export the table as CSV or Parquet"),
        (HEADER.encode() + b"2019-04-16,17,101,1\n" * 99 + b"\0" * 50, "sales.csv row 100: holds zero bytes"),
    ],
)
def test_a_file_that_is_no_text_is_named_for_what_it_is(content: bytes, message: str) -> None:
    assert complaint(content).startswith(message)


def test_utf_8_read_as_something_else_is_noted() -> None:
    assert notes(read(HEADER + "2019-04-16,17,Pâté,1\n", encoding="cp1252")) == {"encoding_fits": "warning"}


@pytest.mark.parametrize("end", ["2019-04-1", "2019-04-16,17,10", "2019-04-16,17,101,", '2019-04-16,17,"Ro'])
def test_of_a_csv_cut_in_half_all_but_the_last_row_is_used(end: str) -> None:
    extract = read(HEADER + "2019-04-16,17,101,1\n2019-04-16,18,101,1\n" + end)
    assert extract.rows["store"].to_list() == ["17", "18"]
    assert extract.refused.select("row", "rule").rows() == [(3, "file_ends_cleanly")]
    assert extract.refused["reason"].item().startswith("sales.csv row 3: the file ends in the middle of this row")
    assert notes(extract) == {"file_is_cut": "warning"}


def test_a_last_row_without_line_end_is_used_when_it_is_whole() -> None:
    extract = read(HEADER + "2019-04-16,17,101,12")
    assert extract.rows["quantity"].to_list() == [12.0]
    assert notes(extract) == {"no_final_line_end": "info"}


def test_rows_with_fields_too_few_or_too_many_are_refused_as_read() -> None:
    extract = read(HEADER + "2019-04-16,17\n2019-04-16,17,101,3,5\n2019-04-16,17,101,1,,\n")
    assert extract.rows.select("row", "quantity").rows() == [(3, 1.0)]
    assert extract.refused.select("row", "rule", "reason", "content").rows() == [
        (1, "row_has_all_fields", "sales.csv row 1: has 2 fields where the header has 4; mend the row",
         '{"line":"2019-04-16,17"}'),
        (2, "row_has_all_fields", "sales.csv row 2: has 5 fields where the header has 4; mend the row",
         '{"line":"2019-04-16,17,101,3,5"}'),
    ]  # fmt: skip


def test_a_row_too_short_is_found_though_another_is_too_long_by_as_much() -> None:
    extract = read(HEADER + "2019-04-16,17,101\n2019-04-16,17,101,3,5\n")
    assert extract.refused["row"].to_list() == [1, 2]


def test_quotes_are_understood_and_a_stray_one_spoils_only_its_own_row() -> None:
    lines = [
        '"2019-04-16","17","Roll, white","1"',
        '2019-04-16,17,"two\nlines","2"',
        '2019-04-16,17,"the ""best""",3',
        '2019-04-16,17,12" loaf,4',
        '2019-04-16,17,"stray,5',
        '2019-04-16,17,"Roll, dark",6',
    ]
    extract = read(HEADER + "\n".join(lines) + "\n")
    assert extract.rows.select("product", "quantity", "row").rows() == [
        ("Roll, white", 1.0, 1),
        ("two\nlines", 2.0, 2),
        ('the "best"', 3.0, 3),
        ('12" loaf', 4.0, 4),
        ("Roll, dark", 6.0, 6),
    ]
    assert extract.refused.select("row", "rule").rows() == [(5, "row_has_all_fields")]


def test_blank_lines_and_the_empty_rows_of_a_spreadsheet_are_no_rows() -> None:
    extract = read(HEADER + "2019-04-16,17,101,1\r\n,,,\r\n\r\n2019-04-16,18,101,1\r\n")
    assert extract.rows.select("store", "row").rows() == [("17", 1), ("18", 4)]
    assert extract.refused.is_empty()


def test_a_mark_at_the_start_of_the_file_is_no_part_of_the_first_name() -> None:
    assert read("\ufeff" + HEADER + "2019-04-16,17,101,1\n").rows.height == 1


FIELDS = st.lists(
    st.sampled_from(["2019-04-16", "17", "1", "3,5", '"', '"a"', '"a,b"', 'x"y', "", " ", "é"]), max_size=6
)


@settings(max_examples=80, deadline=None)
@given(st.lists(FIELDS, max_size=8))
def test_every_line_of_a_file_is_used_refused_or_blank(lines: list[list[str]]) -> None:
    text = HEADER + "".join(",".join(fields) + "\n" for fields in lines)
    extract = read(text)
    assert extract.refused.schema == REFUSED
    assert set(extract.rows["row"]).isdisjoint(extract.refused["row"])
    accounted = extract.rows.height + extract.refused["row"].n_unique()
    filled = sum(bool("".join(line).strip()) for line in lines)
    assert accounted == filled if '"' not in text else accounted <= len(lines)


TEXTS = st.text(alphabet='a1", \né', max_size=5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=6), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_what_a_csv_writer_wrote_is_read_back_field_by_field(
    rows: list[tuple[str, str, str]], quoting: Literal[0, 1]
) -> None:
    file = io.StringIO()
    csv.writer(file, quoting=quoting, lineterminator="\n").writerows([("a", "b", "c"), *rows])
    read_back = read_delimited(file.getvalue().encode(), file="sales.csv", separator=",")
    assert read_back.broken.is_empty()
    assert read_back.unfinished is None
    assert read_back.rows.select("0", "1", "2").fill_null("").rows() == rows
