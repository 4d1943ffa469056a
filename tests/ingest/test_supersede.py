from datetime import date, timedelta
from random import Random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.contracts import INPUTS, KNOWN_FROM, KNOWN_UNTIL, Table
from lib.ingest.supersede import ALWAYS, News, Night, supersede
from tests.factories import DAY, promotions_rows, sales_rows, weather_rows

SALES, PROMOTIONS, WEATHER, EVENTS = (INPUTS[name] for name in ("sales", "promotions", "weather", "events"))
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (DAY + timedelta(days=days) for days in (-1, 0, 1, 2))


def fold(
    table: Table,
    known: pl.DataFrame,
    batch: pl.DataFrame,
    *nights: date,
    whole: bool = True,
) -> tuple[pl.DataFrame, News]:
    """The table after the batch, as the lake would hold it, and what the batch brought.

    `nights`: the as_of, and that of the sync before if there was one.
    """
    news = supersede(table, known, batch, night=Night(*nights), whole=whole)
    if news.empty:
        return known, news
    kept = known.filter(~pl.col(table.dated_by).is_in(list(news.days))) if table.dated_by else known.clear()
    return pl.concat([kept, news.rows]), news


def spans(table: pl.DataFrame, value: str = "quantity") -> list[tuple[object, date, date | None]]:
    """Each version with the days between which it is true."""
    return table.select(value, KNOWN_FROM, KNOWN_UNTIL).sort(KNOWN_FROM, value).rows()


def true_on(table: pl.DataFrame, day: date) -> pl.DataFrame:
    begun, open_ = pl.col(KNOWN_FROM) <= day, pl.col(KNOWN_UNTIL).is_null() | (pl.col(KNOWN_UNTIL) > day)
    return table.filter(begun & open_)


def test_on_a_first_load_each_sale_counts_as_known_when_its_day_ended() -> None:
    table, news = fold(SALES, SALES.empty(), sales_rows(date=[MONDAY, TUESDAY]), WEDNESDAY)
    assert spans(table) == [(10.0, MONDAY, None), (10.0, TUESDAY, None)]
    assert (news.new, news.changed, news.days) == (2, 0, (MONDAY, TUESDAY))


def test_a_sale_that_arrives_late_counts_from_the_night_that_brought_it() -> None:
    first, _ = fold(SALES, SALES.empty(), sales_rows(date=[MONDAY]), TUESDAY)
    batch = sales_rows(date=[MONDAY, TUESDAY, WEDNESDAY], store=["18", "18", "18"])
    table, _ = fold(SALES, first, batch, WEDNESDAY, TUESDAY)
    late = table.filter(pl.col("store") == "18").select("date", KNOWN_FROM).sort("date").rows()
    assert late == [(MONDAY, WEDNESDAY), (TUESDAY, WEDNESDAY), (WEDNESDAY, WEDNESDAY)]


def test_a_night_that_was_skipped_makes_nobody_late() -> None:
    first, _ = fold(SALES, SALES.empty(), sales_rows(date=[MONDAY]), MONDAY)
    table, _ = fold(SALES, first, sales_rows(date=[TUESDAY, WEDNESDAY]), WEDNESDAY, MONDAY)
    assert [since for _, since, _ in spans(table)] == [MONDAY, TUESDAY, WEDNESDAY]


def test_a_corrected_sale_ends_the_old_figure_and_keeps_it() -> None:
    first, _ = fold(SALES, SALES.empty(), sales_rows(date=[MONDAY], quantity=10.0), MONDAY)
    table, news = fold(SALES, first, sales_rows(date=[MONDAY], quantity=12.0), WEDNESDAY, MONDAY)
    assert spans(table) == [(10.0, MONDAY, WEDNESDAY), (12.0, WEDNESDAY, None)]
    assert (news.new, news.changed) == (0, 1)


def test_a_figure_that_becomes_known_or_unknown_is_a_change_too() -> None:
    table, _ = fold(SALES, SALES.empty(), sales_rows(date=[MONDAY], sold_out=None), MONDAY)
    table, news = fold(SALES, table, sales_rows(date=[MONDAY], sold_out=True), TUESDAY, MONDAY)
    assert news.changed == 1
    table, news = fold(SALES, table, sales_rows(date=[MONDAY], sold_out=None), WEDNESDAY, TUESDAY)
    assert news.changed == 1
    assert table.height == 3


def test_a_sale_that_is_missing_from_a_batch_stays_true() -> None:
    first, _ = fold(SALES, SALES.empty(), sales_rows(date=[MONDAY]), MONDAY)
    table, news = fold(SALES, first, SALES.empty().select(SALES.names), TUESDAY, MONDAY)
    assert news.empty
    assert table.equals(first)


def test_a_plan_on_a_first_load_counts_as_known_all_along() -> None:
    table, _ = fold(PROMOTIONS, PROMOTIONS.empty(), promotions_rows(store=None), MONDAY)
    assert spans(table, "discount") == [(0.2, ALWAYS, None)]


def test_a_promotion_that_is_no_longer_planned_ends_if_the_plan_came_whole() -> None:
    plan, _ = fold(PROMOTIONS, PROMOTIONS.empty(), promotions_rows(product=["101", "102"], store=None), MONDAY)
    left = promotions_rows(product=["102"], store=None)
    broken, news = fold(PROMOTIONS, plan, left, TUESDAY, MONDAY, whole=False)
    assert news.empty
    table, news = fold(PROMOTIONS, broken, left, TUESDAY, MONDAY, whole=True)
    assert (news.closed, news.changed, news.new) == (1, 0, 0)
    assert true_on(table, MONDAY).height == 2
    assert true_on(table, TUESDAY)["product"].to_list() == ["102"]


def test_a_promotion_that_comes_back_into_the_plan_was_not_planned_in_between() -> None:
    plan, _ = fold(PROMOTIONS, PROMOTIONS.empty(), promotions_rows(store=None), MONDAY)
    table, _ = fold(PROMOTIONS, plan, PROMOTIONS.empty().select(PROMOTIONS.names), TUESDAY, MONDAY)
    table, _ = fold(PROMOTIONS, table, promotions_rows(store=None), THURSDAY, TUESDAY)
    assert [true_on(table, day).height for day in (MONDAY, TUESDAY, WEDNESDAY, THURSDAY)] == [1, 0, 0, 1]


def test_a_plan_that_tells_its_own_history_is_known_day_by_day() -> None:
    rows = promotions_rows(store=None, discount=[0.3, 0.2, 0.5])
    batch = rows.with_columns(pl.Series(KNOWN_FROM, [TUESDAY, MONDAY, THURSDAY]))
    table, news = fold(PROMOTIONS, PROMOTIONS.empty(), batch, WEDNESDAY)
    assert spans(table, "discount") == [(0.2, MONDAY, TUESDAY), (0.3, TUESDAY, None)]
    assert news.new == 2
    assert fold(PROMOTIONS, table, batch, WEDNESDAY, WEDNESDAY)[1].empty
    table, _ = fold(PROMOTIONS, table, batch, THURSDAY, WEDNESDAY)
    assert spans(table, "discount")[1:] == [(0.3, TUESDAY, THURSDAY), (0.5, THURSDAY, None)]


def test_versions_that_were_outdated_when_first_seen_leave_no_trace() -> None:
    first, _ = fold(PROMOTIONS, PROMOTIONS.empty(), promotions_rows(product=["102"], store=None), TUESDAY)
    rows = promotions_rows(product=["101", "101", "102"], store=None, discount=[0.1, 0.2, 0.2])
    batch = rows.with_columns(pl.Series(KNOWN_FROM, [MONDAY, TUESDAY, None]))
    table, _ = fold(PROMOTIONS, first, batch, WEDNESDAY, TUESDAY)
    assert spans(table.filter(pl.col("product") == "101"), "discount") == [(0.2, WEDNESDAY, None)]


def test_weather_forecasts_are_known_from_their_issue_and_observations_after_the_day() -> None:
    batch = weather_rows(date=THURSDAY, issued=[MONDAY, TUESDAY, None], temperature=[10.0, 11.0, 12.0])
    table, _ = fold(WEATHER, WEATHER.empty(), batch, THURSDAY)
    assert [true_on(table, day)["temperature"].to_list() for day in (MONDAY, TUESDAY, WEDNESDAY)] == [
        [10.0],
        [10.0, 11.0],
        [10.0, 11.0],
    ]
    assert true_on(table, THURSDAY).height == 3


def test_a_sync_that_was_repeated_changes_nothing_whatever_the_order_of_its_rows() -> None:
    batch = sales_rows(date=[MONDAY, TUESDAY, MONDAY], store=["17", "17", "18"], quantity=[1.0, 2.0, 3.0])
    once, _ = fold(SALES, SALES.empty(), batch, TUESDAY)
    twice, news = fold(SALES, once, batch.reverse(), TUESDAY, TUESDAY)
    assert news.empty
    assert twice.equals(once)


NIGHTS = 5
CHANGES = st.lists(
    st.tuples(
        st.integers(0, NIGHTS - 1),  # night before which the source changes
        st.integers(0, NIGHTS - 1),  # day it changes, if it has happened
        st.sampled_from(["17", "18"]),
        st.sampled_from([1.0, 2.0, 3.0]),
    ),
    max_size=14,
)
RUNS = st.lists(st.tuples(st.integers(0, NIGHTS - 1), st.integers(0, 2)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(CHANGES, RUNS, st.randoms(use_true_random=False))
def test_whatever_nights_run_and_are_repeated_the_lake_ends_where_the_source_is_and_the_past_stays(
    changes: list[tuple[int, int, str, float]], runs: list[tuple[int, int]], random: Random
) -> None:
    known = SALES.empty()
    watermark: date | None = None
    source: dict[tuple[date, str], float] = {}
    remembered: dict[date, pl.DataFrame] = {}
    for night in range(NIGHTS):
        as_of = DAY + timedelta(days=night)
        for before, day, store, quantity in changes:
            if before == night and day <= night:
                source[DAY + timedelta(days=day), store] = quantity
        repeats = [overlap for ran, overlap in runs if ran == night]
        if night == NIGHTS - 1:
            repeats.append(NIGHTS)
        for overlap in repeats:
            since = None if watermark is None else watermark - timedelta(days=overlap)
            rows = [(day, store, q) for (day, store), q in source.items() if since is None or day >= since]
            random.shuffle(rows)
            days, stores, figures = ([row[place] for row in rows] for place in range(3))
            batch = sales_rows(date=days, store=stores, quantity=figures)
            seen = known if since is None else known.filter(pl.col("date") >= since)
            news = supersede(SALES, seen, batch, night=Night(as_of, watermark), whole=True)
            known = pl.concat([known.filter(~pl.col("date").is_in(list(news.days))), news.rows]) if news.days else known
            watermark = as_of
            remembered[as_of] = true_on(known, as_of)
    assert _state(known.filter(pl.col(KNOWN_UNTIL).is_null())) == source
    for as_of, then in remembered.items():
        assert _state(true_on(known, as_of)) == _state(then)
    for night in range(-1, NIGHTS + 1):
        assert not true_on(known, DAY + timedelta(days=night)).select(SALES.key).is_duplicated().any()


def _state(rows: pl.DataFrame) -> dict[tuple[date, str], float]:
    return {(day, store): q for day, store, q in rows.select("date", "store", "quantity").iter_rows()}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["A", "B", "C"]), unique=True), min_size=1, max_size=5), st.integers(1, 2))
def test_a_plan_read_as_of_any_night_is_the_plan_that_was_delivered_that_night(
    plans: list[list[str]], times: int
) -> None:
    known = EVENTS.empty()
    watermark: date | None = None
    for night, plan in enumerate(plans):
        as_of = DAY + timedelta(days=night)
        batch = pl.DataFrame(
            {"date": [DAY] * len(plan), "name": plan, "kind": ["local"] * len(plan), "zone": None, "store": None},
            schema=EVENTS.business_schema,
        )
        for _ in range(times):
            known, _ = fold(EVENTS, known, batch, *filter(None, (as_of, watermark)))
            watermark = as_of
    for night, plan in enumerate(plans):
        assert sorted(true_on(known, DAY + timedelta(days=night))["name"]) == sorted(plan)
