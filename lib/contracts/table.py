"""The form of a table contract: columns with dtype, unit, null rule and limits; key; how it becomes known."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

Known = Literal["after the day", "ahead", "as issued"]
"""When a row of an input is true knowledge: once its day is over, from its first delivery on, or from its issue on."""

KNOWN_FROM, KNOWN_UNTIL = "known_from", "known_until"
VERSIONING = {KNOWN_FROM: pl.Date(), KNOWN_UNTIL: pl.Date()}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `null` says what an empty value means; without it the column must be filled.

    `required` columns must be present in a source; `minimum` and `maximum` are inclusive.
    """

    name: str
    dtype: pl.DataType
    meaning: str
    unit: str = ""
    required: bool = False
    null: str | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the lake. `dated_by` names the date column that its writes replace by; None: replaced whole."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    dated_by: str | None = None
    known: Known | None = None

    @property
    def names(self) -> list[str]:
        """Names of the business columns, in order."""
        return [column.name for column in self.columns]

    @property
    def values(self) -> list[str]:
        """Business columns outside the key."""
        return [name for name in self.names if name not in self.key]

    @property
    def required(self) -> list[str]:
        """Columns without which a source is refused."""
        return [column.name for column in self.columns if column.required]

    @property
    def business_schema(self) -> pl.Schema:
        """Name to dtype of the business columns."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    @property
    def schema(self) -> pl.Schema:
        """Name to dtype as stored: inputs carry `known_from` and `known_until` besides."""
        return pl.Schema({**self.business_schema, **(VERSIONING if self.known else {})})

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        message = f"table {self.name} has no column {name}"
        raise KeyError(message)

    def empty(self) -> pl.DataFrame:
        """No rows, in the stored form."""
        return pl.DataFrame(schema=self.schema)
