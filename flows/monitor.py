"""Score what was published, and show how the night went."""

from flows import clock
from flows.process import LAST_ENDED_DAY, AsOf, process
from tasks.monitor import render_dashboard, score_publications


@process
def monitor(*, as_of: AsOf = LAST_ENDED_DAY) -> str:
    """Score earlier publications against the sales that have since arrived, and draw the dashboard; its path."""
    score_publications(as_of=as_of)
    return render_dashboard(as_of=as_of, at=clock.now())
