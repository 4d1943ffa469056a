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
    known = {name: set(re.findall(r"--([a-z-]+)", text)) for name, text in helps.items()}
    assert [(name, option) for name, options in COMMANDS for option in options if option not in known[name]] == []


def test_every_option_that_the_readme_speaks_of_is_one_of_a_flow(helps: dict[str, str]) -> None:
    spoken = set(re.findall(r"`--([a-z-]+)`", TEXTS["README.md"]))
    assert spoken
    assert spoken <= {option for text in helps.values() for option in re.findall(r"--([a-z-]+)", text)}


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_leads_to_a_file(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXTS[page])
    assert [link for link in links if not (Path(page).parent / link).exists()] == []


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_into_a_page_leads_to_a_heading(page: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", TEXTS[page]):
        text = (Path(page).parent / target).read_text(encoding="utf-8") if target else TEXTS[page]
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", TEXTS)
def test_every_path_in_a_page_exists(page: str) -> None:
    named = re.findall(r"`((?:flows|tasks|lib|tests|docs)/[\w./-]*)`", TEXTS[page])
    assert [path for path in named if not Path(path).exists()] == []


@pytest.mark.parametrize("page", TEXTS)
def test_no_page_names_a_path_of_somebodys_machine(page: str) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|work|Users|tmp)/\S*", TEXTS[page]) == []


@pytest.mark.parametrize("page", TEXTS)
def test_no_page_names_a_host_but_loopback_and_examples(page: str) -> None:
    hosts = re.findall(r"\w+://([\w.-]+)", TEXTS[page])
    assert [host for host in hosts if host != "127.0.0.1" and not host.endswith("example.com")] == []
