import json
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from flows import __main__ as command_line
from lib import settings
from lib.errors import SettingsError
from lib.settings import Settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A TOML file that FOURNIL_CONFIG names."""
    path = tmp_path / "fournil.toml"
    monkeypatch.setenv("FOURNIL_CONFIG", str(path))
    return path


def complaint() -> str:
    with pytest.raises(SettingsError) as caught:
        settings.load()
    return str(caught.value)


def test_without_any_setting_the_bundled_bakery_runs_on_a_laptop() -> None:
    chosen = settings.load()
    assert (chosen.source, chosen.lake_root, chosen.horizon) == ("demo", ".fournil/lake", 7)
    assert chosen.mail.transport == "outbox"
    assert chosen.tracking_uri == f"sqlite:///{Path('.fournil/mlflow.db').resolve()}"


def test_a_file_changes_defaults_and_a_variable_changes_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(
        'horizon = 3\nsource = "till"\n[mail]\nport = 25\nhost = "post"\n[[managers]]\nname = "A"\nemail = "a@b"'
    )
    monkeypatch.setenv("FOURNIL_HORIZON", "5")
    monkeypatch.setenv("FOURNIL_MAIL__PORT", "2525")
    chosen = settings.load()
    assert (chosen.horizon, chosen.source) == (5, "till")
    assert (chosen.mail.host, chosen.mail.port) == ("post", 2525)
    assert [manager.email for manager in chosen.managers] == ["a@b"]


def test_an_empty_variable_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURNIL_HORIZON", "")
    assert settings.load().horizon == 7


def test_settings_cannot_be_changed_while_they_are_in_force() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings.load().horizon = 3  # type: ignore[misc]


def test_a_lake_given_with_a_trailing_slash_is_the_same_lake() -> None:
    assert Settings(lake="gs://bucket/lake/").lake_root == "gs://bucket/lake"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("horizn = 3", "horizn: is not a setting"),
        ("[mail]\nprt = 3", "mail.prt: is not a setting"),
        ('horizon = "many"', "horizon: Input should be a valid integer"),
        ("horizon = 99", "horizon: Input should be less than or equal to 28"),
        ('[chain]\ntimezone = "Mars/Crater"', "'Mars/Crater' is not an IANA time zone such as Europe/Paris"),
        ('[[managers]]\nname = "A"\nemail = "nowhere"', "managers.0.email:"),
        ("horizon = [", "fournil.toml is not valid TOML"),
    ],
)
def test_a_wrong_line_in_the_file_is_named(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    said = complaint()
    assert told in said
    assert "fournil.toml" in said


def test_a_file_in_another_encoding_is_named(file: Path) -> None:
    file.write_bytes("source = 'Bäckerei'".encode("cp1252"))
    assert "fournil.toml is not valid TOML" in complaint()


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    assert complaint() == f"FOURNIL_CONFIG names {file}, which is not a file"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("FOURNIL_HORIZN", "3", "FOURNIL_HORIZN is not a setting"),
        ("FOURNIL_HORIZON__DAYS", "3", "FOURNIL_HORIZON__DAYS is not a setting"),
        ("FOURNIL_MAIL__PRT", "25", "mail.prt: is not a setting"),
        ("FOURNIL_MAIL__PORT", "smtp", "mail.port: Input should be a valid integer"),
        ("FOURNIL_MANAGERS", "Anna", 'field "managers"'),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str) -> None:
    monkeypatch.setenv(variable, value)
    assert told in complaint()


def test_all_that_does_not_fit_is_told_at_once(file: Path) -> None:
    file.write_text("horizn = 3\nthreads = 0\n")
    assert len(complaint().splitlines()) == 3


def test_secrets_are_masked_wherever_settings_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOURNIL_MAIL__PASSWORD", "croissant")
    monkeypatch.setenv("FOURNIL_LAKE_OPTIONS", '{"google_service_account_key": "croissant"}')
    assert command_line.main(["settings"]) == 0
    printed = capsys.readouterr().out
    shown = json.loads(printed)
    assert [shown["mail"]["password"], *shown["lake_options"].values()] == ["**********"] * 2
    chosen = settings.load()
    assert "croissant" not in printed + repr(chosen) + str(chosen)
    assert chosen.storage_options == {"google_service_account_key": "croissant"}
    assert chosen.mail.password == SecretStr("croissant")


def test_a_secret_that_is_not_set_is_shown_as_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["settings"]) == 0
    assert json.loads(capsys.readouterr().out)["mail"]["password"] is None


def test_settings_that_do_not_fit_stop_every_command_with_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOURNIL_HORIZN", "3")
    assert command_line.main(["daily"]) == 1
    assert capsys.readouterr().err == "daily: FOURNIL_HORIZN is not a setting; see `python -m flows settings`\n"


def test_two_managers_with_one_address_are_refused_since_only_one_would_get_a_book(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [{"name": "A", "email": "a@b.example"}, {"name": "C", "email": "A@b.example"}]
    monkeypatch.setenv("FOURNIL_MANAGERS", json.dumps(both))
    with pytest.raises(SettingsError, match=r"managers: a@b\.example stands there twice"):
        settings.load()


def test_a_password_in_a_url_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURNIL_REGISTRY__TRACKING_URI", "https://user:hunter2@mlflow.example.com/x")
    shown = json.dumps(settings.masked(settings.load()))
    assert "hunter2" not in shown
    assert "https://user:**********@mlflow.example.com/x" in shown


def test_a_gate_that_looks_at_weeks_that_models_have_seen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURNIL_MODEL__VALIDATION_DAYS", "28")
    with pytest.raises(SettingsError, match=r"gate.weeks 4 must fit into half of model.validation_days 28"):
        settings.load()
