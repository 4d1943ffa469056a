"""Check what is known of the night."""

from flows.process import LAST_ENDED_DAY, AsOf, process
from lib.errors import HoldError
from tasks import records
from tasks.check import Verdict, check_night


@process
def check(*, as_of: AsOf = LAST_ENDED_DAY) -> Verdict:
    """Validate the night's data and decide for each store what may ship; a failed critical check holds the night."""
    verdict = check_night(as_of=as_of)
    counts = {"stores_ship": verdict.ship, "stores_degrade": verdict.degrade, "stores_hold": verdict.hold}
    records.measure(as_of, "check", {**counts, "failed_checks": verdict.failed_checks})
    if verdict.reason:
        message = f"the night is held and the last publication stays live: {verdict.reason}"
        raise HoldError(message)
    return verdict
