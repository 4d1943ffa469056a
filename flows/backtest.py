"""Replay the past: what would have been forecast, and how good it would have been."""

from datetime import date, timedelta
from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.backtest import Backtest, Origins, load_lake, may_replay, replay_origins

Source = Annotated[str, Field(description="folder or URL of the files to replay; empty: the setting's source")]
FirstOrigin = Annotated[date, Field(description="first origin: the first as_of to forecast from")]
LastOrigin = Annotated[date, Field(description="last origin")]
Step = Annotated[int, Field(description="days between origins", ge=1)]
Refit = Annotated[int, Field(description="days between trainings", ge=1)]
Horizon = Annotated[int, Field(description="days ahead", ge=1, le=28)]
Output = Annotated[str, Field(description="Parquet file to write: one row per store, product, origin and date")]


@flow
def backtest(
    *,
    first_origin: FirstOrigin,
    last_origin: LastOrigin,
    output: Output = "backtest.parquet",
    source: Source = "",
    step: Step = 7,
    refit: Refit = 28,
    horizon: Horizon = 7,
) -> Backtest:
    """Forecast from past origins with what was known then, and compare with incumbent and seasonal naive."""
    origins = Origins(first_origin, last_origin, step, refit)
    may_replay(origins, output=output)
    root = load_lake(source, until=last_origin + timedelta(days=horizon))
    return replay_origins(root, origins, horizon=horizon, output=output)
