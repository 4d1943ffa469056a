"""Checking a night's data."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from prefect import task

from lib.adapters.lake import Lake
from lib.contracts import INPUTS, OUTPUTS
from lib.quality.suite import BATCH_DAYS, Batch, frames, suite
from lib.quality.verdict import findings, verdicts
from tasks import context, records
from tasks.policies import LAKE

VERDICTS, WARNINGS = OUTPUTS["verdicts"], OUTPUTS["warnings"]
NOTHING_KNOWN = "no store has known sales in the last weeks; sync, or name the day with --as-of"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many stores ship, degrade and hold, how many checks failed, and why the night is held (empty: it is not)."""

    ship: int
    degrade: int
    hold: int
    failed_checks: int
    reason: str = ""


@task(**LAKE)
def check_night(*, as_of: date) -> Verdict:
    """Validate what is known as_of with Great Expectations, and decide for each store what may ship."""
    from lib.adapters.expectations import validate

    lake, config = context.lake(), context.in_force().verdict
    batch = _batch(lake, as_of)
    docs = str(context.home() / "data_docs")
    outcomes = validate(suite(batch, config), frames(batch), run_name=as_of.isoformat(), docs_folder=docs)
    habit = _sales(lake, as_of, days=config.habit_days)
    decided = verdicts(outcomes, habit, as_of=as_of, config=config)
    records.replace_night(lake, VERDICTS, decided, as_of=as_of, where={})
    records.replace_night(lake, WARNINGS, findings(outcomes, as_of=as_of), as_of=as_of, where={"step": ["check"]})
    count = dict(decided["verdict"].value_counts().iter_rows())
    may_ship = count.get("ship", 0) + count.get("degrade", 0)
    reasons = [*decided["reason"].drop_nulls(), NOTHING_KNOWN]
    reason = "" if may_ship else reasons[0]
    failed = outcomes.filter(~pl.col("success")).height
    return Verdict(count.get("ship", 0), count.get("degrade", 0), count.get("hold", 0), failed, reason)


def _batch(lake: Lake, as_of: date) -> Batch:
    def known(name: str) -> pl.DataFrame:
        rows = lake.scan(INPUTS[name], as_of=as_of)
        if INPUTS[name].dated_by is not None:
            rows = rows.filter(pl.col("date") > as_of - timedelta(days=BATCH_DAYS))
        return rows.collect()

    of_night = (lake.scan(OUTPUTS[name]).filter(pl.col("as_of") == as_of).collect() for name in ("quarantine", "syncs"))
    return Batch(as_of, {name: known(name) for name in INPUTS}, *of_night)


def _sales(lake: Lake, as_of: date, *, days: int) -> pl.DataFrame:
    return lake.scan(INPUTS["sales"], as_of=as_of).filter(pl.col("date") >= as_of - timedelta(days=days)).collect()
