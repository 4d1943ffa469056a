"""Stock-outs on real data: `python -m tests.benchmarks.stockouts PATH`, PATH a folder with FreshRetailNet-50K.

It needs sales.parquet, sales_hourly.parquet and products.csv. Two parts:

*hidden tails*: days in stock are made to run out at an hour drawn at random, from the seventh week on. What was sold
later is hidden and has to be recovered, so the truth is known. Profiles see earlier, unhidden days in stock only.
*bias of a model*: trained once on raw sales and once on corrected demand, both asked for the last two weeks, and
held against days that never ran out.
"""

import argparse
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from lib import demand, metrics
from lib.contracts.inputs import HOURS
from lib.features import matrix, spine
from lib.features.arrays import Bools
from lib.features.columns import Rows
from lib.models import boosting
from lib.models.boosting import BoostingConfig
from tests import panels

Doubles: TypeAlias = npt.NDArray[np.float64]
KEY = ["store", "product", "date"]
FIRST_HIDDEN = date(2024, 5, 6)
"""A Monday: five weeks and a half to learn from."""
HIDDEN_SHARE = 0.3
HOURS_OUT = range(9, 21)
BANDS = {"9-11": (9, 11), "12-14": (12, 14), "15-17": (15, 17), "18-20": (18, 20), "all": (9, 20)}
CHOSEN_BY_EVERY = 3
"""Every so-manieth store was looked at when the defaults of the correction were chosen, and is left out here."""
ROUNDING = 1e-4
"""The hours are single precision."""
HELD_OUT_WEEKS = 2
FIRST_ORIGIN = 35
TRAINING = BoostingConfig(iterations=200)
"""The project's own, with fewer trees for 90 days; its warm-up and validation need more days than there are."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.stockouts", description=__doc__)
    parser.add_argument("path", type=Path, help="folder with the three files")
    sales, hourly, products = _read(parser.parse_args().path)
    print(f"{sales.height} series-days, {_share(sales['sold_out']):.3f} of them ran out")
    _hidden_tails(sales, hourly, products)
    _bias_of_models(sales, hourly, products)


def _read(path: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Sales of the stores with hours that had no part in choosing, their hours, and the products, as contracts."""
    hourly = panels.table(pl.read_parquet(path / "sales_hourly.parquet"), "hourly").sort(KEY)
    sales = panels.table(pl.read_parquet(path / "sales.parquet"), "sales")
    products = panels.table(pl.read_csv(path / "products.csv", infer_schema=False), "products")
    seen = hourly["store"].unique().sort().gather_every(CHOSEN_BY_EVERY)
    hourly = hourly.filter(~pl.col("store").is_in(seen.implode()))
    return sales.join(hourly.select(KEY), on=KEY, how="semi").sort(KEY), hourly, products


def _hidden_tails(sales: pl.DataFrame, hourly: pl.DataFrame, products: pl.DataFrame) -> None:
    units = hourly.select(HOURS).to_numpy().astype(np.float64)
    hidden, hour = _drawn(sales)
    told = np.arange(len(HOURS)) < np.where(hidden, hour, len(HOURS))[:, None]
    left = np.where(told, units, 0)
    cut = sales.with_columns(
        quantity=pl.Series(np.where(hidden, left.sum(axis=1), sales["quantity"].to_numpy())),
        sold_out=pl.col("sold_out") | pl.Series(hidden),
    )
    timed = _timed(cut, np.where(hidden, hour, 0))
    last_hour = np.where(left > 0, np.arange(len(HOURS)) + 1, 0).max(axis=1)
    hours = hourly.with_columns(pl.Series(name, left[:, number]) for number, name in enumerate(HOURS))
    facts = sales.select(*KEY, truth="quantity").with_columns(
        hour=pl.Series(hour),
        in_the_hour=pl.Series(left[np.arange(len(hour)), hour - 1] > 0),
        nothing=cut["quantity"],
        plain=cut["quantity"] / pl.Series(_plain_curve(sales, units)[hour]),
    )
    facts = facts.filter(pl.Series(hidden))
    by_hours = _joined(facts, demand.correct(cut, hours, products))
    _show("ran out in its last hour with sales (as real stock-outs do)", by_hours.filter("in_the_hour"))
    _show("the hour it ran out is told (last_sale_at)", _joined(facts, demand.correct(timed, hours, products)))
    _show("any hour, not told: idle hours before it look like an empty shelf", by_hours)
    last_sales = demand.correct(_timed(cut, last_hour), hours.clear(), products)
    _show("the last sale of each day, no hours", _joined(facts, last_sales).filter("in_the_hour"))
    _show("no hours at all, only the flag", _joined(facts, demand.correct(cut, hours.clear(), products)))


def _timed(sales: pl.DataFrame, hour: npt.NDArray[np.int64]) -> pl.DataFrame:
    """With a last sale at the full hour; 0: not known. The last hour of a day ends a microsecond before midnight."""
    moment = pl.col("date").cast(pl.Datetime("us")) + pl.duration(microseconds=pl.col("passed"))
    passed = pl.Series("passed", np.minimum(hour * 3_600_000_000, 24 * 3_600_000_000 - 1))
    timed = sales.with_columns(passed).with_columns(last_sale_at=pl.when(pl.col("passed") > 0).then(moment))
    return timed.drop("passed")


def _drawn(sales: pl.DataFrame) -> tuple[Bools, npt.NDArray[np.int64]]:
    """Which days in stock are made to run out, and the hour from which nothing is left."""
    random = np.random.default_rng(0)
    hour = random.integers(HOURS_OUT.start, HOURS_OUT.stop, sales.height)
    chosen = (~sales["sold_out"] & (sales["date"] >= FIRST_HIDDEN)).to_numpy()
    return chosen & (random.random(sales.height) < HIDDEN_SHARE), hour


def _plain_curve(sales: pl.DataFrame, units: Doubles) -> Doubles:
    """(25,) share of all units sold before each hour, on the days in stock of the weeks before any is hidden."""
    early = (~sales["sold_out"] & (sales["date"] < FIRST_HIDDEN)).to_numpy()
    sold = units[early].sum(axis=0)
    return np.concatenate([np.zeros(1), np.cumsum(sold) / sold.sum()])


def _joined(facts: pl.DataFrame, corrected: pl.DataFrame) -> pl.DataFrame:
    return facts.join(corrected, on=KEY, how="left", validate="1:1")


def _show(title: str, rows: pl.DataFrame) -> None:
    below, above = _share(rows["truth"] < rows["lower"] - ROUNDING), _share(rows["truth"] > rows["upper"])
    print(f"\n{title}: {rows.height} days, {below:.3f} of them below the bounds, {above:.3f} above")
    print(f"{'WAPE / signed WPE':18}" + "".join(f"{band:>17}" for band in BANDS))
    for name in ("nothing", "plain", "demand"):
        parts = (rows.filter(pl.col("hour").is_between(*band)) for band in BANDS.values())
        scores = (_wape_and_bias(part, name, "truth") for part in parts)
        print(f"{name:18}" + "".join(f"{wape:>8.3f} / {bias:+.3f}" for wape, bias in scores))


def _bias_of_models(sales: pl.DataFrame, hourly: pl.DataFrame, products: pl.DataFrame) -> None:
    as_of: date = sales.select(pl.col("date").max()).item()
    known = panels.inputs(as_of=as_of, place=("CN", None), sales=sales, hourly=hourly, products=products)
    raw = replace(known, sales=sales.with_columns(sold_out=pl.lit(None, pl.Boolean)))
    print(
        f"\nmodels on {sales['store'].n_unique()} stores, the last {HELD_OUT_WEEKS} weeks held out, days in stock only"
    )
    print(f"{'trained on':18}{'rows':>9}{'WAPE':>9}{'bias':>9}")
    for name, inputs in (("raw sales", raw), ("corrected demand", known)):
        _scored(name, spine.build(inputs, horizon=7), sales)


def _scored(name: str, panel: spine.Panel, sales: pl.DataFrame) -> None:
    columns = matrix.of(panel)
    last = panel.history - 1
    cut = last - HELD_OUT_WEEKS * 7
    past = _usable(columns, matrix.rows_before(panel, first=FIRST_ORIGIN, last=cut - 1, every=2))
    past = past.take(past.date <= cut)
    model = boosting.fit(columns.matrix(past), panel.demand[past.series, past.date], config=TRAINING, seed=0, threads=2)
    ahead = _usable(columns, matrix.rows_before(panel, first=cut, last=last - 7, every=7))
    found = matrix.labels(panel, ahead).with_columns(forecast=pl.Series(model.predict(columns.matrix(ahead))))
    rows = found.join(sales.filter(~pl.col("sold_out")), on=KEY)
    wape, bias = _wape_and_bias(rows, "forecast", "quantity")
    print(f"{name:18}{rows.height:>9}{wape:>9.4f}{bias:>+9.4f}")


def _usable(columns: matrix.Features, rows: Rows) -> Rows:
    return rows.take(~np.isnan(columns.usual.gather(rows)))


def _wape_and_bias(rows: pl.DataFrame, forecast: str, actual: str) -> tuple[float, float]:
    """1 - FA, and the signed error by the total."""
    found = metrics.accuracy(rows, forecast=forecast, actual=actual)
    return 1 - (found["fa"] or 0.0), found["bias"] or 0.0


def _share(flags: pl.Series) -> float:
    return float(flags.cast(pl.Float64).to_numpy().mean())


if __name__ == "__main__":
    main()
