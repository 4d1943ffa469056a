"""Train a model, and put it to use if it is no worse than the one in use."""

from dataclasses import dataclass

from flows import clock
from flows.process import LAST_ENDED_DAY, AsOf, process
from tasks import receipts, records
from tasks.train import Judged, Trained, judge, settle, still_registered, table_versions, train_model


@dataclass(frozen=True, slots=True)
class Outcome:
    """The model that was trained, what the gate decided about it, and the title of the model in use (empty: none)."""

    trained: Trained
    judged: Judged
    in_use: str


@process
def train(*, as_of: AsOf = LAST_ENDED_DAY) -> Outcome:
    """Train on all that is known as_of, and hold the model against the one in use on weeks that neither has seen."""
    versions = table_versions()
    trained = train_model(as_of=as_of, versions=versions)
    if not still_registered(trained):
        trained = train_model.with_options(refresh_cache=True)(as_of=as_of, versions=versions)
    model = trained.registered
    receipts.keep("training", model.content, as_of=as_of, versions=versions, model=model)
    judged = judge(trained, as_of=as_of, versions=versions)
    serving = settle(trained, judged, as_of=as_of, at=clock.now())
    records.measure(as_of, "train", {**trained.figures, **judged.figures})
    return Outcome(trained, judged, serving.title if serving else "")
