"""Forecasting a night and publishing it."""

from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl
from prefect import task

from lib.adapters.lake import Lake, content_hash
from lib.adapters.registry import Registered, UnfitError
from lib.contracts import OUTPUTS
from lib.errors import HoldError
from lib.features import matrix
from lib.features.spine import Inputs
from lib.ingest.source import Note
from lib.models.champion import Model
from lib.planning import forecast as planning
from lib.planning import publication
from lib.planning.forecast import Plan
from lib.settings import Recipe
from tasks import context, inputs, records
from tasks.policies import LAKE, REPEATABLE

FORECASTS, PUBLICATIONS, VERDICTS = OUTPUTS["forecasts"], OUTPUTS["publications"], OUTPUTS["verdicts"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Rows of `forecasts` in the lake, by what they contain; `unfit`: there was a model, but of another release."""

    forecast_id: str
    rows: int
    by_method: dict[str, int]
    unfit: bool = False


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The night's verdicts: the hash of what they say, and a version of the table in which they say it."""

    digest: str
    version: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Published:
    """The live publication of a night, and whether this run made it."""

    publication_id: str
    new: bool


@task(**LAKE)
def model_in_use(*, as_of: date) -> Registered | None:
    """The champion, or the one that served when the night was new; None before the first training."""
    return context.registry().in_use(as_of=as_of)


@task(**LAKE)
def night_verdicts(*, as_of: date) -> Verdicts:
    """The night's verdicts as they stand now."""
    lake = context.lake()
    version = lake.version(VERDICTS)
    return Verdicts(content_hash(verdicts_of(lake, as_of, version=version)), version)


@task(**REPEATABLE)
def make_forecast(*, as_of: date, versions: dict[str, int], model: Registered | None, verdicts: Verdicts) -> Forecast:
    """Forecast every live series from these table versions and write the rows under the hash of their content.

    A model that does not fit this code counts as none.
    """
    lake, recipe = context.lake(), context.in_force().recipe
    known = inputs.read(lake, as_of=as_of, chain=recipe.chain, at=versions)
    champion = _readable(model) if model else None
    rows = drafted(known, recipe, champion, verdicts_of(lake, as_of, version=verdicts.version))
    if rows.is_empty():
        message = f"nothing to publish as of {as_of}: every store is held, or no series is live"
        raise HoldError(message)
    forecast_id = content_hash(rows)[:16]
    lake.replace(
        FORECASTS,
        rows.with_columns(forecast_id=pl.lit(forecast_id)),
        where={"as_of": [as_of], "forecast_id": [forecast_id]},
    )
    unfit = model is not None and rows["model"].null_count() == rows.height
    return Forecast(forecast_id, rows.height, dict(rows["method"].value_counts(sort=True).iter_rows()), unfit)


def drafted(known: Inputs, recipe: Recipe, champion: Model | None, verdicts: pl.DataFrame) -> pl.DataFrame:
    """The rows to publish, from data, recipe, model and verdicts alone; sorted by store, product and date.

    A model that was trained on other features than this code makes is not used, and no row names it.
    """
    panel = inputs.panel(known, recipe)
    columns, plan = matrix.of(panel), Plan(sanity=recipe.sanity, orders=recipe.orders, threads=recipe.threads)
    model = champion if champion is not None and champion.booster.names == columns.names else None
    made = planning.forecast(panel, columns, matrix.rows_ahead(panel), model=model, plan=plan)
    return publication.with_verdicts(made, verdicts).rename({"origin": "as_of"}).sort("store", "product", "date")


def verdicts_of(lake: Lake, as_of: date, *, version: int | None = None) -> pl.DataFrame:
    """The night's verdicts, by store; `version` as the table stood then."""
    return lake.scan(VERDICTS, version=version).filter(pl.col("as_of") == as_of).sort("store").collect()


def _readable(model: Registered) -> Model | None:
    try:
        return context.registry().load(model)
    except UnfitError:
        return None


@task(**LAKE)
def warn_without_model(made: Forecast, model: Registered | None, *, as_of: date) -> None:
    """Say that no model forecast the night, and why; or take back that none did."""
    simple = f"all {made.rows} rows are simple estimates: run `train`, and see `model_decisions` if it is refused"
    notes = []
    if model is None:
        notes = [Note("no_model", "warning", f"no model was in use as of {as_of}; {simple}")]
    elif made.unfit:
        notes = [
            Note("model_unfit", "warning", f"model {model.title} in use is of a release with other features; {simple}")
        ]
    records.warn(context.lake(), as_of, "forecast", "all", notes)


@task(**LAKE)
def still_there(made: Forecast, *, as_of: date) -> bool:
    """Whether the lake holds the forecast; a cached one may be of a lake that has been restored since."""
    rows = (
        context.lake().scan(FORECASTS).filter((pl.col("as_of") == as_of) & (pl.col("forecast_id") == made.forecast_id))
    )
    return bool(rows.select(pl.len()).collect().item() == made.rows)


@task(**LAKE)
def publish(made: Forecast, *, as_of: date, at: datetime) -> Published:
    """Append the forecast to the ledger; a forecast that is live already is not published again."""
    lake = context.lake()
    base = lake.version(PUBLICATIONS)
    ledger = lake.scan(PUBLICATIONS, version=base).collect()
    details = {"rows": made.rows, "published_at": at, "run_id": context.run_id()}
    row = publication.entry(ledger, details, as_of=as_of, forecast_id=made.forecast_id)
    lake.append(PUBLICATIONS, row, base=base)
    of_night = publication.live(pl.concat([ledger, row]).filter(pl.col("as_of") == as_of))
    return Published(str(of_night["publication_id"][0]), new=bool(row.height))
