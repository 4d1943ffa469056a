from datetime import timedelta

import polars as pl
import pytest

from lib.monitoring import accuracy
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
        method=pl.lit("model"),
    )


def test_only_days_whose_sales_have_arrived_are_scored() -> None:
    assert accuracy.score(published(), panels.panel())["date"].max() == AS_OF
    assert accuracy.score(published(), panels.panel()).height == 4 * BACK


def test_the_incumbent_is_the_mean_of_the_last_four_same_weekdays_it_could_know() -> None:
    scored = accuracy.score(published(), panels.panel())
    row = scored.filter((pl.col("store") == "B") & (pl.col("product") == "y") & (pl.col("horizon") == 9)).row(
        0, named=True
    )
    back = [row["date"] - timedelta(days=7 * week) for week in (2, 3, 4, 5)]
    sold = panels.sales().filter((pl.col("store") == "B") & (pl.col("product") == "y") & pl.col("date").is_in(back))
    assert row["incumbent"] == pytest.approx(sold["quantity"].mean())


def test_days_and_horizons_add_up_to_the_whole() -> None:
    scored = accuracy.score(published(), panels.panel())
    parts = accuracy.daily(scored, by=["date", "horizon"])
    assert parts["abs_error"].sum() == pytest.approx((scored["forecast"] - scored["actual"]).abs().sum())
    assert parts["actual"].sum() == pytest.approx(scored["actual"].sum())


def test_a_day_published_twice_is_counted_once() -> None:
    both = pl.concat([published(), published(publication_id="two")])
    scored = accuracy.score(both, panels.panel())
    assert accuracy.newest_only(scored)["publication_id"].unique().to_list() == ["two"]


def test_of_ten_publications_of_a_night_the_tenth_counts() -> None:
    every = [published(publication_id=f"2019-03-22-{number}") for number in range(1, 11)]
    counted = accuracy.newest_only(accuracy.score(pl.concat(every), panels.panel()))
    assert counted["publication_id"].unique().to_list() == ["2019-03-22-10"]


def test_without_scores_there_is_no_accuracy_and_no_error() -> None:
    assert set(accuracy.summary(accuracy.score(published().clear(), panels.panel())).values()) == {None}
