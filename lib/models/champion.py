"""A model as it is kept: the booster and its intervals, as files that are equal for equal input."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lib.features.arrays import Floats
from lib.features.matrix import Matrix
from lib.models.boosting import Booster
from lib.models.intervals import Intervals

BOOSTER_FILE, CARD_FILE = "booster.cbm", "model.json"
VOLATILE = {"model_guid": "", "train_finish_time": "", "training": "{}"}
"""What CatBoost writes into a model file that differs between two equal trainings, and what stands there instead."""


@dataclass(frozen=True, slots=True)
class Model:
    """Point forecasts and quantiles. `name` names it in forecasts, such as fournil/3; empty until it is registered."""

    booster: Booster
    intervals: Intervals
    name: str = ""

    def predict(self, matrix: Matrix) -> tuple[Floats, npt.NDArray[np.float64]]:
        """(N,) point forecasts and (N, Q) quantiles, units; NaN where nothing was expected."""
        point = self.booster.predict(matrix)
        return point, self.intervals.quantiles(point)


def save(model: Model, folder: Path) -> None:
    """Write the model's files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _forget_circumstances(model.booster)
    model.booster.model.save_model(str(folder / BOOSTER_FILE))
    card = {"features": model.booster.names, "intervals": model.intervals.plain()}
    (folder / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def load(folder: Path, *, name: str) -> Model:
    """Read what :func:`save` wrote."""
    from catboost import CatBoostRegressor  # noqa: PLC0415  two seconds that only training and forecasting pay

    card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    booster = CatBoostRegressor().load_model(str(folder / BOOSTER_FILE))
    return Model(Booster(booster, tuple(card["features"])), Intervals.of(card["intervals"]), name)


def _forget_circumstances(booster: Booster) -> None:
    metadata = booster.model.get_metadata()
    for entry, blank in VOLATILE.items():
        metadata[entry] = blank
    parameters = json.loads(metadata["params"])
    parameters["system_options"]["thread_count"] = parameters["flat_params"]["thread_count"] = 0
    metadata["params"] = json.dumps(parameters, sort_keys=True)
