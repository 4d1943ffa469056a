"""Forecasting a night and publishing it."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from prefect import task

from lib.adapters.lake import content_hash
from lib.adapters.registry import Registered
from lib.contracts import OUTPUTS
from lib.errors import HoldError
from lib.features import matrix, spine
from lib.planning import forecast as planning
from lib.planning import publication
from tasks import context, inputs
from tasks.policies import LAKE, REPEATABLE

FORECASTS, PUBLICATIONS, VERDICTS = OUTPUTS["forecasts"], OUTPUTS["publications"], OUTPUTS["verdicts"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Rows of `forecasts` in the lake, by what they contain."""

    forecast_id: str
    rows: int
    by_method: dict[str, int]


@dataclass(frozen=True, slots=True)
class Published:
    """The live publication of a night, and whether this run made it."""

    publication_id: str
    new: bool


@task(**LAKE)
def model_in_use() -> Registered | None:
    """The champion; None before the first training."""
    return context.registry().in_use()


@task(**LAKE)
def verdict_digest(*, as_of: date) -> str:
    """Hash of the night's verdicts, since a forecast depends on them."""
    return content_hash(_verdicts(as_of))


@task(**REPEATABLE)
def make_forecast(*, as_of: date, versions: dict[str, int], model: Registered | None, verdicts: str) -> Forecast:
    """Forecast every live series from these table versions and write the rows under the hash of their content.

    `verdicts` is the digest of the night's verdicts, which are read here.
    """
    del verdicts
    chosen, lake = context.in_force(), context.lake()
    known = inputs.read(lake, as_of=as_of, chain=chosen.chain, at=versions)
    panel = spine.build(known, horizon=chosen.horizon, history_days=chosen.model.history_days)
    champion = context.registry().load(model) if model else None
    rows = matrix.rows_ahead(panel)
    drafted = planning.forecast(panel, matrix.of(panel), rows, model=champion, config=chosen.sanity)
    judged = publication.with_verdicts(drafted, _verdicts(as_of)).rename({"origin": "as_of"})
    if judged.is_empty():
        message = f"nothing to publish as of {as_of}: every store is held, or no series is live"
        raise HoldError(message)
    forecast_id = content_hash(judged.sort("store", "product", "date"))[:16]
    lake.replace(
        FORECASTS,
        judged.with_columns(forecast_id=pl.lit(forecast_id)),
        where={"as_of": [as_of], "forecast_id": [forecast_id]},
    )
    return Forecast(forecast_id, judged.height, dict(judged["method"].value_counts(sort=True).iter_rows()))


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


def _verdicts(as_of: date) -> pl.DataFrame:
    return context.lake().scan(VERDICTS).filter(pl.col("as_of") == as_of).sort("store").collect()
