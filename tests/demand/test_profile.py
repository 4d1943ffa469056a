"""Whose hours speak: the series' own, or those of the next larger group where its own say too little."""

from typing import Any

import polars as pl
import pytest

from lib import demand
from lib.demand import DemandConfig
from tests.demand import chains
from tests.demand.chains import a_day, week

OWN_HOURS_SUFFICE = DemandConfig(evidence=1e-9)
EARLY = 8
OF_SERIES, OF_PRODUCT, OF_FAMILY, OF_STORE, OF_CHAIN = 80.0, 60.0, 40.0, 30.0, 20.0
"""Of 100 units, how many each group sells by nine o'clock."""


def selling(by_nine: float) -> dict[int, float]:
    return {EARLY: by_nine, 15: 100 - by_nine}


CHAIN = [
    *week(0, selling(OF_SERIES), store="A", product="x"),
    *week(0, selling(OF_PRODUCT), store="B", product="y"),
    *week(0, selling(OF_FAMILY), store="C", product="z"),
    *week(0, selling(OF_STORE), store="D", product="v"),
    *week(0, selling(OF_CHAIN), store="E", product="w"),
]
FAMILIES = chains.products(x="bread", y="roll", z="cake", other="cake", v="pie", w="tart")


def share(asked: dict[str, Any], config: DemandConfig = OWN_HOURS_SUFFICE) -> tuple[float, str]:
    days = [*CHAIN, asked]
    found: pl.DataFrame = demand.correct(chains.sales(days), chains.hourly(days), FAMILIES, config)
    return found["share_sold"].item(), found["method"].item()


@pytest.mark.parametrize(
    ("store", "product", "usual", "method"),
    [
        ("A", "x", OF_SERIES, "hours of the series"),
        ("A", "y", OF_PRODUCT, "hours of the product"),
        ("A", "other", OF_FAMILY, "hours of the family"),
        ("D", "new", OF_STORE, "hours of the store"),
        ("new", "new", 46.0, "hours of the chain"),
    ],
)
def test_the_nearest_group_with_hours_speaks(store: str, product: str, usual: float, method: str) -> None:
    found, whose = share(a_day(7, {EARLY: 5.0}, store=store, product=product, out=True))
    assert found == pytest.approx(usual / 100)
    assert whose == method


def test_a_family_speaks_before_the_store() -> None:
    found, whose = share(a_day(7, {EARLY: 5.0}, store="A", product="other", out=True))
    assert found == pytest.approx(OF_FAMILY / 100)
    assert whose == "hours of the family"


def test_few_hours_of_its_own_are_held_to_the_next_group() -> None:
    strict, loose = DemandConfig(evidence=1000), DemandConfig(evidence=1)
    asked = a_day(7, {EARLY: 5.0}, store="A", product="x", out=True)
    (held, whose), (own, own_method) = share(asked, strict), share(asked, loose)
    assert OF_CHAIN / 100 < held < own < OF_SERIES / 100
    assert (whose, own_method) == ("hours of the chain", "hours of the series")


@pytest.mark.parametrize("size", [1.0, 1000.0])
def test_evidence_is_counted_in_hours_with_sales_whatever_they_sold(size: float) -> None:
    hours_on_weekdays = 5 * 2
    days = [*week(0, selling(OF_SERIES)), *week(0, {EARLY: 0.0, 15: 100.0, 16: 0.0}, store="B", product="y")]
    scaled = [{**day, "h08": day["h08"] * size, "h15": day["h15"] * size} for day in days]
    asked = a_day(7, {EARLY: 5.0}, out=True)
    found = demand.correct(
        chains.sales([*days, asked]),
        chains.hourly([*scaled, asked]),
        chains.products(),
        DemandConfig(evidence=hours_on_weekdays),
    )
    of_chain, own = 0.4, OF_SERIES / 100
    of_store = (of_chain + own) / 2
    of_product = (of_store + own) / 2
    assert found["share_sold"].item() == pytest.approx((of_product + own) / 2)


def test_hours_older_than_wanted_are_forgotten() -> None:
    days = [*week(0, selling(20.0)), *week(3, selling(80.0)), a_day(28, {EARLY: 5.0}, out=True)]
    for weeks, usual in ((1, 0.8), (3, 0.8), (4, 0.5)):
        config = DemandConfig(weeks=weeks)
        found = demand.correct(chains.sales(days), chains.hourly(days), chains.products(), config)
        assert found["share_sold"].item() == pytest.approx(usual)
