import shutil
from datetime import date, timedelta

import polars as pl

from flows.daily import daily
from flows.forecast import forecast
from flows.sync import sync
from lib.contracts import INPUTS
from tests.flows.chains import NEXT, NIGHT, Chain

SALES = INPUTS["sales"]
SOLD_OUT = [NIGHT - timedelta(days=back) for back in (0, 7)]
LONG_AGO = NIGHT - timedelta(days=42)
SERIES = (pl.col("store") == "17") & (pl.col("product").cast(pl.String) == "101")


def cut_short(chain: Chain, days: list[date] = SOLD_OUT) -> None:
    """The shelf of one series was empty early on these days, two Tuesdays unless given."""
    ran_out = SERIES & pl.col("date").is_in(days)
    sales = chain.sales().with_columns(
        quantity=pl.when(ran_out).then((pl.col("quantity") / 3).floor()).otherwise("quantity"), sold_out=ran_out
    )
    chain.write_sales(sales)


def test_days_that_ran_out_are_estimated_written_down_and_revised_while_sales_stay_as_they_were(chain: Chain) -> None:
    cut_short(chain)
    daily(as_of=NEXT)
    estimates = chain.table("demand").sort("date")
    assert estimates["date"].to_list() == sorted(SOLD_OUT)
    assert (estimates["demand"] > estimates["sales"]).all()
    assert (estimates["lower"] >= estimates["sales"]).all()
    known = chain.lake.scan(SALES, as_of=NEXT).filter(SERIES & pl.col("date").is_in(SOLD_OUT)).sort("date").collect()
    assert known["quantity"].to_list() == estimates["sales"].to_list()
    assert chain.table("metrics", as_of=NEXT, metric="sold_out_days_estimated")["value"].to_list() == [2.0]
    scored = chain.table("scores", date=NIGHT + timedelta(days=1)).filter(SERIES)
    assert scored["sold_out"].to_list() == [False]
    chain.write_sales(chain.sales().drop("sold_out").with_columns(sold_out=pl.lit(value=False)))
    daily(as_of=NEXT + timedelta(days=1))
    assert chain.table("demand").is_empty()


def test_a_day_that_is_told_late_is_estimated_and_an_earlier_night_done_again_changes_nothing(chain: Chain) -> None:
    cut_short(chain)
    daily(as_of=NEXT)
    before = chain.table("demand").sort("date")
    cut_short(chain, [LONG_AGO])
    later = NEXT + timedelta(days=1)
    sync(as_of=later, overlap_days=60)
    forecast(as_of=later)
    estimates = chain.table("demand").sort("date")
    assert estimates["date"].to_list() == [LONG_AGO]
    assert estimates["as_of"].to_list() == [later]
    forecast(as_of=NEXT)
    assert chain.table("demand").equals(estimates)
    assert not estimates.equals(before)


def test_a_failure_in_a_table_for_people_to_read_is_a_warning_and_stops_no_forecast(chain: Chain) -> None:
    cut_short(chain)
    shutil.rmtree(chain.home / "lake" / "demand", ignore_errors=True)
    (chain.home / "lake" / "demand").write_text("no folder")
    daily(as_of=NEXT)
    (said,) = chain.table("warnings", as_of=NEXT, code="demand_failed")["message"]
    assert said.startswith("days that ran out were not estimated")
    assert chain.table("publications", as_of=NEXT).height == 1
