"""What lies after the origin changes no feature, and the same row is the same whichever way it is asked for."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.features import matrix, spine
from lib.features.arrays import Floats
from lib.features.columns import Ahead, Feature, Rows, SameWeekday
from lib.features.matrix import Features
from lib.features.spine import Inputs, Panel
from tests import panels
from tests.panels import AS_OF

ORIGIN = AS_OF - timedelta(days=30)
SERIES = [(store, product) for store in "AB" for product in "xy"]
LAST_WEEKDAY_OF_PRODUCT = (pl.col("date").dt.weekday() == 3) & (pl.col("product") == "x")
SALES = {
    "sells every day": panels.sales(),
    "writes its zeros": panels.sales().with_columns(
        quantity=pl.when(LAST_WEEKDAY_OF_PRODUCT).then(0.0).otherwise("quantity")
    ),
    "leaves zeros out": panels.sales().filter(~LAST_WEEKDAY_OF_PRODUCT),
    "has a store without data since three days": panels.sales().filter(
        ~(pl.col("date").is_between(ORIGIN - timedelta(days=2), ORIGIN + timedelta(days=9)) & (pl.col("store") == "A"))
    ),
    "has a product that is gone since a week": panels.sales().filter(
        ~((pl.col("date") > ORIGIN - timedelta(days=7)) & (pl.col("product") == "y") & (pl.col("store") == "B"))
    ),
}
HABITS = pytest.mark.parametrize("habit", SALES)


def at(panel: Panel, origin: date) -> Rows:
    """The four series of the made-up bakery, all horizons, from one origin."""
    numbers = {key: number for number, key in enumerate(panel.series.select("store", "product").iter_rows())}
    index = (origin - panel.first_day).days
    series, step = np.meshgrid([numbers[key] for key in SERIES], np.arange(1, panel.horizon + 1), indexing="ij")
    origins = np.full(series.size, index, np.int32)
    return Rows(series.ravel().astype(np.int32), origins, (index + step.ravel()).astype(np.int32))


def described(inputs: Inputs, extra: Feature | None = None, *, origin: date = ORIGIN) -> Floats:
    """The matrix of the rows from an origin, with one more column if given."""
    panel = spine.build(inputs, horizon=7)
    found = matrix.of(panel)
    features = Features((*found.columns, *([extra] if extra else [])), found.usual, found.level)
    return features.matrix(at(panel, origin)).values


def rich(sales: pl.DataFrame, *, as_of: date = AS_OF) -> Inputs:
    """Inputs with something in every table, as known as_of."""
    plan, weather, prices = (
        as_told(panels.rows(name, *given), as_of)
        for name, given in (("promotions", PLAN), ("weather", WEATHER), ("prices", PRICES))
    )
    winter: list[dict[str, object]] = [{"date": date(2018, 12, 22) + timedelta(days=day)} for day in range(14)]
    spring: list[dict[str, object]] = [{"date": date(2019, 3, 4) + timedelta(days=d), "zone": "1"} for d in range(12)]
    market = {"date": ORIGIN + timedelta(days=1), "name": "market", "kind": "local", "store": "A"}
    school = [{"name": "holidays", "kind": "school_holiday", **day} for day in (*winter, *spring)]
    return panels.inputs(
        as_of=as_of,
        sales=sales.filter(pl.col("date") <= as_of),
        stores=panels.rows("stores", {"store": "A", "zone": "1"}, {"store": "B", "zone": "2"}),
        promotions=plan,
        weather=weather,
        prices=prices,
        events=panels.rows("events", market, *school),
    )


def as_told(versions: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """All that was ever known by the end of a day, as the night of that day reads it."""
    ended = pl.when(pl.col("known_until") <= as_of).then("known_until")
    return panels.told(versions).filter(pl.col("known_from") <= as_of).with_columns(ended)


def promotion(
    product: str, starts: int, ends: int, *, told: date = panels.ALWAYS, withdrawn: date | None = None
) -> dict[str, object]:
    """A promotion between days counted from ORIGIN."""
    known = {"known_from": told, "known_until": withdrawn}
    first, last = ORIGIN + timedelta(days=starts), ORIGIN + timedelta(days=ends)
    return {"product": product, "starts": first, "ends": last, "discount": 0.2 + starts / 1000, **known}


def listed(
    price: float,
    starts: int,
    *,
    store: str | None = None,
    told: date = panels.ALWAYS,
    withdrawn: date | None = None,
) -> dict[str, object]:
    """A price of product x from a day counted from ORIGIN on."""
    known = {"known_from": told, "known_until": withdrawn}
    return {"store": store, "product": "x", "starts": ORIGIN + timedelta(days=starts), "price": price, **known}


def near(days: int) -> date:
    """A day counted from ORIGIN."""
    return ORIGIN + timedelta(days=days)


PRICES = (
    listed(1.0, -9999),
    listed(1.1, 2),
    listed(1.3, -20, store="B"),
    listed(1.5, -3, told=near(-1)),
    listed(1.7, 1, told=near(-9), withdrawn=near(2)),
    listed(0.8, 3, store="A", told=near(-4), withdrawn=near(-1)),
    listed(0.9, 3, store="A", told=near(-1), withdrawn=near(1)),
    listed(1.9, 3, store="A", told=near(1)),
)
PLAN = (
    promotion("y", 5, 6, told=near(-8), withdrawn=near(3)),
    promotion("y", -70, -60, withdrawn=near(-65)),
    promotion("x", -20, 2, told=near(-25), withdrawn=near(-15)),
    promotion("x", -80, -74),
    promotion("x", -40, -34),
    promotion("x", 3, 16, told=ORIGIN - timedelta(days=2)),
    promotion("y", -5, 4, told=ORIGIN - timedelta(days=5)),
    promotion("y", 21, 27),
)
WEATHER = tuple(
    {"date": ORIGIN + timedelta(days=day), "store": "A", "temperature": warm, "issued": issued, "known_from": issued}
    for day in range(1, 4)
    for issued, warm in ((ORIGIN, float(day)), (ORIGIN - timedelta(days=1), -9.0))
)


def assert_equal(left: Floats, right: Floats) -> None:
    assert left.shape == right.shape
    assert left.tobytes() == right.tobytes()


def assert_no_future(sales: pl.DataFrame, extra: Feature | None = None) -> None:
    """Whatever is sold after ORIGIN, the rows from it stay as they are."""
    later = pl.col("date") > ORIGIN
    newcomer = sales.filter(later).with_columns(product=pl.lit("new"))
    futures = [
        sales.with_columns(quantity=pl.when(later).then(pl.col("quantity") * 7).otherwise("quantity")),
        sales.with_columns(quantity=pl.when(later).then(0.0).otherwise("quantity")),
        sales.filter(~later),
        pl.concat([sales, newcomer, newcomer.with_columns(store=pl.lit("0"))]),
    ]
    known = described(rich(sales), extra)
    for future in futures:
        assert_equal(known, described(rich(future), extra))


@HABITS
def test_sales_after_the_origin_change_no_feature(habit: str) -> None:
    assert_no_future(SALES[habit])


def test_a_column_that_looks_at_the_day_itself_is_caught() -> None:
    def leak(sales: pl.DataFrame) -> Floats:
        panel = spine.build(rich(sales), horizon=7)
        ahead = np.concatenate([panel.sales, np.zeros((len(panel.sales), 7), np.float32)], axis=1)
        return described(rich(sales), Feature("leak", Ahead(ahead)))

    known = panels.sales()
    later = pl.when(pl.col("date") > ORIGIN).then(7.0).otherwise(1.0)
    with pytest.raises(AssertionError):
        assert_equal(leak(known), leak(known.with_columns(pl.col("quantity") * later)))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    start=st.integers(1, 29),
    length=st.integers(1, 29),
    store=st.sampled_from("AB"),
    quantity=st.sampled_from([None, 0.0, 0.01, 1e6]),
)
def test_no_day_after_the_origin_can_be_felt(start: int, length: int, store: str, quantity: float | None) -> None:
    sales = SALES["leaves zeros out"]
    first = ORIGIN + timedelta(days=start)
    hit = pl.col("date").is_between(first, first + timedelta(days=length - 1)) & (pl.col("store") == store)
    changed = sales.with_columns(quantity=pl.when(hit).then(pl.lit(quantity)).otherwise("quantity")).drop_nulls(
        "quantity"
    )
    assert_equal(described(rich(sales)), described(rich(changed)))


@pytest.mark.parametrize("issued", [None, ORIGIN + timedelta(days=1)], ids=["observed", "issued after the origin"])
def test_weather_that_the_origin_did_not_know_changes_no_feature(issued: date | None) -> None:
    day = ORIGIN + timedelta(days=1)
    later = {"date": day, "store": "A", "temperature": 30.0, "issued": issued, "known_from": day}
    known = rich(panels.sales())
    told = replace(known, weather=pl.concat([known.weather, panels.told(panels.rows("weather", later))]))
    assert_equal(described(known), described(told))


def test_a_column_that_looks_at_the_weather_observed_later_is_caught() -> None:
    def leak(temperature: float) -> Floats:
        observed = panels.rows("weather", {"date": near(1), "store": "A", "temperature": temperature})
        known = replace(rich(panels.sales()), weather=panels.told(observed))
        panel = spine.build(known, horizon=7)
        ahead = np.zeros(panel.shape_ahead, np.float32)
        day = (near(1) - panel.first_day).days
        ahead[:, day] = known.weather.filter(pl.col("issued").is_null())["temperature"].item()
        return described(known, Feature("leak", Ahead(ahead)))

    with pytest.raises(AssertionError):
        assert_equal(leak(5.0), leak(25.0))


def test_the_newest_forecast_that_the_origin_knew_is_a_feature() -> None:
    known = rich(panels.sales())
    panel = spine.build(known, horizon=7)
    found = matrix.of(panel)
    column = found.matrix(at(panel, ORIGIN)).values[:, found.names.index("temperature_forecast")]
    assert column[:3].tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(column[3:7]).all()
    with pytest.raises(AssertionError):
        assert_equal(described(known), described(replace(known, weather=known.weather.clear())))


def test_a_forecast_of_the_weather_that_was_revised_later_is_still_what_the_origin_saw() -> None:
    known = rich(panels.sales())
    that_day = (pl.col("date") == near(2)) & (pl.col("issued") == ORIGIN)
    revised = known.weather.filter(that_day).with_columns(temperature=pl.lit(40.0), known_from=pl.lit(near(1)))
    before = pl.when(that_day).then(pl.lit(near(1)))
    told = pl.concat([known.weather.with_columns(known_until=before), revised])
    assert_equal(described(known), described(replace(known, weather=told)))
    tomorrow = near(1)
    seen = (described(each, origin=tomorrow) for each in (known, replace(known, weather=told)))
    with pytest.raises(AssertionError):
        assert_equal(*seen)


@pytest.mark.parametrize(("starts", "ends"), [(-10, 20), (-9, 30), (4, 8), (17, 20), (-33, -20), (-20, -2)])
@pytest.mark.parametrize("product", ["x", "y"])
def test_a_promotion_planned_after_the_origin_changes_no_feature(product: str, starts: int, ends: int) -> None:
    known = rich(panels.sales())
    later = panels.rows("promotions", promotion(product, starts, ends, told=ORIGIN + timedelta(days=1)))
    told = replace(known, promotions=pl.concat([known.promotions, panels.told(later)]))
    assert_equal(described(known), described(told))


@pytest.mark.parametrize("store", [None, "A"])
@pytest.mark.parametrize("starts", [-30, -1, 0, 1, 3, 7, 12])
def test_a_price_told_after_the_origin_changes_no_feature(starts: int, store: str | None) -> None:
    known = rich(panels.sales())
    later = panels.rows("prices", listed(7.0, starts, store=store, told=ORIGIN + timedelta(days=1)))
    told = replace(known, prices=pl.concat([known.prices, panels.told(later)]))
    assert_equal(described(known), described(told))


@pytest.mark.parametrize("name", ["promotions", "prices"])
def test_what_is_withdrawn_after_the_origin_changes_no_feature(name: str) -> None:
    known = rich(panels.sales())
    ends = pl.when(pl.col("known_from") <= ORIGIN).then(pl.coalesce("known_until", pl.lit(ORIGIN + timedelta(days=1))))
    withdrawn = {name: getattr(known, name).with_columns(known_until=ends.otherwise("known_until"))}
    assert_equal(described(known), described(replace(known, **withdrawn)))
    with pytest.raises(AssertionError):
        assert_equal(described(known), described(replace(known, **{name: getattr(known, name).clear()})))


DAYS = st.integers(-25, 12)


def gone(told: int, lasted: int | None) -> date | None:
    """When what was told on a day was withdrawn, if ever."""
    return None if lasted is None else near(told + lasted)


KNOWN = st.tuples(DAYS, st.one_of(st.none(), st.integers(1, 30)))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    lists=st.lists(st.tuples(st.sampled_from([None, "A"]), DAYS, KNOWN), max_size=8),
    plan=st.lists(st.tuples(st.sampled_from("xy"), DAYS, st.integers(0, 15), KNOWN), max_size=8),
)
def test_whatever_is_told_and_withdrawn_an_origin_sees_what_its_night_saw(
    lists: list[tuple[str | None, int, tuple[int, int | None]]],
    plan: list[tuple[str, int, int, tuple[int, int | None]]],
) -> None:
    prices = [
        listed(2.0 + number, start, store=store, told=near(told), withdrawn=gone(told, lasted))
        for number, (store, start, (told, lasted)) in enumerate(lists)
    ]
    promotions = [
        promotion(product, start, start + length, told=near(told), withdrawn=gone(told, lasted))
        for product, start, length, (told, lasted) in plan
    ]

    def inputs(as_of: date) -> Inputs:
        told = (panels.rows("prices", *prices), panels.rows("promotions", *promotions))
        price_list, planned = (as_told(rows, as_of) for rows in told)
        return replace(rich(panels.sales(), as_of=as_of), prices=price_list, promotions=planned)

    assert_equal(described(inputs(ORIGIN)), described(inputs(AS_OF)))


def test_the_order_of_input_rows_does_not_matter() -> None:
    known = rich(panels.sales())
    tables = ("sales", "stores", "prices", "promotions", "events", "weather")
    mixed = {name: getattr(known, name).sample(fraction=1, shuffle=True, seed=3) for name in tables}
    assert_equal(described(known), described(replace(known, **mixed)))


@HABITS
@pytest.mark.parametrize("origin", [ORIGIN, date(2018, 12, 17), date(2018, 12, 24), date(2019, 2, 24)])
def test_a_row_is_the_same_for_training_for_a_replay_and_for_tonight(habit: str, origin: date) -> None:
    tonight = spine.build(rich(SALES[habit], as_of=origin), horizon=7)
    later = spine.build(rich(SALES[habit]), horizon=7)
    night, hindsight = matrix.of(tonight), matrix.of(later)
    assert night.names == hindsight.names
    asked = at(later, origin)
    assert_equal(night.matrix(at(tonight, origin)).values, hindsight.matrix(asked).values)
    index = (origin - later.first_day).days
    past = matrix.rows_before(later, first=index, last=index, every=1)
    place = {key: number for number, key in enumerate(zip(asked.series, asked.date, strict=True))}
    chosen = [place[key] for key in zip(past.series, past.date, strict=True)]
    assert_equal(hindsight.matrix(past).values, hindsight.matrix(asked).values[chosen])


@pytest.mark.parametrize("horizon", range(1, 15))
def test_a_same_weekday_lag_never_undercuts_the_horizon(horizon: int) -> None:
    days = np.arange(100, dtype=np.float32)[None, :]
    rows = Rows(np.zeros(1, np.int32), np.array([80], np.int32), np.array([80 + horizon], np.int32))
    looked_up = int(SameWeekday(days).gather(rows)[0])
    assert looked_up <= 80
    assert (80 + horizon - looked_up) % 7 == 0
    assert 80 - looked_up < 7
