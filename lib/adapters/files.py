"""Files in a folder or under an fsspec URL: CSV or Parquet, one or several per input table, named by source.toml."""

import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import fsspec
import polars as pl

from lib.contracts import INPUTS, Table
from lib.errors import SourceError
from lib.ingest.delimited import decoded
from lib.ingest.intake import from_csv, from_parquet
from lib.ingest.mapping import MAPPING_FILE, Layout, layouts
from lib.ingest.source import Extract, Note, window

_SUFFIXES = (".parquet", ".csv", ".csv.gz")


@dataclass(frozen=True, slots=True)
class Files:
    """A source over `folder`, a local folder or fsspec URL; `options` are the file system's."""

    folder: str
    options: Mapping[str, str] = field(default_factory=dict)

    def tables(self) -> tuple[str, ...]:
        """Names of the input tables that have a file or are named in source.toml, reference tables first."""
        place = _Place.of(self)
        described = place.layouts()
        return tuple(name for name in INPUTS if described[name].file or _own_files(place, name))

    def read(self, table: Table, *, since: date | None, until: date, today: date) -> Extract:
        """See :meth:`lib.ingest.source.Source.read`.

        Of several files one that cannot be used is left out with a note `file_left_out`; if all are, SourceError.
        """
        place = _Place.of(self)
        layout = place.layouts()[table.name]
        keep = window(table, since=since, until=until, today=today)
        parts: list[Extract] = []
        left_out: list[SourceError] = []
        for file in _files(place, table, layout):
            try:
                parts.append(_extract(place, file, table, layout, keep))
            except SourceError as error:
                left_out.append(error)
        if not parts:
            raise left_out[0]
        return _together(table, parts, left_out)


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder of a file system."""

    system: Any
    root: str
    shown: str

    @classmethod
    def of(cls, source: Files) -> "_Place":
        try:
            system, root = fsspec.core.url_to_fs(source.folder, **source.options)
        except (ImportError, ValueError) as error:
            message = f"{source.folder} is neither a folder nor a URL that fsspec can open: {error}"
            raise SourceError(message) from error
        # A listing may be cached from an earlier night.
        system.invalidate_cache()
        place = cls(system, root.rstrip("/"), source.folder)
        if not system.isdir(place.root):
            message = f"there is no folder {source.folder}; the setting `source` names the folder of the input files"
            raise SourceError(message)
        return place

    @property
    def local(self) -> bool:
        return "file" in self.system.protocol

    def glob(self, pattern: str) -> list[str]:
        """Names of the matching files, below the folder, in order."""
        found = self.system.glob(f"{self.root}/{pattern}")
        return sorted(name.removeprefix(self.root).lstrip("/") for name in found if not self.system.isdir(name))

    def path(self, file: str) -> str:
        return f"{self.root}/{file}"

    def bytes(self, file: str) -> bytes:
        """Content of the file, unpacked if its name ends in .gz."""
        data: bytes = self.system.cat_file(self.path(file))
        if not file.endswith(".gz"):
            return data
        try:
            return gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            message = f"{file} cannot be unpacked ({error}): it is cut or damaged; copy it again"
            raise SourceError(message) from error

    def layouts(self) -> dict[str, Layout]:
        if not self.system.isfile(self.path(MAPPING_FILE)):
            return layouts("")
        text, _ = decoded(self.bytes(MAPPING_FILE), file=MAPPING_FILE, encoding="utf-8")
        return layouts(text.decode())


def _own_files(place: _Place, name: str) -> list[str]:
    return [f"{name}{suffix}" for suffix in _SUFFIXES if place.system.isfile(place.path(f"{name}{suffix}"))]


def _files(place: _Place, table: Table, layout: Layout) -> list[str]:
    entry = f'[{table.name}]\nfile = "..."'
    if layout.file:
        found = place.glob(layout.file)
        if not found:
            message = f'{place.shown} has no file "{layout.file}", which {MAPPING_FILE} names for {table.name}'
            raise SourceError(message)
        return found
    found = _own_files(place, table.name)
    if len(found) > 1:
        message = f"{place.shown} has {' and '.join(found)}; say in {MAPPING_FILE} which one is meant:\n{entry}"
        raise SourceError(message)
    if not found:
        names = " or ".join(f"{table.name}{suffix}" for suffix in _SUFFIXES)
        message = f"{place.shown} has no {names}; add one, or name the file in {MAPPING_FILE}:\n{entry}"
        raise SourceError(message)
    return found


def _together(table: Table, parts: Sequence[Extract], left_out: Sequence[SourceError]) -> Extract:
    rows = pl.concat([part.rows for part in parts], how="diagonal")
    refused = pl.concat([part.refused for part in parts])
    notes = list(dict.fromkeys(note for part in parts for note in part.notes))
    notes += [Note("file_left_out", "warning", f"left out: {error}") for error in left_out]
    if rows.is_empty() and refused.height:
        message = f"{table.name}: every row was refused, the first because: {refused['reason'][0]}"
        notes.append(Note("no_usable_row", "critical", message))
    return Extract(table, rows, refused, tuple(notes))


def _extract(place: _Place, file: str, table: Table, layout: Layout, keep: pl.Expr | None) -> Extract:
    if not file.endswith(".parquet"):
        return from_csv(place.bytes(file), file=file, table=table, layout=layout, keep=keep)
    if place.local:
        return from_parquet(Path(place.path(file)), file=file, table=table, layout=layout, keep=keep)
    return from_parquet(io.BytesIO(place.bytes(file)), file=file, table=table, layout=layout, keep=keep)
