"""One file of a table, CSV or Parquet, to an extract: its columns found by name, its rows parsed, its faults told."""

import difflib
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lib.contracts import KNOWN_FROM, Table
from lib.errors import SourceError
from lib.ingest.delimited import CUT, decoded, read_delimited, refused_lines
from lib.ingest.mapping import MAPPING_FILE, Layout
from lib.ingest.parsing import parse
from lib.ingest.source import FILE, ROW, Extract, Note, refuse

_INDEX = "number of the row in the file"
_SEPARATORS = {";": ";", "\t": "\\t", "|": "|", ",": ","}


def from_csv(data: bytes, *, file: str, table: Table, layout: Layout, keep: pl.Expr | None) -> Extract:
    """Rows that `keep` wants of a CSV file; SourceError if the file cannot be used at all."""
    text, misread = decoded(data, file=file, encoding=layout.encoding)
    read = read_delimited(text, file=file, separator=layout.separator)
    _check_separator(read.header, layout.separator, file)
    chosen = _choose(read.header, file, table, layout)
    values = [pl.col(str(read.header.index(foreign))).alias(name) for name, foreign in chosen.columns.items()]
    raw = read.rows.select(pl.lit(file).alias(FILE), pl.col(ROW), *values)
    raw = _without_blanks(raw, list(chosen.columns))
    broken = refused_lines(read, table=table, file=file)
    notes = [*misread, *chosen.notes, *_emptiness(file, empty=raw.is_empty() and broken.is_empty())]
    raw = raw.with_columns(pl.lit(value).alias(name) for name, value in layout.constants.items())
    rows, refused = parse(raw, table, layout.form, keep=keep)
    if read.unfinished is not None:
        refused, note = _ending(raw, refused, broken, read.unfinished, table)
        notes.append(note)
    return Extract(table, rows, pl.concat([broken, refused]), tuple(notes))


def from_parquet(data: Path | io.BytesIO, *, file: str, table: Table, layout: Layout, keep: pl.Expr | None) -> Extract:
    """Rows that `keep` wants of a Parquet file, read lazily; SourceError if the file cannot be used at all."""
    try:
        frame = pl.scan_parquet(data, row_index_name=_INDEX, row_index_offset=1, glob=False)
        chosen = _choose(tuple(frame.drop(_INDEX).collect_schema()), file, table, layout)
        values = [pl.col(foreign).alias(name) for name, foreign in chosen.columns.items()]
        named = frame.select(pl.lit(file).alias(FILE), pl.col(_INDEX).cast(pl.Int64).alias(ROW), *values)
        raw = named.filter(_as_far_as_typed(keep, named.collect_schema())).collect()
        empty = raw.is_empty() and frame.select(pl.len()).collect().item() == 0
    except (pl.exceptions.PolarsError, OSError) as error:
        said = str(error).strip().splitlines()[0]
        message = f"{file} cannot be read as Parquet ({said}): it is cut or damaged; copy it again"
        raise SourceError(message) from error
    raw = raw.with_columns(pl.lit(value).alias(name) for name, value in layout.constants.items())
    try:
        rows, refused = parse(raw, table, layout.form, keep=keep)
    except pl.exceptions.PolarsError as error:
        types = ", ".join(f"{name}: {raw.schema[name]}" for name in chosen.columns)
        message = f"{file} has columns of types that do not fit table {table.name} ({types})"
        raise SourceError(message) from error
    return Extract(table, rows, refused, (*chosen.notes, *_emptiness(file, empty=empty)))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The file's column for each contract column that it has."""

    columns: dict[str, str]
    notes: tuple[Note, ...]


def _choose(header: Sequence[str], file: str, table: Table, layout: Layout) -> _Chosen:
    given = [name for name in (*table.names, KNOWN_FROM) if name not in layout.constants]
    wanted = {name: layout.columns.get(name, name) for name in given}
    columns = {name: foreign for name, foreign in wanted.items() if foreign in header}
    missing = [name for name in table.required if name in wanted and name not in columns]
    gone = [name for name in missing if name in layout.columns]
    if gone:
        named = ", ".join(f'"{layout.columns[name]}" ({MAPPING_FILE} names it for {name})' for name in gone)
        shown = ", ".join(header)
        message = f"{file} has no column {named}, which table {table.name} needs; its columns: {shown}. Mend the file"
        raise SourceError(message)
    if missing or not columns:
        raise SourceError(_missing(missing or table.required, columns, header, file, table))
    counts = Counter(header)
    for name, foreign in columns.items():
        if counts[foreign] > 1:
            message = f'{file} has {counts[foreign]} columns called "{foreign}", so {name} is not clear; rename one'
            raise SourceError(message)
    return _Chosen(columns, tuple(_about_columns(header, columns, file, table, layout)))


def _about_columns(
    header: Sequence[str], columns: dict[str, str], file: str, table: Table, layout: Layout
) -> Iterator[Note]:
    for name, foreign in layout.columns.items():
        if name not in columns:
            message = f'{file} has no column "{foreign}", which {MAPPING_FILE} names for {name} of {table.name}'
            yield Note("column_absent", "warning", f"{message}; {name} is taken as not known")
    ignored = [name for name in header if name and name not in columns.values()]
    if ignored:
        message = f"{file}: not used for {table.name}: {', '.join(ignored)}"
        yield Note("columns_ignored", "info", f"{message}; map them by `columns` in {MAPPING_FILE} if they matter")


def _missing(missing: Sequence[str], columns: dict[str, str], header: Sequence[str], file: str, table: Table) -> str:
    free = [name for name in header if name and name not in columns.values()]
    mapped = {name: foreign for name, foreign in columns.items() if name != foreign}
    line = ", ".join(f"{name} = {_quoted(foreign)}" for name, foreign in (*mapped.items(), *_guesses(missing, free)))
    single = '\nor, where there is one store only: constants = { store = "1" }' if "store" in missing else ""
    which = "which column it is" if len(missing) == 1 else "which columns they are"
    return (
        f"{file} has no {', no '.join(missing)}, which table {table.name} needs. Its columns: {', '.join(header)}. "
        f"Say in {MAPPING_FILE} {which}:\n[{table.name}]\ncolumns = {{ {line} }}{single}"
    )


def _guesses(missing: Sequence[str], free: Sequence[str]) -> Iterator[tuple[str, str]]:
    """A column of the file for each missing one: the most similar, or for a single missing one the only one left."""
    folded = {name.casefold(): name for name in free}
    for name in missing:
        close = difflib.get_close_matches(name, folded, n=1) or (
            list(folded) if len(folded) == len(missing) == 1 else []
        )
        yield name, folded[close[0]] if close else "..."


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _check_separator(header: Sequence[str], separator: str, file: str) -> None:
    others = [written for other, written in _SEPARATORS.items() if other in header[0] and other != separator]
    if len(header) == 1 and others:
        message = f'{file} has a single column "{header[0]}"; set separator = "{others[0]}" in {MAPPING_FILE}'
        raise SourceError(message)


def _without_blanks(raw: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Without the blank lines and the empty rows that spreadsheets write."""
    first, *others = (pl.col(name).str.strip_chars().fill_null("") == "" for name in columns)
    if not raw.select(first.any()).item():
        return raw
    return raw.filter(~pl.all_horizontal(first, *others))


def _emptiness(file: str, *, empty: bool) -> Iterator[Note]:
    if empty:
        yield Note("no_rows", "warning", f"{file} has a header but no rows")


def _ending(
    raw: pl.DataFrame, refused: pl.DataFrame, broken: pl.DataFrame, last: int, table: Table
) -> tuple[pl.DataFrame, Note]:
    """What a missing line end at the end of a file means: nothing, if the last row is whole."""
    file = str(raw[FILE].first() or broken[FILE].first())
    if last not in broken[ROW] and last not in refused[ROW]:
        return refused, Note("no_final_line_end", "info", f"{file} has no line end after its last row, which is whole")
    message = f"{file} ends in the middle of row {last}: it is cut, and later rows may be missing; copy it again"
    cut = raw.filter((pl.col(ROW) == last) & (last not in broken[ROW]))
    content = [name for name in raw.columns if name not in (FILE, ROW)]
    instead = refuse(cut, table=table, fault=CUT, content=content)
    return pl.concat([refused.filter(pl.col(ROW) != last), instead]), Note("file_is_cut", "warning", message)


def _as_far_as_typed(keep: pl.Expr | None, schema: pl.Schema) -> pl.Expr:
    """`keep` before parsing, where its columns are dates already; rows without a date are left to the parser."""
    if keep is None or any(schema.get(name) != pl.Date() for name in keep.meta.root_names()):
        return pl.lit(True)
    return keep | keep.is_null()
