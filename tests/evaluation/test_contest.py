from datetime import timedelta
from functools import cache
from typing import Any

import polars as pl
import pytest

from lib.evaluation import contest, gate
from lib.evaluation.gate import CHALLENGER, INCUMBENT, NAIVE
from lib.features import matrix
from lib.features.spine import Panel
from lib.models import training
from lib.models.boosting import BoostingConfig
from lib.models.champion import Model
from lib.planning.forecast import Plan
from tests import panels
from tests.panels import AS_OF

CONFIG = BoostingConfig(iterations=20, validation_days=28)
WEEKS = 2


@cache
def model(horizon: int = 7) -> Model:
    panel = panels.panel(horizon=horizon)
    return training.train(panel, matrix.of(panel), config=CONFIG, seed=1, threads=1).model


def held(panel: Panel, **models: Model) -> pl.DataFrame:
    return contest.hold(
        panel, models or {CHALLENGER: model(panel.horizon)}, Plan(explain=False, threads=1), weeks=WEEKS
    )


def of(found: pl.DataFrame, contestant: str) -> dict[str, Any]:
    return found.filter(pl.col("contestant") == contestant).select(pl.col(gate.SUMS).sum()).row(0, named=True)


@pytest.mark.parametrize("horizon", [3, 7, 14])
def test_all_contestants_are_held_against_the_same_sales_whatever_the_horizon(horizon: int) -> None:
    found = held(panels.panel(horizon=horizon))
    assert found["contestant"].unique(maintain_order=True).to_list() == [CHALLENGER, INCUMBENT, NAIVE]
    assert found.group_by("store").agg(pl.col("actual").n_unique())["actual"].to_list() == [1, 1]
    recent = pl.col("date") > AS_OF - timedelta(days=7 * WEEKS)
    if horizon >= 7:
        assert of(found, NAIVE)["actual"] == pytest.approx(panels.sales().filter(recent)["quantity"].sum())


def test_days_that_ran_out_say_nothing_of_anybody() -> None:
    ran_out = panels.sales().with_columns(
        sold_out=pl.col("store") == "A",
        quantity=pl.when(pl.col("store") == "A").then(pl.col("quantity") / 2).otherwise("quantity"),
    )
    assert held(panels.panel(sales=ran_out))["store"].unique().to_list() == ["B"]


def test_where_the_last_weeks_are_unknown_there_is_no_contest() -> None:
    silent = panels.sales().filter(pl.col("date") <= AS_OF - timedelta(days=40))
    found = held(panels.panel(sales=silent))
    assert found.is_empty()
    assert not gate.decide(found, gate.GateConfig()).promoted


def test_a_model_that_wants_other_features_is_left_out() -> None:
    known = model()
    assert known.trial is not None
    old = Model(
        type(known.booster)(known.booster.model, ("another",)),
        known.scatter,
        known.intervals,
        known.balance,
        known.trial,
    )
    found = held(panels.panel(), **{CHALLENGER: known, gate.CHAMPION: old})
    assert gate.CHAMPION not in set(found["contestant"])


def test_a_model_is_judged_by_its_trial_and_not_by_what_it_has_seen() -> None:
    known = model()
    assert known.trial is not None
    swapped = Model(known.trial.booster, known.scatter, known.intervals, known.balance, known.trial)
    assert held(panels.panel(), **{CHALLENGER: swapped}).equals(held(panels.panel()))
