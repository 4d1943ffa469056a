"""`python -m flows NAME --option value`: every flow from the command line, its options taken from its signature."""

import argparse
import ast
import inspect
import logging
import re
import sys
import typing
import warnings
from collections.abc import Callable, Sequence
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flows import show, warm
from lib import settings
from lib.errors import FournilError

STEPS = ("sync", "check", "train", "forecast", "deliver", "monitor")
FLOWS = (*STEPS, "daily", "weekly", "backtest", "rollback", "replay")
COMMANDS = ("demo", "settings")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one flow or command; the exit code is 0 if it completed, 1 if it failed and 2 if it was asked wrongly."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    chosen = parser.parse_args(given[:1] or ["--help"])
    try:
        return _run(chosen.name, given[1:])
    except FournilError as error:
        print(f"{chosen.name}: {error}", file=sys.stderr)
        return 1


def _run(name: str, given: list[str]) -> int:
    if name == "settings":
        argparse.ArgumentParser(prog="python -m flows settings", description=_says(name)).parse_args(given)
        print(show.settings(settings.load()))
        return 0
    settings.load()
    if name in FLOWS and not {"-h", "--help"} & set(given):
        warm.up(name)
    module = import_module(f"flows.{name}")
    _log_once()
    function = getattr(module, name)
    options = vars(_options(name, getattr(function, "fn", function)).parse_args(given))
    result = function(**{key: value for key, value in options.items() if value is not None})
    print(show.result(name, result))
    return 0


def _log_once() -> None:
    """Prefect logs each error with traceback and state; one that a person can act on is printed once, at the end."""
    for logger in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(logger).addFilter(lambda record: not _ours(record))


def _ours(record: logging.LogRecord) -> bool:
    raised = record.exc_info[1] if record.exc_info else None
    names = "|".join(kind.__name__ for kind in FournilError.__subclasses__())
    return isinstance(raised, FournilError) or bool(re.search(f"an exception ({names}):", record.getMessage()))


def _parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:10}{_says(name)}" for name in (*FLOWS, *COMMANDS))
    parser = argparse.ArgumentParser(
        prog="python -m flows",
        usage="python -m flows NAME [--option value ...]",
        description=f"Run one process of the night or the week:\n\n{lines}",
        epilog="`python -m flows NAME --help` shows the options of NAME.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=(*FLOWS, *COMMANDS), metavar="NAME", help="what to run")
    return parser


def _says(name: str) -> str:
    """First line of the module's docstring, read without importing what it imports."""
    if name == "settings":
        return "Print the settings in force, secrets masked."
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").splitlines()[0]


def _options(name: str, function: Callable[..., Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m flows {name}", description=inspect.getdoc(function))
    hints = typing.get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        hint, *details = typing.get_args(hints[parameter.name]) or (hints[parameter.name],)
        needed = parameter.default is inspect.Parameter.empty
        described = next((each.description for each in details if getattr(each, "description", None)), "")
        shown = "" if needed or parameter.default is None else f" (default {parameter.default!r})"
        parser.add_argument(
            f"--{parameter.name.replace('_', '-')}",
            type=_reader(hints[parameter.name]),
            required=needed,
            help=f"{described}{shown}",
            metavar=_plain(hint).__name__.upper(),
        )
    return parser


def _plain(hint: Any) -> type:  # noqa: ANN401  a type hint has no type of its own
    """The type itself, of `type | None` too."""
    inner = [each for each in typing.get_args(hint) if each is not type(None)]
    plain: type = inner[0] if inner else hint
    return plain


def _reader(hint: Any) -> Callable[[str], Any]:  # noqa: ANN401  likewise
    """Reads and checks an option as the flow's signature says."""
    expected = TypeAdapter(hint)

    def read(text: str) -> Any:  # noqa: ANN401  likewise
        try:
            return expected.validate_strings(text)
        except ValidationError as error:
            said = "not a day such as 2019-04-16" if _plain(hint) is date else error.errors()[0]["msg"]
            message = f"{text!r}: {said}"
            raise argparse.ArgumentTypeError(message) from error

    return read


if __name__ == "__main__":
    if not sys.warnoptions:
        # What libraries say of each other at import is of no use to who runs a night.
        warnings.simplefilter("ignore")
    sys.exit(main())
