"""Making a model or a forecast again from its receipt, and comparing byte for byte."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from prefect import task
from pydantic import ValidationError

from lib.adapters import extracts
from lib.adapters.lake import TRANSIENT, content_hash
from lib.adapters.registry import Registered, content_of
from lib.contracts import INPUTS, KNOWN_FROM, OUTPUTS
from lib.errors import LakeError
from lib.evaluation import difference
from lib.features import matrix
from lib.features.spine import Inputs
from lib.models import champion
from lib.models.champion import Model
from lib.settings import Recipe
from tasks import context, inputs
from tasks.forecast import drafted, verdicts_of
from tasks.policies import LAKE
from tasks.train import fitted

RECEIPTS, FORECASTS = OUTPUTS["receipts"], OUTPUTS["forecasts"]
TRAINING = "training"
SHOWN_RUNS = 5


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one run made: a row of `receipts`."""

    kind: str
    as_of: date
    result: str
    model: str | None
    model_content: str | None
    versions: dict[str, int]
    recipe: Recipe
    code: str
    libraries: dict[str, str]


@dataclass(frozen=True, slots=True)
class Replayed:
    """Whether a result came out the same, and if not where it first differs; `notes` say what to bear in mind."""

    what: str
    equal: bool
    detail: str
    notes: tuple[str, ...] = ()


@task(**LAKE)
def receipts_of(run: str) -> list[Receipt]:
    """What a run made; LakeError names the newest runs if there is nothing of this one."""
    kept = context.lake().scan(RECEIPTS).collect()
    mine = kept.filter(pl.col("run_id") == run)
    if mine.is_empty():
        newest = kept.sort("as_of", descending=True)["run_id"].unique(maintain_order=True).to_list()[:SHOWN_RUNS]
        message = (
            f"run {run} made nothing that is on record; the newest that did: {', '.join(newest) or 'none'}. "
            "What a step made is on record under the run that was started, such as daily or weekly, not the step's own"
        )
        raise LakeError(message)
    return [_receipt(row) for row in mine.sort("kind", "result", descending=[True, False]).iter_rows(named=True)]


@task(task_run_name="replay-{receipt.kind}", **LAKE)
def replay(receipt: Receipt) -> Replayed:
    """Make it again; LakeError if what it was made from is gone."""
    training = receipt.kind == TRAINING
    what = f"training of {receipt.model}" if training else f"forecast {receipt.result}"
    model, notes = _model(receipt), _changes(receipt)
    if model is not None and model.content != (receipt.model_content or model.content):
        detail = f"{model.title} in the registry is not the model of this run; the registry was begun anew: restore it"
        return Replayed(what, equal=False, detail=detail, notes=notes)
    return _training(what, receipt, model, notes) if training and model else _forecast(what, receipt, model, notes)


def _model(receipt: Receipt) -> Registered | None:
    return context.registry().version(receipt.model.rpartition("/")[2]) if receipt.model else None


def _changes(receipt: Receipt) -> tuple[str, ...]:
    """What is no longer as it was when the result was made."""
    code = [] if receipt.code == context.code_version() else ["the code has changed since"]
    now = context.libraries()
    others = {name: was for name, was in receipt.libraries.items() if now.get(name) != was}
    return (*code, *(f"{name} {was} then, {now.get(name, 'none')} now" for name, was in others.items()))


def _training(what: str, receipt: Receipt, registered: Registered, notes: tuple[str, ...]) -> Replayed:
    registry = context.registry()
    with TemporaryDirectory() as folder:
        kept = extracts.load(registry.fetch_extract(registered, Path(folder)))
    own = registry.read_by(registered) == receipt.versions and registered.as_of == receipt.as_of
    if not own:
        notes = (*notes, "another run made the same model from other data: its extract says nothing of this run's data")
    try:
        known = _known(receipt)
    except LakeError as error:
        known, notes = kept, (*notes, f"{error}; the model's own extract was used")
    found = _first_difference(kept, known) if own else None
    if found:
        return Replayed(what, equal=False, detail=f"the lake differs from the extract: {found}", notes=notes)
    made = fitted(known, receipt.recipe).model
    with TemporaryDirectory() as folder:
        champion.save(made, Path(folder))
        same = content_of(Path(folder)) == registered.content
    if same:
        detail = f"model files are equal, SHA-256 {registered.content[:16]}"
        return Replayed(what, equal=True, detail=detail, notes=notes)
    found = _in_predictions(known, receipt.recipe, registered, made)
    return Replayed(what, equal=False, detail=found or "predictions are equal, model files are not", notes=notes)


def _known(receipt: Receipt) -> Inputs:
    """The tables in the versions that were read; LakeError if the lake has lost one of them."""
    try:
        return inputs.read(context.lake(), as_of=receipt.as_of, chain=receipt.recipe.chain, at=receipt.versions)
    except TRANSIENT:
        raise
    except (OSError, pl.exceptions.PolarsError) as error:
        message = f"the lake no longer has all files of the table versions that were read: {error}"
        raise LakeError(message) from error


def _first_difference(kept: Inputs, known: Inputs) -> str | None:
    pairs = ((name, getattr(kept, name), getattr(known, name)) for name in extracts.tables())
    found = (difference.first(name, was, now, key=_key(name, was)) for name, was, now in pairs)
    return next((text for text in found if text), None)


def _key(name: str, rows: pl.DataFrame) -> tuple[str, ...]:
    """What tells rows apart: where superseded ones are kept, the day they became known too."""
    return (*INPUTS[name].key, KNOWN_FROM) if KNOWN_FROM in rows.columns else INPUTS[name].key


def _in_predictions(known: Inputs, recipe: Recipe, registered: Registered, made: Model) -> str | None:
    panel = inputs.panel(known, recipe)
    columns, rows = matrix.of(panel), matrix.rows_ahead(panel)
    labels, before = matrix.labels(panel, rows), context.registry().load(registered)
    if before.booster.names != columns.names:
        return f"{registered.title} was trained on other features than this code makes"
    frames = [
        labels.with_columns(pl.Series("prediction", model.predict(columns.matrix(rows))[0])) for model in (before, made)
    ]
    return difference.first("predictions", *frames, key=("store", "product", "date"))


def _forecast(what: str, receipt: Receipt, registered: Registered | None, notes: tuple[str, ...]) -> Replayed:
    lake, model = context.lake(), context.registry().load(registered) if registered else None
    try:
        known = _known(receipt)
        verdicts = verdicts_of(lake, receipt.as_of, version=receipt.versions["verdicts"])
    except LakeError as error:
        message = f"{what} cannot be made again: {error}"
        raise LakeError(message) from error
    made = drafted(known, receipt.recipe, model, verdicts)
    if content_hash(made)[:16] == receipt.result:
        return Replayed(what, equal=True, detail=f"all {made.height} rows are equal", notes=notes)
    recorded = lake.scan(FORECASTS).filter(pl.col("forecast_id") == receipt.result).select(made.columns).collect()
    found = difference.first("forecasts", recorded, made, key=("store", "product", "date"))
    detail = found or "the lake's rows are equal to the new ones, but not what was published"
    return Replayed(what, equal=False, detail=detail, notes=notes)


def _receipt(row: dict[str, Any]) -> Receipt:
    try:
        recipe = Recipe.model_validate_json(row["recipe"])
    except ValidationError as error:
        message = f"run {row['run_id']} is of a release with other settings: replay it with that release"
        raise LakeError(message) from error
    return Receipt(
        kind=row["kind"],
        as_of=row["as_of"],
        result=row["result"],
        model=row["model"],
        model_content=row["result"] if row["kind"] == TRAINING else row["model_content"],
        versions=json.loads(row["versions"]),
        recipe=recipe,
        code=row["code"],
        libraries=json.loads(row["libraries"] or "{}"),
    )
