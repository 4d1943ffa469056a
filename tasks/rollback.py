"""Returning to an earlier model: find it, write it down, do it. Each step may be repeated, none goes further back."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from prefect import task

from lib.adapters.registry import Registered, Registry
from lib.contracts import OUTPUTS
from lib.errors import LakeError
from lib.features import matrix
from tasks import context, inputs
from tasks.policies import LAKE
from tasks.train import DECISIONS, RETURNED, SERVES, Judged, record_decision

RUNS = OUTPUTS["runs"]
STEP = "rollback"
"""The step by which a rollback that came to its end is on record."""


@dataclass(frozen=True, slots=True)
class Return:
    """The model to return to, the one in use before, and those that are withdrawn for good."""

    target: Registered
    instead_of: Registered
    withdrawn: tuple[Registered, ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """The model in use now, and those that were taken out of service."""

    in_use: str
    withdrawn: str


@task(**LAKE)
def find_return(version: str, *, as_of: date) -> Return:
    """What a return to the version comes to (empty: to the one that served before); changes nothing.

    Without a version, a rollback of the night that was begun and did not come to its end is gone on with. LakeError if
    the version cannot forecast with this code.
    """
    registry = context.registry()
    current = registry.current()
    if current is None:
        message = "no model is in use: there is nothing to roll back"
        raise LakeError(message)
    begun = "" if version else _begun(as_of)
    target = registry.version(version or begun) if version or begun else registry.before(current)
    _check_fit(registry, target, as_of)
    return Return(target, current, tuple(registry.after(target)))


@task(**LAKE)
def record_return(found: Return, why: str, *, as_of: date, at: datetime) -> None:
    """Write the return into the ledger of models, once."""
    if found.target == found.instead_of:
        return
    names = ", ".join(each.title for each in found.withdrawn) or "none"
    record_decision(
        found.target, Judged(RETURNED, f"{why}; withdrawn: {names}", {}), found.instead_of, as_of=as_of, at=at
    )


@task(**LAKE)
def carry_out(found: Return) -> Returned:
    """Put the model to use, and withdraw those that served after it."""
    context.registry().return_to(found.target)
    return Returned(found.target.title, ", ".join(each.title for each in found.withdrawn))


def _begun(as_of: date) -> str:
    """Version that an unfinished rollback of the night returns to; empty if there is none."""
    lake = context.lake()
    serving = lake.scan(DECISIONS).filter(pl.col("decision").is_in(SERVES)).sort("decided_at").collect()
    last = serving[-1:].filter((pl.col("decision") == RETURNED) & (pl.col("as_of") == as_of))
    ended = lake.scan(RUNS).filter((pl.col("step") == STEP) & (pl.col("state") == "completed")).select("run_id")
    unfinished = last.join(ended.collect(), on="run_id", how="anti")
    return str(unfinished["model"][0]).rpartition("/")[2] if unfinished.height else ""


def _check_fit(registry: Registry, target: Registered, as_of: date) -> None:
    """LakeError unless the model wants the features that this code makes."""
    recipe = context.in_force().recipe
    known = inputs.read(context.lake(), as_of=as_of, chain=recipe.chain)
    panel = inputs.panel(known, recipe)
    if registry.load(target).booster.names != matrix.of(panel).names:
        message = f"model {target.title} is of a release with other features: nothing was changed; run `train` instead"
        raise LakeError(message)
