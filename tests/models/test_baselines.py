from datetime import timedelta

import polars as pl
import pytest

from lib.features import matrix
from lib.models import baselines
from tests import panels
from tests.panels import AS_OF

DAY = AS_OF + timedelta(days=3)
SALES = panels.sales()


def quantities(*weeks: int) -> list[float]:
    """What store B sold of y so many weeks before DAY."""
    days = [DAY - timedelta(days=7 * week) for week in weeks]
    one = SALES.filter((pl.col("store") == "B") & (pl.col("product") == "y"))
    sold = dict(one.select("date", "quantity").iter_rows())
    return [sold[day] for day in days]


def said(sales: pl.DataFrame = SALES, *, days: int = 3) -> tuple[float, float]:
    """What the incumbent and the seasonal naive say of store B's y, so many days ahead."""
    panel = panels.panel(sales=sales, horizon=14)
    rows = matrix.rows_ahead(panel)
    one = (rows.series == 3) & (rows.horizon == days)
    incumbent, naive = (forecast(panel, rows)[one] for forecast in (baselines.incumbent, baselines.seasonal_naive))
    return float(incumbent[0]), float(naive[0])


def test_the_incumbent_is_the_mean_of_the_last_four_same_weekdays() -> None:
    assert said()[0] == pytest.approx(sum(quantities(1, 2, 3, 4)) / 4)


def test_a_week_later_it_still_knows_no_more() -> None:
    assert said(days=10) == said(days=3)


def test_the_seasonal_naive_is_the_last_same_weekday() -> None:
    assert [said()[1]] == quantities(1)


def test_the_simple_tool_takes_a_shut_day_for_one_without_demand() -> None:
    shut = (pl.col("date") == DAY - timedelta(days=7)) & (pl.col("store") == "B")
    sales = SALES.with_columns(quantity=pl.when(shut).then(0.0).otherwise("quantity"))
    incumbent, naive = said(sales)
    assert incumbent == pytest.approx(sum(quantities(2, 3, 4)) / 4)
    assert naive == 0


def test_without_any_same_weekday_it_says_nothing_will_be_sold() -> None:
    assert said(panels.sales(days=2)) == (0, 0)
