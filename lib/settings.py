"""Every setting, typed and frozen: defaults run on a laptop, a TOML file and FOURNIL_* variables change them."""

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings import SettingsError as UnreadableVariable

from lib.errors import SettingsError
from lib.evaluation.gate import GateConfig
from lib.models.boosting import BoostingConfig
from lib.planning.economics import OrderConfig
from lib.planning.sanity import SanityConfig
from lib.quality.rules import RulesConfig
from lib.quality.verdict import VerdictConfig

CONFIG_VARIABLE = "FOURNIL_CONFIG"
EXAMPLE = """FOURNIL_MANAGERS='[{"name": "Anna", "email": "anna@example.com"}]'"""
_PASSWORD_IN_URL = re.compile(r"""(://[^/@\s:"]*:)[^@/\s"]+@""")
_FROZEN = ConfigDict(frozen=True, extra="forbid")


class Chain(BaseModel):
    """The chain of stores: where it is and when its day ends."""

    model_config = _FROZEN

    name: str = "Bakery"
    timezone: str = "Europe/Paris"
    country: str | None = Field(None, description="ISO code for public holidays of stores that state none")
    region: str | None = Field(None, description="subdivision code, likewise")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            message = f"{name!r} is not an IANA time zone such as Europe/Paris"
            raise ValueError(message) from error
        return name


class Manager(BaseModel):
    """Who gets a book, and for which stores (empty: all)."""

    model_config = _FROZEN

    name: str
    email: str = Field(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")
    stores: tuple[str, ...] = ()


class Sync(BaseModel):
    """How much of the past each sync reads again for late and corrected rows."""

    model_config = _FROZEN

    overlap_days: int = Field(14, ge=0)


class Mail(BaseModel):
    """How books leave the house: `outbox` writes .eml files, `smtp` sends."""

    model_config = _FROZEN

    transport: Literal["outbox", "smtp"] = "outbox"
    outbox: str = Field("", description="folder of the .eml files; empty: `home`/outbox")
    sender: str = "fournil@example.com"
    host: str = "localhost"
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    password: SecretStr | None = Field(None, description="give it as FOURNIL_MAIL__PASSWORD")
    ca_file: str | None = Field(None, description="certificate authority of the mail server, if not a public one")


class Registry(BaseModel):
    """Where models and their figures are kept: an MLflow tracking URI; empty: sqlite and a folder under `home`."""

    model_config = _FROZEN

    tracking_uri: str = ""
    model: str = "fournil"
    alias: str = "champion"


class Recipe(BaseModel):
    """The settings that a model or a forecast depends on: equal data and an equal recipe give equal numbers."""

    model_config = _FROZEN

    horizon: int
    seed: int
    threads: int
    chain: Chain
    model: BoostingConfig
    sanity: SanityConfig
    orders: OrderConfig


class Settings(BaseSettings):
    """What is in force, read once per process by :func:`load`."""

    model_config = SettingsConfigDict(
        env_prefix="FOURNIL_", env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    home: str = Field(".fournil", description="folder for everything that is made here and is not the lake")
    lake: str = Field("", description="root of the lake: a folder or gs:// URL; empty: `home`/lake")
    lake_options: dict[str, SecretStr] = Field({}, description="storage options of the lake's object store")
    source: str = Field("demo", description="folder or URL of the source's files; demo: the bundled bakery")
    horizon: int = Field(7, ge=1, le=28, description="days ahead")
    seed: int = 20_190_430
    threads: int = Field(2, ge=1)
    chain: Chain = Chain()
    managers: tuple[Manager, ...] = ()
    sync: Sync = Sync()
    rules: RulesConfig = RulesConfig()
    verdict: VerdictConfig = VerdictConfig()
    model: BoostingConfig = BoostingConfig()
    sanity: SanityConfig = SanityConfig()
    orders: OrderConfig = OrderConfig()
    gate: GateConfig = GateConfig()
    registry: Registry = Registry()
    mail: Mail = Mail()

    @field_validator("managers")
    @classmethod
    def _one_book_an_address(cls, managers: tuple[Manager, ...]) -> tuple[Manager, ...]:
        addresses = [manager.email.casefold() for manager in managers]
        twice = sorted({address for address in addresses if addresses.count(address) > 1})
        if twice:
            message = f"{', '.join(twice)} stands there twice; give one manager all stores of the address"
            raise ValueError(message)
        return managers

    @model_validator(mode="after")
    def _gate_looks_at_unseen_weeks(self) -> "Settings":
        if 14 * self.gate.weeks > self.model.validation_days:
            message = (
                f"gate.weeks {self.gate.weeks} must fit into half of model.validation_days "
                f"{self.model.validation_days}: the other half teaches models how sure they are"
            )
            raise ValueError(message)
        return self

    @property
    def recipe(self) -> Recipe:
        """What a model or a forecast depends on."""
        return Recipe(**{name: getattr(self, name) for name in Recipe.model_fields})

    @property
    def lake_root(self) -> str:
        """Root of the lake, without a trailing slash."""
        return (self.lake or f"{self.home}/lake").rstrip("/")

    @property
    def storage_options(self) -> dict[str, str]:
        """Options of the lake's object store in the clear; they may hold its keys."""
        return {name: value.get_secret_value() for name, value in self.lake_options.items()}

    @property
    def tracking_uri(self) -> str:
        """Where MLflow keeps figures and models."""
        return self.registry.tracking_uri or f"sqlite:///{Path(self.home).resolve() / 'mlflow.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then FOURNIL_* variables, then the TOML file that FOURNIL_CONFIG names."""
        del dotenv_settings, file_secret_settings
        config = os.environ.get(CONFIG_VARIABLE)
        toml = (TomlConfigSettingsSource(settings_cls, config),) if config else ()
        return (init_settings, env_settings, *toml)


def load() -> Settings:
    """Read the settings; SettingsError names every unknown key and every value that does not fit."""
    config = os.environ.get(CONFIG_VARIABLE)
    if config and not Path(config).is_file():
        message = f"{CONFIG_VARIABLE} names {config}, which is not a file"
        raise SettingsError(message)
    _refuse_unknown_variables()
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc']))}: {_said(e['type'], e['msg'])}" for e in error.errors()]
        message = "\n".join(
            [f"settings ({' and '.join(filter(None, [config, 'FOURNIL_* variables']))}) do not fit:", *lines]
        )
        raise SettingsError(message) from error
    except UnreadableVariable as error:
        message = f"a FOURNIL_* variable cannot be read, {error}: write lists and tables as JSON, for example {EXAMPLE}"
        raise SettingsError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{config} is not valid TOML: {error}"
        raise SettingsError(message) from error


def masked(settings: Settings) -> dict[str, object]:
    """Every setting as plain values; secrets and passwords in URLs become `**********`, empty ones stay empty."""
    shown = _PASSWORD_IN_URL.sub(r"\1**********@", json.dumps(settings.model_dump(mode="json")))
    return cast("dict[str, object]", json.loads(shown))


def _said(kind: str, text: str) -> str:
    return "is not a setting" if kind == "extra_forbidden" else text.removeprefix("Value error, ")


def _has_parts(default: object) -> bool:
    return isinstance(default, BaseModel | dict)


def _refuse_unknown_variables() -> None:
    known = {f"FOURNIL_{name.upper()}" for name in Settings.model_fields} | {CONFIG_VARIABLE, "FOURNIL_REQUIRE_ALL"}
    tables = {f"FOURNIL_{name.upper()}" for name, field in Settings.model_fields.items() if _has_parts(field.default)}
    for variable in sorted(os.environ):
        setting, *inner = variable.split("__")
        if variable.startswith("FOURNIL_") and setting not in (tables if inner else known):
            message = f"{variable} is not a setting; see `python -m flows settings`"
            raise SettingsError(message)
