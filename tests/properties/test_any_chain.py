"""The same code, untuned, serves any chain: sound numbers that are no worse than last week's."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from lib.contracts import QUANTILES
from lib.errors import TrainingError
from lib.features import matrix, spine
from lib.features.arrays import Floats
from lib.features.spine import Panel
from lib.models import baselines, training
from lib.models.boosting import BoostingConfig
from lib.models.champion import Model
from lib.planning.forecast import Plan, forecast
from tests import panels
from tests.panels import AS_OF, WEEKDAYS

CONFIG = BoostingConfig(iterations=60, depth=4, warm_up_days=56, validation_days=28)
WEEKS = 2
"""Weeks at the end that the model has not seen, each forecast from the day before it."""
ORIGINS = [AS_OF - timedelta(days=7 * (WEEKS - week)) for week in range(WEEKS)]
CHANCE = 0.02
"""By how much last week may be better by mere chance, as share of its error."""
WIDE = 0.1
"""Likewise for slow sellers: of all forecasts 0 has the smallest absolute error there, but nobody can bake by it."""


def made_up(
    *, stores: int = 3, products: int = 5, days: int = 190, size: float = 1.0, whole: bool = True
) -> pl.DataFrame:
    """Sales that follow the weekday and drift with the weeks, and scatter as customers who come one by one do."""
    chance, number = np.random.default_rng(7), stores * products
    day = np.array([AS_OF - timedelta(days=back) for back in range(days)])
    weekday = np.array([WEEKDAYS[each.weekday()] for each in day]) / np.mean(WEEKDAYS)
    drift = 1 + 0.1 * np.sin(np.arange(days) / 40)
    level = size * 20 * chance.lognormal(0, 0.6, number)
    mean = level[:, None] * weekday * drift * chance.lognormal(0, 0.08, days)
    sold = chance.poisson(mean) if whole else mean * chance.lognormal(0, 0.2, mean.shape)
    key = [(f"s{place % stores}", f"p{place // stores:03}") for place in range(number)]
    frame = pl.DataFrame(
        {
            "date": np.tile(day.astype("datetime64[D]"), number),
            "store": np.repeat([store for store, _ in key], days),
            "product": np.repeat([product for _, product in key], days),
            "quantity": sold.ravel().astype(np.float64),
        }
    )
    return panels.table(frame, "sales")


def ago(first: int, last: int) -> pl.Expr:
    """Days between so many and so many before the end."""
    return pl.col("date").is_between(AS_OF - timedelta(days=first), AS_OF - timedelta(days=last))


FIRST_STORE, FIRST_PRODUCT = pl.col("store") == "s0", pl.col("product") == "p000"
SUNDAY = pl.col("date").dt.weekday() == 7
NEVER = pl.lit(value=False)


@dataclass(frozen=True, slots=True)
class Chain:
    """How the made-up sales differ, and what else is known."""

    shape: dict[str, Any] = field(default_factory=dict)
    zero: pl.Expr = NEVER
    missing: pl.Expr = NEVER
    known: dict[str, Any] = field(default_factory=dict)

    def sales(self) -> pl.DataFrame:
        sold = made_up(**self.shape).with_columns(quantity=pl.when(self.zero).then(0.0).otherwise("quantity"))
        return sold.filter(~self.missing)


SLOW = {"stores": 3, "products": 8, "size": 0.015}
CHAINS = {
    "units": Chain(),
    "revenue": Chain({"size": 250.0, "whole": False}),
    "revenue in millions": Chain({"size": 1e5, "whole": False}),
    "tonnes": Chain({"size": 1e-3, "whole": False}),
    "one store": Chain({"stores": 1, "products": 5}),
    "one series": Chain({"stores": 1, "products": 1, "days": 300}),
    "150 products in one store": Chain({"stores": 1, "products": 150, "days": 150}),
    "slow sellers, zeros written": Chain(SLOW),
    "slow sellers, zeros left out": Chain(SLOW, missing=pl.col("quantity") == 0),
    "no country": Chain(known={"place": (None, None)}),
    "another country": Chain(known={"place": ("FR", None)}),
    "four months old": Chain({"days": 140}),
    "closed on Sundays, zeros written": Chain(zero=SUNDAY),
    "closed on Sundays, zeros left out": Chain(missing=SUNDAY),
    "gaps": Chain(missing=(FIRST_STORE & ago(60, 45)) | (FIRST_PRODUCT & ago(30, 25))),
    "a store that opens in the middle": Chain(missing=FIRST_STORE & ago(400, 40)),
    "a store that opened ten days before": Chain(missing=FIRST_STORE & ago(400, 24)),
    "a series of zeros": Chain(zero=FIRST_STORE & FIRST_PRODUCT),
}


def build(chain: Chain, as_of: date) -> Panel:
    known = panels.inputs(as_of=as_of, sales=chain.sales().filter(pl.col("date") <= as_of), **chain.known)
    return spine.build(known, horizon=7)


def model_of(panel: Panel) -> Model:
    return training.train(panel, matrix.of(panel), config=CONFIG, seed=1, threads=2).model


def forecasts(chain: Chain, model: Model | None) -> pl.DataFrame:
    """Two weeks of forecasts with what the week before had sold, and what came true where that is known."""
    return pl.concat([_week(build(chain, origin), model) for origin in ORIGINS]).join(
        _truth(build(chain, AS_OF)), on=["store", "product", "date"], how="left"
    )


def _week(panel: Panel, model: Model | None) -> pl.DataFrame:
    rows = matrix.rows_ahead(panel)
    made = forecast(panel, matrix.of(panel), rows, model=model, plan=Plan())
    return made.join(
        matrix.labels(panel, rows).with_columns(naive=pl.Series(baselines.seasonal_naive(panel, rows))),
        on=["store", "product", "date"],
    )


def _truth(panel: Panel) -> pl.DataFrame:
    """Sales of all days that are known, 0 on shut ones."""
    actual: Floats = np.where(panel.shut == 1, 0, panel.sales)
    series, day = np.nonzero(~np.isnan(actual))
    dates = pl.Series("date", panel.days[day].astype("datetime64[ms]")).cast(pl.Date)
    return panel.series[series].select("store", "product").with_columns(dates, actual=pl.Series(actual[series, day]))


def error(rows: pl.DataFrame, name: str) -> float:
    """Sum of absolute errors, units."""
    return float(rows.select((pl.col(name) - pl.col("actual")).abs().sum()).item())


def assert_sound(rows: pl.DataFrame) -> None:
    numbers = rows.select("forecast", *QUANTILES).to_numpy()
    assert rows.height > 0
    assert np.isfinite(numbers).all()
    assert (numbers >= 0).all()
    assert (np.diff(numbers[:, 1:], axis=1) >= 0).all()
    assert rows["lifecycle"].null_count() == 0
    assert rows.filter((pl.col("method") == "fallback") & pl.col("reason").is_null()).is_empty()


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_forecast_soundly_and_no_worse_than_by_last_week(name: str) -> None:
    chain = CHAINS[name]
    found = forecasts(chain, model_of(build(chain, ORIGINS[0])))
    assert_sound(found)
    assert "model" in set(found["method"])
    scored = found.filter(pl.col("actual").is_not_null())
    assert scored.height > 0.9 * found.height
    assert error(scored, "forecast") <= error(scored, "naive") * (1 + (WIDE if "slow" in name else CHANCE))


@pytest.mark.parametrize("name", [name for name in CHAINS if "slow" in name])
def test_slow_sellers_are_forecast_at_their_mean(name: str) -> None:
    chain = CHAINS[name]
    scored = forecasts(chain, model_of(build(chain, ORIGINS[0]))).filter(pl.col("actual").is_not_null())
    sold, said = (float(scored.select(pl.col(column).sum()).item()) for column in ("actual", "forecast"))
    assert abs(said / sold - 1) < 3 / sold**0.5
    squared = scored.select(((pl.col(name) - pl.col("actual")) ** 2).sum() for name in ("forecast", "naive"))
    assert squared["forecast"].item() < 0.7 * squared["naive"].item()


@pytest.mark.parametrize("name", ["units", "slow sellers, zeros left out", "closed on Sundays, zeros left out", "gaps"])
def test_a_chain_without_a_model_is_forecast_no_worse_than_by_last_week(name: str) -> None:
    found = forecasts(CHAINS[name], None)
    assert_sound(found)
    scored = found.filter(pl.col("actual").is_not_null())
    assert error(scored, "forecast") <= error(scored, "naive") * (1 + CHANCE)


@pytest.mark.parametrize("name", ["closed on Sundays, zeros written", "closed on Sundays, zeros left out"])
def test_a_chain_closed_on_sundays_bakes_nothing_on_sundays(name: str) -> None:
    found = forecasts(CHAINS[name], None).filter(SUNDAY)
    assert set(found["method"]) == {"closed"}
    assert found["forecast"].sum() == 0


def test_a_chain_that_sells_nothing_is_forecast_as_nothing() -> None:
    nothing = Chain(zero=pl.lit(value=True))
    with pytest.raises(TrainingError, match="nothing to learn"):
        model_of(build(nothing, ORIGINS[0]))
    found = forecasts(nothing, None)
    assert_sound(found)
    assert found["forecast"].sum() == 0
