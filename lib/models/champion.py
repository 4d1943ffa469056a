"""A model as it is kept: point forecast, scatter and intervals, as files that are equal for equal input."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lib.features.arrays import Floats
from lib.features.matrix import Matrix
from lib.models.boosting import Booster
from lib.models.intervals import Intervals
from lib.models.scatter import Scatter

if TYPE_CHECKING:
    from catboost import CatBoostRegressor

BOOSTER_FILE, SCATTER_FILE, CARD_FILE = "booster.cbm", "scatter.cbm", "model.json"
VOLATILE = {"model_guid": "", "train_finish_time": "", "training": "{}"}
"""What CatBoost writes into a model file that differs between two equal trainings, and what stands there instead."""


@dataclass(frozen=True, slots=True)
class Model:
    """Point forecasts and quantiles. `name` names it in forecasts, such as fournil/3; empty until it is registered."""

    booster: Booster
    scatter: Scatter
    intervals: Intervals
    name: str = ""

    def predict(self, matrix: Matrix) -> tuple[Floats, npt.NDArray[np.float64]]:
        """(N,) point forecasts and (N, Q) quantiles, units; NaN where nothing was expected."""
        point = self.booster.predict(matrix)
        return point, self.intervals.quantiles(point, self.scatter.units(matrix, point))


def save(model: Model, folder: Path) -> None:
    """Write the model's files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in ((BOOSTER_FILE, model.booster.model), (SCATTER_FILE, model.scatter.model)):
        _forget_circumstances(part)
        part.save_model(str(folder / name))
    card = {"features": model.booster.names, "intervals": model.intervals.plain()}
    (folder / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def load(folder: Path, *, name: str) -> Model:
    """Read what :func:`save` wrote."""
    from catboost import CatBoostRegressor  # noqa: PLC0415  two seconds that only training and forecasting pay

    card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    booster, scatter = (CatBoostRegressor().load_model(str(folder / file)) for file in (BOOSTER_FILE, SCATTER_FILE))
    return Model(Booster(booster, tuple(card["features"])), Scatter(scatter), Intervals.of(card["intervals"]), name)


def _forget_circumstances(model: "CatBoostRegressor") -> None:
    metadata = model.get_metadata()
    for entry, blank in VOLATILE.items():
        metadata[entry] = blank
    parameters = json.loads(metadata["params"])
    parameters["system_options"]["thread_count"] = parameters["flat_params"]["thread_count"] = 0
    metadata["params"] = json.dumps(parameters, sort_keys=True)
