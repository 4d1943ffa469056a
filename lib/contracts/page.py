"""The data-contract page, written from the contracts: `python -m lib.contracts.page` renews docs/data-contract.md."""

from pathlib import Path

import polars as pl

from lib.contracts import INPUTS, OUTPUTS, ZERO_KINDS, Column, Table

PAGE = Path("docs/data-contract.md")
_TYPES = {
    pl.String: "text",
    pl.Date: "day",
    pl.Float64: "number",
    pl.Int32: "whole number",
    pl.Int64: "whole number",
    pl.Boolean: "yes or no",
    pl.Datetime: "moment",
}
_KNOWN = {
    "after the day": "A row is known once its day is over; a late or corrected one from the night that brought it.",
    "ahead": "The table arrives whole each night. What the first sync brings counts as always known, later news from "
    "the night that brought it.",
    "as issued": "A forecast is known from the day it was issued, an observation once its day is over.",
}
_HEAD = """# Data contract

Written from `lib/contracts` by `python -m lib.contracts.page`; a test fails when it is stale.

A column in bold must be given. Every input row carries `known_from` and `known_until` (empty: still true). A read as
of day D takes the rows with `known_from <= D` and `known_until` empty or after D. A source may give
`known_from` itself.
"""


def render() -> str:
    """The whole page as Markdown."""
    zeros = "\n".join(f"- **{kind}**: {meaning}" for kind, meaning in ZERO_KINDS.items())
    parts = [
        _HEAD,
        "## Four kinds of zero\n",
        f"{zeros}\n",
        "## Inputs\n",
        *(_section(table) for table in INPUTS.values()),
        "## Outputs\n",
        *(_section(table) for table in OUTPUTS.values()),
    ]
    return "\n".join(parts)


def _section(table: Table) -> str:
    key = ", ".join(f"`{name}`" for name in table.key)
    written = f"Replaced by `{table.dated_by}`." if table.dated_by else ""
    known = _KNOWN[table.known] if table.known else written
    rows = "\n".join(_row(column) for column in table.columns)
    head = "| column | type | unit | empty | limits | meaning |\n| --- | --- | --- | --- | --- | --- |"
    return f"### {table.name}\n\n{table.meaning} {known}".rstrip() + f"\n\nKey: {key}.\n\n{head}\n{rows}\n"


def _row(column: Column) -> str:
    name = f"**`{column.name}`**" if column.required else f"`{column.name}`"
    empty = f"yes: {column.null}" if column.null else "never"
    cells = (name, _TYPES[column.dtype.base_type()], column.unit, empty, _limits(column), column.meaning)
    return f"| {' | '.join(cells)} |"


def _limits(column: Column) -> str:
    if column.minimum is None and column.maximum is None:
        return ""
    if column.maximum is None:
        return f">= {column.minimum:g}"
    return f"{column.minimum:g} .. {column.maximum:g}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
