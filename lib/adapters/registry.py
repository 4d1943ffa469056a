"""The model registry: MLflow keeps each training's figures, files and data, and which models were put to use."""

import hashlib
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lib.errors import LakeError
from lib.models import champion
from lib.models.champion import Model

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CONTENT_TAG, AS_OF_TAG, STANDING_TAG = "fournil.content", "fournil.as_of", "fournil.standing"
IN_SERVICE, WITHDRAWN = "in service", "withdrawn"
"""Standing of a version that was put to use, and of one that was rolled back."""
FOLDER, EXTRACT_FOLDER = "model", "extract"
TABLE_TAG = "lake."
"""Before the name of a table: tag of a training that says which version of it was read."""
SQLITE = "sqlite:///"


class UnfitError(LakeError):
    """A model was made by a release whose files this one cannot read."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A model version in the registry. `content` is the SHA-256 of its files, `as_of` the last day it learned from."""

    name: str
    version: str
    run_id: str
    content: str
    as_of: date

    @property
    def title(self) -> str:
        """Name and version, as forecasts carry them."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept with a model: its figures, all that made it, and the folder with the data it was trained on."""

    as_of: date
    figures: Mapping[str, float]
    parameters: Mapping[str, object]
    tags: Mapping[str, str]
    extract: Path


@dataclass(frozen=True, slots=True)
class Registry:
    """MLflow at `uri`, a server or a database file; `artifacts` is where files go (empty: MLflow decides)."""

    uri: str
    model: str
    alias: str
    artifacts: str = ""

    def register(self, model: Model, record: "Record") -> Registered:
        """Log a training and register its model. Files that are registered already are found again, not doubled."""
        client = self._client()
        with TemporaryDirectory() as folder:
            champion.save(model, Path(folder))
            content = content_of(Path(folder))
            existing = self._with_content(client, content)
            if existing is not None:
                return existing
            tags = {**record.tags, CONTENT_TAG: content, AS_OF_TAG: record.as_of.isoformat()}
            run = client.create_run(self._experiment(client), tags=tags)
            for name, value in record.parameters.items():
                client.log_param(run.info.run_id, name, value)
            for name, figure in record.figures.items():
                client.log_metric(run.info.run_id, name, figure)
            client.log_artifacts(run.info.run_id, folder, FOLDER)
            client.log_artifacts(run.info.run_id, str(record.extract), EXTRACT_FOLDER)
        client.set_terminated(run.info.run_id)
        source = f"{run.info.artifact_uri}/{FOLDER}"
        kept = {CONTENT_TAG: content, AS_OF_TAG: record.as_of.isoformat()}
        return _registered(client.create_model_version(self.model, source, run.info.run_id, tags=kept))

    def promote(self, registered: Registered, *, figures: Mapping[str, str]) -> None:
        """Make a version the one in use; `figures` say why, as tags of the version."""
        client = self._client()
        for name, value in {**figures, STANDING_TAG: IN_SERVICE}.items():
            client.set_model_version_tag(self.model, registered.version, name, value)
        client.set_registered_model_alias(self.model, self.alias, registered.version)

    def before(self, registered: Registered) -> Registered:
        """The version that served before this one; LakeError if none did."""
        served = [each for each in self._served() if _age(each) < _age(registered)]
        if not served:
            message = f"no model served before {registered.title}: there is nothing to return to"
            raise LakeError(message)
        return served[-1]

    def after(self, registered: Registered) -> list[Registered]:
        """The versions in service that know more than this one."""
        return [each for each in self._served() if _age(each) > _age(registered)]

    def return_to(self, registered: Registered) -> list[Registered]:
        """Put an earlier version to use again; all that served after it are withdrawn for good, and returned."""
        client = self._client()
        withdrawn = self.after(registered)
        for each in withdrawn:
            client.set_model_version_tag(self.model, each.version, STANDING_TAG, WITHDRAWN)
        self.promote(registered, figures={})
        return withdrawn

    def current(self) -> Registered | None:
        """The version that the alias names; None before the first was put to use, and if it is none of ours."""
        from mlflow.exceptions import MlflowException

        try:
            named = self._client().get_model_version_by_alias(self.model, self.alias)
            return _registered(named) if _is_ours(named) else None
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None
            raise

    def in_use(self, *, as_of: date) -> Registered | None:
        """The version that the alias names; None if there is none.

        For a past night, of which that one knows too much, the newest in service that learned from no later day.
        """
        named = self.current()
        if named is None or named.as_of <= as_of:
            return named
        fit = [each for each in self._served() if each.as_of <= as_of]
        return fit[-1] if fit else None

    def is_withdrawn(self, registered: Registered) -> bool:
        """Whether the version was rolled back."""
        found = self._client().get_model_version(self.model, registered.version)
        return bool(found.tags.get(STANDING_TAG) == WITHDRAWN)

    def version(self, number: str) -> Registered:
        """A version by its number; LakeError names those that there are."""
        known = {str(each.version): each for each in self._versions(self._client())}
        if number not in known:
            message = f"model {self.model} has no version {number}; there are {', '.join(known) or 'none'}"
            raise LakeError(message)
        return _registered(known[number])

    def fetch_extract(self, registered: Registered, folder: Path) -> Path:
        """Bring the data that a version was trained on into `folder`; where it lies."""
        from mlflow.exceptions import MlflowException

        try:
            self._client().download_artifacts(registered.run_id, EXTRACT_FOLDER, str(folder))
        except MlflowException as error:
            message = f"the data that model {registered.title} was trained on cannot be fetched; restore it: {error}"
            raise LakeError(message) from error
        return folder / EXTRACT_FOLDER

    def holds(self, registered: Registered) -> bool:
        """Whether the version is still there, of the same training and with the same files."""
        return registered in map(_registered, self._versions(self._client()))

    def read_by(self, registered: Registered) -> dict[str, int]:
        """Version of each table of the lake that the training read."""
        tags = self._client().get_run(registered.run_id).data.tags
        return {
            name.removeprefix(TABLE_TAG): int(number) for name, number in tags.items() if name.startswith(TABLE_TAG)
        }

    def load(self, registered: Registered) -> Model:
        """Fetch and read a model; LakeError if its files are not those registered, UnfitError if unreadable."""
        from catboost import CatBoostError
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
            if content_of(files) != registered.content:
                message = f"the files of model {registered.title} differ from what was registered; train again"
                raise LakeError(message)
            try:
                return champion.load(files, name=registered.title)
            except (KeyError, TypeError, ValueError, OSError, CatBoostError) as error:
                message = f"model {registered.title} is of a release that this one cannot read; train again: {error!r}"
                raise UnfitError(message) from error

    def _with_content(self, client: "MlflowClient", content: str) -> Registered | None:
        same = [each for each in self._versions(client) if each.tags.get(CONTENT_TAG) == content]
        return _registered(same[0]) if same else None

    def _served(self) -> list[Registered]:
        """Versions in service, by the day they learned up to."""
        versions = [each for each in self._versions(self._client()) if each.tags.get(STANDING_TAG) == IN_SERVICE]
        return sorted(map(_registered, versions), key=_age)

    def _versions(self, client: "MlflowClient") -> "list[ModelVersion]":
        """All versions that were registered here, oldest first."""
        self._ensure_model(client)
        found, token = list["ModelVersion"](), None
        while True:
            page = client.search_model_versions(f"name = '{self.model}'", max_results=1_000, page_token=token)
            found += page
            token = page.token
            if not token:
                return sorted(filter(_is_ours, found), key=lambda each: int(each.version))

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


def _age(registered: Registered) -> tuple[date, int]:
    """Sorts versions by what they know."""
    return registered.as_of, int(registered.version)


def _is_ours(version: "ModelVersion") -> bool:
    """Others may register models under the name too, and early releases did not say what a model knows."""
    return {CONTENT_TAG, AS_OF_TAG} <= version.tags.keys()


def _registered(version: "ModelVersion") -> Registered:
    content, as_of = version.tags[CONTENT_TAG], date.fromisoformat(version.tags[AS_OF_TAG])
    return Registered(str(version.name), str(version.version), str(version.run_id), content, as_of)


def content_of(folder: Path) -> str:
    """SHA-256 of a folder's files, by name and content."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
