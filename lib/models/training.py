"""Training: fit without the last weeks, validate and calibrate on them, then fit on everything."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from lib import metrics
from lib.errors import TrainingError
from lib.features import matrix as features
from lib.features.arrays import Floats
from lib.features.columns import Rows
from lib.features.matrix import Features
from lib.features.spine import Panel
from lib.models import balance, boosting, intervals, scatter
from lib.models.boosting import Booster, BoostingConfig
from lib.models.champion import Model

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
    held_out = _rows(panel, columns, first=cut, last=last - 1, every=1)
    early = past.take(past.date <= cut)
    for rows in (early, held_out):
        if not len(rows.series) or np.ptp(_actual(panel, rows) / columns.usual.gather(rows)) == 0:
            message = "nothing to learn: no series has changing sales on enough days"
            raise TrainingError(message)

    def fitted(rows: Rows) -> Booster:
        actual = _actual(panel, rows)
        return boosting.fit(columns.matrix(rows), actual, config=config, seed=seed, threads=threads)

    trial = fitted(early)
    seen, unseen = columns.matrix(early), columns.matrix(held_out)
    known, actual = _actual(panel, early), _actual(panel, held_out)
    fit_to, point = trial.predict(seen), trial.predict(unseen)
    spread = scatter.fit(unseen, point, actual, seed=seed, threads=threads)
    model = Model(
        booster=fitted(past),
        trial=trial,
        scatter=spread,
        intervals=intervals.calibrate(point, actual, spread.units(unseen, point)),
        balance=balance.fit(fit_to, known, seen.expected),
    )
    in_sample, out_of_sample = (
        _scored(model.balance.centred(forecast, rows.expected), true)
        for forecast, rows, true in ((fit_to, seen, known), (point, unseen, actual))
    )
    return Training(model, _figures(in_sample, out_of_sample, rows=len(past.series)))


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


def _actual(panel: Panel, rows: Rows) -> Floats:
    return panel.demand[rows.series, rows.date]


def _scored(forecast: Floats, actual: Floats) -> pl.DataFrame:
    return pl.DataFrame({"forecast": forecast.astype(np.float64), "actual": actual.astype(np.float64)})
