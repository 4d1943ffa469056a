"""A model as it is kept: point forecast, scatter, intervals and balance, as files that are equal for equal input."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lib.features.arrays import Floats
from lib.features.matrix import Matrix
from lib.models.balance import Balance
from lib.models.boosting import Booster
from lib.models.intervals import Intervals
from lib.models.scatter import Scatter

if TYPE_CHECKING:
    from catboost import CatBoostRegressor

BOOSTER_FILE, SCATTER_FILE, CARD_FILE, TRIAL_FOLDER = "booster.cbm", "scatter.cbm", "model.json", "trial"
VOLATILE = {"model_guid": "", "train_finish_time": "", "training": "{}"}
"""What CatBoost writes into a model file that differs between two equal trainings, and what stands there instead."""


@dataclass(frozen=True, slots=True)
class Model:
    """Point forecasts and quantiles. `name` names it in forecasts, such as fournil/3; empty until it is registered.

    `trial` is the same recipe as it was some weeks before; what it says of these weeks is a fair forecast.
    """

    booster: Booster
    scatter: Scatter
    intervals: Intervals
    balance: Balance
    trial: "Model | None" = None
    name: str = ""

    def predict(self, matrix: Matrix) -> tuple[Floats, npt.NDArray[np.float64]]:
        """(N,) point forecasts and (N, Q) quantiles, units; NaN where nothing was expected."""
        middle = self.booster.predict(matrix)
        quantiles = self.intervals.quantiles(middle, self.scatter.units(matrix, middle))
        return self.balance.centred(middle, matrix.expected), quantiles


def save(model: Model, folder: Path) -> None:
    """Write the model's files into `folder`, those of its trial into a folder therein."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in ((BOOSTER_FILE, model.booster.model), (SCATTER_FILE, model.scatter.model)):
        _forget_circumstances(part)
        part.save_model(str(folder / name))
    card = {
        "features": model.booster.names,
        "intervals": model.intervals.plain(),
        "balance": model.balance.plain(),
    }
    (folder / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    if model.trial is not None:
        save(model.trial, folder / TRIAL_FOLDER)


def load(folder: Path, *, name: str) -> Model:
    """Read what :func:`save` wrote."""
    from catboost import CatBoostRegressor  # noqa: PLC0415  two seconds that only training and forecasting pay

    card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    booster, scatter = (CatBoostRegressor().load_model(str(folder / file)) for file in (BOOSTER_FILE, SCATTER_FILE))
    trial = folder / TRIAL_FOLDER
    return Model(
        Booster(booster, tuple(card["features"])),
        Scatter(scatter),
        Intervals.of(card["intervals"]),
        Balance.of(card["balance"]),
        load(trial, name=f"{name} on trial") if trial.is_dir() else None,
        name,
    )


def _forget_circumstances(model: "CatBoostRegressor") -> None:
    metadata = model.get_metadata()
    for entry, blank in VOLATILE.items():
        metadata[entry] = blank
    if "params" not in metadata.keys():  # noqa: SIM118  CatBoost's metadata is no mapping; averaged models have none
        return
    parameters = json.loads(metadata["params"])
    parameters["system_options"]["thread_count"] = parameters["flat_params"]["thread_count"] = 0
    metadata["params"] = json.dumps(parameters, sort_keys=True)
