from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from lib.monitoring import accuracy
from lib.planning.economics import OrderConfig
from tests import panels
from tests.panels import AS_OF

BACK = 10
ORIGIN = AS_OF - timedelta(days=BACK)


def published(*, days: int = 12, publication_id: str = "one") -> pl.DataFrame:
    """A forecast of 25 units for each series and day from ORIGIN on; the last two days have no sales yet."""
    day = pl.DataFrame({"date": [ORIGIN + timedelta(days=ahead) for ahead in range(1, days + 1)]})
    series = panels.sales().select("store", "product").unique()
    return series.join(day, how="cross").with_columns(
        publication_id=pl.lit(publication_id),
        as_of=pl.lit(ORIGIN),
        horizon=(pl.col("date") - ORIGIN).dt.total_days().cast(pl.Int32),
        forecast=25.0,
        order=30.0,
        tray=10.0,
        method=pl.lit("model"),
    )


def scored(rows: pl.DataFrame | None = None, **tables: Any) -> pl.DataFrame:  # noqa: ANN401 - passed on
    return accuracy.score(published() if rows is None else rows, panels.panel(**tables), config=OrderConfig())


def test_only_days_whose_sales_have_arrived_are_scored() -> None:
    assert scored()["date"].max() == AS_OF
    assert scored().height == 4 * BACK


def test_the_incumbent_is_the_mean_of_the_last_four_same_weekdays_it_could_know() -> None:
    row = (
        scored()
        .filter((pl.col("store") == "B") & (pl.col("product") == "y") & (pl.col("horizon") == 9))
        .row(0, named=True)
    )
    back = [row["date"] - timedelta(days=7 * week) for week in (2, 3, 4, 5)]
    sold = panels.sales().filter((pl.col("store") == "B") & (pl.col("product") == "y") & pl.col("date").is_in(back))
    assert row["incumbent"] == pytest.approx(sold["quantity"].mean())


def test_days_and_horizons_add_up_to_the_whole() -> None:
    found = scored()
    parts = accuracy.daily(found, by=["date", "horizon"])
    assert parts["abs_error"].sum() == pytest.approx((found["forecast"] - found["actual"]).abs().sum())
    assert parts["actual"].sum() == pytest.approx(found["actual"].sum())


def test_a_day_published_twice_is_counted_once() -> None:
    both = pl.concat([published(), published(publication_id="two")])
    assert accuracy.newest_only(scored(both))["publication_id"].unique().to_list() == ["two"]


def test_of_ten_publications_of_a_night_the_tenth_counts() -> None:
    every = [published(publication_id=f"2019-03-22-{number}") for number in range(1, 11)]
    counted = accuracy.newest_only(scored(pl.concat(every)))
    assert counted["publication_id"].unique().to_list() == ["2019-03-22-10"]


def test_without_scores_there_is_no_accuracy_and_no_error() -> None:
    assert set(accuracy.summary(scored(published().clear())).values()) == {None}


def test_an_order_costs_what_was_left_over_and_what_was_missing() -> None:
    prices = panels.rows("prices", *({"product": p, "starts": date(2018, 1, 1), "price": 2.0} for p in ("x", "y")))
    found = scored(prices=prices)
    left = found.filter(pl.col("actual") < 30)
    missing = found.filter(pl.col("actual") > 30)
    assert left.height
    assert missing.height
    assert left["waste_cost"].to_list() == pytest.approx((0.6 * (30 - left["actual"])).to_list())
    assert missing["lost_cost"].to_list() == pytest.approx((1.8 * (missing["actual"] - 30)).to_list())
    first = found.filter(pl.col("horizon") == 1)
    told = accuracy.summary(found)
    assert told["cost"] == pytest.approx(first.select(pl.sum_horizontal("waste_cost", "lost_cost")).to_series().sum())
    assert told["cost_incumbent"] == pytest.approx(first["incumbent_cost"].sum())


def test_a_day_that_ran_out_costs_nothing_that_anyone_could_know() -> None:
    day = ORIGIN + timedelta(days=1)
    sold_out = panels.sales().with_columns(sold_out=pl.col("date") == day)
    found = scored(sales=sold_out)
    assert found.filter("sold_out")["date"].unique().to_list() == [day]
    assert accuracy.summary(found)["cost"] == 0


def test_a_day_without_a_row_counts_as_nothing_sold_where_zeros_are_not_written() -> None:
    day = ORIGIN + timedelta(days=3)
    gone = (pl.col("date") == day) & (pl.col("store") == "A") & (pl.col("product") == "x")
    found = scored(sales=panels.sales().filter(~gone))
    assert found.filter(gone)["actual"].to_list() == [0.0]
