import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from deltalake.exceptions import CommitFailedError
from prefect.client.schemas.objects import State
from prefect.states import Failed

from lib import settings
from lib.adapters.mailbox import MailError, TransientMailError
from lib.errors import SourceError
from tasks import context, policies
from tasks.forecast import Verdicts
from tasks.policies import by_content, is_transient


@dataclass(frozen=True)
class Receipt:
    table: str
    version: int


def key(name: str = "train", **parameters: object) -> str:
    return by_content(cast("Any", SimpleNamespace(task=SimpleNamespace(name=name))), parameters)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (CommitFailedError("another writer was first"), True),
        (TimeoutError(), True),
        (TransientMailError("busy"), True),
        (MailError("no such user"), False),
        (SourceError("no such file"), False),
        (KeyError("a mistake of ours"), False),
    ],
)
def test_only_what_may_pass_by_itself_is_tried_again(error: Exception, *, again: bool) -> None:
    state: State[Any] = Failed(data=error)
    assert is_transient(cast("Any", None), cast("Any", None), state) is again


def test_a_result_is_used_again_for_equal_receipts_settings_and_code_only(monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2019, 4, 16)
    first = key(as_of=day, sales=Receipt("sales", 3))
    assert key(sales=Receipt("sales", 3), as_of=day) == first
    assert key(as_of=day, sales=Receipt("sales", 4)) != first
    assert key("forecast", as_of=day, sales=Receipt("sales", 3)) != first
    monkeypatch.setenv("FOURNIL_MAIL__PORT", "25")
    assert key(as_of=day, sales=Receipt("sales", 3)) == first
    monkeypatch.setenv("FOURNIL_SEED", "2")
    assert key(as_of=day, sales=Receipt("sales", 3)) != first


def test_equal_verdicts_in_a_later_version_of_their_table_are_the_same_receipt() -> None:
    assert key(verdicts=Verdicts("as before", 7)) == key(verdicts=Verdicts("as before", 8))
    assert key(verdicts=Verdicts("a store is held", 8)) != key(verdicts=Verdicts("as before", 8))


def test_a_result_of_another_library_or_other_code_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = key()
    monkeypatch.setattr(policies, "libraries", lambda: {**context.libraries(), "catboost": "0.1"})
    assert key() != first
    monkeypatch.undo()
    monkeypatch.setattr(policies, "code_version", lambda: "changed")
    assert key() != first


@pytest.mark.parametrize("file", context.MADE_BY)
def test_the_tasks_that_decide_what_a_forecast_is_count_as_its_code(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = context.code_version.__wrapped__()
    house = tmp_path / "house"
    for part in ("lib", "tasks"):
        shutil.copytree(Path(context.__file__).parents[1] / part, house / part)
    monkeypatch.setattr(context, "__file__", str(house / "tasks" / "context.py"))
    monkeypatch.setattr(settings, "__file__", str(house / "lib" / "settings.py"))
    assert context.code_version.__wrapped__() == before
    (house / "tasks" / file).write_text("changed")
    assert context.code_version.__wrapped__() != before
