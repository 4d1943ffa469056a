"""Return to an earlier model and issue tonight's forecast again."""

from typing import Annotated

from pydantic import Field

from flows import clock
from flows.deliver import deliver
from flows.forecast import forecast
from flows.monitor import monitor
from flows.process import LAST_ENDED_DAY, AsOf, process
from tasks.rollback import Returned, carry_out, find_return, record_return

To = Annotated[str, Field(description="version to return to; the one that served before unless given")]
Why = Annotated[str, Field(description="reason, for the record")]


@process
def rollback(*, as_of: AsOf = LAST_ENDED_DAY, to: To = "", why: Why = "asked for by hand") -> Returned:
    """Take the model in use out of service for good; the earlier one forecasts and delivers the night again.

    What did not come to its end is gone on with when the command is repeated for the same night. Once it did, each call
    without `to` goes one model further back.
    """
    found = find_return(to, as_of=as_of)
    record_return(found, why, as_of=as_of, at=clock.now())
    returned = carry_out(found)
    forecast(as_of=as_of)
    deliver(as_of=as_of)
    monitor(as_of=as_of)
    return returned
