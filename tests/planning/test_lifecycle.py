from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from lib.contracts.outputs import LIFECYCLES
from lib.features import matrix
from lib.features.spine import Panel
from lib.planning import lifecycle
from tests import panels
from tests.panels import AS_OF, rows

LONG_AGO = date(2018, 1, 1)
OTHERS = (("A", "y"), ("B", "x"), ("B", "y"))
A, X = pl.col("store") == "A", pl.col("product") == "x"


def stages(panel: Panel) -> dict[tuple[str, str], str]:
    """The stage of each series that is forecast."""
    ahead = matrix.rows_ahead(panel)
    found = matrix.labels(panel, ahead).with_columns(pl.Series("stage", lifecycle.stages(panel, ahead).tolist()))
    assert found.group_by("store", "product").agg(pl.col("stage").n_unique() == 1)["stage"].all()
    return {(row["store"], row["product"]): row["stage"] for row in found.iter_rows(named=True)}


def sold(*, without: pl.Expr) -> Panel:
    return panels.panel(sales=panels.sales().filter(~without))


def since(days: int) -> pl.Expr:
    return pl.col("date") > AS_OF - timedelta(days=days)


def test_series_that_have_always_sold_are_established() -> None:
    assert set(stages(panels.panel()).values()) == {"established"}


def test_a_product_is_new_in_an_old_store_for_eight_weeks() -> None:
    assert stages(sold(without=A & X & ~since(56)))["A", "x"] == "new product"
    assert stages(sold(without=A & X & ~since(57)))["A", "x"] == "established"
    assert all(stages(sold(without=A & X & ~since(3)))[other] == "established" for other in OTHERS)


def test_a_product_that_is_ranged_and_has_not_sold_yet_is_new() -> None:
    ranged = rows("assortment", *({"store": "A", "product": p, "starts": AS_OF - timedelta(days=9)} for p in "xyz"))
    found = stages(panels.panel(assortment=ranged))
    assert found == {("A", "x"): "established", ("A", "y"): "established", ("A", "z"): "new product"}


def test_zeros_written_before_the_first_sale_do_not_make_a_product_old() -> None:
    before = A & X & ~since(9)
    written = panels.sales().with_columns(quantity=pl.when(before).then(0.0).otherwise("quantity"))
    assert stages(panels.panel(sales=written))["A", "x"] == "new product"


def test_a_series_of_nothing_but_zeros_is_as_old_as_they_are() -> None:
    zeros = panels.sales().with_columns(quantity=pl.when(A & X).then(0.0).otherwise("quantity"))
    assert stages(panels.panel(sales=zeros))["A", "x"] == "established"
    assert stages(panels.panel(sales=zeros.filter(~(A & X & ~since(20)))))["A", "x"] == "new product"


def test_all_products_of_a_store_that_has_just_opened_are_those_of_a_new_store() -> None:
    found = stages(sold(without=A & ~since(20)))
    assert {found["A", product] for product in "xy"} == {"new store"}
    assert {found["B", product] for product in "xy"} == {"established"}


def test_the_told_opening_day_counts_more_than_the_first_sale() -> None:
    late = rows("stores", {"store": "A", "opened": AS_OF - timedelta(days=20)}, {"store": "B"})
    assert stages(panels.panel(stores=late))["A", "x"] == "new store"
    early = rows("stores", {"store": "A", "opened": LONG_AGO}, {"store": "B"})
    young = panels.sales().filter(~(A & ~since(20)))
    assert stages(panels.panel(stores=early, sales=young))["A", "x"] == "new product"


def test_a_store_that_opens_within_the_horizon_is_new() -> None:
    stores = rows("stores", {"store": "A"}, {"store": "B"}, {"store": "C", "opened": AS_OF + timedelta(days=3)})
    ranged = rows("assortment", *({"store": s, "product": "x", "starts": LONG_AGO} for s in "ABC"))
    assert stages(panels.panel(stores=stores, assortment=ranged))["C", "x"] == "new store"


def test_a_chain_whose_history_has_just_begun_is_established() -> None:
    assert set(stages(panels.panel(sales=panels.sales(days=10))).values()) == {"established"}


@pytest.mark.parametrize(("back", "stage"), [(5, "reopened"), (28, "reopened"), (29, "established")])
def test_a_store_back_after_a_month_counts_as_reopened_for_four_weeks(back: int, stage: str) -> None:
    found = stages(sold(without=A & ~since(back + 30) & since(back + 30 + 40) | (A & ~since(back) & since(back + 40))))
    assert found["A", "x"] == stage
    assert found["B", "x"] == "established"


def test_a_pause_of_three_weeks_is_no_reopening() -> None:
    assert stages(sold(without=A & ~since(5) & since(26)))["A", "x"] == "established"


def test_a_store_that_is_ranged_but_has_not_sold_for_weeks_is_about_to_reopen() -> None:
    ranged = rows("assortment", *({"store": s, "product": "x", "starts": LONG_AGO} for s in "AB"))
    panel = panels.panel(assortment=ranged, sales=panels.sales().filter(~(A & since(40))))
    assert stages(panel) == {("A", "x"): "reopened", ("B", "x"): "established"}


def test_a_slow_seller_with_written_zeros_never_reopens() -> None:
    seldom = A & X & (pl.col("date") != AS_OF - timedelta(days=3)) & since(100)
    written = panels.sales().with_columns(quantity=pl.when(seldom).then(0.0).otherwise("quantity"))
    assert stages(panels.panel(sales=written))["A", "x"] == "established"


def test_a_series_whose_range_ends_within_the_horizon_is_ending() -> None:
    def stage(*ends: date | None) -> str:
        starts = (LONG_AGO, AS_OF + timedelta(days=8))
        ranges = [{"store": "A", "product": "x", "starts": s, "ends": e} for s, e in zip(starts, ends, strict=False)]
        return stages(panels.panel(assortment=rows("assortment", *ranges)))["A", "x"]

    assert stage(AS_OF + timedelta(days=7)) == "ending"
    assert stage(AS_OF + timedelta(days=8)) == "established"
    assert stage(AS_OF + timedelta(days=7), None) == "established"


def test_a_store_that_closes_for_good_within_the_horizon_is_ending_however_new() -> None:
    stores = rows("stores", {"store": "A", "closed": AS_OF + timedelta(days=7)}, {"store": "B"})
    found = stages(panels.panel(stores=stores, sales=panels.sales().filter(~(A & ~since(10)))))
    assert found["A", "x"] == "ending"
    assert found["B", "x"] == "established"


def test_stages_are_those_of_the_contract() -> None:
    panel = panels.panel()
    found = lifecycle.stages(panel, matrix.rows_ahead(panel))
    assert found.shape == (28,)
    assert set(found.tolist()) <= set(LIFECYCLES)


def test_what_happened_after_an_origin_changes_no_stage() -> None:
    young = panels.sales().filter(~(A & X & ~since(60)))
    tonight = panels.panel(sales=young, as_of=AS_OF - timedelta(days=30))
    later = panels.panel(sales=young)
    asked = matrix.rows_ahead(tonight)
    assert lifecycle.stages(later, asked).tolist() == lifecycle.stages(tonight, asked).tolist()
    assert lifecycle.stages(later, asked)[0] == "new product"


def test_the_model_takes_over_once_the_weekday_has_been_met() -> None:
    panel = sold(without=A & X & ~since(3))
    ahead = matrix.rows_ahead(panel)
    young = lifecycle.too_young(panel, ahead).reshape(4, 7)
    assert young[0].tolist() == [True, True, True, True, False, False, False]
    assert not young[1:].any()


def test_a_weekday_met_on_holidays_alone_has_not_been_met() -> None:
    easter_monday = date(2019, 4, 22)
    told = panels.panel(sales=panels.sales(days=3, as_of=easter_monday), as_of=easter_monday)
    ahead = matrix.rows_ahead(told)
    assert np.asarray(lifecycle.too_young(told, ahead)).all()
