from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lib.evaluation import backtest
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
    night = forecast(panel, columns, matrix.rows_ahead(panel), model=model, config=SanityConfig())
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


def test_the_summary_sets_model_and_rivals_against_the_same_sales() -> None:
    scored = backtest.against_sales(pl.concat(backtest.replay(known, plan())), SALES)
    found = {row["forecaster"]: row for row in backtest.summary(scored).iter_rows(named=True)}
    assert list(found) == ["model", "incumbent", "seasonal_naive"]
    error = (pl.col("seasonal_naive") - pl.col("actual")).abs().sum()
    naive = float(scored.select(error / pl.col("actual").sum()).item())
    assert found["seasonal_naive"]["fa"] == pytest.approx(1 - naive)
    assert found["model"]["fa"] > found["seasonal_naive"]["fa"]
    assert found["model"]["pinball"] < found["incumbent"]["pinball"]
