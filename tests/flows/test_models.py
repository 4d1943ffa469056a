"""Which model serves: the gate, a rollback, and making a model or a forecast again."""

import json
import shutil
from datetime import date, timedelta

import polars as pl
import pytest

from flows.daily import daily
from flows.forecast import forecast
from flows.replay import replay
from flows.rollback import rollback
from flows.train import train
from lib.adapters.registry import Registry
from lib.contracts import INPUTS
from lib.errors import LakeError, ReplayError
from tasks import context
from tests.flows.chains import NEXT, NIGHT, Chain
from tests.flows.conftest import Settle

A_WEEK_BEFORE = NIGHT - timedelta(days=7)


def registry() -> Registry:
    return context.registry()


def decisions(chain: Chain) -> list[tuple[str, str]]:
    return chain.table("model_decisions").sort("decided_at").select("model", "decision").rows()


def run_of(chain: Chain, kind: str) -> str:
    return str(chain.table("receipts", kind=kind).sort("as_of")["run_id"][-1])


def used(chain: Chain, night: date) -> set[str]:
    return set(chain.table("forecasts", as_of=night).drop_nulls("model")["model"])


def test_the_first_model_is_held_against_the_incumbent_and_the_decision_is_on_record(first_night: Chain) -> None:
    row = first_night.table("model_decisions").row(0, named=True)
    assert (row["model"], row["decision"], row["replaced"]) == ("fournil/1", "promoted", None)
    figures = json.loads(row["figures"])
    assert figures["challenger.fa"] > figures["seasonal_naive.fa"]
    assert {"challenger.cost", "incumbent.cost", "incumbent.bias"} <= figures.keys()
    noted = first_night.table("metrics", step="train", metric="challenger.fa")
    assert noted["value"].to_list() == [figures["challenger.fa"]]


def test_a_model_that_was_made_worse_is_refused_and_the_champion_goes_on(settle: Settle, first_night: Chain) -> None:
    chain = settle(first_night, MODEL__ITERATIONS="1", MODEL__LEARNING_RATE="1", GATE="{}")
    outcome = train(as_of=NIGHT)
    assert outcome.judged.decision == "refused"
    assert "of the champion" in outcome.judged.reason
    assert outcome.in_use == "fournil/1"
    assert decisions(chain) == [("fournil/1", "promoted"), ("fournil/2", "refused")]
    daily(as_of=NEXT)
    assert used(chain, NEXT) == {"fournil/1"}


def test_a_model_of_an_earlier_day_is_kept_but_does_not_replace_a_later_one(chain: Chain) -> None:
    outcome = train(as_of=A_WEEK_BEFORE)
    assert outcome.judged.decision == "kept"
    assert outcome.in_use == "fournil/1"
    assert decisions(chain) == [("fournil/1", "promoted")]


def test_a_past_night_is_not_forecast_by_a_model_that_knows_later_days(chain: Chain) -> None:
    forecast(as_of=A_WEEK_BEFORE)
    assert used(chain, A_WEEK_BEFORE) == set()


def test_a_rollback_issues_the_night_again_with_the_earlier_model_for_good(settle: Settle, first_night: Chain) -> None:
    chain = settle(first_night, SEED="7")
    assert train(as_of=NIGHT).in_use == "fournil/2"
    daily(as_of=NIGHT)
    assert used(chain, NIGHT) == {"fournil/1", "fournil/2"}
    returned = rollback(as_of=NIGHT, why="bakers complain")
    assert (returned.in_use, returned.withdrawn) == ("fournil/1", "fournil/2")
    ledger = chain.table("publications").sort("published_at")
    live = chain.table("forecasts", forecast_id=ledger["forecast_id"][-1])
    assert set(live.drop_nulls("model")["model"]) == {"fournil/1"}
    assert chain.table("deliveries", publication_id=ledger["publication_id"][-1], state="sent").height == 2
    assert decisions(chain)[-1] == ("fournil/2", "rolled back")
    assert "bakers complain; fournil/1 serves again" in chain.table("model_decisions")["reason"].to_list()
    again = train(as_of=NIGHT)
    assert again.judged.decision == "refused"
    assert "rolled back" in again.judged.reason
    with pytest.raises(LakeError, match="no model served before fournil/1"):
        rollback(as_of=NIGHT)
    assert rollback(as_of=NIGHT, to="1").in_use == "fournil/1"


def test_a_training_and_a_forecast_come_out_the_same_again(chain: Chain) -> None:
    (training,) = replay(run=run_of(chain, "training"))
    assert training.equal
    assert training.notes == ()
    (made,) = replay(run=run_of(chain, "forecast"))
    assert made.equal
    assert made.detail == "all 56 rows are equal"


def test_a_lake_that_was_tampered_with_is_named_by_table_column_and_row(chain: Chain) -> None:
    products, lake = INPUTS["products"], chain.lake
    rows, version = lake.scan(products).collect(), lake.version(products)
    shutil.rmtree(chain.home / "lake" / "products")
    lake.replace(products, rows.with_columns(family=pl.lit("another")))
    assert lake.version(products) == version
    with pytest.raises(ReplayError, match=r"table products: column family differs in .* first at product 101"):
        replay(run=run_of(chain, "training"))


def test_a_model_outlives_the_lakes_older_versions(chain: Chain) -> None:
    for file in (chain.home / "lake" / "sales").rglob("*.parquet"):
        file.unlink()
    (training,) = replay(run=run_of(chain, "training"))
    assert training.equal
    assert "the model's own extract was used" in training.notes[0]


def test_a_run_that_made_nothing_is_answered_with_those_that_did(chain: Chain) -> None:
    with pytest.raises(LakeError, match=rf"run nobody made nothing .* newest that did: .*{run_of(chain, 'forecast')}"):
        replay(run="nobody")
