"""Training: fit without the last weeks, validate and calibrate on them, then fit on everything."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from lib import metrics
from lib.errors import TrainingError
from lib.features import matrix as features
from lib.features.columns import Rows
from lib.features.matrix import Features
from lib.features.spine import Panel
from lib.models import balance, boosting, ranges
from lib.models.boosting import Booster, BoostingConfig
from lib.models.champion import Model
from lib.models.intervals import Intervals
from lib.models.ranges import Known
from lib.models.scatter import Scatter

NEEDED_DAYS = 28
"""Days of training rows without which no model is made."""


@dataclass(frozen=True, slots=True)
class Training:
    """A model and its figures: rmse_train, rmse_validation (units), fa and bias of the validation, row counts."""

    model: Model
    figures: dict[str, float]


def enough_history(panel: Panel, config: BoostingConfig) -> bool:
    """Whether there are days to train on besides the warm-up and validation days."""
    return panel.history >= config.warm_up_days + config.validation_days + NEEDED_DAYS


def train(panel: Panel, columns: Features, *, config: BoostingConfig, seed: int, threads: int) -> Training:
    """Train on all that the panel knows; TrainingError if that is too little (see :func:`enough_history`)."""
    if not enough_history(panel, config):
        needed = config.warm_up_days + config.validation_days + NEEDED_DAYS
        message = f"{panel.history} days of sales are too few to train on: {needed} are needed"
        raise TrainingError(message)
    last = panel.history - 1
    cut = last - config.validation_days
    past = _rows(panel, columns, first=config.warm_up_days, last=last - 1, every=config.origin_every)
    early = _known(panel, columns, past.take(past.date <= cut))
    held_out = _known(panel, columns, _rows(panel, columns, first=cut, last=last - 1, every=1))

    def fitted(known: Known) -> Booster:
        return boosting.fit(known.matrix, known.demand, config=config, seed=seed, threads=threads)

    def ranged(known: Known) -> tuple[Scatter, Intervals]:
        return ranges.learn(trial, known, seed=seed, threads=threads)

    trial = fitted(early)
    shift = balance.fit(trial.predict(early.matrix), early.demand, early.matrix.expected)
    before = Model(trial, *ranged(held_out.take(held_out.day <= cut + config.validation_days // 2)), shift)
    model = Model(fitted(_known(panel, columns, past)), *ranged(held_out), shift, trial=before)
    return Training(model, _figures(_scored(before, early), _scored(before, held_out), rows=len(past.series)))


def _rows(panel: Panel, columns: Features, *, first: int, last: int, every: int) -> Rows:
    """Past rows with known sales of which something was expected."""
    rows = features.rows_before(panel, first=first, last=last, every=every)
    return rows.take(~np.isnan(columns.usual.gather(rows)))


def _figures(in_sample: pl.DataFrame, unseen: pl.DataFrame, *, rows: int) -> dict[str, float]:
    validation = metrics.accuracy(unseen)
    figures = {
        "rmse_train": metrics.accuracy(in_sample)["rmse"],
        "rmse_validation": validation["rmse"],
        "fa": validation["fa"],
        "bias": validation["bias"],
        "rows": float(rows),
        "rows_validation": float(unseen.height),
    }
    return {name: value for name, value in figures.items() if value is not None}


def _known(panel: Panel, columns: Features, rows: Rows) -> Known:
    """The rows looked up; TrainingError if they all say the same."""
    known = Known(columns.matrix(rows), panel.demand[rows.series, rows.date], rows.date)
    if not len(rows.series) or np.ptp(known.demand / known.matrix.expected) == 0:
        message = "nothing to learn: no series has changing sales on enough days"
        raise TrainingError(message)
    return known


def _scored(model: Model, known: Known) -> pl.DataFrame:
    forecast = model.balance.centred(model.booster.predict(known.matrix), known.matrix.expected)
    return pl.DataFrame({"forecast": forecast.astype(np.float64), "actual": known.demand.astype(np.float64)})
