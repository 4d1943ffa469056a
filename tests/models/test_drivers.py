from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase

import numpy as np
import polars as pl
import pytest

from lib.contracts.outputs import FORECASTS
from lib.features import matrix
from lib.features.matrix import Matrix
from lib.models import boosting, drivers
from lib.models.boosting import Booster, BoostingConfig
from lib.models.drivers import GROUPS, NAMES
from tests import panels
from tests.panels import AS_OF, rows

PROMOTED = [AS_OF - timedelta(days=back) for back in range(0, 190, 9)]
PLAN = rows(
    "promotions",
    *({"product": "x", "starts": day, "ends": day, "discount": 0.3} for day in [*PROMOTED, AS_OF + timedelta(days=1)]),
)
"""Promotions of x on days of all weekdays, on which it sells double."""


@pytest.fixture(scope="module")
def taught() -> tuple[Booster, Matrix]:
    """A model that has seen promotions, and the days ahead, of which the first is one."""
    on = pl.col("date").is_in(PROMOTED) & (pl.col("product") == "x")
    sold = panels.sales().with_columns(quantity=pl.col("quantity") * pl.when(on).then(2).otherwise(1))
    panel = panels.panel(sales=sold, promotions=PLAN)
    columns = matrix.of(panel)
    past = matrix.rows_before(panel, first=70, last=panel.history - 2, every=3)
    past = past.take(~np.isnan(columns.usual.gather(past)))
    actual = panel.demand[past.series, past.date]
    config = BoostingConfig(iterations=60, depth=4)
    booster = boosting.fit(columns.matrix(past), actual, config=config, seed=1, threads=1)
    return booster, columns.matrix(matrix.rows_ahead(panel))


def test_every_feature_belongs_to_exactly_one_group() -> None:
    for name in matrix.of(panels.panel()).names:
        found = [group for group, patterns in GROUPS.items() if any(fnmatchcase(name, one) for one in patterns)]
        assert len(found) == 1, (name, found)
        assert drivers.group_of(name) == found[0]


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("siblings_on_promotion", "siblings"),
        ("complement_promotion", "siblings"),
        ("promotion_uplift", "promotion"),
        ("days_into_promotion", "promotion"),
        ("days_until_school_holiday", "school_holidays"),
        ("days_until_holiday", "holidays"),
        ("price_against_before", "price"),
        ("never_heard_of", "other"),
    ],
)
def test_features_are_grouped_by_what_people_talk_about(name: str, group: str) -> None:
    assert drivers.group_of(name) == group


def test_what_is_usual_and_all_drivers_add_up_to_the_forecast(taught: tuple[Booster, Matrix]) -> None:
    booster, ahead = taught
    total = ahead.expected + drivers.by_group(booster, ahead, threads=1).sum(axis=1)
    assert total == pytest.approx(booster.model.predict(ahead.values) * ahead.expected, rel=1e-5)


def test_a_promotion_is_named_as_what_lifts_its_day(taught: tuple[Booster, Matrix]) -> None:
    booster, ahead = taught
    found = drivers.of(booster, ahead, threads=1)
    promoted = ahead.values[:, ahead.names.index("promotion")] == 1
    assert promoted.sum() == 2
    assert set(found.keys[promoted, 0]) == {"promotion"}
    assert (found.effects[promoted, 0] > 0.3 * ahead.expected[promoted]).all()


def test_drivers_are_named_by_size_and_small_ones_not_at_all(taught: tuple[Booster, Matrix]) -> None:
    booster, ahead = taught
    found = drivers.of(booster, ahead, threads=1)
    sizes = np.abs(found.effects)
    named = found.keys != np.array(None)
    assert (np.isnan(sizes) == ~named).all()
    assert not (np.diff(np.nan_to_num(sizes), axis=1) > 0).any()
    assert sizes[named].min() >= drivers.SMALLEST_UNITS
    assert "other" not in found.keys


def test_an_effect_of_next_to_nothing_is_left_out() -> None:
    effects = np.zeros((2, len(NAMES)))
    effects[:, NAMES.index("weather")], effects[:, NAMES.index("price")] = 0.2, -0.04
    found = drivers.strongest(effects, np.array([10, 100], np.float32))
    assert found.keys.tolist() == [["weather", None, None], [None, None, None]]
    assert found.effects[0, 0] == 0.2


def test_a_row_of_which_nothing_is_expected_has_no_drivers(taught: tuple[Booster, Matrix]) -> None:
    booster, ahead = taught
    unknown = replace(ahead, expected=np.full_like(ahead.expected, np.nan))
    assert set(drivers.of(booster, unknown, threads=1).keys.ravel()) == {None}


def test_neither_threads_nor_the_size_of_chunks_change_a_driver(
    taught: tuple[Booster, Matrix], monkeypatch: pytest.MonkeyPatch
) -> None:
    booster, ahead = taught
    one, two = (drivers.by_group(booster, ahead, threads=threads).tobytes() for threads in (1, 2))
    monkeypatch.setattr(drivers, "CHUNK", 5)
    assert one == two == drivers.by_group(booster, ahead, threads=1).tobytes()


def test_an_average_of_models_is_explained_too(taught: tuple[Booster, Matrix]) -> None:
    _, ahead = taught
    usable = ahead.expected > 0
    past = Matrix(ahead.values[usable], ahead.names, ahead.expected[usable])
    config = BoostingConfig(iterations=5, depth=2, seeds=2)
    averaged = boosting.fit(past, past.expected * past.values[:, 1], config=config, seed=1, threads=1)
    total = past.expected + drivers.by_group(averaged, past, threads=1).sum(axis=1)
    assert total == pytest.approx(averaged.model.predict(past.values) * past.expected, rel=1e-5)


def test_drivers_are_columns_of_the_published_forecasts(taught: tuple[Booster, Matrix]) -> None:
    booster, ahead = taught
    columns = drivers.of(booster, ahead, threads=1).columns()
    assert [column.name for column in columns] == [
        name for name in FORECASTS.names if "driver" in name or "effect" in name
    ]
    assert all(column.dtype == FORECASTS.column(column.name).dtype for column in columns)
    assert not any(column.is_nan().any() for column in columns[1::2])


def test_forecasts_that_are_not_the_models_own_have_no_drivers(taught: tuple[Booster, Matrix]) -> None:
    booster, ahead = taught
    found = drivers.of(booster, ahead, threads=1)
    own = np.arange(len(found.keys)) % 2 == 0
    kept = found.where(own)
    assert kept.keys[own].tolist() == found.keys[own].tolist()
    assert kept.where(~own).columns()[0].null_count() == len(own)
    assert [column.to_list() for column in kept.where(~own).columns()] == [
        column.to_list() for column in drivers.none(len(own)).columns()
    ]


def test_no_rows_have_no_drivers(taught: tuple[Booster, Matrix]) -> None:
    booster, ahead = taught
    none = Matrix(ahead.values[:0], ahead.names, ahead.expected[:0])
    assert drivers.of(booster, none, threads=1).keys.shape == (0, 3)
