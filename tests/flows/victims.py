"""Runs flows in processes that are killed at named points, as `python -m tests.flows.victims` with orders on stdin.

The libraries are imported once and each run is a fork, since importing them takes longer than the run.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

AT_ONCE = 2
LIBRARIES = {"great_expectations", "mlflow", "catboost", "plotly.io", "yagmail", "xlsxwriter"}


@dataclass(frozen=True, slots=True)
class Point:
    """When to die: as the `nth` call of `function` has returned; of calls with `table` if one is named."""

    function: str
    table: str = ""
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Order:
    """A flow to run on a chain; `dies` says where."""

    environment: dict[str, str]
    flow: str
    as_of: str
    dies: Point | None = None


def main() -> None:
    """Run each list of orders in turn, several lists at once; print how each run ended, negative being a signal."""
    orders = [[_order(each) for each in several] for several in json.load(sys.stdin)]
    for name in {f"flows.{order.flow}" for several in orders for order in several} | LIBRARIES:
        import_module(name)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        print(json.dumps(list(pool.map(lambda several: [_forked(order) for order in several], orders))))


def plain(orders: Sequence[Sequence[Order]]) -> str:
    """Orders as `main` reads them."""
    return json.dumps([[asdict(order) for order in several] for several in orders])


def _order(values: dict[str, Any]) -> Order:
    return Order(**{**values, "dies": Point(**values["dies"]) if values["dies"] else None})


def _forked(order: Order) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        _run(order)
    except BaseException:  # noqa: BLE001  nothing may escape into the parent's code
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _run(order: Order) -> None:
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    from flows import local

    os.environ.update(order.environment)
    del os.environ[local.API]  # prefect has read it; without it runs behave as those without a server do
    if order.dies:
        _arm(order.dies)
    results = Path(order.environment["FOURNIL_HOME"]) / "lake" / "_results"
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: results}):
        local.without_heartbeats()
        getattr(import_module(f"flows.{order.flow}"), order.flow)(as_of=date.fromisoformat(order.as_of))


def _arm(point: Point) -> None:
    module, _, path = point.function.partition(":")
    *outer, name = path.split(".")
    owner: Any = import_module(module)
    for part in outer:
        owner = getattr(owner, part)
    setattr(owner, name, _deadly(getattr(owner, name), point))


def _deadly(function: Callable[..., Any], point: Point) -> Callable[..., Any]:
    calls = 0

    @wraps(function)
    def last(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  stands in for any function
        nonlocal calls
        result = function(*args, **kwargs)
        calls += not point.table or any(getattr(value, "name", None) == point.table for value in args)
        if calls == point.nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return last


if __name__ == "__main__":
    main()
