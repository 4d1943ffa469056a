"""A model as it is kept: point forecast, scatter, intervals and balance, as files that are equal for equal input."""

import json
from dataclasses import dataclass, replace
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

BOOSTER_FILE, TRIAL_FILE, SCATTER_FILE, CARD_FILE = "booster.cbm", "trial.cbm", "scatter.cbm", "model.json"
VOLATILE = {"model_guid": "", "train_finish_time": "", "training": "{}"}
"""What CatBoost writes into a model file that differs between two equal trainings, and what stands there instead."""


@dataclass(frozen=True, slots=True)
class Model:
    """Point forecasts and quantiles. `name` names it in forecasts, such as fournil/3; empty until it is registered.

    `trial` is the same recipe fitted without the last weeks, on which scatter and intervals were learned.
    """

    booster: Booster
    trial: Booster
    scatter: Scatter
    intervals: Intervals
    balance: Balance
    name: str = ""

    def predict(self, matrix: Matrix) -> tuple[Floats, npt.NDArray[np.float64]]:
        """(N,) point forecasts and (N, Q) quantiles, units; NaN where nothing was expected."""
        middle = self.booster.predict(matrix)
        quantiles = self.intervals.quantiles(middle, self.scatter.units(matrix, middle))
        return self.balance.centred(middle, matrix.expected), quantiles

    def on_trial(self) -> "Model":
        """The model as it was before it saw the last weeks: what it says of them is a fair forecast."""
        return replace(self, booster=self.trial)


def save(model: Model, folder: Path) -> None:
    """Write the model's files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {BOOSTER_FILE: model.booster.model, TRIAL_FILE: model.trial.model, SCATTER_FILE: model.scatter.model}
    for name, part in parts.items():
        _forget_circumstances(part)
        part.save_model(str(folder / name))
    card = {
        "features": model.booster.names,
        "intervals": model.intervals.plain(),
        "balance": model.balance.plain(),
    }
    (folder / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def load(folder: Path, *, name: str) -> Model:
    """Read what :func:`save` wrote."""
    from catboost import CatBoostRegressor  # noqa: PLC0415  two seconds that only training and forecasting pay

    card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    booster, trial, scatter = (
        CatBoostRegressor().load_model(str(folder / file)) for file in (BOOSTER_FILE, TRIAL_FILE, SCATTER_FILE)
    )
    names = tuple(card["features"])
    return Model(
        Booster(booster, names),
        Booster(trial, names),
        Scatter(scatter),
        Intervals.of(card["intervals"]),
        Balance.of(card["balance"]),
        name,
    )


def _forget_circumstances(model: "CatBoostRegressor") -> None:
    metadata = model.get_metadata()
    for entry, blank in VOLATILE.items():
        metadata[entry] = blank
    parameters = json.loads(metadata["params"])
    parameters["system_options"]["thread_count"] = parameters["flat_params"]["thread_count"] = 0
    metadata["params"] = json.dumps(parameters, sort_keys=True)
