"""What each idea of the model brings: `python -m tests.benchmarks.ablation [VARIANT ...]`, a table of WAPE and bias.

Weekly origins of the year before the first test origin, refitted four times; open days only. Variants share panels and
columns, so each costs its fits alone. Nothing here sees a day after 30 October 2018.
"""

import argparse
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from lib.adapters.lake import Lake
from lib.features import matrix as features
from lib.features import spine
from lib.features.arrays import Floats
from lib.features.matrix import Features, Matrix
from lib.features.spine import Panel
from lib.models import boosting, drivers
from lib.models.boosting import BoostingConfig
from lib.settings import Chain
from tasks import inputs
from tasks.backtest import load_lake

FIRST, WEEKS, REFITS, HORIZON, SEED = date(2017, 10, 31), 52, 4, 7, 20_190_430


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One fit and the origins that are forecast with it: matrices and actual sales, units."""

    past: Matrix
    past_actual: Floats
    ahead: Matrix
    ahead_actual: Floats


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to fit: other settings, or without the columns of one group of `lib.models.drivers`."""

    name: str
    config: Mapping[str, object]
    without: str = ""


VARIANTS = (
    Variant("as set", {}),
    Variant("the expectation alone, no model", {}, without="model"),
    *(Variant(f"without {name}", {}, without=name) for name in drivers.NAMES if name != drivers.OTHER),
    Variant("squared error", {"loss": "RMSE"}),
    Variant("Poisson", {"loss": "Poisson"}),
    Variant("Tweedie", {"loss": "Tweedie:variance_power=1.5"}),
    Variant("all columns for each tree", {"column_share": 1.0}),
    Variant("all rows for each tree", {"row_share": 1.0}),
    Variant("trees of depth 8", {"depth": 8}),
    Variant("800 slower trees", {"iterations": 800, "learning_rate": 0.03}),
    Variant("noise in the choice of splits", {"random_strength": 1}),
    Variant("every second origin", {"origin_every": 2}),
    Variant("every ninth origin", {"origin_every": 9}),
    Variant("three seeds averaged", {"seeds": 3}),
)


def folds(read: Callable[[date], spine.Inputs], every: int) -> list[Fold]:
    """The fits of the year before the test, with the rows to forecast."""
    origins = [FIRST + timedelta(days=7 * week) for week in range(WEEKS)]
    parts = np.array_split(np.array(origins, dtype=object), REFITS)
    return [_fold(read, [day for day in part.tolist() if isinstance(day, date)], every) for part in parts]


def _fold(read: Callable[[date], spine.Inputs], origins: list[date], every: int) -> Fold:
    panel = spine.build(read(origins[0]), horizon=HORIZON)
    columns = features.of(panel)
    past = features.rows_before(panel, first=BoostingConfig().warm_up_days, last=panel.history - 2, every=every)
    past = past.take(~np.isnan(columns.usual.gather(past)))
    truth = spine.build(read(origins[-1] + timedelta(days=HORIZON)), horizon=HORIZON)
    pieces = [_ahead(read, origin, truth) for origin in origins]
    ahead = Matrix(
        np.concatenate([matrix.values for matrix, _ in pieces]),
        columns.names,
        np.concatenate([matrix.expected for matrix, _ in pieces]),
    )
    actual = np.concatenate([sold for _, sold in pieces])
    return Fold(columns.matrix(past), panel.demand[past.series, past.date], ahead, actual)


def _ahead(read: Callable[[date], spine.Inputs], origin: date, truth: Panel) -> tuple[Matrix, Floats]:
    """Rows of one origin on days that turned out open, with their sales."""
    panel = spine.build(read(origin), horizon=HORIZON)
    columns: Features = features.of(panel)
    rows = features.rows_ahead(panel)
    keys = {key: place for place, key in enumerate(truth.series.select("store", "product").iter_rows())}
    place = np.array([keys[key] for key in panel.series.select("store", "product").iter_rows()])
    shift = int((panel.days[0] - truth.days[0]).astype(int))
    actual = truth.sales[place[rows.series], rows.date + shift]
    known = ~np.isnan(actual) & ~np.isnan(columns.usual.gather(rows))
    return columns.matrix(rows.take(known)), actual[known]


def measured(variant: Variant, parts: list[Fold]) -> tuple[float, float]:
    """WAPE and bias of a variant over all folds."""
    forecast = np.concatenate([_forecast(variant, part) for part in parts])
    actual = np.concatenate([part.ahead_actual for part in parts])
    return float(np.abs(forecast - actual).sum() / actual.sum()), float((forecast - actual).sum() / actual.sum())


def _forecast(variant: Variant, part: Fold) -> Floats:
    if variant.without == "model":
        return part.ahead.expected
    keep = [place for place, name in enumerate(part.past.names) if drivers.group_of(name) != variant.without]
    config = BoostingConfig().model_copy(update=dict(variant.config))
    booster = boosting.fit(_cut(part.past, keep), part.past_actual, config=config, seed=SEED, threads=2)
    return booster.predict(_cut(part.ahead, keep))


def _cut(whole: Matrix, keep: list[int]) -> Matrix:
    return Matrix(whole.values[:, keep], tuple(whole.names[place] for place in keep), whole.expected)


def main() -> None:
    """Measure the variants and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ablation", description=__doc__)
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help="words in a variant's name; all unless given")
    parser.add_argument("--source", default="demo", help="folder of the source; the bundled bakery unless given")
    options = parser.parse_args()
    chosen = [each for each in VARIANTS if not options.variants or any(word in each.name for word in options.variants)]
    root = load_lake.fn(options.source, until=FIRST + timedelta(days=7 * WEEKS))
    try:
        _print_table(Lake(root), chosen)
    finally:
        shutil.rmtree(root)


def _print_table(lake: Lake, chosen: list[Variant]) -> None:
    made: dict[int, list[Fold]] = {}
    print(f"{'variant':34}{'WAPE':>8}{'bias':>9}{'seconds':>9}")
    for variant in chosen:
        every = BoostingConfig().model_copy(update=dict(variant.config)).origin_every
        if every not in made:
            made[every] = folds(lambda day: inputs.read(lake, as_of=day, chain=Chain()), every)
        started = time.perf_counter()
        wape, bias = measured(variant, made[every])
        print(f"{variant.name:34}{wape:>8.4f}{bias:>+9.4f}{time.perf_counter() - started:>9.0f}", flush=True)


if __name__ == "__main__":
    main()
