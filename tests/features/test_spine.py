from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from lib.features import matrix, spine
from tests import panels
from tests.panels import AS_OF, rows


def day(panel: spine.Panel, back: int) -> int:
    return panel.history - 1 - back


def test_a_store_that_sold_nothing_at_all_was_shut_and_its_sales_say_nothing() -> None:
    sold = panels.sales().with_columns(
        quantity=pl.when((pl.col("date") == AS_OF) & (pl.col("store") == "A")).then(0.0).otherwise("quantity")
    )
    panel = panels.panel(sales=sold)
    assert panel.shut[0, day(panel, 0)] == 1
    assert np.isnan(panel.sales[0, day(panel, 0)])
    assert panel.shut[2, day(panel, 0)] == 0


def test_a_product_that_nobody_bought_in_an_open_store_is_a_true_zero() -> None:
    nobody = (pl.col("date") == AS_OF) & (pl.col("store") == "A") & (pl.col("product") == "x")
    panel = panels.panel(sales=panels.sales().with_columns(quantity=pl.when(nobody).then(0.0).otherwise("quantity")))
    assert panel.sales[0, day(panel, 0)] == 0
    assert panel.shut[0, day(panel, 0)] == 0


def test_a_source_that_never_writes_zeros_leaves_them_out_on_open_days() -> None:
    nobody = (pl.col("date") == AS_OF) & (pl.col("store") == "A") & (pl.col("product") == "x")
    panel = panels.panel(sales=panels.sales().filter(~nobody))
    assert panel.sales[0, day(panel, 0)] == 0


def test_a_source_that_never_writes_zeros_leaves_shut_days_out() -> None:
    panel = panels.panel(sales=panels.sales().filter(~((pl.col("date").dt.weekday() == 7) & (pl.col("store") == "A"))))
    assert panel.shut[0, day(panel, 0)] == 1
    assert panel.shut[0, day(panel, 1)] == 0


def test_weeks_without_data_are_an_outage_and_not_taken_for_closing() -> None:
    gap = pl.col("date").is_between(AS_OF - timedelta(days=40), AS_OF - timedelta(days=20)) & (pl.col("store") == "A")
    panel = panels.panel(sales=panels.sales().filter(~gap))
    assert np.isnan(panel.shut[0, day(panel, 30)])
    assert np.isnan(panel.sales[0, day(panel, 30)])


def test_a_series_silent_for_a_month_is_no_longer_forecast() -> None:
    silent = (pl.col("store") == "B") & (pl.col("date") > AS_OF - timedelta(days=28))
    panel = panels.panel(sales=panels.sales().filter(~silent))
    assert panel.live.tolist() == [True, True, False, False]


def test_the_assortment_decides_what_is_forecast_even_what_has_never_sold() -> None:
    ranged = rows(
        "assortment",
        {"store": "A", "product": "x", "starts": date(2018, 1, 1)},
        {"store": "A", "product": "new", "starts": AS_OF + timedelta(days=1)},
        {"store": "B", "product": "x", "starts": date(2018, 1, 1), "ends": AS_OF},
    )
    panel = panels.panel(assortment=ranged)
    live = panel.series.filter(pl.Series(panel.live)).select("store", "product").rows()
    assert live == [("A", "new"), ("A", "x")]


def test_a_store_that_closed_for_good_is_not_forecast() -> None:
    closed = rows("stores", {"store": "A", "closed": AS_OF}, {"store": "B"})
    assert panels.panel(stores=closed).live.tolist() == [False, False, True, True]


def days_of(panel: spine.Panel) -> dict[tuple[str, str], list[int]]:
    """The horizons for which each series is forecast."""
    found = matrix.labels(panel, matrix.rows_ahead(panel)).group_by("store", "product", maintain_order=True)
    return {(row[0], row[1]): row[2] for row in found.agg("horizon").iter_rows()}


def test_a_series_is_forecast_for_the_days_on_which_it_is_ranged_and_no_other() -> None:
    def ranged(product: str, starts: int, ends: int | None) -> dict[str, Any]:
        last = None if ends is None else AS_OF + timedelta(days=ends)
        return {"store": "A", "product": product, "starts": AS_OF + timedelta(days=starts), "ends": last}

    shelf = rows("assortment", ranged("x", -90, 3), ranged("y", 3, None), ranged("y", -90, 1), ranged("new", 6, 90),
                 ranged("later", 8, None), ranged("earlier", -90, 0))  # fmt: skip
    assert days_of(panels.panel(assortment=shelf)) == {
        ("A", "new"): [6, 7],
        ("A", "x"): [1, 2, 3],
        ("A", "y"): [1, 3, 4, 5, 6, 7],
    }


def test_without_an_assortment_each_live_series_gets_every_day() -> None:
    assert days_of(panels.panel(horizon=3)) == {(s, p): [1, 2, 3] for s in "AB" for p in "xy"}


def test_a_store_that_was_renamed_is_forecast_under_its_new_name_only() -> None:
    old = (pl.col("store") == "A") & (pl.col("date") > AS_OF - timedelta(days=3))
    renamed = panels.sales().with_columns(store=pl.when(old).then(pl.lit("A2")).otherwise("store"))
    stores = rows("stores", {"store": "A2"}, {"store": "B"})
    ranged = rows("assortment", *({"store": s, "product": "x", "starts": date(2018, 1, 1)} for s in ("A", "A2", "B")))
    assert {store for store, _ in days_of(panels.panel(sales=renamed, stores=stores))} == {"A2", "B"}
    assert {s for s, _ in days_of(panels.panel(sales=renamed, stores=stores, assortment=ranged))} == {"A2", "B"}
    assert {store for store, _ in days_of(panels.panel(sales=renamed))} == {"A", "A2", "B"}


def test_a_product_that_is_gone_from_the_products_is_not_forecast() -> None:
    assert {product for _, product in days_of(panels.panel(products=rows("products", {"product": "y"})))} == {"y"}


def test_a_zero_of_tomorrow_does_not_change_what_a_missing_row_of_today_means() -> None:
    nobody = (pl.col("date") == AS_OF - timedelta(days=9)) & (pl.col("store") == "A") & (pl.col("product") == "x")
    later = (pl.col("date") == AS_OF) & (pl.col("store") == "B") & (pl.col("product") == "y")
    sold = panels.sales().filter(~nobody)
    zero = sold.with_columns(quantity=pl.when(later).then(0.0).otherwise("quantity"))
    for known in (sold, zero):
        panel = panels.panel(sales=known)
        assert panel.sales[0, day(panel, 9)] == 0


def test_a_source_that_writes_its_zeros_says_nothing_by_a_missing_row() -> None:
    one = (pl.col("store") == "A") & (pl.col("product") == "x")
    gone = one & (pl.col("date") == AS_OF - timedelta(days=9))
    tuesdays = one & (pl.col("date").dt.weekday() == 2)
    sold = panels.sales().with_columns(quantity=pl.when(tuesdays).then(0.0).otherwise("quantity")).filter(~gone)
    panel = panels.panel(sales=sold)
    assert np.isnan(panel.sales[0, day(panel, 9)])


def test_a_stray_zero_does_not_make_a_source_one_that_writes_zeros() -> None:
    mondays = (pl.col("date").dt.weekday() == 1) & (pl.col("product") == "x")
    stray = (pl.col("date") == AS_OF - timedelta(days=50)) & (pl.col("product") == "y") & (pl.col("store") == "A")
    sold = panels.sales().filter(~mondays).with_columns(quantity=pl.when(stray).then(0.0).otherwise("quantity"))
    panel = panels.panel(sales=sold)
    assert panel.sales[0, day(panel, 6)] == 0


def test_a_chain_without_sales_or_assortment_has_no_rows_to_forecast() -> None:
    panel = panels.panel(sales=panels.sales().clear())
    assert matrix.of(panel).matrix(matrix.rows_ahead(panel)).values.shape[0] == 0


def test_days_older_than_is_wanted_are_left_out() -> None:
    panel = spine.build(panels.inputs(), horizon=7, history_days=7)
    assert panel.history == 7
    assert panel.first_day == AS_OF - timedelta(days=6)


def test_every_size_of_chain_and_history_gives_a_matrix_without_infinities() -> None:
    shapes: list[dict[str, Any]] = [
        {"sales": panels.sales(stores=("A",), products=("x",))},
        {"sales": panels.sales(days=3)},
        {"sales": panels.sales(days=60, products=tuple(f"p{n}" for n in range(30)))},
        {"sales": panels.sales().with_columns(pl.col("quantity") * 0.001)},
        {"sales": panels.sales().with_columns(pl.col("quantity") * 1e6)},
        {"sales": panels.sales().with_columns(quantity=pl.lit(0.0))},
        {"place": (None, None)},
        {"horizon": 14},
    ]
    for shape in shapes:
        panel = panels.panel(**shape)
        found = matrix.of(panel).matrix(matrix.rows_ahead(panel))
        assert found.values.shape[0] == panel.live.sum() * panel.horizon, shape
        assert not np.isinf(found.values).any(), shape


def ran_out(*backs: int) -> pl.DataFrame:
    """The made-up sales, with product x of store A flagged so many days back: it ran out, at half of what it sold."""
    days = [AS_OF - timedelta(days=back) for back in backs]
    hit = pl.col("date").is_in(days) & (pl.col("store") == "A") & (pl.col("product") == "x")
    return panels.sales().with_columns(
        sold_out=hit, quantity=pl.when(hit).then(pl.col("quantity") / 2).otherwise("quantity")
    )


def test_where_nothing_ran_out_demand_is_what_was_sold() -> None:
    for sold in (panels.sales(), ran_out()):
        panel = panels.panel(sales=sold)
        assert panel.demand is panel.sales


def test_on_a_day_that_ran_out_demand_is_what_would_have_sold() -> None:
    panel = panels.panel(sales=ran_out(3, 10))
    differs = np.argwhere(panel.demand != panel.sales).tolist()
    assert differs == [[0, day(panel, 10)], [0, day(panel, 3)]]
    assert panel.demand[0, day(panel, 3)] > 1.5 * panel.sales[0, day(panel, 3)]
    assert panel.sales[0, day(panel, 3)] == panels.panel(sales=panels.sales()).sales[0, day(panel, 3)] / 2


def test_hours_tell_more_of_a_day_that_ran_out_than_its_weekday_does() -> None:
    half_at_noon = ran_out(3).with_columns(h08=pl.col("quantity") / 2, h15=pl.col("quantity") / 2)
    all_at_eight = pl.when(pl.col("sold_out")).then("quantity").otherwise("h08")
    hours = half_at_noon.with_columns(h08=all_at_eight, h15=pl.when(~pl.col("sold_out")).then("h15"))
    panel = panels.panel(sales=ran_out(3), hourly=panels.table(hours, "hourly"))
    without = panels.panel(sales=ran_out(3))
    assert panel.demand[0, day(panel, 3)] != without.demand[0, day(panel, 3)]
    assert panel.demand[0, day(panel, 3)] > panel.sales[0, day(panel, 3)]


def test_a_store_that_sold_nothing_since_it_had_run_out_was_not_shut() -> None:
    empty = (pl.col("store") == "A") & (pl.col("date") == AS_OF - timedelta(days=3))
    sold = ran_out(3).with_columns(quantity=pl.when(empty).then(0.0).otherwise("quantity"))
    panel, told_of_nothing = panels.panel(sales=sold), panels.panel(sales=sold.with_columns(sold_out=False))
    assert panel.shut[:2, day(panel, 3)].tolist() == [0, 0]
    assert panel.sales[:2, day(panel, 3)].tolist() == [0, 0]
    assert panel.demand[0, day(panel, 3)] > 10
    assert told_of_nothing.shut[:2, day(panel, 3)].tolist() == [1, 1]
    assert np.isnan(told_of_nothing.demand[:2, day(panel, 3)]).all()


def test_demand_does_not_depend_on_how_much_history_is_laid_out() -> None:
    inputs = panels.inputs(sales=ran_out(3, 10, 17))
    whole, short = (spine.build(inputs, horizon=7, history_days=days) for days in (None, 30))
    assert whole.demand[:, -30:].tobytes() == short.demand.tobytes()


def test_what_runs_out_tomorrow_changes_no_demand_of_today() -> None:
    early, late = panels.panel(sales=ran_out(17)), panels.panel(sales=ran_out(17, 10, 3))
    today = day(early, 11)
    assert early.demand[:, :today].tobytes() == late.demand[:, :today].tobytes()
    assert (early.demand[0] != early.sales[0]).any()


def test_a_store_without_rows_on_sundays_is_shut_then_though_its_till_writes_zeros() -> None:
    sunday = (pl.col("date").dt.weekday() == 7) & (pl.col("store") == "A")
    slow = pl.when((pl.col("product") == "x") & (pl.col("date").dt.day() % 2 == 0)).then(0.0).otherwise("quantity")
    panel = panels.panel(sales=panels.sales().with_columns(quantity=slow).filter(~sunday))
    of_store = panel.shut[panel.series["store"].to_numpy() == "A"][:, 7:]
    weekday = (np.arange(7, panel.history) + panel.first_day.weekday()) % 7
    assert (of_store[:, weekday == 6] == 1).all()
    assert (of_store[:, weekday != 6] == 0).all()


def test_a_till_that_falls_silent_is_an_outage_from_the_third_day_on_where_zeros_are_written() -> None:
    silent = (pl.col("date") > AS_OF - timedelta(days=4)) & (pl.col("store") == "A")
    zeros = pl.when(pl.col("date").dt.day() % 2 == 0).then(0.0).otherwise("quantity")
    panel = panels.panel(sales=panels.sales().with_columns(quantity=zeros).filter(~silent))
    assert panel.shut[0, -4:-2].tolist() == [1.0, 1.0]
    assert np.isnan(panel.shut[0, -2:]).all()
