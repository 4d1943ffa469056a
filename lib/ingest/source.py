"""What a source hands over: rows in the contract's form, refused rows with their reason, and notes for a person."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

import polars as pl

from lib.contracts import TABLES, Table

FILE, ROW = "file", "row"
"""Where a row came from; rows are counted from 1, the first below the header."""

REFUSED = pl.Schema({name: dtype for name, dtype in TABLES["quarantine"].schema.items() if name != "as_of"})
"""The quarantine's columns before it is known which night refused the row."""

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Note:
    """What a person should know about a file, and how to mend it."""

    code: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Why rows are refused: the rule they broke, and in words, following "FILE row N: ", what is wrong and the mend."""

    rule: str
    severity: Severity
    reason: pl.Expr


@dataclass(frozen=True, slots=True)
class Extract:
    """One table as read.

    `rows` has the table's business columns, `file` and `row`, and `known_from` if the source gives it. `refused` has
    the REFUSED schema, one row per fault; a row with a fault is not in `rows`.
    """

    table: Table
    rows: pl.DataFrame
    refused: pl.DataFrame
    notes: tuple[Note, ...] = ()


class Source(Protocol):
    """Where input tables come from."""

    def tables(self) -> tuple[str, ...]:
        """Names of the input tables that the source has, reference tables first."""
        ...

    def read(self, table: Table, *, since: date | None, until: date, today: date) -> Extract:
        """Rows of the table; SourceError when it cannot be used at all.

        Tables known ahead are read whole. Of the others: rows dated from `since` on, as far as they are known at the
        end of `until` (a forecast counts by the day it was issued). What lies after `until` and not after `today` is
        left out, since it is not known yet; what lies after `today` is handed over for the rules to refuse.
        """
        ...


def refuse(rows: pl.DataFrame, *, table: Table, fault: Fault, content: list[str]) -> pl.DataFrame:
    """The REFUSED records of `rows`; `content` names the columns to keep as JSON."""
    return rows.select(
        pl.lit(table.name).alias("table"),
        pl.col(FILE),
        pl.col(ROW).cast(pl.Int64),
        pl.lit(fault.rule).alias("rule"),
        pl.lit(fault.severity).alias("severity"),
        pl.format("{} row {}: {}", FILE, ROW, fault.reason).alias("reason"),
        pl.struct(content).struct.json_encode().alias("content"),
    ).cast(REFUSED)


def window(table: Table, *, since: date | None, until: date, today: date) -> pl.Expr | None:
    """Which rows a read hands over, as :meth:`Source.read` says it; None: all."""
    if table.dated_by is None or table.known == "ahead":
        return None
    known = ~coming(table, after=until) | coming(table, after=today)
    return known if since is None else known & (pl.col(table.dated_by) >= since)


def coming(table: Table, *, after: date) -> pl.Expr:
    """Rows that speak of a day after `after`: by the day of issue if there is one, else by their date."""
    moment = pl.coalesce("issued", "date") if table.known == "as issued" else pl.col(table.dated_by or "date")
    return moment > after
