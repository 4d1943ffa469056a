import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from mlflow import MlflowClient

from lib.adapters import extracts
from lib.adapters.registry import Record, Registered, Registry, UnfitError, content_of
from lib.errors import LakeError
from lib.features import matrix
from lib.models import training
from lib.models.boosting import BoostingConfig
from lib.models.champion import Model
from tests import panels
from tests.panels import AS_OF


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One database for all tests: making its tables takes seconds."""
    return tmp_path_factory.mktemp("registry")


@pytest.fixture
def registry(place: Path, request: pytest.FixtureRequest) -> Registry:
    """A registry that knows no model of this test's yet."""
    name = request.node.name
    return Registry(f"sqlite:///{place / 'mlflow.db'}", name, "champion", str(place / name))


@cache
def trained(*, seed: int = 1) -> Model:
    panel = panels.panel()
    config = BoostingConfig(iterations=2, depth=2, validation_days=28)
    return training.train(panel, matrix.of(panel), config=config, seed=seed, threads=1).model


def register(registry: Registry, model: Model, *, as_of: date = AS_OF, run: str = "a run") -> Registered:
    with TemporaryDirectory() as folder:
        extracts.save(panels.inputs(), Path(folder))
        tags = {"lake.sales": "7", "run": run}
        return registry.register(model, Record(as_of, {"fa": 0.8}, {"seed": 1}, tags, Path(folder)))


def in_service(registry: Registry, *, seed: int, as_of: date) -> Registered:
    registered = register(registry, trained(seed=seed), as_of=as_of)
    registry.promote(registered, figures={})
    return registered


def test_before_the_first_training_no_model_is_in_use(registry: Registry) -> None:
    assert registry.in_use(as_of=AS_OF) is None


def test_a_model_is_in_use_once_it_is_promoted_and_predicts_as_it_did(registry: Registry) -> None:
    model = trained()
    registered = register(registry, model)
    assert registry.in_use(as_of=AS_OF) is None
    registry.promote(registered, figures={"gate.challenger.fa": "0.8"})
    assert registry.in_use(as_of=AS_OF) == registered
    loaded = registry.load(registered)
    assert loaded.name == registered.title == f"{registry.model}/1"
    panel = panels.panel()
    rows = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    assert [part.tolist() for part in loaded.predict(rows)] == [part.tolist() for part in model.predict(rows)]
    assert loaded.trial is not None
    assert model.trial is not None
    assert loaded.trial.predict(rows)[1].tolist() == model.trial.predict(rows)[1].tolist()


def test_equal_trainings_are_one_version_and_another_is_the_next(registry: Registry) -> None:
    first, again, other = (register(registry, trained(seed=seed)) for seed in (1, 1, 2))
    assert again == first
    assert (first.version, other.version) == ("1", "2")
    registry.promote(other, figures={})
    registry.promote(first, figures={})
    assert registry.in_use(as_of=AS_OF) == registry.current() == first


def test_a_past_night_is_served_by_the_newest_model_that_knows_no_later_day(registry: Registry) -> None:
    weeks = [AS_OF + timedelta(days=7 * week) for week in range(3)]
    first, second, third = (in_service(registry, seed=seed, as_of=day) for seed, day in enumerate(weeks, start=1))
    assert registry.in_use(as_of=weeks[2]) == third
    assert registry.in_use(as_of=weeks[2] - timedelta(days=1)) == second
    assert registry.in_use(as_of=weeks[0]) == first
    assert registry.in_use(as_of=weeks[0] - timedelta(days=1)) is None


def test_a_model_that_was_never_put_to_use_serves_no_night(registry: Registry) -> None:
    first = in_service(registry, seed=1, as_of=AS_OF)
    register(registry, trained(seed=2), as_of=AS_OF + timedelta(days=7))
    assert registry.in_use(as_of=AS_OF + timedelta(days=8)) == first


def test_returning_to_a_model_withdraws_all_that_served_after_it(registry: Registry) -> None:
    weeks = [AS_OF + timedelta(days=7 * week) for week in range(3)]
    first, second, third = (in_service(registry, seed=seed, as_of=day) for seed, day in enumerate(weeks, start=1))
    assert registry.before(third) == second
    assert registry.return_to(first) == [second, third]
    assert registry.in_use(as_of=weeks[2]) == first
    assert [registry.is_withdrawn(each) for each in (first, second, third)] == [False, True, True]
    assert registry.return_to(first) == []
    with pytest.raises(LakeError, match=rf"no model served before {registry.model}/1"):
        registry.before(first)


def test_a_version_that_is_not_there_is_refused_with_those_that_are(registry: Registry) -> None:
    registered = register(registry, trained())
    assert registry.version("1") == registered
    with pytest.raises(LakeError, match=r"has no version 7; there are 1"):
        registry.version("7")


def test_the_data_of_a_training_can_be_fetched_and_a_changed_file_is_named(registry: Registry, tmp_path: Path) -> None:
    registered = register(registry, trained())
    folder = registry.fetch_extract(registered, tmp_path)
    known = extracts.load(folder)
    assert known.sales.equals(panels.inputs().sales)
    assert (known.as_of, known.country) == (AS_OF, "DE")
    (folder / "prices.parquet").write_bytes(b"")
    with pytest.raises(LakeError, match=r"extract prices.parquet is missing or differs"):
        extracts.load(folder)


def test_a_model_whose_files_were_changed_is_refused_by_name(registry: Registry, place: Path) -> None:
    registered = register(registry, trained())
    card = min((place / registry.model).rglob("model.json"))
    card.write_text(card.read_text() + " ")
    with pytest.raises(LakeError, match=rf"the files of model {registry.model}/1 differ .*; train again"):
        registry.load(registered)


def test_a_model_whose_files_are_gone_is_refused_by_name(registry: Registry, place: Path) -> None:
    registered = register(registry, trained())
    shutil.rmtree(place / registry.model)
    with pytest.raises(LakeError, match=rf"the files of model {registry.model}/1 cannot be fetched; .* train again"):
        registry.load(registered)


def test_a_registry_holds_what_was_registered_and_nothing_else(registry: Registry) -> None:
    registered = register(registry, trained())
    assert registry.holds(registered)
    assert not registry.holds(Registered(registry.model, "9", "run", "another content", AS_OF))


def test_a_registry_that_gave_the_files_another_number_or_run_does_not_hold_what_was_registered(
    registry: Registry,
) -> None:
    registered = register(registry, trained())
    assert not registry.holds(replace(registered, version="2"))
    assert not registry.holds(replace(registered, run_id="a run of the lost registry"))


def test_a_training_says_which_table_versions_it_read(registry: Registry) -> None:
    assert registry.read_by(register(registry, trained())) == {"sales": 7}


def test_versions_that_do_not_say_what_they_know_are_none_of_ours(registry: Registry) -> None:
    registered = register(registry, trained())
    client = MlflowClient(registry.uri)
    other = client.create_model_version(registry.model, "somewhere", tags={"fournil.content": registered.content})
    client.set_registered_model_alias(registry.model, registry.alias, other.version)
    assert registry.current() is None
    assert registry.in_use(as_of=AS_OF) is None
    assert register(registry, trained()) == registered
    with pytest.raises(LakeError, match=rf"no version {other.version}; there are 1"):
        registry.version(str(other.version))


def test_a_model_of_a_release_with_other_files_is_said_to_be_unfit(registry: Registry, place: Path) -> None:
    registered = register(registry, trained())
    for card in (place / registry.model).rglob("model.json"):
        card.write_text('{"features": []}')
    (folder,) = {file.parent for file in (place / registry.model).rglob("model.json") if file.parent.name == "model"}
    with pytest.raises(UnfitError, match=rf"model {registry.model}/1 is of a release that this one cannot read"):
        registry.load(replace(registered, content=content_of(folder)))


def test_the_hash_of_a_model_tells_in_which_folder_a_file_lies(tmp_path: Path) -> None:
    for where in ("one/trial", "other/trial"):
        (tmp_path / where).mkdir(parents=True)
    (tmp_path / "one" / "card").write_text("a")
    (tmp_path / "other" / "trial" / "card").write_text("a")
    assert content_of(tmp_path / "one") != content_of(tmp_path / "other")


def test_a_process_killed_while_it_makes_the_database_leaves_none_behind(tmp_path: Path) -> None:
    script = f"""
import os, signal, threading, time
from pathlib import Path
from lib.adapters.registry import Registry

def die():
    while not list(Path({str(tmp_path)!r}).glob("**/mlflow.db-journal")):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)

threading.Thread(target=die, daemon=True).start()
Registry("sqlite:///{tmp_path}/mlflow.db", "fournil", "champion").current()
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "mlflow.db").exists()
