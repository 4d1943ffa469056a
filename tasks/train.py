"""Training a model, putting it to the test against the one in use, and settling which of them serves."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from prefect import task
from prefect.artifacts import create_markdown_artifact

from lib.adapters import extracts
from lib.adapters.registry import TABLE_TAG, Record, Registered, Registry, UnfitError
from lib.contracts import OUTPUTS
from lib.evaluation import contest, gate
from lib.features import matrix
from lib.features.spine import Inputs
from lib.models import training
from lib.models.champion import Model
from lib.models.training import Training
from lib.planning.forecast import Plan
from lib.settings import Recipe
from tasks import context, inputs
from tasks.policies import LAKE, REPEATABLE

DECISIONS = OUTPUTS["model_decisions"]
PROMOTED, REFUSED, KEPT, RETURNED = "promoted", "refused", "kept", "returned to"
SERVES = (PROMOTED, RETURNED)
"""Decisions by which a model comes into use."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered model and the figures of its training."""

    registered: Registered
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was decided about a model: promoted, refused or kept (nothing changes), why, and with which figures."""

    decision: str
    reason: str
    figures: dict[str, float]


@task(**LAKE)
def table_versions() -> dict[str, int]:
    """Newest version of every input table."""
    return inputs.versions(context.lake())


@task(**REPEATABLE)
def train_model(*, as_of: date, versions: dict[str, int]) -> Trained:
    """Train on what was known as_of in these table versions, and register the model with all that made it."""
    recipe = context.in_force().recipe
    known = inputs.read(context.lake(), as_of=as_of, chain=recipe.chain, at=versions)
    trained = fitted(known, recipe)
    with TemporaryDirectory() as folder:
        extracts.save(known, Path(folder))
        record = Record(
            as_of=as_of,
            figures=trained.figures,
            parameters={**recipe.model.model_dump(), "seed": recipe.seed, "threads": recipe.threads, "as_of": as_of},
            tags={
                **{f"{TABLE_TAG}{table}": str(number) for table, number in versions.items()},
                **{f"library.{name}": version for name, version in context.libraries().items()},
                "code": context.code_version(),
                "run": context.run_id(),
            },
            extract=Path(folder),
        )
        registered = context.registry().register(trained.model, record)
    return Trained(registered, trained.figures)


def fitted(known: Inputs, recipe: Recipe) -> Training:
    """A model from data and recipe alone."""
    panel = inputs.panel(known, recipe)
    return training.train(panel, matrix.of(panel), config=recipe.model, seed=recipe.seed, threads=recipe.threads)


@task(**LAKE)
def still_registered(trained: Trained) -> bool:
    """Whether the registry holds the model; a cached training may be of a registry that is gone."""
    return context.registry().holds(trained.registered)


@task(**LAKE)
def judge(trained: Trained, *, as_of: date, versions: dict[str, int]) -> Judged:
    """Hold a fresh model against the one in use, the incumbent and the seasonal naive on the same recent weeks.

    A model in use that does not fit this code counts as none.
    """
    registry, model = context.registry(), trained.registered
    champion = registry.current()
    if champion is not None and champion.content == model.content:
        return Judged(KEPT, "it is in use already", {})
    if registry.is_withdrawn(model):
        return Judged(REFUSED, "it was rolled back before; change data or settings and train again", {})
    models = _fitting(registry, model, champion)
    if champion is not None and champion.as_of > model.as_of and gate.CHAMPION in models:
        later = f"{champion.title} in use knows the days up to {champion.as_of}, this one only those to {model.as_of}"
        return Judged(KEPT, later, {})
    recipe, config = context.in_force().recipe, context.in_force().gate
    known = inputs.read(context.lake(), as_of=as_of, chain=recipe.chain, at=versions)
    panel = inputs.panel(known, recipe)
    plan = Plan(sanity=recipe.sanity, orders=recipe.orders, explain=False, threads=recipe.threads)
    decision = gate.decide(contest.hold(panel, models, plan, weeks=config.weeks), config)
    return Judged(PROMOTED if decision.promoted else REFUSED, decision.reason, decision.figures)


def _fitting(registry: Registry, model: Registered, champion: Registered | None) -> dict[str, Model]:
    """The fresh model, and the one in use if it wants the same features."""
    challenger = registry.load(model)
    with suppress(UnfitError):
        in_use = registry.load(champion) if champion else None
        if in_use is not None and in_use.booster.names == challenger.booster.names:
            return {gate.CHALLENGER: challenger, gate.CHAMPION: in_use}
    return {gate.CHALLENGER: challenger}


@task(**LAKE)
def settle(trained: Trained, judged: Judged, *, as_of: date, at: datetime) -> Registered | None:
    """Record the decision and carry it out; the model in use afterwards, None if there is none."""
    registry, model = context.registry(), trained.registered
    champion = registry.current()
    if judged.decision != KEPT:
        record_decision(model, judged, champion, as_of=as_of, at=at)
        create_markdown_artifact(
            _told(model, judged), key="model-decision", description=f"{model.title}: {judged.decision}"
        )
    if judged.decision == PROMOTED:
        tags = {f"gate.{name}": f"{value:.6g}" for name, value in judged.figures.items()}
        registry.promote(model, figures={**tags, "gate.reason": judged.reason})
    return registry.current()


def record_decision(
    model: Registered, judged: Judged, champion: Registered | None, *, as_of: date, at: datetime
) -> None:
    """Append to the ledger of models, unless it says so and no other model came into use since."""
    lake = context.lake()
    matters = (pl.col("model") == model.title) | pl.col("decision").is_in(SERVES)
    last = lake.scan(DECISIONS).filter(matters).sort("decided_at").collect()[-1:]
    if last.select("model", "decision", "as_of").rows() == [(model.title, judged.decision, as_of)]:
        return
    row = {
        "decided_at": at,
        "as_of": as_of,
        "model": model.title,
        "replaced": champion.title if champion else None,
        "decision": judged.decision,
        "reason": judged.reason,
        "figures": json.dumps(judged.figures, sort_keys=True),
        "run_id": context.run_id(),
    }
    lake.append(DECISIONS, pl.DataFrame([row], schema=DECISIONS.schema))


def _told(model: Registered, judged: Judged) -> str:
    """The decision as a page of the Prefect UI."""
    names = sorted({name.split(".")[0] for name in judged.figures})
    lines = [
        f"| {name} | {judged.figures[f'{name}.fa']:.1%} | {judged.figures[f'{name}.bias']:+.1%} "
        f"| {judged.figures[f'{name}.cost']:,.0f} |"
        for name in names
    ]
    head = ["| | FA | bias | waste and lost sales |", "| --- | --- | --- | --- |"] if lines else []
    return "\n".join([f"**{model.title}: {judged.decision}.** {judged.reason}", "", *head, *lines])
