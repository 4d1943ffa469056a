from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lib.evaluation import backtest, truth
from lib.evaluation.backtest import Plan
from lib.features import matrix
from lib.features.spine import Inputs
from lib.models import training
from lib.models.boosting import BoostingConfig
from lib.planning.forecast import forecast
from lib.planning.sanity import SanityConfig
from tests import panels
from tests.panels import AS_OF

MODEL = BoostingConfig(iterations=10, validation_days=14)
FIRST = AS_OF - timedelta(days=21)
SALES = panels.sales()


def plan(*, refit: int = 28) -> Plan:
    return Plan(FIRST, AS_OF - timedelta(days=7), 7, refit, 7, MODEL, SanityConfig(), seed=1, threads=1)


def known(as_of: date) -> Inputs:
    return panels.inputs(as_of=as_of, sales=SALES.filter(pl.col("date") <= as_of))


def test_a_replayed_origin_is_what_the_night_would_have_published() -> None:
    first = next(backtest.replay(known, plan()))
    panel = panels.panel(as_of=FIRST, sales=SALES.filter(pl.col("date") <= FIRST))
    columns = matrix.of(panel)
    model = training.train(panel, columns, config=MODEL, seed=1, threads=1).model
    night = forecast(panel, columns, matrix.rows_ahead(panel), model=model, plan=plan().of_night)
    shared = [name for name in backtest.COLUMNS if name in night.columns]
    assert_frame_equal(first.select(shared), night.select(shared), check_exact=True)


def test_every_origin_reads_only_what_was_known_then() -> None:
    asked: list[date] = []

    def read(as_of: date) -> Inputs:
        asked.append(as_of)
        return known(as_of)

    frames = list(backtest.replay(read, plan()))
    assert asked == plan().origins == [FIRST, FIRST + timedelta(days=7), FIRST + timedelta(days=14)]
    assert [frame["origin"].unique().to_list() for frame in frames] == [[day] for day in asked]


def test_a_chain_too_young_for_a_model_is_replayed_with_fallbacks() -> None:
    young = SALES.filter(pl.col("date") > FIRST - timedelta(days=30))
    frames = backtest.replay(lambda day: panels.inputs(as_of=day, sales=young.filter(pl.col("date") <= day)), plan())
    assert set(next(frames)["method"]) == {"fallback"}


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    return truth.against_sales(pl.concat(backtest.replay(known, plan())), SALES)


def figures(scored: pl.DataFrame, by: str = "sales", **given: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401
    """The summary's rows of one truth, by forecaster."""
    rows = backtest.summary(scored, **given).filter(pl.col("truth") == by)
    return {row["forecaster"]: row for row in rows.iter_rows(named=True)}


def truths(scored: pl.DataFrame, **given: Any) -> list[str]:  # noqa: ANN401
    return backtest.summary(scored, **given)["truth"].unique(maintain_order=True).to_list()


def test_the_summary_sets_model_and_rivals_against_the_same_sales(scored: pl.DataFrame) -> None:
    found = figures(scored)
    assert list(found) == ["model", "incumbent", "seasonal_naive"]
    error = (pl.col("seasonal_naive") - pl.col("actual")).abs().sum()
    naive = float(scored.select(error / pl.col("actual").sum()).item())
    assert found["seasonal_naive"]["fa"] == pytest.approx(1 - naive)
    assert found["model"]["fa"] > found["seasonal_naive"]["fa"]
    assert found["model"]["pinball"] < found["incumbent"]["pinball"]


def test_the_summary_says_what_each_forecaster_would_have_cost(scored: pl.DataFrame) -> None:
    found = figures(scored)
    missed = (pl.col("actual") - pl.col("incumbent").ceil()).clip(0) * pl.col("underage")
    spare = (pl.col("incumbent").ceil() - pl.col("actual")).clip(0) * pl.col("overage")
    lost, waste = scored.select(missed.sum(), spare.sum()).row(0)
    assert found["incumbent"]["lost_cost"] == pytest.approx(lost)
    assert found["incumbent"]["waste_cost"] == pytest.approx(waste)
    assert found["incumbent"]["cost"] == pytest.approx(lost + waste)
    assert found["model"]["cost"] < found["incumbent"]["cost"] < found["seasonal_naive"]["cost"]


def test_the_order_that_is_scored_is_the_one_that_would_have_been_published(scored: pl.DataFrame) -> None:
    assert scored.filter(pl.col("order") != pl.col("order").round()).is_empty()
    assert scored["service_level"].unique().to_list() == [0.75]
    assert figures(scored)["model"]["waste"] == scored.select((pl.col("order") - pl.col("actual")).clip(0).sum()).item()


def test_days_that_ran_out_are_scored_apart_and_cost_nothing(scored: pl.DataFrame) -> None:
    ran_out = scored.with_columns(sold_out=pl.col("store") == "A")
    assert truths(scored) == ["sales"]
    assert truths(ran_out) == ["sales", "in-stock days"]
    in_stock, everything = figures(ran_out, "in-stock days")["model"], figures(ran_out)["model"]
    assert in_stock == {**figures(scored.filter(pl.col("store") == "B"))["model"], "truth": "in-stock days"}
    assert (everything["rows"], everything["cost"]) == (scored.height, None)


def test_a_day_that_ran_out_is_also_scored_on_its_corrected_demand(scored: pl.DataFrame) -> None:
    ran_out = scored.with_columns(sold_out=pl.col("store") == "A")
    twice = ran_out.filter("sold_out").select("store", "product", "date", demand=pl.col("actual") * 2)
    assert truths(ran_out, demand=twice) == ["sales", "in-stock days", "corrected demand"]
    found = figures(ran_out, "corrected demand", demand=twice)["model"]
    doubled = scored.with_columns(actual=pl.col("actual") * pl.when(pl.col("store") == "A").then(2).otherwise(1))
    assert found == {**figures(doubled)["model"], "truth": "corrected demand"}


def test_a_day_that_ran_out_without_an_estimate_says_nothing_of_demand(scored: pl.DataFrame) -> None:
    ran_out = scored.with_columns(sold_out=pl.lit(True))
    first = ran_out.head(1).select("store", "product", "date", demand=pl.lit(99.0))
    assert figures(ran_out, "corrected demand", demand=first)["model"]["rows"] == 1
    assert truths(ran_out, demand=first.clear()) == ["sales", "in-stock days"]


def test_a_backtest_whose_every_day_ran_out_has_no_figures_in_stock(scored: pl.DataFrame) -> None:
    found = figures(scored.with_columns(sold_out=pl.lit(True)), "in-stock days")["model"]
    assert (found["rows"], found["fa"], found["rmse"]) == (0, None, None)


def test_days_that_a_source_leaves_out_are_scored_as_nothing_sold() -> None:
    seldom = (pl.col("product") == "y") & (pl.col("date").dt.day() % 3 == 0)
    shut = (pl.col("store") == "B") & (pl.col("date").dt.weekday() == 7)
    told = SALES.filter(~seldom & ~shut)
    panel = panels.panel(sales=told)
    found = truth.sales_with_zeros(panel, first=FIRST)
    assert found["date"].min() == FIRST
    assert found["date"].max() == AS_OF
    assert found.filter(seldom | shut)["quantity"].unique().to_list() == [0.0]
    last_sunday = shut & (pl.col("date") == AS_OF)
    assert found.height == SALES.filter((pl.col("date") >= FIRST) & ~last_sunday).height
    same = found.filter(~seldom & ~shut).sort("store", "product", "date")
    written = told.filter(pl.col("date") >= FIRST).sort("store", "product", "date")
    assert_frame_equal(same, written.select("store", "product", "date", "sold_out", "quantity"))


def test_a_till_that_is_cut_off_is_not_scored_as_nothing_sold() -> None:
    told = SALES.filter((pl.col("store") == "A") | (pl.col("date") <= AS_OF - timedelta(days=14)))
    found = truth.sales_with_zeros(panels.panel(sales=told), first=AS_OF)
    assert found["store"].unique().to_list() == ["A"]


def test_days_after_a_stores_newest_row_are_not_scored_as_nothing_sold() -> None:
    late = SALES.filter((pl.col("store") != "A") | (pl.col("date") < AS_OF))
    found = truth.sales_with_zeros(panels.panel(sales=late), first=AS_OF - timedelta(days=1))
    assert found.filter(pl.col("store") == "A")["date"].max() == AS_OF - timedelta(days=1)
    assert found.filter(pl.col("store") == "B")["date"].max() == AS_OF
