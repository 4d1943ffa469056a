"""Where two tables that should be equal first differ."""

from collections.abc import Sequence

import polars as pl


def first(table: str, recorded: pl.DataFrame, remade: pl.DataFrame, *, key: Sequence[str]) -> str | None:
    """The first diverging table, column and row in words; None if both are equal bit for bit.

    `key` names the columns that tell rows apart; the order of rows does not matter.
    """
    for column in recorded.columns:
        if column not in remade.columns or remade.schema[column] != recorded.schema[column]:
            return f"table {table}: column {column} was {recorded.schema[column]}, now {remade.schema.get(column)}"
    was, now = (frame.select(recorded.columns).sort(key, nulls_last=False) for frame in (recorded, remade))
    for one, other, said in ((was, now, "is gone"), (now, was, "is new")):
        alone = one.join(other, on=list(key), how="anti", nulls_equal=True)
        if alone.height:
            return f"table {table}: row {_row(alone, key, 0)} {said}, the first of {alone.height}"
    if was.height != now.height:
        return f"table {table}: had {was.height} rows, now {now.height}"
    return next((text for name in was.columns if (text := _in_column(table, name, was, now, key)) is not None), None)


def _in_column(table: str, name: str, was: pl.DataFrame, now: pl.DataFrame, key: Sequence[str]) -> str | None:
    differs = was[name].ne_missing(now[name])
    if not differs.any():
        return None
    place = int(differs.arg_max() or 0)
    values = f"was {was[name][place]!r}, now {now[name][place]!r}"
    return f"table {table}: column {name} differs in {differs.sum()} rows, first at {_row(was, key, place)}: {values}"


def _row(frame: pl.DataFrame, key: Sequence[str], place: int) -> str:
    return ", ".join(f"{name} {frame[name][place]}" for name in key)
