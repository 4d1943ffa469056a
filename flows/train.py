"""Train a model and put it to use."""

from flows.process import LAST_ENDED_DAY, AsOf, process
from tasks import records
from tasks.train import Trained, promote, still_registered, table_versions, train_model


@process
def train(*, as_of: AsOf = LAST_ENDED_DAY) -> Trained:
    """Train on all that is known as_of, register the model with its figures, and make it the one in use."""
    versions = table_versions()
    trained = train_model(as_of=as_of, versions=versions)
    if not still_registered(trained):
        trained = train_model.with_options(refresh_cache=True)(as_of=as_of, versions=versions)
    promote(trained)
    records.measure(as_of, "train", trained.figures)
    return trained
