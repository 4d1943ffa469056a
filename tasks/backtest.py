"""Replaying the past of a source, in a lake of its own."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp

import polars as pl
from prefect import task

from lib import demand
from lib.adapters.lake import Lake
from lib.contracts import INPUTS
from lib.errors import SettingsError, SourceError
from lib.evaluation import backtest, truth
from lib.evaluation.backtest import Plan
from lib.features import spine
from tasks import context, inputs
from tasks.sync import Reach, Synced, bring


@dataclass(frozen=True, slots=True)
class Backtest:
    """Where the forecasts lie, and how good each forecaster was by each truth: rows of `backtest.summary`."""

    output: str
    rows: int
    scored: int
    scores: tuple[dict[str, float | str | None], ...]


@task
def load_lake(source: str, *, until: date) -> str:
    """Bring all that a source knows at the end of `until` into a lake of its own; the folder of that lake.

    On a first load every sale counts as known when its day ended, so that reading as of an origin replays it.
    """
    root = mkdtemp(prefix="fournil-backtest-")
    chosen = context.source(source)
    for name in (name for name in INPUTS if name in chosen.tables()):
        _loaded(bring(INPUTS[name], Lake(root), chosen, Reach(until, today=date.max, overlap_days=0)))
    return root


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins to replay: from `first` to `last`, every `step` days, refitting after `refit` days."""

    first: date
    last: date
    step: int
    refit: int


@task
def may_replay(origins: Origins, *, output: str) -> None:
    """SettingsError, before anything is read, if there is nothing to replay or nowhere to write."""
    if origins.last < origins.first:
        message = f"the last origin, {origins.last}, lies before the first, {origins.first}"
        raise SettingsError(message)
    if not Path(output).resolve().parent.is_dir():
        message = f"--output {output}: its folder does not exist; create it first"
        raise SettingsError(message)


@task
def replay_origins(root: str, origins: Origins, *, horizon: int, output: str) -> Backtest:
    """Forecast from each origin with what was known then, write all rows to `output`, and remove the lake."""
    chosen, lake = context.in_force(), Lake(root)
    plan = Plan(
        **asdict(origins),
        horizon=horizon,
        model=chosen.model,
        sanity=chosen.sanity,
        orders=chosen.orders,
        seed=chosen.seed,
        threads=chosen.threads,
    )
    drafted = backtest.replay(lambda day: inputs.read(lake, as_of=day, chain=chosen.chain), plan)
    try:
        forecasts = pl.concat(_with_progress(drafted, len(plan.origins)))
        known = inputs.read(lake, as_of=origins.last + timedelta(days=horizon), chain=chosen.chain)
    finally:
        shutil.rmtree(root)
    forecasts.write_parquet(Path(output))
    panel = spine.build(known, horizon=horizon)
    scored = truth.against_sales(forecasts, truth.sales_with_zeros(panel, first=origins.first))
    scores = tuple(
        backtest.summary(scored, demand=demand.correct(known.sales, known.hourly, known.products)).iter_rows(named=True)
    )
    return Backtest(str(Path(output).resolve()), forecasts.height, scored.height, scores)


def _loaded(synced: Synced) -> None:
    if synced.table == "sales" and not synced.new:
        message = "the source has no usable row of sales up to the last forecast day"
        raise SourceError(message)


def _with_progress(frames: Iterable[pl.DataFrame], total: int) -> Iterator[pl.DataFrame]:
    """Pass frames on, with a bar on stderr that says how long it will take."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("origins"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        yield from progress.track(frames, total=total)
