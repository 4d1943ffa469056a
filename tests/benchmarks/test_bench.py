import subprocess
import sys

from tests.benchmarks.__main__ import Figure


def test_a_figure_is_shown_as_a_ratio_to_its_limit() -> None:
    assert Figure("a night", 15.0, "s", 30).line().split() == ["a", "night", "15", "s", "30", "0.50"]
    assert Figure("imports", 4.2, "s").line().split() == ["imports", "4.2", "s"]


def test_a_part_that_does_not_exist_is_refused_with_those_that_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "speed"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no such part: speed; there are demo, night, backtest" in done.stderr
