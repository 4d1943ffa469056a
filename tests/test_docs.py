"""What the documentation names exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = [Path("README.md"), *sorted(Path("docs").glob("*.md"))]
TEXTS = {page.as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
COMMANDS = sorted(
    {
        (name, tuple(re.findall(r"--([a-z-]+)", rest)))
        for text in TEXTS.values()
        for name, rest in re.findall(r"python -m flows ([a-z]+)([^\n`]*)", text)
    }
)


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """The help of every command that the pages name."""
    return {
        name: subprocess.run(
            [sys.executable, "-m", "flows", name, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for name in sorted({name for name, _ in COMMANDS})
    }


def test_every_command_and_option_in_the_pages_exists(helps: dict[str, str]) -> None:
    assert COMMANDS
    missing = [(name, option) for name, options in COMMANDS for option in options if f"--{option}" not in helps[name]]
    assert missing == []


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_leads_to_a_file(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXTS[page])
    assert [link for link in links if not (Path(page).parent / link).exists()] == []


@pytest.mark.parametrize("page", TEXTS)
def test_every_path_in_a_page_exists(page: str) -> None:
    named = re.findall(r"`((?:flows|tasks|lib|tests|docs)/[\w./-]*)`", TEXTS[page])
    assert [path for path in named if not Path(path).exists()] == []


@pytest.mark.parametrize("page", TEXTS)
def test_no_page_names_a_path_of_somebodys_machine(page: str) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|work|Users|tmp)/\S*", TEXTS[page]) == []
