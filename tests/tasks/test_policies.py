from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest
from deltalake.exceptions import CommitFailedError
from prefect.client.schemas.objects import State
from prefect.states import Failed

from lib.adapters.mailbox import MailError, TransientMailError
from lib.errors import SourceError
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
