"""The week: a fresh model."""

from flows.check import check
from flows.process import LAST_ENDED_DAY, AsOf, process
from flows.sync import sync
from flows.train import Outcome, train


@process
def weekly(*, as_of: AsOf = LAST_ENDED_DAY) -> Outcome:
    """Sync, check and train, so that the coming nights forecast with a model that knows the last weeks."""
    sync(as_of=as_of)
    check(as_of=as_of)
    return train(as_of=as_of)
