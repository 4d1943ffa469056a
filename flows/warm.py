"""Importing the heavy libraries of a run beside the start of Prefect's server, which mostly waits."""

import threading
from contextlib import suppress
from importlib import import_module

HEAVY = {
    "check": ("great_expectations",),
    "train": ("mlflow", "catboost"),
    "forecast": ("mlflow", "catboost"),
    "monitor": ("plotly.io",),
    "backtest": ("catboost",),
    "replay": ("mlflow", "catboost"),
    "rollback": ("mlflow", "catboost", "plotly.io"),
    "daily": ("great_expectations", "mlflow", "catboost", "plotly.io"),
    "weekly": ("great_expectations", "mlflow", "catboost"),
}


def up(name: str) -> None:
    """Start importing what the flow will need; a library that fails to import says so where it is used."""
    threading.Thread(target=_load, args=(HEAVY.get(name, ()),), daemon=True).start()


def _load(libraries: tuple[str, ...]) -> None:
    for library in libraries:
        with suppress(ImportError):
            import_module(library)
