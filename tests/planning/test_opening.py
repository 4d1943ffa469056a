from datetime import date, timedelta

import numpy as np
import polars as pl

from lib.features import matrix
from lib.features.spine import Panel
from lib.planning import opening
from tests import panels
from tests.panels import rows

GOOD_FRIDAY, BEFORE = date(2019, 4, 19), date(2019, 4, 16)


def shut(panel: Panel) -> dict[tuple[str, date], bool]:
    ahead = matrix.rows_ahead(panel)
    labels = matrix.labels(panel, ahead).with_columns(pl.Series("shut", opening.shut_ahead(panel, ahead)))
    return {(row["store"], row["date"]): row["shut"] for row in labels.iter_rows(named=True)}


def two_years(*, closed: pl.Expr) -> pl.DataFrame:
    sold = panels.sales(days=800, as_of=BEFORE)
    return sold.with_columns(quantity=pl.when(closed).then(0.0).otherwise("quantity"))


def test_a_store_shut_on_the_last_good_fridays_is_shut_on_the_next() -> None:
    fridays = pl.col("date").is_in([date(2017, 4, 14), date(2018, 3, 30)])
    found = shut(panels.panel(as_of=BEFORE, sales=two_years(closed=fridays & (pl.col("store") == "A"))))
    assert found["A", GOOD_FRIDAY]
    assert not found["B", GOOD_FRIDAY]
    assert not found["A", GOOD_FRIDAY - timedelta(days=1)]


def test_a_store_too_young_to_know_good_friday_does_as_the_chain_does() -> None:
    fridays = pl.col("date").is_in([date(2017, 4, 14), date(2018, 3, 30)])
    sold = two_years(closed=fridays).filter((pl.col("store") == "A") | (pl.col("date") > BEFORE - timedelta(days=100)))
    assert shut(panels.panel(as_of=BEFORE, sales=sold))["B", GOOD_FRIDAY]


def test_a_store_shut_on_sundays_stays_shut_on_sundays() -> None:
    found = shut(panels.panel(as_of=BEFORE, sales=two_years(closed=pl.col("date").dt.weekday() == 7)))
    assert found["A", date(2019, 4, 21)]
    assert not found["A", date(2019, 4, 20)]


def test_a_told_closure_is_believed() -> None:
    told = rows("events", {"date": BEFORE + timedelta(days=2), "name": "refit", "kind": "closure", "store": "A"})
    found = shut(panels.panel(as_of=BEFORE, sales=panels.sales(as_of=BEFORE), events=told))
    assert found["A", BEFORE + timedelta(days=2)]
    assert not found["B", BEFORE + timedelta(days=2)]


def test_weeks_without_data_do_not_shut_a_store() -> None:
    gap = pl.col("date").is_between(BEFORE - timedelta(days=60), BEFORE - timedelta(days=5))
    found = shut(panels.panel(as_of=BEFORE, sales=panels.sales(as_of=BEFORE).filter(~gap)))
    assert not np.array(list(found.values())).any()


def test_a_store_shut_once_for_the_first_time_opens_again() -> None:
    once = (pl.col("date") == BEFORE - timedelta(days=5)) & (pl.col("store") == "A")
    found = shut(panels.panel(as_of=BEFORE, sales=two_years(closed=once)))
    assert not np.array(list(found.values())).any()


def test_a_store_that_is_a_week_old_is_not_taken_to_be_shut_every_week() -> None:
    young = two_years(closed=pl.col("date") == BEFORE - timedelta(days=5)).filter(
        pl.col("date") > BEFORE - timedelta(days=7)
    )
    assert not np.array(list(shut(panels.panel(as_of=BEFORE, sales=young)).values())).any()


def test_a_store_is_shut_before_it_opens_and_after_its_last_day() -> None:
    stores = rows(
        "stores",
        {"store": "A", "closed": BEFORE + timedelta(days=2)},
        {"store": "B", "opened": BEFORE + timedelta(days=2)},
    )
    found = shut(panels.panel(as_of=BEFORE, sales=panels.sales(as_of=BEFORE), stores=stores))
    days = [BEFORE + timedelta(days=ahead) for ahead in (1, 2, 3)]
    assert [found["A", day] for day in days] == [False, False, True]
    assert [found["B", day] for day in days] == [True, False, False]


def test_a_gap_of_weeks_in_a_source_without_zeros_does_not_shut_a_store() -> None:
    gap = pl.col("date").is_between(BEFORE - timedelta(days=50), BEFORE - timedelta(days=8)) & (pl.col("store") == "A")
    found = shut(panels.panel(as_of=BEFORE, sales=panels.sales(as_of=BEFORE).filter(~gap)))
    assert not np.array(list(found.values())).any()


def weeks_shut(first: int, last: int) -> pl.Expr:
    """Store A, from so many to so many days before the origin."""
    between = pl.col("date").is_between(BEFORE - timedelta(days=first), BEFORE - timedelta(days=last))
    return between & (pl.col("store") == "A")


def test_a_store_that_is_back_after_weeks_of_written_zeros_is_open() -> None:
    found = shut(panels.panel(as_of=BEFORE, sales=two_years(closed=weeks_shut(50, 3))))
    assert not np.array(list(found.values())).any()


def test_a_store_shut_on_sundays_is_so_after_weeks_of_closure_as_before_them() -> None:
    closed = weeks_shut(30, 3) | (pl.col("date").dt.weekday() == 7)
    found = shut(panels.panel(as_of=BEFORE, sales=two_years(closed=closed)))
    assert found["A", date(2019, 4, 21)]
    assert not found["A", date(2019, 4, 20)]


def test_a_store_shut_for_a_month_stays_shut_but_after_a_holiday_of_weeks_it_opens() -> None:
    def still_shut(days: int, *told: dict[str, object]) -> bool:
        closed = two_years(closed=weeks_shut(days - 1, 0))
        panel = panels.panel(as_of=BEFORE, sales=closed, events=rows("events", *told))
        found = [value for (store, _), value in shut(panel).items() if store == "A"]
        assert len(set(found)) == 1
        return found[0]

    assert still_shut(28)
    assert not still_shut(27)
    told: list[dict[str, object]] = [
        {"date": BEFORE - timedelta(days=back), "name": "refit", "kind": "closure", "store": "A"} for back in range(40)
    ]
    assert not still_shut(40, *told)
