"""What lies after the origin changes no feature, and the same row is the same whichever way it is asked for."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from lib.features import matrix, spine
from lib.features.arrays import Floats
from lib.features.columns import Ahead, Feature, Rows
from lib.features.matrix import Features
from lib.features.spine import Inputs, Panel
from tests import panels
from tests.panels import AS_OF

ORIGIN = AS_OF - timedelta(days=30)


def at(panel: Panel, origin: date) -> Rows:
    """All series and horizons from one origin."""
    index = (origin - panel.first_day).days
    series, step = np.meshgrid(np.arange(len(panel.sales)), np.arange(1, panel.horizon + 1), indexing="ij")
    origins = np.full(series.size, index, np.int32)
    return Rows(series.ravel().astype(np.int32), origins, (index + step.ravel()).astype(np.int32))


def described(inputs: Inputs, extra: Feature | None = None) -> Floats:
    """The matrix of the rows from ORIGIN, with one more column if given."""
    panel = spine.build(inputs, horizon=7)
    found = matrix.of(panel)
    features = Features((*found.columns, *([extra] if extra else [])), found.usual, found.level)
    return features.matrix(at(panel, ORIGIN)).values


def rich(sales: pl.DataFrame) -> Inputs:
    """Inputs with something in every table."""
    promotion = {"product": "x", "starts": ORIGIN - timedelta(days=40), "ends": ORIGIN - timedelta(days=34)}
    coming = {"product": "x", "starts": ORIGIN + timedelta(days=3), "ends": ORIGIN + timedelta(days=6)}
    plan = panels.rows(
        "promotions",
        {**promotion, "discount": 0.2, "known_from": panels.ALWAYS},
        {**coming, "discount": 0.3, "known_from": ORIGIN - timedelta(days=2)},
    )
    issued = {"date": ORIGIN + timedelta(days=1), "store": "A", "temperature": 9.0}
    weather = panels.rows("weather", {**issued, "issued": ORIGIN, "known_from": ORIGIN})
    prices = panels.rows(
        "prices",
        {"product": "x", "starts": panels.ALWAYS, "price": 1.0},
        {"product": "x", "starts": ORIGIN + timedelta(days=2), "price": 1.1},
    )
    return panels.inputs(sales=sales, promotions=plan, weather=weather, prices=prices)


def changed_later(sales: pl.DataFrame) -> pl.DataFrame:
    """The same sales up to ORIGIN, and others after it."""
    factor = pl.when(pl.col("date") > ORIGIN).then(7.0).otherwise(1.0)
    return sales.with_columns(pl.col("quantity") * factor)


def assert_equal(left: Floats, right: Floats) -> None:
    assert left.shape == right.shape
    assert left.tobytes() == right.tobytes()


def test_sales_after_the_origin_change_no_feature() -> None:
    assert_equal(described(rich(panels.sales())), described(rich(changed_later(panels.sales()))))


def test_a_column_that_looks_at_the_day_itself_is_caught() -> None:
    def leak(sales: pl.DataFrame) -> Floats:
        panel = spine.build(panels.inputs(sales=sales), horizon=7)
        ahead = np.concatenate([panel.sales, np.zeros((len(panel.sales), 7), np.float32)], axis=1)
        return described(rich(sales), Feature("leak", Ahead(ahead)))

    with pytest.raises(AssertionError):
        assert_equal(leak(panels.sales()), leak(changed_later(panels.sales())))


@pytest.mark.parametrize(
    "later",
    [
        {
            "date": ORIGIN + timedelta(days=1),
            "store": "A",
            "temperature": 30.0,
            "known_from": ORIGIN + timedelta(days=1),
        },
        {
            "date": ORIGIN + timedelta(days=1),
            "store": "A",
            "temperature": 30.0,
            "issued": ORIGIN + timedelta(days=1),
            "known_from": ORIGIN + timedelta(days=1),
        },
    ],
    ids=["observed on the day", "issued after the origin"],
)
def test_weather_that_the_origin_did_not_know_changes_no_feature(later: dict[str, object]) -> None:
    known = rich(panels.sales())
    more = pl.concat([known.weather, panels.rows("weather", later)])
    told = Inputs(**{name: getattr(known, name) for name in Inputs.__dataclass_fields__} | {"weather": more})
    assert_equal(described(known), described(told))


def test_a_forecast_that_the_origin_knew_is_a_feature() -> None:
    without = rich(panels.sales())
    bare = Inputs(
        **{name: getattr(without, name) for name in Inputs.__dataclass_fields__} | {"weather": without.weather.clear()}
    )
    with pytest.raises(AssertionError):
        assert_equal(described(without), described(bare))


def test_a_promotion_planned_after_the_origin_changes_no_feature() -> None:
    known = rich(panels.sales())
    later = panels.rows(
        "promotions",
        {
            "product": "y",
            "starts": ORIGIN - timedelta(days=10),
            "ends": ORIGIN + timedelta(days=20),
            "discount": 0.5,
            "known_from": ORIGIN + timedelta(days=1),
        },
    )
    told = Inputs(
        **{name: getattr(known, name) for name in Inputs.__dataclass_fields__}
        | {"promotions": pl.concat([known.promotions, later])}
    )
    assert_equal(described(known), described(told))


def test_the_order_of_input_rows_does_not_matter() -> None:
    sold = panels.sales()
    assert_equal(described(rich(sold)), described(rich(sold.sample(fraction=1, shuffle=True, seed=3))))


def test_a_row_is_the_same_for_training_for_a_replay_and_for_tonight() -> None:
    tonight = spine.build(panels.inputs(as_of=ORIGIN, sales=panels.sales().filter(pl.col("date") <= ORIGIN)), horizon=7)
    live = matrix.of(tonight).matrix(matrix.rows_ahead(tonight))
    later = spine.build(panels.inputs(), horizon=7)
    index = (ORIGIN - later.first_day).days
    past = matrix.of(later).matrix(matrix.rows_before(later, first=index, last=index, every=1))
    assert_equal(np.sort(live.values, axis=0), np.sort(past.values, axis=0))
    assert_equal(matrix.of(later).matrix(at(later, ORIGIN)).values, live.values)
    assert live.names == past.names


@pytest.mark.parametrize("horizon", range(1, 15))
def test_a_same_weekday_lag_never_undercuts_the_horizon(horizon: int) -> None:
    days = np.arange(100, dtype=np.float32)[None, :]
    rows = Rows(np.zeros(1, np.int32), np.array([80], np.int32), np.array([80 + horizon], np.int32))
    from lib.features.columns import SameWeekday

    looked_up = int(SameWeekday(days).gather(rows)[0])
    assert looked_up <= 80
    assert (80 + horizon - looked_up) % 7 == 0
    assert 80 - looked_up < 7
