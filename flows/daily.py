"""The night: from the day's sales to the books on the managers' desks."""

from flows.check import check
from flows.deliver import deliver
from flows.forecast import forecast
from flows.monitor import monitor
from flows.process import LAST_ENDED_DAY, AsOf, process
from flows.sync import sync


@process
def daily(*, as_of: AsOf = LAST_ENDED_DAY) -> str:
    """Sync, check, forecast, publish, deliver, monitor. A night that may not ship is still synced and shown.

    A sync that fails does not stop the night: the checks decide whether what is known suffices.
    """
    sync(as_of=as_of, return_state=True)
    checked = check(as_of=as_of, return_state=True)
    if checked.is_completed():
        forecast(as_of=as_of)
        deliver(as_of=as_of)
    page = monitor(as_of=as_of)
    checked.result()
    return page
