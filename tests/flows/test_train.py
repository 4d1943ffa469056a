import shutil

from flows.forecast import forecast
from flows.train import train
from tests.flows.chains import NIGHT, Chain


def test_training_again_finds_the_registered_model(chain: Chain, first_night: Chain) -> None:
    assert train(as_of=NIGHT).trained.registered.version == "1"
    shutil.rmtree(chain.home / "lake" / "_results")
    assert train(as_of=NIGHT).trained.registered.version == "1"
    assert chain.table("runs", step="train")["state"].to_list() == ["completed"] * 3
    assert chain.table("metrics", step="train", metric="fa")["value"].n_unique() == 1
    assert first_night.table("runs", step="train").height == 1


def test_a_lake_restored_without_its_forecasts_makes_the_same_ones_again(chain: Chain) -> None:
    before = chain.table("forecasts")
    shutil.rmtree(chain.home / "lake" / "forecasts")
    published = forecast(as_of=NIGHT)
    assert not published.new
    assert chain.table("forecasts").equals(before)


def test_a_result_that_was_cut_while_being_kept_is_made_again(chain: Chain) -> None:
    kept = [file for file in (chain.home / "lake" / "_results").rglob("*") if file.is_file()]
    assert len(kept) >= 2
    for file in kept:
        file.write_bytes(file.read_bytes()[:40])
    assert not forecast(as_of=NIGHT).new
    assert train(as_of=NIGHT).trained.registered.version == "1"
