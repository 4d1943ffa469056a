"""Programs that some tests need on the machine: without one its tests skip, or fail where everything is required."""

import os
import shutil

import pytest


def require(program: str) -> str:
    """Path of the program; skips the test if it is missing, fails it if FOURNIL_REQUIRE_ALL=1."""
    path = shutil.which(program)
    if path:
        return path
    reason = f"{program} is not installed on this machine"
    if os.environ.get("FOURNIL_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
