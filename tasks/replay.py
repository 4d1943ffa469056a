"""Making a model or a forecast again from its receipt, and comparing byte for byte."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from prefect import task

from lib.adapters import extracts
from lib.adapters.lake import content_hash
from lib.adapters.registry import Registered, content_of
from lib.contracts import INPUTS, OUTPUTS
from lib.errors import LakeError
from lib.evaluation import difference
from lib.features import matrix, spine
from lib.features.spine import Inputs
from lib.models import champion
from lib.models.champion import Model
from lib.settings import Recipe
from tasks import context, inputs
from tasks.forecast import drafted, verdicts_of
from tasks.policies import LAKE
from tasks.train import fitted

RECEIPTS, FORECASTS = OUTPUTS["receipts"], OUTPUTS["forecasts"]
SHOWN_RUNS = 5


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one run made: a row of `receipts`."""

    kind: str
    as_of: date
    result: str
    model: str | None
    versions: dict[str, int]
    recipe: Recipe
    code: str


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
        message = f"run {run} made nothing that is on record; the newest that did: {', '.join(newest) or 'none'}"
        raise LakeError(message)
    return [_receipt(row) for row in mine.sort("kind", "result", descending=[True, False]).iter_rows(named=True)]


@task(task_run_name="replay-{receipt.kind}", **LAKE)
def replay(receipt: Receipt) -> Replayed:
    """Make it again."""
    notes = () if receipt.code == context.code_version() else ("the code of `lib` has changed since",)
    again = _training if receipt.kind == "training" else _forecast
    return again(receipt, notes)


def _training(receipt: Receipt, notes: tuple[str, ...]) -> Replayed:
    what, registry = f"training of {receipt.model}", context.registry()
    registered = registry.version(str(receipt.model).rpartition("/")[2])
    with TemporaryDirectory() as folder:
        kept = extracts.load(registry.fetch_extract(registered, Path(folder)))
    try:
        known = inputs.read(context.lake(), as_of=receipt.as_of, chain=receipt.recipe.chain, at=receipt.versions)
    except (LakeError, OSError, pl.exceptions.PolarsError):
        notes = (*notes, "the lake no longer holds these table versions: the model's own extract was used")
    else:
        found = _first_difference(kept, known)
        if found:
            return Replayed(what, equal=False, detail=f"the lake differs from the extract: {found}", notes=notes)
    made = fitted(kept, receipt.recipe).model
    with TemporaryDirectory() as folder:
        champion.save(made, Path(folder))
        same = content_of(Path(folder)) == registered.content
    if same:
        detail = f"model files are equal, SHA-256 {registered.content[:16]}"
        return Replayed(what, equal=True, detail=detail, notes=notes)
    found = _in_predictions(kept, receipt.recipe, registered, made)
    return Replayed(what, equal=False, detail=found or "predictions are equal, model files are not", notes=notes)


def _first_difference(kept: Inputs, known: Inputs) -> str | None:
    pairs = ((name, getattr(kept, name), getattr(known, name)) for name in extracts.tables())
    found = (difference.first(name, was, now, key=INPUTS[name].key) for name, was, now in pairs)
    return next((text for text in found if text), None)


def _in_predictions(known: Inputs, recipe: Recipe, registered: Registered, made: Model) -> str | None:
    panel = spine.build(known, horizon=recipe.horizon, history_days=recipe.model.history_days)
    columns, rows = matrix.of(panel), matrix.rows_ahead(panel)
    labels = matrix.labels(panel, rows)
    frames = [
        labels.with_columns(pl.Series("prediction", model.predict(columns.matrix(rows))[0]))
        for model in (context.registry().load(registered), made)
    ]
    return difference.first("predictions", *frames, key=("store", "product", "date"))


def _forecast(receipt: Receipt, notes: tuple[str, ...]) -> Replayed:
    what, lake, registry = f"forecast {receipt.result}", context.lake(), context.registry()
    model = registry.load(registry.version(receipt.model.rpartition("/")[2])) if receipt.model else None
    known = inputs.read(lake, as_of=receipt.as_of, chain=receipt.recipe.chain, at=receipt.versions)
    verdicts = verdicts_of(lake, receipt.as_of, version=receipt.versions["verdicts"])
    made = drafted(known, receipt.recipe, model, verdicts)
    if content_hash(made)[:16] == receipt.result:
        return Replayed(what, equal=True, detail=f"all {made.height} rows are equal", notes=notes)
    recorded = lake.scan(FORECASTS).filter(pl.col("forecast_id") == receipt.result).select(made.columns).collect()
    found = difference.first("forecasts", recorded, made, key=("store", "product", "date"))
    detail = found or "the lake's rows are equal to the new ones, but not what was published"
    return Replayed(what, equal=False, detail=detail, notes=notes)


def _receipt(row: dict[str, str]) -> Receipt:
    return Receipt(
        kind=row["kind"],
        as_of=row["as_of"],  # type: ignore[arg-type]  # a date, in a row of text
        result=row["result"],
        model=row["model"],
        versions=json.loads(row["versions"]),
        recipe=Recipe.model_validate_json(row["recipe"]),
        code=row["code"],
    )
