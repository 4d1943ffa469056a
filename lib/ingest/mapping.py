"""source.toml: how a foreign data set's files, columns and values map to the contract."""

import codecs
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lib.contracts import INPUTS, KNOWN_FROM, Table
from lib.errors import SourceError
from lib.ingest.parsing import Form

MAPPING_FILE = "source.toml"

Constant = bool | int | float | datetime | date | str


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        message = f"{name!r} is not an encoding such as utf-8, cp1252 or utf-16"
        raise ValueError(message) from error


class _Writing(BaseModel):
    """How values are written; above the tables of source.toml for all of them, inside one for that one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    date_format: str | None = Field(None, min_length=2)
    time_format: str | None = Field(None, min_length=2)
    decimal: Literal[".", ","] | None = None
    thousands: Literal["", ",", ".", " ", "'"] | None = None
    separator: Annotated[str, Field(pattern=r"^[\x01-\x7e]$")] | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    null_values: list[str] | None = None


class _Entry(_Writing):
    """One table of source.toml."""

    file: str | None = Field(None, min_length=1)
    columns: dict[str, str] = Field({})
    constants: dict[str, Constant] = Field({})
    units: dict[str, float] = Field({})


_Model = TypeVar("_Model", bound=_Writing)


@dataclass(frozen=True, slots=True)
class Layout:
    """How one table's files are to be read. `file` is a name or glob pattern; None: the table's own name."""

    file: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    separator: str = ","
    encoding: str = "utf-8"
    form: Form = field(default_factory=Form)


def layouts(text: str) -> dict[str, Layout]:
    """Layout of every input table from the text of source.toml; SourceError names what is unknown or does not fit."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{MAPPING_FILE} is not valid TOML: {error}"
        raise SourceError(message) from error
    shared = {name: value for name, value in content.items() if not isinstance(value, dict)}
    entries = {name: value for name, value in content.items() if isinstance(value, dict)}
    for name in entries:
        _refuse_unknown(name, INPUTS, f"[{name}] is not an input table")
    writing = _validated(_Writing, shared, "at the top")
    return {name: _layout(table, entries.get(name, {}), writing) for name, table in INPUTS.items()}


def _layout(table: Table, content: dict[str, Any], shared: _Writing) -> Layout:
    entry = _validated(_Entry, content, f"[{table.name}]")
    _check_names(table, entry)
    chosen = {**shared.model_dump(exclude_none=True), **entry.model_dump(exclude_none=True)}
    form = Form(
        **{name: chosen[name] for name in ("date_format", "time_format", "decimal", "thousands") if name in chosen},
        null_values=tuple(chosen.get("null_values", ())),
        units=entry.units,
    )
    if form.decimal == form.thousands:
        message = f"{MAPPING_FILE}, [{table.name}]: decimal and thousands are both {form.decimal!r}"
        raise SourceError(message)
    reading = {name: chosen[name] for name in ("separator", "encoding") if name in chosen}
    return Layout(file=entry.file, columns=entry.columns, constants=entry.constants, form=form, **reading)


def _check_names(table: Table, entry: _Entry) -> None:
    where = f"[{table.name}]"
    numbers = [column.name for column in table.columns if column.dtype.is_float()]
    for key, names, allowed in (
        ("columns", entry.columns, [*table.names, KNOWN_FROM]),
        ("constants", entry.constants, [*table.names, KNOWN_FROM]),
        ("units", entry.units, numbers),
    ):
        for name in names:
            what = "is not a number of the contract" if key == "units" else "is not a column of the contract"
            _refuse_unknown(name, allowed, f"{where} {key}: {name} {what}")
    for name in sorted(entry.columns.keys() & entry.constants.keys()):
        message = f"{MAPPING_FILE}, {where}: {name} is both in columns and in constants; keep one"
        raise SourceError(message)


def _validated(model: type[_Model], content: dict[str, Any], where: str) -> _Model:
    for name in content:
        _refuse_unknown(name, model.model_fields, f"{where}: {name} is not known")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = first["loc"][0] if first["loc"] else ""
        message = f"{MAPPING_FILE}, {where}: {place} = {content.get(str(place))!r} does not fit: {first['msg']}"
        raise SourceError(message) from error


def _refuse_unknown(name: str, known: Iterable[str], complaint: str) -> None:
    names = list(known)
    if name in names:
        return
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}"
    message = f"{MAPPING_FILE}, {complaint}; {hint}"
    raise SourceError(message)
