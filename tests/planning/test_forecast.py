from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from lib.contracts import QUANTILES
from lib.features import matrix
from lib.features.matrix import Matrix
from lib.features.spine import Panel
from lib.models import training
from lib.models.boosting import BoostingConfig
from lib.models.champion import Model
from lib.planning.forecast import forecast
from lib.planning.sanity import SanityConfig
from tests import panels
from tests.panels import AS_OF, rows

CONFIG = BoostingConfig(iterations=20, validation_days=28)


@pytest.fixture(scope="module")
def model() -> Model:
    panel = panels.panel()
    return training.train(panel, matrix.of(panel), config=CONFIG, seed=1, threads=1).model


def made(panel: Panel, model: Model | None, config: SanityConfig | None = None) -> pl.DataFrame:
    return forecast(panel, matrix.of(panel), matrix.rows_ahead(panel), model=model, config=config or SanityConfig())


def assert_sound(rows: pl.DataFrame) -> None:
    numbers = rows.select("forecast", *QUANTILES).to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers >= 0).all()
    assert (np.diff(numbers[:, 1:], axis=1) >= 0).all()


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


def test_a_chain_of_a_single_day_is_forecast_all_the_same() -> None:
    assert_sound(made(panels.panel(sales=panels.sales(days=1)), None))


def test_a_model_of_other_features_is_refused(model: Model) -> None:
    panel = panels.panel()
    known = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    with pytest.raises(ValueError, match="other features than these: weekday"):
        model.predict(Matrix(known.values, tuple(n for n in known.names if n != "weekday"), known.expected))
