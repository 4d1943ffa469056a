"""Speed and memory as ratios to a limit: `make bench`, or `python -m tests.benchmarks night` for one part.

Each part runs whole processes on the bundled bakery, one after the other, in a home of its own. Run it on an idle
machine: below 1.00 is within the limit. `--quick` replays 4 origins with one training instead of 26 with 7: a look
whether it works, held against the incumbent only.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from lib import metrics
from lib.adapters.lake import Lake
from lib.contracts import INPUTS, OUTPUTS
from lib.demo import BAKERY

IMPORTS = "import flows.daily, great_expectations, mlflow, catboost, plotly.io"
EMPTY_FLOW = "import flows; from prefect import flow; flow(lambda: None, name='empty')()"
NIGHT = ("daily", "--as-of", "2019-04-24")
LAST_ORIGIN, QUICK_ORIGIN = "2019-04-23", "2018-11-20"


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and the limit that it is held against; None: it is only shown."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    def line(self) -> str:
        """The figure, its limit and their ratio as a row of the table."""
        ratio = "" if self.limit is None else f"{self.limit:>10.3g}{self.value / self.limit:>8.2f}"
        return f"{self.name:44}{self.value:>10.3g} {self.unit:6}{ratio}"


def demo(home: str) -> list[Figure]:
    """The whole demo in a fresh home, set-up excluded."""
    return [Figure("demo: training and two nights", _run(home, "-m", "flows", "demo"), "s", 90)]


def night(home: str) -> list[Figure]:
    """One more night in a fresh process, and what of it is imports, Prefect and our own work."""
    if Lake(f"{home}/lake").version(OUTPUTS["publications"]) < 0:
        _run(home, "-m", "flows", "demo")
    whole = _run(home, "-m", "flows", *NIGHT)
    imports, prefect = _run(home, "-c", IMPORTS), _run(home, "-c", EMPTY_FLOW)
    return [
        Figure("a night: the whole process", whole, "s", 30),
        Figure("  importing all libraries, alone", imports, "s"),
        Figure("  an empty flow: Prefect and its server", prefect, "s"),
        Figure("  our own steps together", _own_work(home), "s", 10),
        Figure("  memory at most, this far", _peak_gigabytes(), "GB", 2),
    ]


def backtest(home: str, *, quick: bool = False) -> list[Figure]:
    """26 origins with 7 trainings, or 4 with one, against the incumbent on the same rows."""
    output = f"{home}/backtest.parquet"
    span = ("--first-origin", "2018-10-30", "--last-origin", QUICK_ORIGIN if quick else LAST_ORIGIN)
    seconds = _run(home, "-m", "flows", "backtest", *span, "--step", "7", "--refit", "28", "--output", output)
    sold = pl.read_parquet(BAKERY / "sales.parquet").cast({"date": pl.Date})
    sales = sold.select("store", "product", "date", pl.col("quantity").cast(INPUTS["sales"].column("quantity").dtype))
    scored = pl.read_parquet(output).join(sales, on=["store", "product", "date"])
    ours, theirs = (_wape(scored, name) for name in ("forecast", "incumbent"))
    if quick:
        return [Figure("backtest: 4 origins, 1 training", seconds, "s"), Figure("  WAPE", ours, "", theirs)]
    return [
        Figure("backtest: 26 origins, 7 trainings", seconds, "s", 600),
        Figure("  memory at most, this far", _peak_gigabytes(), "GB", 2),
        Figure("  WAPE", ours, "", 0.2),
        Figure("  WAPE against the incumbent's", ours, "", theirs),
    ]


PARTS: dict[str, Callable[[str], list[Figure]]] = {"demo": demo, "night": night, "backtest": backtest}


def main() -> None:
    """Measure the parts and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all unless given")
    parser.add_argument("--quick", action="store_true", help="a backtest of 4 origins with one training")
    options = parser.parse_args()
    chosen = options.parts or list(PARTS)
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}")
    print(f"{'':44}{'measured':>10} {'':6}{'limit':>10}{'ratio':>8}")
    parts: dict[str, Callable[[str], list[Figure]]] = {**PARTS, "backtest": partial(backtest, quick=options.quick)}
    with tempfile.TemporaryDirectory() as home:
        for part in (each for name, each in parts.items() if name in chosen):
            for figure in part(home):
                print(figure.line(), flush=True)


def _run(home: str, *arguments: str) -> float:
    """Seconds that a Python process takes. RuntimeError with what it printed if it fails."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "FOURNIL_HOME": home},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"python {' '.join(arguments)} failed:\n{done.stderr}"
        raise RuntimeError(message)
    return time.perf_counter() - started


def _own_work(home: str) -> float:
    """Seconds of the newest night's steps, as the lake has them."""
    runs = Lake(str(Path(home) / "lake")).scan(OUTPUTS["runs"]).collect()
    newest = runs.filter(
        (pl.col("run_id") == pl.col("run_id").sort_by("started_at").last()) & (pl.col("step") != "daily")
    )
    return float(newest["seconds"].sum())


def _peak_gigabytes() -> float:
    """Memory of the largest process so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2


def _wape(scored: pl.DataFrame, forecast: str) -> float:
    return 1 - (metrics.accuracy(scored, forecast=forecast, actual="quantity")["fa"] or 0.0)


if __name__ == "__main__":
    main()
