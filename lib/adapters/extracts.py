"""The data a model was trained on, as plain files with hashes: it outlives any clean-up of the lake."""

import hashlib
import json
from dataclasses import fields
from datetime import date
from pathlib import Path

import polars as pl

from lib.errors import LakeError
from lib.features.spine import Inputs

INDEX = "index.json"


def save(known: Inputs, folder: Path) -> None:
    """Write one Parquet file per table, and an index with the day, the chain's place and each file's SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for name in tables():
        file = folder / f"{name}.parquet"
        getattr(known, name).write_parquet(file, compression="zstd", statistics=False)
        hashes[name] = _sha256(file)
    index = {"as_of": known.as_of.isoformat(), "country": known.country, "region": known.region, "sha256": hashes}
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> Inputs:
    """Read what :func:`save` wrote; LakeError names a file that is missing or was changed."""
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    unknown = sorted(set(index["sha256"]) ^ set(tables()))
    if unknown:
        message = f"the extract has other tables than this release: {', '.join(unknown)}; use the release that made it"
        raise LakeError(message)
    frames = {}
    for name, written in index["sha256"].items():
        file = folder / f"{name}.parquet"
        if not file.is_file() or _sha256(file) != written:
            message = f"extract {file.name} is missing or differs from what was written; restore the model's artifacts"
            raise LakeError(message)
        frames[name] = pl.read_parquet(file)
    return Inputs(date.fromisoformat(index["as_of"]), **frames, country=index["country"], region=index["region"])


def tables() -> list[str]:
    """Names of the frames in :class:`Inputs`."""
    return [field.name for field in fields(Inputs) if field.name not in {"as_of", "country", "region"}]


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
