from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from lib.contracts import OUTPUTS, QUANTILES
from lib.features import matrix
from lib.features.matrix import Matrix
from lib.features.spine import Panel
from lib.models import boosting, training
from lib.models.boosting import BoostingConfig
from lib.models.champion import Model
from lib.planning.forecast import Plan, forecast
from lib.planning.sanity import SanityConfig
from tests import panels
from tests.panels import AS_OF, rows

CONFIG = BoostingConfig(iterations=20, validation_days=28)


@pytest.fixture(scope="module")
def model() -> Model:
    panel = panels.panel()
    return training.train(panel, matrix.of(panel), config=CONFIG, seed=1, threads=1).model


def made(panel: Panel, model: Model | None, config: SanityConfig | None = None) -> pl.DataFrame:
    plan = Plan(sanity=config or SanityConfig(), threads=1)
    return forecast(panel, matrix.of(panel), matrix.rows_ahead(panel), model=model, plan=plan)


def assert_sound(rows: pl.DataFrame) -> None:
    numbers = rows.select("forecast", *QUANTILES).to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers >= 0).all()
    assert (np.diff(numbers[:, 1:], axis=1) >= 0).all()
    assert (rows["order"] % rows["tray"] == 0).all()
    assert (rows.filter(pl.col("method") == "closed")["order"] == 0).all()
    told = OUTPUTS["forecasts"].schema
    assert {name: dtype for name, dtype in rows.schema.items() if name in told}.items() <= told.items()
    assert set(told) - set(rows.columns) == {"as_of", "forecast_id"}


def test_every_live_series_gets_every_day_of_the_horizon(model: Model) -> None:
    found = made(panels.panel(), model)
    assert found.group_by("store", "product").len()["len"].to_list() == [7] * 4
    assert set(found["method"]) == {"model"}
    assert found["date"].min() == AS_OF + timedelta(days=1)
    assert_sound(found)


def test_the_model_is_close_to_what_the_weekday_sells(model: Model) -> None:
    found = made(panels.panel(), model).with_columns(weekday=pl.col("date").dt.weekday())
    saturday = found.filter((pl.col("weekday") == 6) & (pl.col("store") == "A") & (pl.col("product") == "x"))
    assert saturday["forecast"].item() == pytest.approx(panels.WEEKDAYS[5], rel=0.25)


def test_without_a_model_the_usual_sales_are_published_and_say_so() -> None:
    found = made(panels.panel(), None)
    assert set(found["method"]) == {"fallback"}
    assert found["reason"].str.starts_with("no model yet").all()
    assert found["model"].null_count() == found.height
    assert_sound(found)


def test_a_product_that_has_never_sold_gets_the_stores_mean_and_says_so(model: Model) -> None:
    series = [("A", "x"), ("A", "y"), ("A", "new")]
    ranged = rows("assortment", *({"store": s, "product": p, "starts": date(2018, 1, 1)} for s, p in series))
    new = made(panels.panel(assortment=ranged), model).filter(pl.col("product") == "new")
    assert set(new["method"]) == {"fallback"}
    assert new["reason"].str.contains("the store's mean over products").all()
    assert (new["forecast"] > 0).all()
    assert_sound(new)


def test_a_shut_day_is_forecast_as_nothing(model: Model) -> None:
    told = rows("events", {"date": AS_OF + timedelta(days=1), "name": "refit", "kind": "closure"})
    closed = made(panels.panel(events=told), model).filter(pl.col("date") == AS_OF + timedelta(days=1))
    assert set(closed["method"]) == {"closed"}
    assert closed.select(pl.sum_horizontal("forecast", *QUANTILES)).to_series().sum() == 0


def test_a_number_that_strays_too_far_is_held_and_says_so(model: Model) -> None:
    every_day_alike = panels.sales().with_columns(
        quantity=pl.when(pl.col("date") > AS_OF - timedelta(days=70)).then(30.0).otherwise("quantity")
    )
    tight = SanityConfig(low=1.0, high=1.0, special_low=1.0, special_high=1.0, slack=0.0)
    found = made(panels.panel(sales=every_day_alike), model, tight)
    held = found.filter(pl.col("reason").is_not_null())
    assert held.height > 0
    assert held["reason"].str.contains("held at 30: ").all()
    assert found["forecast"].unique().to_list() == [30.0]
    assert_sound(found)


def test_a_model_that_says_nothing_will_be_sold_is_held_with_a_range(model: Model) -> None:
    panel = panels.panel()
    past = matrix.of(panel).matrix(matrix.rows_before(panel, first=100, last=150, every=7))
    returned = -np.arange(1, len(past.expected) + 1, dtype=np.float32)
    blind = boosting.fit(past, returned, config=CONFIG, seed=1, threads=1)
    found = made(panel, replace(model, booster=blind))
    assert found["reason"].str.contains("held at ").any()
    held = found.filter(pl.col("forecast") > 0)
    assert (held["q10"] > 0).all()
    assert (held["q10"] < held["forecast"]).all()
    assert (held["forecast"] < held["q95"]).all()
    assert_sound(found)


def test_a_forecast_is_told_with_its_drivers_where_it_is_the_models_own(model: Model) -> None:
    told = rows("events", {"date": AS_OF + timedelta(days=1), "name": "refit", "kind": "closure"})
    found = made(panels.panel(events=told), model)
    own = found.filter(pl.col("method") == "model")
    assert own["driver_1"].null_count() < own.height
    assert (own["effect_1"].abs() >= own["effect_2"].abs()).drop_nulls().all()
    assert found.filter(pl.col("method") == "closed")["driver_1"].null_count() == 4


def test_orders_lie_above_the_middle_where_a_lost_sale_costs_more_than_waste(model: Model) -> None:
    found = made(panels.panel(), model)
    assert found["service_level"].unique().to_list() == [0.75]
    assert (
        found.select((pl.col("order") >= pl.col("q70") - 1) & (pl.col("order") <= pl.col("q80") + 1)).to_series().all()
    )


def changed(change: pl.Expr) -> pl.DataFrame:
    return panels.sales().with_columns(quantity=change)


FIRST_SERIES = (pl.col("store") == "A") & (pl.col("product") == "x")
SELDOM = FIRST_SERIES & (pl.col("date").dt.day() % 9 > 0)
CHAINS: dict[str, dict[str, Any]] = {
    "one product in one store": {"sales": panels.sales(stores=("A",), products=("x",))},
    "150 products": {"sales": panels.sales(days=60, products=tuple(f"p{number}" for number in range(150)))},
    "three days old": {"sales": panels.sales(days=3)},
    "without sales": {"sales": panels.sales().clear()},
    "silent for weeks": {"sales": panels.sales().filter(pl.col("date") < AS_OF - timedelta(days=40))},
    "nothing but zeros": {"sales": changed(pl.lit(0.0))},
    "a series of zeros": {"sales": changed(pl.when(FIRST_SERIES).then(0.0).otherwise("quantity"))},
    "a series that sells seldom": {"sales": changed(pl.when(SELDOM).then(0.0).otherwise("quantity"))},
    "cents": {"sales": changed(pl.col("quantity") * 0.001)},
    "millions": {"sales": changed(pl.col("quantity") * 1e5)},
    "two weeks ahead": {"horizon": 14},
    "nowhere": {"place": (None, None)},
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("with_model", [True, False])
def test_every_chain_gets_a_sound_forecast(chain: str, with_model: bool, model: Model) -> None:  # noqa: FBT001
    panel = panels.panel(**CHAINS[chain])
    found = made(panel, model if with_model else None)
    assert found.height == panel.live.sum() * panel.horizon
    assert_sound(found)


def test_a_chain_of_a_single_day_is_forecast_all_the_same() -> None:
    assert_sound(made(panels.panel(sales=panels.sales(days=1)), None))


def test_a_model_of_other_features_is_refused(model: Model) -> None:
    panel = panels.panel()
    known = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    with pytest.raises(ValueError, match="other features than these: weekday"):
        model.predict(Matrix(known.values, tuple(n for n in known.names if n != "weekday"), known.expected))
