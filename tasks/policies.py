"""Named policies: when a task is tried again, and when its result may be used again."""

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import Any, TypedDict

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext

from lib.adapters.lake import TRANSIENT
from lib.adapters.mailbox import TransientMailError
from tasks.context import code_version, libraries, model_digest


class Policy(TypedDict, total=False):
    """Options of a Prefect task."""

    retries: int
    retry_delay_seconds: list[float]
    retry_jitter_factor: float
    retry_condition_fn: Any
    cache_key_fn: Any
    persist_result: bool


def is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether the same call may succeed later: only then is it worth another try."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, (*TRANSIENT, TransientMailError))


def by_content(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Cache key: the task, its receipts, the settings that matter, code and libraries. Equal keys mean equal results.

    Fields by which receipts do not compare are left out: they say where to find something, not what it is.
    """
    known = [context.task.name, parameters, model_digest(), code_version(), libraries()]
    return hashlib.sha256(json.dumps(known, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value) if field.compare}
    return str(value)


LAKE = Policy(retries=3, retry_delay_seconds=[1, 5, 20], retry_jitter_factor=0.5, retry_condition_fn=is_transient)
"""Reads and writes of lake and source."""
MAIL = Policy(
    retries=4, retry_delay_seconds=[5, 30, 120, 600], retry_jitter_factor=0.5, retry_condition_fn=is_transient
)
"""Mail servers ask for patience."""
REPEATABLE = Policy(**LAKE, cache_key_fn=by_content, persist_result=True)
"""Costly work that its receipts determine fully."""
