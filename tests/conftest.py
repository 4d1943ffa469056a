"""What every test stands on: an environment of its own, quiet and offline."""

import os
import shutil
import tempfile

import pytest

_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "ftp_proxy"}
_ISOLATED = {
    "DO_NOT_TRACK": "1",
    "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # gcsfs would ask the real storage service, a minute a bucket
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "NO_GCE_CHECK": "true",  # Google's libraries would ask the metadata address
    "NO_PROXY": "*",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
_FOREIGN = ("FOURNIL_", "PREFECT_", "MLFLOW_", "GOOGLE_")
_KEPT = {"FOURNIL_REQUIRE_ALL"}


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before any library reads it: a developer's own settings change no test."""
    for variable in list(os.environ):
        if variable.lower() in _PROXIES or (variable.startswith(_FOREIGN) and variable not in _KEPT):
            del os.environ[variable]
    home = tempfile.mkdtemp(prefix="fournil-tests-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ.update(_ISOLATED, PREFECT_HOME=home, PREFECT_RESULTS_LOCAL_STORAGE_PATH=f"{home}/results")
    from flows import local  # reads the environment

    os.environ.update(local.QUIET | local.OFFLINE)
