"""Training: fit without the last weeks, validate and calibrate on them, then fit on everything."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from lib import metrics
from lib.features import matrix as features
from lib.features.arrays import Floats
from lib.features.columns import Rows
from lib.features.matrix import Features
from lib.features.spine import Panel
from lib.models import boosting, intervals
from lib.models.boosting import BoostingConfig
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
    """Train on all that the panel knows. ValueError if its history is too short (see :func:`enough_history`)."""
    if not enough_history(panel, config):
        needed = config.warm_up_days + config.validation_days + NEEDED_DAYS
        message = f"{panel.history} days of sales are too few to train on: {needed} are needed"
        raise ValueError(message)
    last = panel.history - 1
    cut = last - config.validation_days
    past = features.rows_before(panel, first=config.warm_up_days, last=last - 1, every=config.origin_every)
    early = past.take(past.date <= cut)
    held_out = features.rows_before(panel, first=cut, last=last - 1, every=1)
    trial = boosting.fit(columns.matrix(early), _actual(panel, early), config=config, seed=seed, threads=threads)
    in_sample = _against_sales(panel, early, trial.predict(columns.matrix(early)))
    unseen = _against_sales(panel, held_out, trial.predict(columns.matrix(held_out)))
    calibration = intervals.calibrate(unseen["forecast"].to_numpy(), unseen["actual"].to_numpy())
    final = boosting.fit(columns.matrix(past), _actual(panel, past), config=config, seed=seed, threads=threads)
    return Training(Model(final, calibration), _figures(in_sample, unseen, rows=len(past.series)))


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
    return panel.sales[rows.series, rows.date]


def _against_sales(panel: Panel, rows: Rows, forecast: Floats) -> pl.DataFrame:
    frame = pl.DataFrame({"forecast": forecast.astype(np.float64), "actual": _actual(panel, rows).astype(np.float64)})
    return frame.drop_nans()
