"""Writing down what would have sold on days that ran out."""

from datetime import date, timedelta

import polars as pl
from prefect import task

from lib import demand
from lib.contracts import OUTPUTS
from tasks import context, inputs
from tasks.policies import LAKE

DEMAND = OUTPUTS["demand"]
REVISED_DAYS = 28
"""Late and corrected sales change the estimates of so many days."""


@task(**LAKE)
def estimate_demand(*, as_of: date, versions: dict[str, int]) -> int:
    """Replace the last weeks' estimates by those that follow from what is known as_of; the number of rows.

    On the first night that knows of a sold-out day all days are estimated. Forecasts do not read the table: they make
    the same estimates from the same data.
    """
    lake = context.lake()
    known = inputs.read(lake, as_of=as_of, chain=context.in_force().chain, at=versions)
    estimates = demand.correct(known.sales, known.hourly, known.products).with_columns(as_of=pl.lit(as_of))
    if lake.version(DEMAND) < 0:
        if estimates.height:
            lake.replace(DEMAND, estimates)
        return estimates.height
    days = [as_of - timedelta(days=back) for back in range(REVISED_DAYS)]
    revised = estimates.filter(pl.col("date").is_in(days))
    lake.replace(DEMAND, revised, where={"date": days})
    return revised.height
