"""Training and registering a model."""

from dataclasses import dataclass
from datetime import date
from importlib.metadata import version

from prefect import task

from lib.adapters.registry import Registered
from lib.features import matrix, spine
from lib.models import training
from tasks import context, inputs
from tasks.policies import LAKE, REPEATABLE

LIBRARIES = ("catboost", "numpy", "polars", "deltalake", "holidays")
"""Libraries whose version may change a model."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered model and the figures of its training."""

    registered: Registered
    figures: dict[str, float]


@task(**LAKE)
def table_versions() -> dict[str, int]:
    """Newest version of every input table."""
    return inputs.versions(context.lake())


@task(**REPEATABLE)
def train_model(*, as_of: date, versions: dict[str, int]) -> Trained:
    """Train on what was known as_of in these table versions, and register the model with all that made it."""
    chosen = context.in_force()
    known = inputs.read(context.lake(), as_of=as_of, chain=chosen.chain, at=versions)
    panel = spine.build(known, horizon=chosen.horizon, history_days=chosen.model.history_days)
    columns = matrix.of(panel)
    trained = training.train(panel, columns, config=chosen.model, seed=chosen.seed, threads=chosen.threads)
    registered = context.registry().register(
        trained.model,
        figures=trained.figures,
        parameters={**chosen.model.model_dump(), "seed": chosen.seed, "threads": chosen.threads, "as_of": as_of},
        tags={
            **{f"lake.{table}": str(number) for table, number in versions.items()},
            **{f"library.{name}": version(name) for name in LIBRARIES},
            "code": context.code_version(),
            "run": context.run_id(),
        },
    )
    return Trained(registered, trained.figures)


@task(**LAKE)
def still_registered(trained: Trained) -> bool:
    """Whether the registry holds the model; a cached training may be of a registry that is gone."""
    return context.registry().holds(trained.registered)


@task(**LAKE)
def promote(trained: Trained) -> Registered:
    """Make the model the one in use."""
    context.registry().promote(trained.registered.version)
    return trained.registered
