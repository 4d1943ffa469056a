"""Writing down what would have sold on days that ran out."""

from datetime import date

import polars as pl
from prefect import task

from lib import demand
from lib.contracts import INPUTS, OUTPUTS
from lib.ingest.source import Note
from tasks import context, records
from tasks.policies import LAKE

DEMAND, PUBLICATIONS = OUTPUTS["demand"], OUTPUTS["publications"]
READ = ("sales", "hourly", "products")


def written_down(*, as_of: date, versions: dict[str, int]) -> int | None:
    """Estimate demand; the number of days that ran out, None if it could not be done.

    People read the table and nothing else does, so that a failure is a warning of the night and stops nothing.
    """
    found = estimate_demand(as_of=as_of, versions=versions, return_state=True).result(raise_on_failure=False)
    notes, days = list[Note](), None
    if isinstance(found, Exception):
        message = f"days that ran out were not estimated, the table is as it was: {type(found).__name__}: {found}"
        notes.append(Note("demand_failed", "warning", message))
    else:
        days = found
    records.warn(context.lake(), as_of, "forecast", DEMAND.name, notes)
    return days


@task(**LAKE)
def estimate_demand(*, as_of: date, versions: dict[str, int]) -> int | None:
    """Bring the table to what follows from what is known as_of; the number of days that ran out.

    Only days whose estimates changed are written, however old they are; the others keep the as_of that they have. A
    night that is forecast again after a later one was published changes nothing: None.
    """
    lake = context.lake()
    newest = lake.scan(PUBLICATIONS).select(pl.col("as_of").max()).collect().item()
    if newest is not None and newest > as_of:
        return None
    sales, hourly, products = (
        lake.scan(INPUTS[name], as_of=as_of, version=versions[name]).collect().sort(INPUTS[name].key) for name in READ
    )
    estimates, base = demand.correct(sales, hourly, products), lake.version(DEMAND)
    before = lake.scan(DEMAND, version=base).select(estimates.columns).collect()
    days = _changed(before, estimates)
    if days:
        rows = estimates.filter(pl.col("date").is_in(days)).with_columns(as_of=pl.lit(as_of))
        lake.replace(DEMAND, rows, where={"date": days} if before.height else None, base=base)
    return estimates.height


def _changed(before: pl.DataFrame, now: pl.DataFrame) -> list[date]:
    """Days on which a row is new, gone or different."""
    pairs = ((before, now), (now, before))
    found = pl.concat(one.join(other, on=one.columns, how="anti", nulls_equal=True) for one, other in pairs)
    return found["date"].unique().sort().to_list()
