"""Delimited text (CSV) to columns of text; a line that is not a row of the table is handed back, not repaired."""

import codecs
import csv
import io
import re
from dataclasses import dataclass

import polars as pl

from lib.contracts import Table
from lib.errors import SourceError
from lib.ingest.source import FILE, ROW, Fault, Note, refuse

_QUOTED = '"(?:[^"]|"")*"'
_LINE, _PROBLEM = "line", "problem"
_WIDE = 'is written in UTF-16; set encoding = "utf-16" in source.toml'
_BINARY = {
    codecs.BOM_UTF16_LE: _WIDE,
    codecs.BOM_UTF16_BE: _WIDE,
    b"PK\x03\x04": "is an Excel workbook or another archive; save the sheet as CSV",
    b"PAR1": "is a Parquet file; let its name end in .parquet",
    b"\x1f\x8b": "is packed; let its name end in .gz",
}
_GLANCE = 1_000
_NO_LINES = pl.Schema({ROW: pl.Int64(), _LINE: pl.String(), _PROBLEM: pl.String()})


CUT = Fault(
    "file_ends_cleanly",
    "warning",
    pl.lit("the file ends in the middle of this row, so later rows may be missing too; copy the file again"),
)
"""For a last row that is not whole."""


@dataclass(frozen=True, slots=True)
class Delimited:
    """A file as read: `rows` has one text column per header name, called 0, 1, 2 ..., and `row`.

    `broken` are lines with too few or too many fields or quotes that do not close: row, line, problem. `unfinished` is
    the number of the last row if no line end follows it, so that it may be cut.
    """

    header: tuple[str, ...]
    rows: pl.DataFrame
    broken: pl.DataFrame
    unfinished: int | None


def decoded(data: bytes, *, file: str, encoding: str) -> tuple[bytes, tuple[Note, ...]]:
    """The text as UTF-8 without byte order mark; SourceError names row and byte that the encoding does not know."""
    if not encoding.startswith("utf-16"):
        _refuse_binary(data, file)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise SourceError(_undecodable(data, file, encoding, error.start)) from error
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0"))
        message = f"{file} row {row}: holds zero bytes, so it is damaged; copy it again"
        raise SourceError(message)
    return text.removeprefix("\ufeff").encode(), _misread(data, file, encoding)


def read_delimited(data: bytes, *, file: str, separator: str) -> Delimited:
    """Read UTF-8 text whose first row is the header; SourceError if there is none."""
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    header, body = _split_header(data, separator)
    if not any(header):
        message = f"{file} is empty: it has no header; copy it again or take it away"
        raise SourceError(message)
    rows = _plain(body, len(header), separator)
    if rows is None:
        rows, broken = _sorted_out(body, len(header), separator, file)
    else:
        rows, broken = rows.with_row_index(ROW, 1), _NO_LINES.to_frame()
    rows = rows.cast({ROW: pl.Int64})
    ends = not body or body[-_GLANCE:].rstrip(b" \t").endswith(b"\n")
    last = pl.concat([rows.select(ROW), broken.select(ROW)]).max().item()
    return Delimited(header, rows, broken, None if ends else last)


def refused_lines(read: Delimited, *, table: Table, file: str) -> pl.DataFrame:
    """REFUSED records of the broken lines; the last one is said to be cut if the file ends within it."""
    lines = read.broken.with_columns(pl.lit(file).alias(FILE))
    cut = pl.col(ROW) == (read.unfinished or 0)
    ragged = Fault("row_has_all_fields", "warning", pl.format("{}; mend the row", _PROBLEM))
    parts = ((ragged, lines.filter(~cut)), (CUT, lines.filter(cut)))
    return pl.concat(refuse(rows, table=table, fault=fault, content=[_LINE]) for fault, rows in parts)


def _refuse_binary(data: bytes, file: str) -> None:
    what = next((what for start, what in _BINARY.items() if data.startswith(start)), None)
    if what is None and b"\0" in data[:_GLANCE]:
        what = "is not text; export the table as CSV or Parquet"
    if what is not None:
        message = f"{file} {what}"
        raise SourceError(message)


def _undecodable(data: bytes, file: str, encoding: str, start: int) -> str:
    row = data.count(b"\n", 0, start)
    where = f"row {row}" if row else "header"
    before, after = (
        part.decode("cp1252", errors="replace") for part in (data[max(0, start - 40) : start], data[start : start + 40])
    )
    word = re.split(r"\W", before)[-1] + re.split(r"\W", after)[0]
    other = "cp1252" if encoding == "utf-8" else "utf-8"
    hint = f', which as cp1252 reads "{word}"' if other == "cp1252" else ""
    return (
        f"{file} {where}: byte 0x{data[start]:02X} (offset {start}) is not {encoding}{hint}; "
        f'set encoding = "{other}" in source.toml, or write the file in {encoding}'
    )


def _misread(data: bytes, file: str, encoding: str) -> tuple[Note, ...]:
    if encoding.startswith("utf") or data.isascii():
        return ()
    try:
        data.decode()
    except UnicodeDecodeError:
        return ()
    message = (
        f"{file} is read as {encoding} but is valid UTF-8: names may come out garbled; take encoding out of source.toml"
    )
    return (Note("encoding_fits", "warning", message),)


def _split_header(data: bytes, separator: str) -> tuple[tuple[str, ...], bytes]:
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""), delimiter=separator)
    try:
        header = next(reader, [])
    except csv.Error:
        return (), data
    end = 0
    for _ in range(reader.line_num):
        end = data.find(b"\n", end) + 1 or len(data)
    return tuple(name.strip() for name in header), data[end:]


def _plain(body: bytes, width: int, separator: str) -> pl.DataFrame | None:
    """The fields of a file in which every line has `width` of them and no quoted one holds a separator or line end."""
    lines = body.count(b"\n") + (bool(body) and not body.endswith(b"\n"))
    if body.count(separator.encode()) != lines * (width - 1):
        return None
    try:
        rows = _fields(body, width + 1, separator)
    except pl.exceptions.PolarsError:
        return None
    surplus = rows[str(width)]
    return rows.drop(surplus.name) if surplus.null_count() == rows.height == lines else None


def _sorted_out(body: bytes, width: int, separator: str, file: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fields and number of the good rows; number, line and problem of the broken ones."""
    records = _records(body, width, separator)
    good = records.filter(pl.col(_PROBLEM).is_null())
    filled = pl.col(_LINE).str.replace_all(separator, "", literal=True).str.strip_chars() != ""
    broken = records.filter(pl.col(_PROBLEM).is_not_null() & filled)
    try:
        rows = _fields("\n".join(good[_LINE]).encode(), width, separator)
    except pl.exceptions.PolarsError as error:
        message = f"{file} cannot be read as CSV: {str(error).splitlines()[0]}"
        raise SourceError(message) from error
    if rows.height != good.height:
        message = f'{file}: {good.height} lines give {rows.height} rows; look for stray quotes (") and mend them'
        raise SourceError(message)
    return rows.with_columns(good[ROW]), broken


def _records(body: bytes, width: int, separator: str) -> pl.DataFrame:
    """The rows of the table as text: row, line, and problem where it is none. Quoted fields may span several lines."""
    quotes = b'"' in body
    lines = pl.read_lines(body, name=_LINE).with_columns(_anatomy(separator, quotes=quotes))
    if quotes and not _well_formed(lines, width):
        lines = _by_quotes(lines, width, separator)
    filled = pl.col(_LINE).str.strip_chars_end(separator).str.count_matches(separator, literal=True) + 1
    ragged = (pl.col("fields") < width) | ((pl.col("fields") > width) & (filled > width))
    problem = (
        pl.when(~pl.col("proper"))
        .then(pl.lit('has a quote (") that does not open or close a field'))
        .when(ragged)
        .then(pl.format(f"has {{}} fields where the header has {width}", "fields"))
    )
    return lines.with_row_index(ROW, 1).select(pl.col(ROW).cast(pl.Int64), _LINE, problem.alias(_PROBLEM))


def _anatomy(separator: str, *, quotes: bool) -> list[pl.Expr]:
    """`fields`: how many; `proper`: each is quoted as it should be or has no quotes; `quoted`: one starts so."""
    line, sep = pl.col(_LINE), f"\\x{ord(separator):02x}"
    if not quotes:
        fields = line.str.count_matches(separator, literal=True) + 1
        return [fields.alias("fields"), pl.lit(True).alias("proper"), pl.lit(False).alias("quoted")]
    field = f'(?:{_QUOTED}|[^"{sep}]*)'
    bare = line.str.replace_all(f"(^|{sep}){_QUOTED}", "${1}")
    return [
        (bare.str.count_matches(separator, literal=True) + 1).alias("fields"),
        line.str.contains(f"^{field}(?:{sep}{field})*$").alias("proper"),
        line.str.contains(f'(?:^|{sep})"').alias("quoted"),
    ]


def _well_formed(records: pl.DataFrame, width: int) -> bool:
    fits = (pl.col("fields") == width) | (pl.col(_LINE).str.strip_chars() == "")
    return bool(records.select((pl.col("proper") & fits).all()).item())


def _by_quotes(lines: pl.DataFrame, width: int, separator: str) -> pl.DataFrame:
    """Lines put together where a quote is open. If that does not come out even, a stray quote spoils no good line."""
    strict = _joined(lines, whole=pl.lit(False)).with_columns(_anatomy(separator, quotes=True))
    if _well_formed(strict, width):
        return strict
    sep = f"\\x{ord(separator):02x}"
    inner = ~pl.col("quoted") & ~pl.col(_LINE).str.contains(f'"(?:{sep}|$)')
    joined = _joined(lines, whole=(pl.col("proper") | inner) & (pl.col("fields") == width))
    requoted = _requoted(joined.with_columns(_anatomy(separator, quotes=True)), width, separator)
    return requoted.with_columns(_anatomy(separator, quotes=True))


def _joined(lines: pl.DataFrame, *, whole: pl.Expr) -> pl.DataFrame:
    """Whole lines stay by themselves; in each stretch of others those within open quotes are joined."""
    quotes = pl.col(_LINE).str.count_matches('"', literal=True)
    lines = lines.with_columns(whole.alias("whole"), quotes.alias("quotes"))
    lines = lines.with_columns(pl.col("whole").rle_id().alias("stretch"))
    opened = pl.col("quotes").cum_sum().shift(1, fill_value=0).over("stretch") % 2 == 1
    starts = (pl.col("whole") | ~pl.col("opened")).cum_sum().alias("record")
    joined = lines.with_columns(opened.alias("opened")).group_by(starts, maintain_order=True)
    return joined.agg(pl.col(_LINE).str.join("\n")).select(_LINE)


def _requoted(records: pl.DataFrame, width: int, separator: str) -> pl.DataFrame:
    """Quotes inside fields that do not start with one (12" loaf) in the way that every reader understands."""
    line = pl.col(_LINE)
    inside = line.str.contains('"', literal=True) & ~line.str.contains("\n", literal=True) & ~pl.col("quoted")
    doubled = line.str.replace_all('"', '""', literal=True)
    quoted = pl.format('"{}"', doubled.str.replace_all(separator, f'"{separator}"', literal=True))
    return records.select(pl.when(inside & (pl.col("fields") == width)).then(quoted).otherwise(line).alias(_LINE))


def _fields(body: bytes, width: int, separator: str) -> pl.DataFrame:
    schema = {str(number): pl.String() for number in range(width)}
    if not body:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(
        body,
        has_header=False,
        schema=schema,
        separator=separator,
        missing_columns="insert",
        extra_columns="ignore",
        truncate_ragged_lines=True,
    )
