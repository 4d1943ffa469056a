"""The manager's Excel book: what to expect today, this week, and how yesterday went. Equal books give equal bytes."""

import functools
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time
from itertools import groupby
from typing import TypeAlias

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from lib.reports.message import (
    Book,
    Comparison,
    Row,
    compare,
    fictitious_line,
    headline,
    long_day,
    missing,
    named_rows,
    number,
    off_by,
    percent,
    short_day,
    specials,
    today,
    weekday,
    whole,
    yesterday_line,
)
from lib.reports.words import drivers_in_words

__all__ = ["Book", "render"]

Style: TypeAlias = Callable[..., Format]
Look: TypeAlias = dict[str, object]

_A4, _A4_SCALE = 9, 75
_PAGE_ROWS = 40
_WHY_LETTERS = 34
"""Small letters in a line of the last column."""
_CLOSED, _ESTIMATE, _PROMOTION, _HOLIDAY, _SCHOOL = "closed", "~", "P", "H", "S"
_UNITS = "#,##0"

# Every meaning has a word, a sign or a weight besides its colour: most of these pages leave a black-and-white printer.
_WHEAT, _GOLD, _PALE, _INK = "#F3E3C3", "#FFD966", "#F2F2F2", "#404040"
_TITLE = {"bold": True, "font_size": 20}
_LINE = {"font_size": 11, "text_wrap": True, "valign": "top"}
_SMALL = {"font_size": 10, "font_color": _INK, "valign": "top"}
_HEAD = {"bold": True, "bottom": 2, "text_wrap": True, "valign": "bottom"}
_BAND = {"bold": True, "bg_color": _WHEAT, "top": 2, "valign": "vcenter"}
_CELL = {"bottom": 1, "bottom_color": "#BFBFBF", "valign": "vcenter"}
_DAY = {"left": 1, "left_color": "#BFBFBF"}
_RIGHT: Look = {"align": "right", "indent": 1}
_CENTER: Look = {"align": "center"}
_INDENT: Look = {"indent": 1}
_GREY = {"italic": True, "font_color": _INK}
_NOTE = {"text_wrap": True, "font_size": 9}


def render(book: Book) -> bytes:
    """The book as .xlsx with the sheets Today, Week and Yesterday; bytes depend on nothing but the book."""
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = xlsxwriter.Workbook(target, options)
    title = f"{book.chain}: forecast for {long_day(book.business_date)}"
    created = datetime.combine(book.business_date, time(), UTC).replace(tzinfo=None)
    workbook.set_properties({"title": title, "author": "Fournil", "created": created})

    @functools.cache
    def styled(properties: tuple[tuple[str, object], ...]) -> Format:
        return workbook.add_format({"font_name": "Arial", "font_size": 10, **dict(properties)})

    def style(*parts: Look, **more: object) -> Format:
        merged = {key: value for part in (*parts, more) for key, value in part.items()}
        return styled(tuple(sorted(merged.items())))

    for name, write in (("Today", _today), ("Week", _week), ("Yesterday", _yesterday)):
        write(workbook.add_worksheet(name), book, style)
    workbook.close()
    return target.getvalue()


def _today(sheet: Worksheet, book: Book, style: Style) -> None:
    rows, widths = today(book), (21, 10, 10, 13, 15, 25)
    made = f"{book.chain} · {book.manager} · made with sales up to {short_day(book.as_of)}"
    lines = [headline(rows), *specials(rows), *([fictitious_line(book)] if book.fictitious else [])]
    top = _opening(sheet, (long_day(book.business_date), made, lines), widths, style)
    heads: dict[str, Look] = {
        "Product": {},
        "Bake": _RIGHT,
        "Expected\nto sell": _RIGHT,
        "Range on 8\nof 10 days": _CENTER,
        "Promotion": {},
        "Why": {},
    }
    _write_head(sheet, top, heads, style)
    starts, row = [], top + 1
    for name, members in _by_store(rows):
        starts.append(row)
        _today_store(sheet, row, (name, members), style)
        row += len(members) + 2
    _set_page(sheet, book, (top, top))
    if row > _PAGE_ROWS and len(starts) > 1:
        # Excel ignores page breaks on a sheet that is fitted to pages: this scale brings the widths above on A4.
        sheet.set_print_scale(_A4_SCALE)
        sheet.set_h_pagebreaks(starts[1:])
    else:
        sheet.fit_to_pages(1, 0)


def _today_store(sheet: Worksheet, row: int, store: tuple[str, list[Row]], style: Style) -> None:
    name, members = store
    open_ = [member for member in members if member["method"] != _CLOSED]
    sheet.set_row(row, 24)
    sheet.write_string(row, 0, name, style(_BAND, font_size=14))
    if open_:
        for column, figure, size in ((1, "order", 14), (2, "forecast", 11)):
            total = sum(whole(member[figure]) for member in open_)
            sheet.write_number(row, column, total, style(_BAND, _RIGHT, font_size=size, num_format=_UNITS))
    else:
        sheet.write_string(row, 1, _CLOSED, style(_BAND, _RIGHT, italic=True))
        sheet.write_blank(row, 2, None, style(_BAND))
    days = {member["holiday"]: None for member in members if member["holiday"]}
    days |= {"school holidays": None} if any(member["school_holiday"] for member in members) else {}
    sheet.write_string(row, 3, ", ".join(days), style(_BAND))
    for column in (4, 5):
        sheet.write_blank(row, column, None, style(_BAND))
    for offset, member in enumerate(members, start=1):
        _today_product(sheet, row + offset, member, style)


def _today_product(sheet: Worksheet, row: int, member: Row, style: Style) -> None:
    estimate = member["method"] == "fallback"
    why = member["reason"] or ("not the model's own number" if estimate else drivers_in_words(member) or "")
    sheet.set_row(row, max(26, 12 * -(-max(len(why), len(member["promotion"] or "")) // _WHY_LETTERS) + 4))
    sheet.write_string(row, 0, member["product_name"], style(_CELL, font_size=12, text_wrap=True))
    if member["method"] == _CLOSED or member["forecast"] is None:
        sheet.write_string(row, 1, _CLOSED if member["method"] == _CLOSED else "none", style(_CELL, _GREY, _RIGHT))
        for column in (2, 3):
            sheet.write_blank(row, column, None, style(_CELL))
    else:
        sign = f'"{_ESTIMATE}"{_UNITS}' if estimate else _UNITS
        big = style(_CELL, _RIGHT, bold=True, font_size=18, num_format=sign)
        sheet.write_number(row, 1, whole(member["order"]), big)
        sheet.write_number(row, 2, whole(member["forecast"]), style(_CELL, _RIGHT, font_size=12, num_format=sign))
        sheet.write_string(row, 3, _range(member), style(_CELL, _CENTER))
    if member["promotion"]:
        sheet.write_string(row, 4, member["promotion"], style(_CELL, _NOTE, bold=True, border=1, bg_color=_GOLD))
    else:
        sheet.write_blank(row, 4, None, style(_CELL))
    sheet.write_string(row, 5, why, style(_CELL, _GREY, _NOTE))


def _week(sheet: Worksheet, book: Book, style: Style) -> None:
    rows = named_rows(book.forecast)
    days = sorted({row["date"] for row in rows})
    title = f"{long_day(days[0])} to {long_day(days[-1])}" if days else "No forecast"
    legend = f"{_PROMOTION} promotion · {_HOLIDAY} holiday · {_SCHOOL} school holidays · {_ESTIMATE} simple estimate"
    lines = [legend, *([fictitious_line(book)] if book.fictitious else [])]
    opening = (title, f"{book.chain} · {book.manager}", lines)
    top = _opening(sheet, opening, (26, *(11 for _ in days), 11), style)
    _week_head(sheet, top, (rows, days), style)
    row = top + 2
    for name, members in _by_store(rows):
        _week_line(sheet, row, (name, members, days), style=style, band=True)
        for product, own in _grouped(members, "product"):
            row += 1
            _week_line(sheet, row, (product, own, days), style=style)
        row += 2
    if len({member["store"] for member in rows}) > 1:
        _week_line(sheet, row, ("All stores", rows, days), style=style, band=True)
    _set_page(sheet, book, (top, top + 1), landscape=True)
    sheet.fit_to_pages(1, 0)


def _week_head(sheet: Worksheet, top: int, content: tuple[list[Row], list[date]], style: Style) -> None:
    """Two rows: weekday with date, and below it what makes the day special."""
    rows, days = content
    special = [_special_day(rows, day) for day in days]
    sheet.set_row(top, 28)
    sheet.set_row(top + 1, 13 * max(1, *(text.count("\n") + 1 + len(text) // 24 for text in special), 0))
    dates = [f"{weekday(day)}\n{short_day(day)[4:]}" for day in days]
    for column, words in enumerate(("Store, product", *dates, "Total")):
        sheet.write_string(top, column, words, style(_HEAD, _CENTER if column else {}, bottom=0))
    for column, text in enumerate(("", *special, "")):
        sheet.write_string(top + 1, column, text, style(_HEAD, _CENTER, _NOTE, valign="top"))


def _week_line(
    sheet: Worksheet, row: int, line: tuple[str, list[Row], Sequence[date]], *, style: Style, band: bool = False
) -> None:
    """One store or product over the days, with its total; a day on which all members are closed says so."""
    name, members, days = line
    base = _BAND if band else _CELL
    sheet.set_row(row, 19)
    sheet.write_string(row, 0, name, style(base, indent=0 if band else 1))
    for column, day in enumerate(days, start=1):
        own = [member for member in members if member["date"] == day]
        open_ = [member for member in own if member["method"] != _CLOSED]
        if open_:
            promoted = {"bg_color": _GOLD, "bold": True} if not band and open_[0]["promotion"] else {}
            units = sum(whole(member["forecast"]) for member in open_)
            sign = _signs(own, band=band)
            sheet.write_number(row, column, units, style(base, _DAY, promoted, num_format=f'"{sign}"* {_UNITS}_-'))
        else:
            sheet.write_string(row, column, _CLOSED if own else "–", style(base, _DAY, _GREY, _CENTER))
    total = sum(whole(member["forecast"]) for member in members if member["method"] != _CLOSED)
    sheet.write_number(row, len(days) + 1, total, style(base, bold=True, left=1, num_format=f"{_UNITS}_-"))


def _yesterday(sheet: Worksheet, book: Book, style: Style) -> None:
    rows = named_rows(book.yesterday)
    explained = "Accuracy: 100 % less the units that were too many or too few, as a share of the units sold."
    lines = [yesterday_line(book), explained, *([fictitious_line(book)] if book.fictitious else [])]
    opening = (f"Yesterday, {long_day(book.as_of)}", f"{book.chain} · {book.manager}", lines)
    top = _opening(sheet, opening, (30, 13, 13, 16, 22), style)
    heads: dict[str, Look] = {
        "Product": {},
        "Bake": _RIGHT,
        "Expected\nto sell": _RIGHT,
        "Sold": _RIGHT,
        "Forecast\nless sold": _RIGHT,
        "In words": _INDENT,
    }
    _write_head(sheet, top, heads, style)
    row = top + 1
    for name, members in _by_store(rows):
        _yesterday_band(sheet, row, (name, compare(members)), style)
        for member in members:
            row += 1
            _yesterday_line(sheet, row, member, style)
        row += 2
    if len({member["store"] for member in rows}) > 1:
        _yesterday_band(sheet, row, ("All stores", compare(rows)), style)
    _set_page(sheet, book, (top, top))
    sheet.fit_to_pages(1, 0)


def _yesterday_band(sheet: Worksheet, row: int, store: tuple[str, Comparison], style: Style) -> None:
    name, result = store
    sheet.set_row(row, 22)
    sheet.write_string(row, 0, name, style(_BAND, font_size=12))
    for column, units in enumerate((result.forecast, result.sold, result.difference), start=1):
        if result.compared:
            signed = f"+{_UNITS};-{_UNITS};0" if column == len(("forecast", "sold", "difference")) else _UNITS
            sheet.write_number(row, column, units, style(_BAND, _RIGHT, num_format=signed))
        else:
            sheet.write_string(row, column, "–", style(_BAND, _RIGHT))
    said = f"accuracy {percent(result.accuracy)}" if result.accuracy is not None else ""
    partial = f"{result.compared} of {result.lines} lines" if 0 < result.compared < result.lines else ""
    words = " · ".join(part for part in (said, partial) if part) or missing(result).rstrip(".")
    sheet.write_string(row, 4, words, style(_BAND, _INDENT, text_wrap=True))


def _yesterday_line(sheet: Worksheet, row: int, member: Row, style: Style) -> None:
    forecast, actual = member["forecast"], member["actual"]
    sheet.set_row(row, 18)
    sheet.write_string(row, 0, member["product_name"], style(_CELL, indent=1))
    for column, units in ((1, forecast), (2, actual)):
        if units is None:
            sheet.write_string(row, column, "–", style(_CELL, _RIGHT))
        else:
            sheet.write_number(row, column, whole(units), style(_CELL, _RIGHT, num_format=_UNITS))
    if forecast is None or actual is None:
        sheet.write_string(row, 3, "–", style(_CELL, _RIGHT))
        words = "sales not here yet" if actual is None else "was not forecast"
    else:
        difference = whole(forecast) - whole(actual)
        sheet.write_number(row, 3, difference, style(_CELL, _RIGHT, num_format=f"+{_UNITS};-{_UNITS};0"))
        words = off_by(difference)
    sheet.write_string(row, 4, words, style(_CELL, _INDENT, _GREY if actual is None else {}))


def _opening(sheet: Worksheet, words: tuple[str, str, list[str]], widths: tuple[int, ...], style: Style) -> int:
    """Write title, origin and lines over the full width; return the row of the column heads."""
    title, made, lines = words
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width, style())
    sheet.set_row(0, 30)
    sheet.write_string(0, 0, title, style(_TITLE))
    sheet.set_row(1, 18)
    sheet.write_string(1, 0, made, style(_SMALL))
    for row, line in enumerate(lines, start=2):
        sheet.set_row(row, 15 * -(-len(line) // round(1.2 * sum(widths))))
        sheet.merge_range(row, 0, row, len(widths) - 1, "", style(_LINE))
        sheet.write_string(row, 0, line, style(_LINE, bold=row == len(("title", "made"))))
    return len(lines) + 3


def _write_head(sheet: Worksheet, row: int, heads: dict[str, Look], style: Style) -> None:
    sheet.set_row(row, 28)
    for column, (name, alignment) in enumerate(heads.items()):
        sheet.write_string(row, column, name, style(_HEAD, alignment))


def _set_page(sheet: Worksheet, book: Book, heads: tuple[int, int], *, landscape: bool = False) -> None:
    first, last = heads
    sheet.set_paper(_A4)
    if landscape:
        sheet.set_landscape()
    sheet.set_margins(left=0.45, right=0.45, top=0.7, bottom=0.7)
    chain = book.chain[:80].replace("&", "&&")
    sheet.set_header(f"&L{chain}&R{long_day(book.business_date)}")
    sheet.set_footer(f"&LFournil {book.publication_id[:40].replace('&', '&&')}&R&P / &N")
    sheet.repeat_rows(first, last)
    sheet.freeze_panes(last + 1, 1)
    sheet.hide_gridlines(2)
    sheet.ignore_errors({"number_stored_as_text": "A1:AZ100000"})


def _by_store(rows: Iterable[Row]) -> Iterable[tuple[str, list[Row]]]:
    return _grouped(rows, "store")


def _grouped(rows: Iterable[Row], noun: str) -> Iterable[tuple[str, list[Row]]]:
    for _, members in groupby(rows, key=lambda row: row[noun]):
        group = list(members)
        yield group[0][f"{noun}_name"], group


def _range(member: Row) -> str:
    if member["low"] is None or member["high"] is None:
        return ""
    return f"{number(whole(member['low']))} – {number(whole(member['high']))}"


def _signs(members: Sequence[Row], *, band: bool) -> str:
    """Signs before a number of the week: a store's line carries its holidays, a product's line the rest."""
    if band:
        holiday = any(member["holiday"] for member in members)
        school = any(member["school_holiday"] for member in members)
        return (_HOLIDAY if holiday else "") + (_SCHOOL if school else "")
    promotion = any(member["promotion"] for member in members)
    estimate = any(member["method"] == "fallback" for member in members)
    return (_PROMOTION if promotion else "") + (_ESTIMATE if estimate else "")


def _special_day(rows: Sequence[Row], day: date) -> str:
    of_day = [row for row in rows if row["date"] == day]
    names = sorted({row["holiday"] for row in of_day if row["holiday"]})
    return "\n".join([*names, *(["school holidays"] if any(row["school_holiday"] for row in of_day) else [])])
