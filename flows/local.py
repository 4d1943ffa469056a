"""Running without a Prefect server: an ephemeral one with a home of its own, quiet and offline."""

import os
from pathlib import Path

from lib.settings import Settings

QUIET = {
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_ROOT_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_EVENT_LOGGER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}
"""Services that a server of one night has no use for stay off: they cost seconds of start-up."""
OFFLINE = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
API = "PREFECT_API_URL"


def prepare(settings: Settings) -> None:
    """Set what is not set yet. Must come before prefect is imported; with PREFECT_API_URL set that server is used."""
    for name, value in OFFLINE.items():
        os.environ.setdefault(name, value)
    if "://" not in settings.lake_root:
        os.environ.setdefault(
            "PREFECT_RESULTS_LOCAL_STORAGE_PATH", str(Path(settings.lake_root).resolve() / "_results")
        )
    if API in os.environ:
        return
    home = Path(os.environ.setdefault("PREFECT_HOME", str(Path(settings.home).resolve() / "prefect")))
    home.mkdir(parents=True, exist_ok=True)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def without_heartbeats() -> None:
    """A run without a server needs no heartbeats, and each nested flow waits a second for its last one to end."""
    if API not in os.environ:
        from prefect.settings import get_current_settings

        object.__setattr__(get_current_settings().flows, "heartbeat_frequency", None)
