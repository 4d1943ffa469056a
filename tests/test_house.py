import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HOUSE = Path(__file__).parents[1]
TOP_LEVELS = ("flows", "tasks", "lib")
LOCK = (HOUSE / "requirements.lock").read_text()
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text())
PINNED = re.compile(r"^(?P<name>[a-z0-9.-]+)(\[[a-z,-]+\])?==(?P<version>[^ \\]+)", re.MULTILINE)


def sources(*folders: str) -> set[str]:
    """Every file of the folders that is not compiled, relative to the house."""
    files = (file for folder in folders for file in (HOUSE / folder).rglob("*") if file.is_file())
    return {str(file.relative_to(HOUSE)) for file in files if "__pycache__" not in file.parts}


def asked() -> list[Requirement]:
    project = PROJECT["project"]
    lists = (project["dependencies"], *project["optional-dependencies"].values(), PROJECT["build-system"]["requires"])
    return [Requirement(line) for lines in lists for line in lines]


def locked() -> dict[str, list[Version]]:
    versions: dict[str, list[Version]] = {}
    for pin in PINNED.finditer(LOCK):
        versions.setdefault(canonicalize_name(pin["name"]), []).append(Version(pin["version"]))
    return versions


def test_the_wheel_carries_every_file_of_the_three_top_levels_and_nothing_else(tmp_path: Path) -> None:
    for name in TOP_LEVELS:
        shutil.copytree(HOUSE / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(HOUSE / name, tmp_path)
    build = "from setuptools.build_meta import build_wheel; build_wheel('wheels')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    with ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert carried == sources(*TOP_LEVELS)


def test_git_keeps_every_source_and_ignores_what_a_run_leaves_behind(tmp_path: Path) -> None:
    shutil.copy(HOUSE / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    left_behind = {".venv/bin/python", ".fournil/lake/sales/part.parquet", "lib/__pycache__/errors.pyc"}
    paths = "\n".join(sources(*TOP_LEVELS, "tests") | left_behind)
    check = ["git", "-c", "core.excludesFile=", "check-ignore", "--stdin"]
    ignored = subprocess.run(check, cwd=tmp_path, input=paths, text=True, capture_output=True, check=True).stdout
    assert set(ignored.split()) == left_behind


def test_the_lock_holds_versions_and_hashes_and_names_no_host_or_folder() -> None:
    pin = r"[a-z0-9.-]+(\[[a-z,-]+\])?==[\w.+!]+( ; [\w '.<>=!()]+)? \\"
    line = re.compile(rf"#.*|{pin}|    --hash=sha256:[0-9a-f]{{64}}( \\)?")
    assert [text for text in LOCK.splitlines() if not line.fullmatch(text)] == []
    assert "/" not in LOCK


@pytest.mark.parametrize("requirement", asked(), ids=str)
def test_everything_asked_for_is_locked_within_its_range(requirement: Requirement) -> None:
    versions = locked()[canonicalize_name(requirement.name)]
    assert all(version in requirement.specifier for version in versions)


def test_the_locked_fastapi_is_one_that_the_prefect_server_starts_with() -> None:
    assert all(version < Version("0.151") for version in locked()["fastapi"])


def test_the_locked_libraries_have_one_version_on_every_python() -> None:
    assert {name for name, versions in locked().items() if len(versions) > 1} == set()


def test_every_ignored_warning_is_pinned_to_its_message() -> None:
    first, *exceptions = PROJECT["tool"]["pytest"]["ini_options"]["filterwarnings"]
    assert first == "error"
    assert all(re.fullmatch(r"ignore:.{20,}:\w*Warning", exception) for exception in exceptions)


def test_every_exception_to_a_gate_gives_its_reason() -> None:
    codes = re.compile(r'^ *"[A-Z]+[0-9]*",.*$', re.MULTILINE)
    exceptions = codes.findall((HOUSE / "pyproject.toml").read_text())
    assert len(exceptions) > len(PROJECT["tool"]["ruff"]["lint"]["ignore"])
    assert [line for line in exceptions if "# " not in line] == []


@pytest.mark.parametrize("document", ["README.md", ".ci/run", "docs/decisions.md"])
def test_every_make_target_that_is_written_about_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (HOUSE / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (HOUSE / document).read_text(), re.MULTILINE))
    assert named
    assert named <= targets
