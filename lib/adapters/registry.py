"""The model registry: MLflow keeps each training's figures and files, and an alias says which model is in use."""

import hashlib
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lib.errors import LakeError
from lib.models import champion
from lib.models.champion import Model

if TYPE_CHECKING:
    from mlflow import MlflowClient

CONTENT_TAG, FOLDER = "fournil.content", "model"
SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Registered:
    """A model version in the registry. `content` is the SHA-256 of its files."""

    name: str
    version: str
    run_id: str
    content: str

    @property
    def title(self) -> str:
        """Name and version, as forecasts carry them."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class Registry:
    """MLflow at `uri`, a server or a database file; `artifacts` is where files go (empty: MLflow decides)."""

    uri: str
    model: str
    alias: str
    artifacts: str = ""

    def register(
        self, model: Model, *, figures: Mapping[str, float], parameters: Mapping[str, object], tags: Mapping[str, str]
    ) -> Registered:
        """Log a training and register its model. Files that are registered already are found again, not doubled."""
        client = self._client()
        with TemporaryDirectory() as folder:
            champion.save(model, Path(folder))
            content = _content(Path(folder))
            existing = self._with_content(client, content)
            if existing is not None:
                return existing
            run = client.create_run(self._experiment(client), tags={**tags, CONTENT_TAG: content})
            for name, value in parameters.items():
                client.log_param(run.info.run_id, name, value)
            for name, value in figures.items():
                client.log_metric(run.info.run_id, name, value)
            client.log_artifacts(run.info.run_id, folder, FOLDER)
        client.set_terminated(run.info.run_id)
        source = f"{run.info.artifact_uri}/{FOLDER}"
        version = client.create_model_version(self.model, source, run.info.run_id, tags={CONTENT_TAG: content})
        return Registered(self.model, str(version.version), run.info.run_id, content)

    def promote(self, version: str) -> None:
        """Make a version the one in use."""
        self._client().set_registered_model_alias(self.model, self.alias, version)

    def in_use(self) -> Registered | None:
        """The version that the alias names; None before the first training."""
        from mlflow.exceptions import MlflowException

        try:
            found = self._client().get_model_version_by_alias(self.model, self.alias)
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None
            raise
        return Registered(self.model, str(found.version), str(found.run_id), found.tags.get(CONTENT_TAG, ""))

    def holds(self, registered: Registered) -> bool:
        """Whether the version is still there with the same files."""
        return self._with_content(self._client(), registered.content) is not None

    def load(self, registered: Registered) -> Model:
        """Fetch and read a model; LakeError if its files are not those that were registered."""
        from mlflow.exceptions import MlflowException

        client = self._client()
        with TemporaryDirectory() as folder:
            try:
                client.download_artifacts(registered.run_id, FOLDER, folder)
            except MlflowException as error:
                message = (
                    f"the files of model {registered.title} cannot be fetched; restore them or train again: {error}"
                )
                raise LakeError(message) from error
            files = Path(folder) / FOLDER
            if _content(files) != registered.content:
                message = f"the files of model {registered.title} differ from what was registered; train again"
                raise LakeError(message)
            return champion.load(files, name=registered.title)

    def _with_content(self, client: "MlflowClient", content: str) -> Registered | None:
        self._ensure_model(client)
        found = client.search_model_versions(f"name = '{self.model}'")
        for version in sorted(found, key=lambda each: int(each.version)):
            if version.tags.get(CONTENT_TAG) == content:
                return Registered(self.model, str(version.version), str(version.run_id), content)
        return None

    def _ensure_model(self, client: "MlflowClient") -> None:
        if not client.search_registered_models(f"name = '{self.model}'"):
            client.create_registered_model(self.model)

    def _experiment(self, client: "MlflowClient") -> str:
        existing = client.get_experiment_by_name(self.model)
        if existing is not None:
            return str(existing.experiment_id)
        return str(client.create_experiment(self.model, artifact_location=self.artifacts or None))

    def _client(self) -> "MlflowClient":
        from mlflow import MlflowClient

        for chatty in ("alembic", "mlflow.store.db.utils"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        if self.uri.startswith(SQLITE):
            _ensure_database(Path(self.uri.removeprefix(SQLITE)))
        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)


def _ensure_database(file: Path) -> None:
    """Make the database appear with all its tables or not at all.

    MLflow takes seconds to make them, cannot go on from half of them, and two processes doing so disturb each other.
    """
    from mlflow import MlflowClient

    if file.exists():
        return
    with TemporaryDirectory(prefix="mlflow-", dir=file.parent) as folder:
        draft = Path(folder) / file.name
        MlflowClient(tracking_uri=f"{SQLITE}{draft}").search_experiments(max_results=1)
        with suppress(FileExistsError):
            os.link(draft, file)


def _content(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
