"""What all flows share: their form in Prefect, the day they run for, and a record of how long they took."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar, cast

from prefect import Flow, flow
from prefect.runtime import flow_run
from pydantic import BeforeValidator, Field

from flows import clock, local
from tasks import records

P = ParamSpec("P")
R = TypeVar("R")


def _or_yesterday(given: Any) -> Any:  # noqa: ANN401  a validator sees what was given, whatever it is
    return given or clock.last_ended_day()


AsOf = Annotated[
    date,
    BeforeValidator(_or_yesterday),
    Field(description="last day whose end is known; yesterday in the chain's zone unless given"),
]
LAST_ENDED_DAY = cast("date", None)
"""Default of every flow's `as_of`: Prefect's validation puts yesterday in its place when the flow starts."""

local.without_heartbeats()


def process(step: Callable[P, R]) -> Flow[P, R]:
    """A flow named after the function, with its docstring as description; each run is recorded with its duration."""

    @flow(name=step.__name__, description=(step.__doc__ or "").strip(), flow_run_name=_run_name)
    @wraps(step)
    def recorded(*args: P.args, **kwargs: P.kwargs) -> R:
        as_of = cast("date", kwargs["as_of"])
        started_at, error = clock.now(), None
        try:
            return step(*args, **kwargs)
        except BaseException as problem:
            error = f"{type(problem).__name__}: {problem}"
            raise
        finally:
            records.ran(step.__name__, as_of=as_of, started_at=started_at, ended_at=clock.now(), error=error)

    return recorded


def _run_name() -> str:
    """What a run is called in the Prefect UI: the flow and its day."""
    return f"{flow_run.get_flow_name()} {flow_run.get_parameters().get('as_of') or clock.last_ended_day()}"
