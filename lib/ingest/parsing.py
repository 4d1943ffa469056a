"""From a file's values to the contract's: dates, numbers, identifiers; what does not parse is refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from lib.contracts import KNOWN_FROM, Column, Table
from lib.ingest.source import FILE, REFUSED, ROW, Fault, refuse

ISO_DATE = "%Y-%m-%d"

_IDENTIFIERS = ("store", "product", "zone")
_WHOLE = r"^(-?\d+)\.0+$"
_TRUE, _FALSE = ("true", "1", "yes", "oui", "ja"), ("false", "0", "no", "non", "nein")
# A two-digit year under %Y reads as the first century.
_YEARS = (date(1000, 1, 1), date(2999, 12, 31))
_ISO_TIMES = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
_KNOWN_FROM = Column(KNOWN_FROM, pl.Date(), "first day at whose end the row was known", null="decided by the table")

_DATE_HINTS = {
    r"^\d{1,2}/\d{1,2}/\d{4}$": "%d/%m/%Y",
    r"^\d{1,2}\.\d{1,2}\.\d{4}$": "%d.%m.%Y",
    r"^\d{1,2}-\d{1,2}-\d{4}$": "%d-%m-%Y",
    r"^\d{1,2}/\d{1,2}/\d{2}$": "%d/%m/%y",
    r"^\d{1,2}\.\d{1,2}\.\d{2}$": "%d.%m.%y",
    r"^\d{8}$": "%Y%m%d",
    r"^\d{4}-\d{2}-\d{2}$": ISO_DATE,
    r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$": "%Y-%m-%d %H:%M:%S",
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$": "%Y-%m-%dT%H:%M:%S",
}
_NUMBER_HINTS = {
    r"^[-+]?\d+,\d+$": 'decimal = ","',
    r"^[-+]?\d+\.\d+$": 'decimal = "." or thousands = "."',
    r"^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$": 'thousands = ","',
    r"^[-+]?\d{1,3}(\.\d{3})+(,\d+)?$": 'decimal = "," and thousands = "."',
    r"^[-+]?\d{1,3}([ \x{a0}\x{202f}]\d{3})+([.,]\d+)?$": 'thousands = " "',
}
_NO_VALUE = r"(?i)^(-+|\.|\?|n/?a|nan|null|none|#n/a|nicht bekannt|inconnu)$"


@dataclass(frozen=True, slots=True)
class Form:
    """How values are written. `units` are factors to the contract's unit; `null_values` mean "empty"."""

    date_format: str = ISO_DATE
    time_format: str | None = None
    decimal: str = "."
    thousands: str = ""
    null_values: tuple[str, ...] = ()
    units: Mapping[str, float] = field(default_factory=dict)


def parse(
    raw: pl.DataFrame, table: Table, form: Form, *, keep: pl.Expr | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows in the business schema with `file` and `row` (and `known_from` if given), and the REFUSED records.

    `raw` has contract-named columns of any dtype, `file` and `row`; contract columns it lacks become null. `keep` tells
    by the parsed columns which rows are wanted at all, null meaning yes. One record per fault.
    """
    given = [column for column in (*table.columns, _KNOWN_FROM) if column.name in raw.columns]
    clean = raw.select(FILE, ROW, *(_clean(column, raw, form) for column in given))
    parsed = clean.select(FILE, ROW, *(_value(column, clean, form).alias(column.name) for column in given))
    parsed = _complete(parsed, table)
    if keep is not None:
        wanted = parsed.select(keep.fill_null(True)).to_series()
        raw, clean, parsed = raw.filter(wanted), clean.filter(wanted), parsed.filter(wanted)
    faults = [(broken, fault) for broken, fault in _faults(clean, parsed, given, form) if broken.any()]
    content = [column.name for column in given]
    refused = [refuse(raw.filter(broken), table=table, fault=fault, content=content) for broken, fault in faults]
    if faults:
        parsed = parsed.filter(~pl.any_horizontal(broken for broken, _ in faults))
    return parsed, pl.concat([REFUSED.to_frame(), *refused])


def _faults(
    clean: pl.DataFrame, parsed: pl.DataFrame, given: Sequence[Column], form: Form
) -> Iterator[tuple[pl.Series, Fault]]:
    for column in given:
        empty = clean[column.name].is_null()
        if column.null is None:
            reason = pl.lit(f"{column.name} is empty; fill it at the source")
            yield empty, Fault(f"{column.name}_is_filled", "warning", reason)
        yield parsed[column.name].is_null() & ~empty, _unreadable(column, form)


def _clean(column: Column, raw: pl.DataFrame, form: Form) -> pl.Expr:
    """Blanks around a text taken off; the empty text, the form's null values and NaN become null."""
    value, dtype = pl.col(column.name), raw.schema[column.name]
    if dtype.is_float():
        return value.fill_nan(None)
    if dtype != pl.String():
        return value
    text = value.str.strip_chars()
    return pl.when(~text.is_in(["", *form.null_values])).then(text).alias(column.name)


def _value(column: Column, clean: pl.DataFrame, form: Form) -> pl.Expr:
    """The column in its contract's dtype; null where the value is empty or cannot be read."""
    value, dtype = pl.col(column.name), clean.schema[column.name]
    match column.dtype:
        case pl.Float64():
            return _number(value, dtype, form) * form.units.get(column.name, 1.0)
        case pl.Date():
            return _date(value, dtype, form)
        case pl.Datetime():
            return _time(value, dtype, form)
        case pl.Boolean():
            return _flag(value, dtype)
        case _:
            text = _text(value, dtype)
            looks_whole = (
                column.name in _IDENTIFIERS and dtype == pl.String() and clean[column.name].str.ends_with(".0").any()
            )
            return text.str.replace(_WHOLE, "${1}") if looks_whole else text


def _text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Whole numbers lose the ".0" that a spreadsheet or a column with gaps gave them."""
    if dtype == pl.String():
        return value
    text = value.cast(pl.String)
    return text.str.replace(_WHOLE, "${1}") if dtype.is_float() or dtype.is_decimal() else text


def _number(value: pl.Expr, dtype: pl.DataType, form: Form) -> pl.Expr:
    if dtype.is_numeric():
        number = value.cast(pl.Float64)
    else:
        number = _plain_number(_text(value, dtype), form).cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _plain_number(text: pl.Expr, form: Form) -> pl.Expr:
    if form.thousands.isspace():
        text = text.str.replace_all(r"[ \x{a0}\x{202f}]", "")
    elif form.thousands:
        text = text.str.replace_all(form.thousands, "", literal=True)
    if form.decimal == ".":
        return text
    # A point beside a decimal comma may mean thousands or be a slip: not for us to guess.
    pointless = pl.when(~text.str.contains(".", literal=True)).then(text)
    return pointless.str.replace(form.decimal, ".", literal=True)


def _date(value: pl.Expr, dtype: pl.DataType, form: Form) -> pl.Expr:
    if isinstance(dtype, pl.Date):
        return value
    if isinstance(dtype, pl.Datetime):
        return value.dt.date()
    day = _text(value, dtype).str.to_date(form.date_format, strict=False)
    return pl.when(day.is_between(*_YEARS)).then(day)


def _time(value: pl.Expr, dtype: pl.DataType, form: Form) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return value.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    if isinstance(dtype, pl.Date):
        return value.cast(pl.Datetime("us"))
    text = _text(value, dtype)
    if form.time_format is None:
        text = text.str.replace("T", " ", literal=True)
    formats = _ISO_TIMES if form.time_format is None else (form.time_format,)
    return pl.coalesce(text.str.to_datetime(each, time_unit="us", strict=False) for each in formats)


def _flag(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Boolean):
        return value
    text = _text(value, dtype).str.to_lowercase()
    return pl.when(text.is_in(_TRUE)).then(True).when(text.is_in(_FALSE)).then(False)


def _complete(parsed: pl.DataFrame, table: Table) -> pl.DataFrame:
    absent = {name: dtype for name, dtype in table.business_schema.items() if name not in parsed.columns}
    given = [KNOWN_FROM] if KNOWN_FROM in parsed.columns else []
    return parsed.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items()).select(
        *table.names, FILE, ROW, *given
    )


def _unreadable(column: Column, form: Form) -> Fault:
    """For values that cannot be read as the column's dtype."""
    hints: dict[str, str] = {}
    match column.dtype:
        case pl.Float64():
            rule, what = "is_a_number", "a number"
            hints = {pattern: hint for pattern, hint in _NUMBER_HINTS.items() if hint != f'decimal = "{form.decimal}"'}
        case pl.Date():
            rule, what = "is_a_date", f"a date of the form {form.date_format}"
            hints = {p: f'date_format = "{hint}"' for p, hint in _DATE_HINTS.items() if hint != form.date_format}
        case pl.Datetime():
            wanted = form.time_format or "YYYY-MM-DD HH:MM:SS"
            rule, what = "is_a_time", f"a time of the form {wanted} (time_format in source.toml)"
        case _:
            rule, what = "is_yes_or_no", "true or false (1/0, yes/no, oui/non, ja/nein)"
    text = pl.col(column.name).cast(pl.String).str.strip_chars()
    reason = pl.format("{} '{}' is not {}; {}", pl.lit(column.name), text, pl.lit(what), _mend(text, hints))
    return Fault(f"{column.name}_{rule}", "warning", reason)


def _mend(text: pl.Expr, hints: Mapping[str, str]) -> pl.Expr:
    mend = pl.lit("mend the row")
    for pattern, hint in reversed(list(hints.items())):
        mend = (
            pl.when(text.str.contains(pattern))
            .then(pl.lit(f"set {hint} in source.toml or mend the row"))
            .otherwise(mend)
        )
    none = pl.format("if it means that there is no value, add '{}' to null_values in source.toml", text)
    return pl.when(text.str.contains(_NO_VALUE)).then(none).otherwise(mend)
