"""What every task works with: the settings in force and the outside parties they name."""

import hashlib
import os
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from prefect.runtime import flow_run

from lib import demo, settings
from lib.adapters.files import Files
from lib.adapters.lake import Lake
from lib.settings import Manager, Settings

if TYPE_CHECKING:
    from lib.adapters.registry import Registry
    from lib.ingest.source import Source

DEMO = "demo"
MADE_BY = ("forecast.py", "inputs.py", "train.py")
"""Tasks that decide together with `lib` what a model or a forecast is."""
LIBRARIES = ("catboost", "numpy", "polars", "deltalake", "holidays")
"""Libraries whose version may change a model or a forecast."""


def in_force() -> Settings:
    """The settings of this process."""
    return settings.load()


def lake() -> Lake:
    """The lake that all steps share."""
    return Lake(in_force().lake_root, in_force().storage_options)


def source(name: str = "") -> "Source":
    """Where input tables come from: the setting's source unless another is named."""
    name = name or in_force().source
    return Files(str(demo.BAKERY) if name == DEMO else name)


def registry() -> "Registry":
    """Where models are kept."""
    from lib.adapters.registry import Registry

    chosen = in_force()
    kept = chosen.registry
    artifacts = "" if kept.tracking_uri else str(home() / "models")
    return Registry(chosen.tracking_uri, kept.model, kept.alias, artifacts)


def managers() -> tuple[Manager, ...]:
    """Who gets a book; made-up ones for the bundled bakery."""
    chosen = in_force()
    return demo.managers() if chosen.source == DEMO and not chosen.managers else chosen.managers


def home() -> Path:
    """Folder for what is made here, created if need be."""
    folder = Path(in_force().home).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def run_id() -> str:
    """Identifier of the outermost flow run; `ad hoc` outside of any."""
    current = flow_run.get_id()
    return _outermost(current) if current else "ad hoc"


def model_digest() -> str:
    """SHA-256 of the settings that a forecast depends on."""
    return hashlib.sha256(in_force().recipe.model_dump_json().encode()).hexdigest()


@lru_cache(maxsize=64)
def _outermost(run: str) -> str:
    """Asked once per flow run: Prefect climbs to it by one request for each level."""
    return flow_run.get_root_flow_run_id() or run


@cache
def code_version() -> str:
    """SHA-256 of the source of `lib` and of the tasks that matter: what a cached result was made by."""
    root, here = Path(settings.__file__).parent, Path(__file__).parent
    digest = hashlib.sha256()
    for file in (*sorted(root.rglob("*.py")), *(here / name for name in MADE_BY)):
        digest.update(str(file.relative_to(root.parent)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


@cache
def libraries() -> dict[str, str]:
    """Versions of the libraries that a cached result was made with."""
    return {name: version(name) for name in LIBRARIES}
