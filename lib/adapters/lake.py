"""The lake: Delta tables under one root, read as of a day, appended to or replaced by date, with receipts."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from lib.contracts import KNOWN_FROM, KNOWN_UNTIL, Table
from lib.errors import LakeError

MONTH = "month"
"""Partition column of dated tables, derived from their date column: 2019-04."""


TRANSIENT = (CommitFailedError, ConnectionError, TimeoutError)
"""Errors after which the same write may well succeed: another writer was first, or the store did not answer."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a write left behind: enough to find it again, and to prove that it is the same."""

    table: str
    version: int
    rows: int
    content: str
    """SHA-256 of the written rows in key order, as CSV."""


@dataclass(frozen=True, slots=True)
class Lake:
    """All tables under `root`, a folder or an object store's URL; `options` are the object store's."""

    root: str
    options: Mapping[str, str] = field(default_factory=dict)

    def version(self, table: Table) -> int:
        """Newest version of the table; -1 while it has never been written."""
        delta = self._open(table)
        return -1 if delta is None else delta.version()

    def scan(self, table: Table, *, as_of: date | None = None, version: int | None = None) -> pl.LazyFrame:
        """Rows of the table, lazily; none while it has never been written.

        With `as_of` only what was known when that day ended, without the columns that say so; with `version` as the
        table stood then (-1: before its first write): LakeError if the lake no longer has that version. Columns that an
        earlier release did not write are null.
        """
        delta = self._open(table, version=version)
        if delta is None:
            frame = table.empty().lazy()
        else:
            stored = pl.scan_delta(delta, storage_options=dict(self.options) or None)
            there = set(stored.collect_schema())
            frame = stored.select(
                pl.col(name).cast(dtype) if name in there else pl.lit(None, dtype).alias(name)
                for name, dtype in table.schema.items()
            )
        if as_of is None or table.known is None:
            return frame
        return frame.filter(true_as_of(as_of)).drop(KNOWN_FROM, KNOWN_UNTIL)

    def append(self, table: Table, frame: pl.DataFrame, *, base: int | None = None) -> Receipt:
        """Add rows in one commit. `base` as in :meth:`replace`."""
        return self._write(table, frame, mode="append", base=base)

    def replace(
        self,
        table: Table,
        frame: pl.DataFrame,
        *,
        where: Mapping[str, Sequence[Any]] | None = None,
        base: int | None = None,
    ) -> Receipt:
        """Put `frame` in the place of the rows whose columns hold one of the values in `where` (all rows without it).

        One commit; repeated, it ends in the same table. LakeError if a row of `frame` lies outside `where`. `base` is
        the version that `frame` was worked out from: if another writer came in between, a TRANSIENT error, and reading
        and writing are to be done again.
        """
        for name, values in (where or {}).items():
            outside = frame.filter(~pl.col(name).is_in(list(values)))
            if outside.height:
                message = f"table {table.name}: {outside.height} rows lie outside the replaced {name} values"
                raise LakeError(message)
        return self._write(table, frame, mode="overwrite", predicate=_predicate(table, where or {}), base=base)

    def _write(
        self, table: Table, frame: pl.DataFrame, *, mode: str, predicate: str | None = None, base: int | None
    ) -> Receipt:
        rows = _in_form(table, frame)
        content = content_hash(rows)
        if mode == "append" and rows.is_empty():
            return Receipt(table.name, self.version(table), 0, content)
        delta = self._open(table, version=base) or self._created(table)
        stored = _stored(table, rows)
        grown = set(stored.schema.names) - {each.name for each in delta.schema().fields}
        options: dict[str, Any] = {
            "mode": mode,
            "predicate": predicate,
            "schema_mode": "merge" if grown else None,
            "commit_properties": CommitProperties(
                custom_metadata={"rows": str(rows.height), "content": content},
                max_commit_retries=None if base is None else 0,
            ),
        }
        write_deltalake(delta, stored, **options)
        return Receipt(table.name, delta.version(), rows.height, content)

    def _created(self, table: Table) -> DeltaTable:
        """The table's empty first version: writers that both find no table meet in it, and are fenced from there on."""
        DeltaTable.create(
            self._uri(table),
            _stored(table, table.empty()).schema,
            mode="ignore",
            partition_by=[MONTH] if table.dated_by else None,
            storage_options=dict(self.options) or None,
            commit_properties=CommitProperties(max_commit_retries=0),
        )
        return DeltaTable(self._uri(table), version=0, storage_options=dict(self.options) or None)

    def _open(self, table: Table, *, version: int | None = None) -> DeltaTable | None:
        if version is not None and version < 0:
            return None
        uri = self._uri(table)
        try:
            return DeltaTable(uri, version=version, storage_options=dict(self.options) or None)
        except TableNotFoundError as error:
            if version is None:
                return None
            raise _lost(table, version) from error
        except DeltaError as error:
            if version is None:
                raise
            raise _lost(table, version) from error

    def _uri(self, table: Table) -> str:
        return f"{self.root}/{table.name}" if "://" in self.root else str(Path(self.root).resolve() / table.name)


def true_as_of(day: date) -> pl.Expr:
    """The one filter behind every as-of read."""
    return (pl.col(KNOWN_FROM) <= day) & (pl.col(KNOWN_UNTIL).is_null() | (pl.col(KNOWN_UNTIL) > day))


def content_hash(frame: pl.DataFrame) -> str:
    """SHA-256 of a frame as CSV: equal for equal rows in equal order, whatever their layout in memory."""
    return hashlib.sha256(frame.write_csv(float_precision=None).encode()).hexdigest()


def _lost(table: Table, version: int) -> LakeError:
    message = f"the lake no longer has version {version} of table {table.name}: cleaned up, or begun anew"
    return LakeError(message)


def _in_form(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The contract's columns, dtypes and order of rows; LakeError names a missing column."""
    missing = [name for name in table.schema if name not in frame.columns]
    if missing:
        message = f"table {table.name}: the frame to write lacks {', '.join(missing)}"
        raise LakeError(message)
    rows = frame.select(pl.col(name).cast(dtype) for name, dtype in table.schema.items())
    order = [*table.key, *(name for name in (KNOWN_FROM,) if table.known)]
    return rows.sort(order, nulls_last=False, maintain_order=True)


def _stored(table: Table, rows: pl.DataFrame) -> pa.Table:
    if table.dated_by:
        rows = rows.with_columns(pl.col(table.dated_by).dt.strftime("%Y-%m").alias(MONTH))
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())


def _predicate(table: Table, where: Mapping[str, Sequence[Any]]) -> str | None:
    conditions = [f'"{name}" in ({", ".join(map(_literal, values))})' for name, values in where.items()]
    if table.dated_by is not None and table.dated_by in where:
        months = sorted({f"{day:%Y-%m}" for day in where[table.dated_by]})
        conditions.insert(0, f'"{MONTH}" in ({", ".join(map(_literal, months))})')
    return " and ".join(conditions) or None


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
