import subprocess
import sys
from pathlib import Path

import pytest

from flows.__main__ import COMMANDS, FLOWS, main
from tests.flows.chains import NEXT, Chain

HOUSE = Path(__file__).parents[2]
Printed = pytest.CaptureFixture[str]


def refused(printed: Printed, *arguments: str) -> str:
    """The last line of what the command says before it ends with 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    return printed.readouterr().err.splitlines()[-1]


def test_the_list_of_flows_is_shown_without_starting_anything_heavy() -> None:
    script = """
import sys
from flows.__main__ import main
try:
    main(["--help"])
finally:
    print("heavy", sorted({"prefect", "mlflow", "great_expectations", "catboost", "deltalake"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy []\n")
    assert [name for name in (*FLOWS, *COMMANDS) if f"\n  {name} " not in done.stdout] == []
    assert "The night: from the day's sales to the books" in done.stdout


def test_the_options_of_a_flow_are_shown_with_their_meaning_and_default(capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["backtest", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert "Forecast from past origins with what was known then" in shown
    assert "--first-origin DATE first origin: the first as_of to forecast from" in shown
    assert "--step INT days between origins (default 7)" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nightly"], "invalid choice: 'nightly' (choose from 'sync', 'check',"),
        (["daily", "--as-of", "2019-13-01"], "argument --as-of: '2019-13-01': not a day such as 2019-04-16"),
        (["sync", "--overlap-days", "few"], "argument --overlap-days: 'few': Input should be a valid integer"),
        (["backtest", "--first-origin", "2019-04-01"], "the following arguments are required: --last-origin"),
        (["backtest", "--step", "0"], "argument --step: '0': Input should be greater than or equal to 1"),
        (["daily", "--asof", "2019-04-16"], "unrecognized arguments: --asof 2019-04-16"),
        (["settings", "--verbose"], "unrecognized arguments: --verbose"),
    ],
)
def test_what_was_asked_wrongly_is_told_in_one_line(capsys: Printed, arguments: list[str], told: str) -> None:
    assert told in refused(capsys, *arguments)


def test_what_a_person_can_mend_is_told_in_one_line_without_a_traceback(chain: Chain, capfd: Printed) -> None:
    assert chain.table("publications", as_of=NEXT).is_empty()
    assert main(["deliver", "--as-of", NEXT.isoformat()]) == 1
    command = f"python -m flows forecast --as-of {NEXT}"
    assert capfd.readouterr().err == f"deliver: nothing is published as of {NEXT}: run `{command}` first\n"


def test_a_flow_run_from_the_command_line_prints_what_it_did(chain: Chain, capfd: Printed) -> None:
    assert main(["sync", "--as-of", NEXT.isoformat()]) == 0
    printed = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["stores", "products", "promotions", "events", "weather", "sales"]
    assert "8 new" in printed[-1]
    assert chain.table("sales", date=NEXT).height == 8
