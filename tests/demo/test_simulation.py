from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lib.adapters.files import Files
from lib.contracts import INPUTS
from lib.contracts.inputs import HOURS
from lib.demo import simulation
from lib.demo.market import FACTORS
from lib.demo.scenario import Effects, SimulationConfig
from lib.demo.simulation import Simulation
from lib.features import matrix, spine

CONFIG = SimulationConfig(stores=4, products=20, days=500, stock_out_share=0.1, late_share=0.05, hourly=True)
KEYS = ["date", "store", "product"]


@pytest.fixture(scope="module")
def made() -> Simulation:
    return simulation.simulate(CONFIG)


@pytest.fixture(scope="module")
def told(made: Simulation) -> pl.DataFrame:
    """Sales beside their truth."""
    return made.frames["sales"].join(made.truth, on=KEYS, validate="1:1", suffix="_true")


def assert_same(one: Simulation, other: Simulation) -> None:
    assert one.truth.equals(other.truth)
    assert all(one.frames[name].equals(other.frames[name]) for name in INPUTS)


def test_equal_seeds_give_equal_frames_and_others_do_not(made: Simulation) -> None:
    assert_same(made, simulation.simulate(CONFIG))
    other = simulation.simulate(CONFIG.model_copy(update={"seed": 2}))
    assert not other.frames["sales"].equals(made.frames["sales"])


def test_an_old_store_is_the_same_however_many_others_there_are(made: Simulation) -> None:
    larger = simulation.simulate(CONFIG.model_copy(update={"stores": 6}))
    first = pl.col("store") == "S0000"
    assert larger.truth.filter(first).equals(made.truth.filter(first))


def test_frames_are_in_the_form_of_the_contract(made: Simulation) -> None:
    for name, frame in made.frames.items():
        table = INPUTS[name]
        assert frame.schema == {**table.business_schema, "known_from": pl.Date()}
        assert not frame.select(table.key).is_duplicated().any()
        assert not any(frame[column].has_nulls() for column in table.required)
        assert frame.height, name


def test_the_factors_multiply_the_baseline_up_to_what_is_expected(made: Simulation) -> None:
    product = np.prod([made.truth[name].to_numpy() for name in ("baseline", *FACTORS)], axis=0)
    assert np.allclose(product, made.truth["expected"])


def test_demand_is_right_on_average_and_scatters_as_configured(made: Simulation) -> None:
    demand, expected = made.truth["demand"].to_numpy(), made.truth["expected"].to_numpy()
    assert demand.mean() == pytest.approx(expected.mean(), rel=0.01)
    assert CONFIG.dispersion is not None
    variance = expected + expected**2 / CONFIG.dispersion
    assert np.mean((demand - expected) ** 2 / variance) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("days", [1, 8, 400])
def test_the_smallest_chain_can_be_simulated_too(days: int) -> None:
    bare = SimulationConfig(
        stores=1, products=1, families=1, days=days, promotion_share=0, local_promotion_share=0, dispersion=None
    )
    made = simulation.simulate(bare)
    assert made.frames["promotions"].is_empty()
    assert 0 < made.frames["sales"].height <= days


def test_an_effect_that_is_switched_off_is_nowhere() -> None:
    off = Effects(lift=0, cannibalization=0, halo=0, elasticity=0, warmth=0, rain=0, local_event=1e-12, holiday=0)
    quiet = simulation.simulate(SimulationConfig(stores=2, products=6, days=60, effects=off))
    assert np.allclose(quiet.truth["expected"], quiet.truth["baseline"])


def test_what_siblings_lose_is_the_configured_share_of_what_a_promotion_gains() -> None:
    config = SimulationConfig(
        stores=1, products=4, families=2, days=364, new_product_share=0, ended_product_share=0, new_stores=0
    )
    truth = simulation.simulate(config).truth
    family = pl.col("product").str.slice(1).cast(pl.Int32) % config.families
    level = truth.filter(pl.col("date") == config.first_day).select("product")
    assert level.height == config.products
    by_day = truth.with_columns(family=family).group_by("date", "family")
    usual = pl.col("baseline")
    flows = by_day.agg(
        alone=(pl.col("promotion") > 1).sum() == 1,
        gained=(usual * (pl.col("promotion") - 1)).sum(),
        lost=(usual * (1 - pl.col("siblings"))).sum(),
    ).filter(pl.col("alone"))
    assert flows.height > 20
    lost, gained = flows.select(pl.col("lost").sum(), pl.col("gained").sum()).row(0)
    assert lost / gained == pytest.approx(config.effects.cannibalization, rel=0.1)


def test_a_promotion_lifts_its_product_its_complements_and_lowers_its_siblings(told: pl.DataFrame) -> None:
    assert told["promotion"].min() == told["complements"].min() == 1
    assert told["siblings"].max() == 1
    assert told["promotion"].max() == 1 + CONFIG.effects.lift * max(CONFIG.discounts)
    assert told.filter(pl.col("siblings") < 1).height > 500
    assert told.filter(pl.col("complements") > 1).height > 500


def test_the_plan_tells_which_days_are_promoted(made: Simulation, told: pl.DataFrame) -> None:
    plan = made.frames["promotions"].with_columns(date=pl.date_ranges("starts", "ends")).explode("date")
    stores = made.frames["stores"].select(at="store")
    planned = plan.join(stores, how="cross").filter(pl.col("store").is_null() | (pl.col("store") == pl.col("at")))
    days = planned.select("date", "product", "discount", store="at")
    both = told.join(days, on=KEYS, how="left", validate="1:1")
    lift = 1 + CONFIG.effects.lift * both["discount"].fill_null(0)
    assert np.allclose(lift, both["promotion"])


def test_the_price_list_tells_the_price_that_demand_follows(made: Simulation, told: pl.DataFrame) -> None:
    listed = made.frames["prices"].sort("starts").select("product", "starts", list_price="price")
    first = listed.group_by("product", maintain_order=True).agg(first=pl.col("list_price").first())
    both = (
        told.sort("date").join_asof(listed, left_on="date", right_on="starts", by="product").join(first, on="product")
    )
    power = both.select((pl.col("list_price") / pl.col("first")).log() * CONFIG.effects.elasticity).to_series()
    assert np.allclose(power.exp(), both["price_true"])
    assert np.allclose(
        both["price"], both["list_price"] * (1 - (both["promotion"] - 1) / CONFIG.effects.lift), atol=1e-3
    )


def test_sales_end_with_the_stock_and_say_so(told: pl.DataFrame) -> None:
    out = told.filter("sold_out")
    assert 0.05 < out.height / told.height < 0.1
    assert (out["quantity"] < out["demand"]).all()
    assert (out["unsold"] == 0).all()
    there = told.filter(~pl.col("sold_out"))
    assert (there["quantity"] == there["demand"]).all()


def test_a_day_that_ran_out_had_its_last_sale_when_its_share_of_demand_was_sold(told: pl.DataFrame) -> None:
    asked = told.filter(pl.col("sold_out") & (pl.col("demand") >= 20)).with_columns(
        share=pl.col("quantity") / pl.col("demand"), hour=pl.col("last_sale_at").dt.hour()
    )
    early, late = (asked.filter(half)["hour"].mean() for half in (pl.col("share") < 0.6, pl.col("share") > 0.9))
    assert isinstance(early, float)
    assert isinstance(late, float)
    assert early < 13 < late
    assert told.filter(pl.col("quantity") == 0)["last_sale_at"].null_count() == told.filter(quantity=0).height


def test_hours_add_up_to_the_day_and_end_with_the_last_sale(made: Simulation) -> None:
    both = made.frames["hourly"].join(made.frames["sales"], on=KEYS)
    units = both.select(HOURS).to_numpy()
    assert np.array_equal(units.sum(axis=1), both["quantity"].to_numpy())
    sold = both["quantity"].to_numpy() > 0
    last = 23 - np.argmax(units[sold, ::-1] > 0, axis=1)
    assert np.array_equal(last, both["last_sale_at"].dt.hour().to_numpy()[sold])


def test_some_rows_arrive_late(made: Simulation) -> None:
    sales = made.frames["sales"]
    delay = sales.select((pl.col("known_from") - pl.col("date")).dt.total_days()).to_series()
    assert delay.min() == 0
    assert delay.max() == 5
    assert float((delay > 0).cast(pl.Float64).sum()) / sales.height == pytest.approx(CONFIG.late_share, abs=0.01)


def test_products_and_stores_come_and_go_as_the_assortment_says(made: Simulation) -> None:
    sold = made.frames["sales"].group_by("store", "product").agg(pl.col("date").min(), last=pl.col("date").max())
    both = made.frames["assortment"].join(sold, on=["store", "product"], how="full", coalesce=True)
    end = CONFIG.first_day + timedelta(days=CONFIG.days - 1)
    assert both.filter(pl.col("starts") != pl.col("date")).is_empty()
    assert both.filter(pl.col("ends").fill_null(end) != pl.col("last")).is_empty()
    assert both.filter(pl.col("starts") > CONFIG.first_day, pl.col("store") == "S0000").height
    assert both.filter(pl.col("ends").is_not_null()).height
    newest = made.frames["stores"].filter(pl.col("store") == "S0003")["opened"].item()
    assert both.filter(pl.col("store") == "S0003")["starts"].min() == newest


def test_a_forecast_reads_only_what_was_known(made: Simulation) -> None:
    day = CONFIG.first_day + timedelta(days=400)
    known = simulation.inputs(made, as_of=day)
    assert known.sales["date"].max() == day
    assert known.weather.filter(pl.col("issued").is_null())["date"].max() == day
    assert known.promotions.filter(pl.col("known_from") > day).is_empty()
    assert not known.promotions.filter(pl.col("starts") > day).is_empty()
    assert known.sales.height < made.frames["sales"].filter(pl.col("date") <= day).height


def test_a_simulated_chain_goes_through_the_feature_path(made: Simulation) -> None:
    known = simulation.inputs(made, as_of=CONFIG.first_day + timedelta(days=400))
    panel = spine.build(known, horizon=7)
    found = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    assert len(found.values) > 400
    assert (found.values[:, found.names.index("sibling_promotions")] > 0).any()


@pytest.mark.parametrize("streamed", [False, True])
def test_written_files_are_a_source(tmp_path: Path, *, streamed: bool) -> None:
    config = SimulationConfig(stores=3, products=6, days=60, new_stores=0, hourly=True, promotion_share=0.3)
    made = simulation.simulate(config)
    if streamed:
        assert simulation.write_stream(config, tmp_path) == made.frames["sales"].height
    else:
        simulation.write(made, tmp_path)
    source = Files(str(tmp_path))
    end = config.first_day + timedelta(days=config.days)
    for name in source.tables():
        table = INPUTS[name]
        read = source.read(table, since=None, until=end, today=end)
        assert read.refused.is_empty()
        columns = [*table.names, "known_from"]
        got, given = (frame.select(columns).sort(table.key) for frame in (read.rows, made.frames[name]))
        assert got.equals(given), name
    assert {"sales", "products", "prices", "promotions", "weather", "hourly"} <= set(source.tables())
