import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from lib.adapters.registry import Registered, Registry
from lib.errors import LakeError
from lib.features import matrix
from lib.models import training
from lib.models.boosting import BoostingConfig
from lib.models.champion import Model
from tests import panels


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


def register(registry: Registry, model: Model) -> Registered:
    return registry.register(model, figures={"fa": 0.8}, parameters={"seed": 1}, tags={"lake.sales": "7"})


def test_before_the_first_training_no_model_is_in_use(registry: Registry) -> None:
    assert registry.in_use() is None


def test_a_model_is_in_use_once_it_is_promoted_and_predicts_as_it_did(registry: Registry) -> None:
    model = trained()
    registered = register(registry, model)
    assert registry.in_use() is None
    registry.promote(registered.version)
    assert registry.in_use() == registered
    loaded = registry.load(registered)
    assert loaded.name == registered.title == f"{registry.model}/1"
    panel = panels.panel()
    rows = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    assert [part.tolist() for part in loaded.predict(rows)] == [part.tolist() for part in model.predict(rows)]


def test_equal_trainings_are_one_version_and_another_is_the_next(registry: Registry) -> None:
    first, again, other = (register(registry, trained(seed=seed)) for seed in (1, 1, 2))
    assert again == first
    assert (first.version, other.version) == ("1", "2")
    registry.promote(other.version)
    registry.promote(first.version)
    assert registry.in_use() == first


def test_a_model_whose_files_were_changed_is_refused_by_name(registry: Registry, place: Path) -> None:
    registered = register(registry, trained())
    (card,) = (place / registry.model).rglob("model.json")
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
    assert not registry.holds(Registered(registry.model, "9", "run", "another content"))


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
Registry("sqlite:///{tmp_path}/mlflow.db", "fournil", "champion").in_use()
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "mlflow.db").exists()
