from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from lib.contracts import QUANTILE_LEVELS
from lib.features import matrix
from lib.features.spine import Panel
from lib.planning import fallbacks
from tests import panels
from tests.panels import AS_OF, rows

NEW = rows(
    "assortment",
    *(
        {"store": store, "product": product, "starts": date(2018, 1, 1)}
        for store, product in (("A", "x"), ("B", "x"), ("B", "new"), ("C", "x"), ("C", "new"))
    ),
)


def estimated(panel: Panel) -> dict[tuple[str, str], tuple[float, str]]:
    """Units and reason per series on the last day ahead."""
    ahead = matrix.rows_ahead(panel)
    units, reason = fallbacks.estimate(panel, ahead)
    labels = matrix.labels(panel, ahead).with_columns(pl.Series("units", units), pl.Series("reason", reason.tolist()))
    last = labels.filter(pl.col("horizon") == panel.horizon)
    return {(row["store"], row["product"]): (row["units"], row["reason"]) for row in last.iter_rows(named=True)}


def test_each_series_gets_the_best_statistic_there_is_and_its_name() -> None:
    found = estimated(panels.panel(assortment=NEW, sales=panels.sales(products=("x",))))
    assert found["A", "x"][1] == "mean of recent same weekdays"
    assert found["B", "new"][1] == "the store's mean over products"
    assert found["C", "x"][1] == "the product's mean over stores"
    assert found["C", "new"] == (0, "nothing has been sold yet")


def test_a_series_that_has_not_met_the_weekday_gets_its_recent_days() -> None:
    found = estimated(panels.panel(sales=panels.sales(days=3)))
    recent = panels.sales(days=3).filter((pl.col("store") == "A") & (pl.col("product") == "x"))["quantity"].mean()
    thursday = panels.panel(sales=panels.sales(days=3), horizon=4)
    assert found["A", "x"][1] == "mean of recent same weekdays"
    units, reason = estimated(thursday)["A", "x"]
    assert reason == "mean of the series' recent days"
    assert units == pytest.approx(recent)


def test_shut_days_do_not_pull_the_mean_down() -> None:
    shut = (pl.col("store") == "A") & pl.col("date").is_in([AS_OF - timedelta(days=7 * week) for week in (0, 1)])
    sales = panels.sales().with_columns(quantity=pl.when(shut).then(0.0).otherwise("quantity"))
    whole, without = (estimated(panels.panel(sales=known))["A", "x"][0] for known in (panels.sales(), sales))
    assert without == pytest.approx(whole, rel=0.1)


def test_quantiles_of_a_simple_forecast_lie_around_it_in_order() -> None:
    factors = fallbacks.spread(panels.panel())
    assert factors.shape == (len(QUANTILE_LEVELS),)
    assert (np.diff(factors) > 0).all()
    assert factors[2] == pytest.approx(1, abs=0.05)
    assert 0.7 < factors[0] < 1 < factors[-1] < 1.4


def test_a_chain_too_young_to_show_its_spread_gets_a_wide_one() -> None:
    assert tuple(fallbacks.spread(panels.panel(sales=panels.sales(days=5)))) == fallbacks.LONE_SPREAD
