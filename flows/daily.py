"""The night: from the day's sales to the books on the managers' desks."""

from typing import Any

from prefect.client.schemas.objects import State

from flows.check import check
from flows.deliver import deliver
from flows.forecast import forecast
from flows.monitor import monitor
from flows.process import LAST_ENDED_DAY, AsOf, process
from flows.sync import sync


@process
def daily(*, as_of: AsOf = LAST_ENDED_DAY) -> str:
    """Sync, check, forecast, publish, deliver, monitor. A night that may not ship is still synced and shown.

    A sync that fails does not stop the night: the checks decide whether what is known suffices. Whatever failed, the
    night ends by failing with the first reason, so that somebody looks.
    """
    steps: list[State[Any]] = [sync(as_of=as_of, return_state=True), check(as_of=as_of, return_state=True)]
    for step in (forecast, deliver):
        if steps[-1].is_completed():
            steps.append(step(as_of=as_of, return_state=True))
    shown = monitor(as_of=as_of, return_state=True)
    for state in (*steps, shown):
        state.result()
    return shown.result()
