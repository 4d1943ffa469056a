"""Rows of every input table: a test states only the columns it is about, lists for several rows."""

from collections.abc import Sequence
from datetime import date
from typing import TypeGuard

import polars as pl

from lib.contracts import INPUTS, Table
from lib.ingest.source import FILE, REFUSED, ROW, Extract

DAY = date(2019, 4, 16)
"""A Tuesday without any feast."""

_USUAL: dict[str, dict[str, object]] = {
    "sales": {"date": DAY, "store": "17", "product": "101", "quantity": 10.0},
    "stores": {"store": "17", "name": "Marktplatz", "country": "DE", "region": "BW", "zone": "1"},
    "products": {"product": "101", "name": "Roll", "family": "rolls"},
    "assortment": {"store": "17", "product": "101", "starts": DAY},
    "prices": {"store": "17", "product": "101", "starts": DAY, "price": 0.45},
    "promotions": {"product": "101", "starts": DAY, "ends": DAY, "discount": 0.2, "mechanism": "price cut"},
    "weather": {"date": DAY, "store": "17", "temperature": 12.5, "precipitation": 0.0},
    "events": {"date": DAY, "name": "market day", "kind": "local"},
}


def rows_of(table: Table, **columns: object) -> pl.DataFrame:
    """Business rows of the table; what is not given is as usual, or null."""
    given = {**_USUAL[table.name], **columns}
    height = max((len(value) for value in given.values() if _several(value)), default=1)
    filled = {name: value if _several(value) else [value] * height for name, value in given.items()}
    return pl.DataFrame({name: filled.get(name, [None] * height) for name in table.names}, schema=table.business_schema)


def sales_rows(**columns: object) -> pl.DataFrame:
    """Rows of `sales`."""
    return rows_of(INPUTS["sales"], **columns)


def stores_rows(**columns: object) -> pl.DataFrame:
    """Rows of `stores`."""
    return rows_of(INPUTS["stores"], **columns)


def products_rows(**columns: object) -> pl.DataFrame:
    """Rows of `products`."""
    return rows_of(INPUTS["products"], **columns)


def promotions_rows(**columns: object) -> pl.DataFrame:
    """Rows of `promotions`."""
    return rows_of(INPUTS["promotions"], **columns)


def weather_rows(**columns: object) -> pl.DataFrame:
    """Rows of `weather`."""
    return rows_of(INPUTS["weather"], **columns)


def extract_of(table: Table, rows: pl.DataFrame) -> Extract:
    """The rows as if read from a file called like the table, one below the other."""
    placed = rows.with_columns(pl.lit(f"{table.name}.csv").alias(FILE), pl.int_range(1, pl.len() + 1).alias(ROW))
    return Extract(table, placed, REFUSED.to_frame())


def _several(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str)
