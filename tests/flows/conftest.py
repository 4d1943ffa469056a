"""One Prefect server for all flows, and chains to run them on.

Prefect reads its settings when it is imported, and pytest may load this file before tests/conftest.py has set them:
so it is imported in the fixtures.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.flows.chains import NIGHT, Chain, deliver_files

Settle = Callable[..., Chain]


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The chain after its first training and night; tests look at it and change nothing."""
    from flows.daily import daily
    from flows.weekly import weekly

    chain = Chain(tmp_path_factory.mktemp("chain"))
    deliver_files(chain.source)
    with pytest.MonkeyPatch.context() as patch, _results_of(chain):
        _at_work(chain, patch)
        weekly(as_of=NIGHT)
        daily(as_of=NIGHT)
    return chain


@pytest.fixture
def settle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settle]:
    """Makes a chain the one at work: a copy of another, or one that has its files and nothing else."""
    with _results_of(Chain(tmp_path)):

        def settled(other: Chain | None = None, **settings: str) -> Chain:
            chain = Chain(tmp_path, {f"FOURNIL_{name}": value for name, value in settings.items()})
            if other is None:
                deliver_files(chain.source)
            else:
                shutil.copytree(other.root, chain.root, dirs_exist_ok=True)
            _at_work(chain, monkeypatch)
            return chain

        yield settled


@pytest.fixture
def chain(settle: Settle, first_night: Chain) -> Chain:
    """A copy of the chain after its first night, at work."""
    return settle(first_night)


def _at_work(chain: Chain, patch: pytest.MonkeyPatch) -> None:
    for name, value in chain.environment.items():
        patch.setenv(name, value)


@contextmanager
def _results_of(chain: Chain) -> Iterator[None]:
    """Prefect keeps results of tasks with the chain's lake, as it does where a process works for one chain only."""
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    from flows import local

    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: chain.home / "lake" / "_results"}):
        local.without_heartbeats()
        yield
