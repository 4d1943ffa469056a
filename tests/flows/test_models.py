"""Which model serves: the gate, a rollback, and making a model or a forecast again."""

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from flows.daily import daily
from flows.forecast import forecast
from flows.replay import replay
from flows.rollback import rollback
from flows.train import train
from lib.adapters.registry import Record, Registered, Registry
from lib.contracts import INPUTS, OUTPUTS
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
    assert decisions(chain)[-1] == ("fournil/1", "returned to")
    assert "bakers complain; withdrawn: fournil/2" in chain.table("model_decisions")["reason"].to_list()
    again = train(as_of=NIGHT)
    assert again.judged.decision == "refused"
    assert "rolled back" in again.judged.reason
    with pytest.raises(LakeError, match="no model served before fournil/1"):
        rollback(as_of=NIGHT)
    ledger_of_models = decisions(chain)
    assert rollback(as_of=NIGHT, to="1").in_use == "fournil/1"
    assert decisions(chain) == ledger_of_models
    assert rollback(as_of=NIGHT, to="2").in_use == "fournil/2"
    assert decisions(chain) == [*ledger_of_models, ("fournil/2", "returned to")]


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


def with_receipts(chain: Chain, kind: str, **values: str) -> str:
    """Rewrite what stands on the receipts of a kind; the run of the newest."""
    rows, run = chain.table("receipts"), run_of(chain, kind)
    told = [pl.when(kind=kind).then(pl.lit(value)).otherwise(name).alias(name) for name, value in values.items()]
    chain.lake.replace(OUTPUTS["receipts"], rows.with_columns(told))
    return run


def test_a_forecast_cannot_be_made_again_from_a_lake_that_lost_what_it_was_made_from(chain: Chain) -> None:
    shutil.rmtree(chain.home / "lake" / "sales")
    with pytest.raises(
        LakeError, match=r"forecast \w+ cannot be made again: .* no longer has version \d+ of table sales"
    ):
        replay(run=run_of(chain, "forecast"))
    (training,) = replay(run=run_of(chain, "training"))
    assert training.equal
    assert "of table sales" in training.notes[0]
    assert "the model's own extract was used" in training.notes[0]


@pytest.mark.parametrize(("kind", "column"), [("training", "result"), ("forecast", "model_content")])
def test_another_model_under_the_number_of_a_lost_one_is_not_taken_for_it(chain: Chain, kind: str, column: str) -> None:
    run = with_receipts(chain, kind, **{column: "of the lost registry"})
    with pytest.raises(ReplayError, match="fournil/1 in the registry is not the model of this run"):
        replay(run=run)


def test_a_replay_says_which_libraries_and_that_the_code_have_changed_since(chain: Chain) -> None:
    run = with_receipts(chain, "forecast", libraries='{"catboost": "0.1"}', code="another")
    (made,) = replay(run=run)
    now = context.libraries()["catboost"]
    assert made.notes == ("the code has changed since", f"catboost 0.1 then, {now} now")


def test_a_training_on_other_data_that_made_the_same_model_is_no_false_alarm(chain: Chain) -> None:
    products = chain.lake.scan(INPUTS["products"]).collect()
    unsold = products[:1].with_columns(product=pl.lit("999"), name=pl.lit("not sold yet"))
    chain.lake.append(INPUTS["products"], unsold)
    assert train(as_of=NIGHT).trained.registered.version == "1"
    (run,) = set(chain.table("receipts", kind="training")["run_id"]) - {run_of_first(chain)}
    (training,) = replay(run=run)
    assert training.equal
    assert "another run made the same model from other data" in training.notes[0]


def run_of_first(chain: Chain) -> str:
    return str(chain.table("runs", step="train").sort("started_at")["run_id"][0])


def other_features(chain: Chain) -> Registered:
    """Put a model to use that wants a feature which this code does not make."""
    model = registry().load(registry().version("1"))
    old = replace(model, booster=replace(model.booster, names=(*model.booster.names, "phase of the moon")))
    tags = {"lake.sales": str(chain.lake.version(INPUTS["sales"]))}
    registered = registry().register(old, Record(NEXT, {}, {}, tags, chain.root))
    registry().promote(registered, figures={})
    return registered


def test_after_an_upgrade_the_night_goes_on_without_the_old_model_until_one_is_trained(chain: Chain) -> None:
    old = other_features(chain)
    daily(as_of=NEXT)
    assert used(chain, NEXT) == set()
    assert set(chain.table("forecasts", as_of=NEXT)["method"]) <= {"fallback", "closed"}
    (said,) = chain.table("warnings", as_of=NEXT, code="model_unfit")["message"]
    assert said.startswith(f"model {old.title} in use is of a release with other features")
    assert replay(run=run_of(chain, "forecast"))[0].equal
    assert train(as_of=NEXT).in_use == "fournil/3"
    forecast(as_of=NEXT)
    assert used(chain, NEXT) == {"fournil/3"}
    assert chain.table("warnings", as_of=NEXT, code="model_unfit").is_empty()
    before = decisions(chain)
    with pytest.raises(LakeError, match=f"model {old.title} is of a release with other features: nothing was changed"):
        rollback(as_of=NEXT, to="2")
    assert registry().current() == registry().version("3")
    assert decisions(chain) == before


def test_a_run_that_made_nothing_is_answered_with_those_that_did(chain: Chain) -> None:
    with pytest.raises(LakeError, match=rf"run nobody made nothing .* newest that did: .*{run_of(chain, 'forecast')}"):
        replay(run="nobody")


def test_a_night_without_a_model_says_so(chain: Chain) -> None:
    forecast(as_of=A_WEEK_BEFORE)
    (said,) = chain.table("warnings", as_of=A_WEEK_BEFORE, code="no_model")["message"]
    assert f"no model was in use as of {A_WEEK_BEFORE}" in said
    assert "rows are simple estimates: run `train`" in said
