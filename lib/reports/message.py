"""The covering mail of a book, and the words that mail and book share."""

import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any, TypeAlias

import polars as pl

Row: TypeAlias = dict[str, Any]

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_FAR_OFF = 0.6
_NAMED = 4
_SLUG = 40


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """What one manager is told about one business date.

    `forecast` has a row per store, product and date: store, store_name, product, product_name, date, forecast, low and
    high (quantiles 0.1 and 0.9), promotion and holiday (text or null), school_holiday, method (model, fallback or
    closed), reason (null for the model's own number), order, and the drivers with their effects. `yesterday` has a row
    per store and product: store, store_name, product, product_name, date (`as_of`), forecast (as published, null if it
    was not), actual (null until it arrives).
    """

    manager: str
    chain: str
    as_of: date
    business_date: date
    publication_id: str
    forecast: pl.DataFrame
    yesterday: pl.DataFrame
    fictitious: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A mail's words: one line of subject, the plain text, and the same as HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A day's forecast against its sales; `accuracy` uses only lines with both and is None without sales."""

    lines: int
    forecasts: int
    sales: int
    compared: int
    forecast: int
    sold: int
    accuracy: float | None

    @property
    def difference(self) -> int:
        """Units forecast beyond what was sold, over the compared lines."""
        return self.forecast - self.sold


def compose(book: Book) -> Message:
    """Say in a few lines what the book holds: the day, the total, what is special, how yesterday went."""
    rows = today(book)
    lines = [headline(rows), *specials(rows), yesterday_line(book)]
    made = f"Made with sales up to {short_day(book.as_of)}. The attached book has the sheets Today, Week and Yesterday."
    closing = [made, *([fictitious_line(book)] if book.fictitious else [])]
    title = f"Forecast for {long_day(book.business_date)}"
    subject = " ".join(f"{book.chain}: {title[0].lower()}{title[1:]}".split())
    text = "\n".join(
        [f"Good morning {book.manager},", "", title, "", *(f"- {line}" for line in lines), "", *closing, ""]
    )
    return Message(subject, text, _html(book.manager, title, lines, closing))


def file_name(book: Book) -> str:
    """Name of the book's file: letters, digits, `-` and `_` only, so that no name can leave its folder."""
    return f"{_slug(book.chain)}_{book.business_date.isoformat()}_{_slug(book.manager)}.xlsx"


def message_id(publication_id: str, address: str) -> str:
    """Message-ID of the one mail that brings this publication to this address."""
    digest = hashlib.sha256(f"{publication_id}\n{address.strip().lower()}".encode()).hexdigest()
    return f"<{digest[:32]}@fournil>"


def named_rows(frame: pl.DataFrame) -> list[Row]:
    """Rows in reading order (store, product, date); missing names become identifiers, NaN becomes null."""
    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
    named = frame.with_columns(
        pl.col(floats).fill_nan(None),
        pl.coalesce("store_name", "store").alias("store_name"),
        pl.coalesce("product_name", "product").alias("product_name"),
    )
    return sorted(named.to_dicts(), key=_reading_order)


def today(book: Book) -> list[Row]:
    """The forecast of the business date, in reading order."""
    return named_rows(book.forecast.filter(pl.col("date") == book.business_date))


def whole(value: float | None) -> int:
    """Whole units, halves rounded up; nothing counts as 0."""
    return 0 if value is None else math.floor(value + 0.5)


def number(units: int) -> str:
    """Digits in groups of three, parted by a space: a comma would be a decimal sign to half of Europe."""
    return f"{units:,}".replace(",", "\N{NO-BREAK SPACE}")


def percent(share: float) -> str:
    """A share as whole per cent."""
    return f"{whole(share * 100)}\N{NO-BREAK SPACE}%"


def long_day(day: date) -> str:
    """Like `Wednesday 1 May 2019`, whatever the machine's language."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def short_day(day: date) -> str:
    """Like `Wed 1 May`."""
    return f"{weekday(day)} {day.day} {_MONTHS[day.month - 1][:3]}"


def weekday(day: date) -> str:
    """Like `Wed`."""
    return _DAYS[day.weekday()][:3]


def headline(rows: Sequence[Row]) -> str:
    """The day's total, as the sum of the whole units that the book shows."""
    stores = len({row["store"] for row in rows if row["method"] != "closed"})
    if not rows:
        return "There is no forecast for this day."
    if not stores:
        return "Closed: nothing to bake."
    total = number(sum(whole(row["forecast"]) for row in rows if row["method"] != "closed"))
    return f"{total} units expected in {stores} {'store' if stores == 1 else 'stores'}."


def specials(rows: Sequence[Row]) -> list[str]:
    """What makes the day unlike others: holidays, promotions, closed stores, numbers that are not the model's."""
    everywhere = {row["store"] for row in rows}
    names = {row["store"]: row["store_name"] for row in rows}

    def where(stores: set[str]) -> str:
        if len(everywhere) == 1:
            return ""
        if stores == everywhere:
            return " (all stores)"
        few = some(names[row] for row in names if row in stores)
        return f" ({few})" if len(stores) <= _NAMED else f" ({len(stores)} of {len(everywhere)} stores)"

    holidays = sorted({row["holiday"] for row in rows if row["holiday"]})
    lines = [f"{name}{where({row['store'] for row in rows if row['holiday'] == name})}." for name in holidays]
    school = {row["store"] for row in rows if row["school_holiday"]}
    lines += [f"School holidays{where(school)}."] if school else []
    return [*lines, *_promotions(rows), *_closed(rows), *_fallbacks(rows)]


def compare(rows: Iterable[Row]) -> Comparison:
    """Add up forecast and sales of the lines; accuracy is 1 - sum|F-A| / sum A, from unrounded numbers."""
    lines = list(rows)
    pairs = [row for row in lines if row["forecast"] is not None and row["actual"] is not None]
    sold = sum(row["actual"] for row in pairs)
    missed = sum(abs(row["forecast"] - row["actual"]) for row in pairs)
    return Comparison(
        lines=len(lines),
        forecasts=sum(row["forecast"] is not None for row in lines),
        sales=sum(row["actual"] is not None for row in lines),
        compared=len(pairs),
        forecast=sum(whole(row["forecast"]) for row in pairs),
        sold=sum(whole(row["actual"]) for row in pairs),
        accuracy=1 - missed / sold if sold > 0 else None,
    )


def off_by(difference: int) -> str:
    """A difference in words: `12 too many`, `5 too few`, `exact`."""
    if difference == 0:
        return "exact"
    return f"{number(abs(difference))} too {'many' if difference > 0 else 'few'}"


def yesterday_line(book: Book) -> str:
    """One honest line on how the last known day went."""
    rows = named_rows(book.yesterday)
    result, day = compare(rows), f"Yesterday ({short_day(book.as_of)})"
    if not result.compared:
        return f"{day}: {missing(result)}"
    total = f"forecast {number(result.forecast)}, sold {number(result.sold)} ({off_by(result.difference)})"
    left = f" {missing(result)}" if result.compared < result.lines else ""
    if result.accuracy is None:
        return f"{day}: {total}.{left}"
    if result.accuracy < _FAR_OFF:
        return f"{day} we were far off: accuracy {percent(result.accuracy)}, {total}.{left}"
    return f"{day}: accuracy {percent(result.accuracy)}, {total}.{left}"


def missing(result: Comparison) -> str:
    """What keeps a line from being compared, as a sentence; empty when nothing does."""
    if result.lines == 0 or result.forecasts == 0:
        return "no forecast had been published for this day."
    if result.sales == 0:
        return "sales have not arrived yet."
    late, unforecast = result.lines - result.sales, result.lines - result.forecasts
    parts = [f"{late} of {result.lines} sales figures have not arrived yet"] if late else []
    parts += [f"{unforecast} of {result.lines} had no forecast"] if unforecast else []
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}." if sentence else ""


def fictitious_line(book: Book) -> str:
    """The note a demo book must carry."""
    return f"Demo: {book.manager} is a made-up manager; nobody by that name works here."


def some(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    every = list(dict.fromkeys(names))
    if len(every) <= _NAMED:
        return ", ".join(every)
    return f"{', '.join(every[: _NAMED - 1])} and {len(every) - _NAMED + 1} more"


def _promotions(rows: Sequence[Row]) -> list[str]:
    texts = sorted({row["promotion"] for row in rows if row["promotion"]})
    return [f"{text}: {some(row['product_name'] for row in rows if row['promotion'] == text)}." for text in texts]


def _closed(rows: Sequence[Row]) -> list[str]:
    open_stores = {row["store"] for row in rows if row["method"] != "closed"}
    closed = [
        f"{row['product_name']} in {row['store_name']}" if row["store"] in open_stores else row["store_name"]
        for row in rows
        if row["method"] == "closed"
    ]
    return [f"Closed: {some(closed)}."] if closed and open_stores else []


def _fallbacks(rows: Sequence[Row]) -> list[str]:
    lines = [f"{row['product_name']} in {row['store_name']}" for row in rows if row["method"] == "fallback"]
    return [f"Simple estimate instead of the model: {some(lines)}."] if lines else []


def _html(manager: str, title: str, lines: Sequence[str], closing: Sequence[str]) -> str:
    points = "".join(f'<li style="margin:4px 0">{escape(line)}</li>' for line in lines)
    notes = "".join(f'<p style="margin:4px 0;color:#555;font-size:13px">{escape(line)}</p>' for line in closing)
    return (
        '<div style="font-family:Arial,Helvetica,sans-serif;font-size:15px;line-height:1.4;color:#222">'
        f"<p>Good morning {escape(manager)},</p>"
        f'<p style="font-size:19px;font-weight:bold;margin:12px 0 4px">{escape(title)}</p>'
        f'<ul style="padding-left:20px;margin:8px 0 14px">{points}</ul>{notes}</div>'
    )


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:_SLUG].strip("-")
    return slug or hashlib.sha256(name.encode()).hexdigest()[:8]


def _reading_order(row: Row) -> tuple[Any, ...]:
    return (_natural(row["store_name"]), row["store"], _natural(row["product_name"]), row["product"], row["date"])


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key by which Store 2 stands before Store 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in re.split(r"(\d+)", name)]
