"""On a simulated chain the model finds what was planted: promotions, siblings on promotion, complements and prices.

An effect is measured as a forecast with the plan against one without it, from the same history, and compared with the
truth of the same rows. The chain scatters like the bundled bakery: a day's sales by a fifth of what is expected.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from lib.demo import simulation
from lib.demo.scenario import SimulationConfig
from lib.demo.simulation import Simulation
from lib.features import matrix, spine
from lib.features.spine import Inputs, Panel
from lib.models import boosting
from lib.models.boosting import Booster, BoostingConfig

TOLERANCE = 0.3
HORIZON = 7
WEEKS = 6
DEARER = 1.1
MARKET = SimulationConfig(
    seed=3,
    stores=10,
    products=8,
    families=2,
    units=40,
    dispersion=40,
    promotion_share=0.08,
    local_promotion_share=0.08,
    price_changes=4,
    new_stores=0,
)
CUT = MARKET.first_day + timedelta(days=MARKET.days - 1 - HORIZON * WEEKS)
KEYS = ["store", "product", "date"]
Change = Callable[[Inputs], Inputs]


@dataclass(frozen=True)
class Effect:
    """Relative change of all rows' sales together: as forecast, and as it truly was."""

    rows: int
    found: float
    true: float


def fitted(known: Inputs, *, iterations: int = BoostingConfig().iterations) -> Booster:
    """The project's model, trained on every fifth day as origin."""
    panel = spine.build(known, horizon=HORIZON)
    columns = matrix.of(panel)
    rows = matrix.rows_before(panel, first=BoostingConfig().warm_up_days, last=panel.history - 2, every=5)
    rows = rows.take(~np.isnan(columns.usual.gather(rows)))
    config = BoostingConfig(iterations=iterations)
    return boosting.fit(columns.matrix(rows), panel.demand[rows.series, rows.date], config=config, seed=1, threads=2)


def forecast(booster: Booster, panel: Panel, change: Change, name: str) -> pl.DataFrame:
    """Units by store, product and date, with what is planned ahead changed."""
    panel = replace(panel, inputs=change(panel.inputs))
    rows = matrix.rows_ahead(panel)
    units = booster.predict(matrix.of(panel).matrix(rows))
    return matrix.labels(panel, rows).select(*KEYS, pl.Series(name, units.astype(np.float64)))


def as_planned(known: Inputs) -> Inputs:
    return known


def without_promotions_of(family: str) -> Change:
    """Removed from the days ahead."""

    def change(known: Inputs) -> Inputs:
        its = known.products.filter(pl.col("family") == family)["product"]
        ahead = (pl.col("ends") > known.as_of) & pl.col("product").is_in(its.to_list())
        return replace(known, promotions=known.promotions.filter(~ahead))

    return change


def at_price(factor: float) -> Change:
    """Tomorrow all list prices change by the factor, and no more after that."""

    def change(known: Inputs) -> Inputs:
        now = known.prices.filter(pl.col("starts") <= known.as_of)
        newest = now.sort("starts").unique("product", keep="last", maintain_order=True)
        tomorrow = pl.lit(known.as_of + timedelta(days=1)).alias("starts")
        return replace(known, prices=pl.concat([now, newest.with_columns(tomorrow, price=pl.col("price") * factor)]))

    return change


CHANGES: dict[str, Change] = {
    "planned": as_planned,
    "no promotion in family 0": without_promotions_of("family 0"),
    "no promotion in family 1": without_promotions_of("family 1"),
    "prices stay": at_price(1.0),
    "all is dearer": at_price(DEARER),
}


def forecasts(booster: Booster, simulated: Simulation, plan: Change = as_planned) -> pl.DataFrame:
    """A column per entry of CHANGES besides the truth; `plan` changes what is known beforehand."""
    weeks = []
    for week in range(WEEKS):
        panel = spine.build(
            plan(simulation.inputs(simulated, as_of=CUT + timedelta(days=HORIZON * week))), horizon=HORIZON
        )
        columns = [forecast(booster, panel, change, name) for name, change in CHANGES.items()]
        weeks.append(pl.concat(columns, how="align"))
    families = simulated.frames["products"].select("product", "family")
    return pl.concat(weeks).join(simulated.truth, on=KEYS).join(families, on="product").sort(KEYS)


def effect(rows: pl.DataFrame, without: pl.Expr, factor: pl.Expr) -> Effect:
    """What the plan did to the rows, against the forecasts `without` it and the true `factor`."""
    planned, other, true, rest = rows.select(
        pl.col("planned").sum(),
        without.alias("without").sum(),
        pl.col("expected").sum(),
        (pl.col("expected") / factor).alias("rest").sum(),
    ).row(0)
    return Effect(rows.height, planned / other - 1, true / rest - 1)


def own_promotion(told: pl.DataFrame) -> Effect:
    alone = told.filter((pl.col("promotion") > 1) & (pl.col("siblings") == 1))
    return effect(alone, WITHOUT_OWN, pl.col("promotion"))


def cannibalization(told: pl.DataFrame) -> Effect:
    hit = told.filter((pl.col("promotion") == 1) & (pl.col("siblings") < 1))
    return effect(hit, WITHOUT_OWN, pl.col("siblings"))


def halo(told: pl.DataFrame) -> Effect:
    return effect(told.filter(pl.col("complements") > 1), WITHOUT_OTHER, pl.col("complements"))


def price(told: pl.DataFrame) -> Effect:
    dearer, same = told.select(pl.col("all is dearer").sum(), pl.col("prices stay").sum()).row(0)
    return Effect(told.height, dearer / same - 1, DEARER**MARKET.effects.elasticity - 1)


IN_FIRST = pl.col("family") == "family 0"
FIRST, SECOND = pl.col("no promotion in family 0"), pl.col("no promotion in family 1")
WITHOUT_OWN, WITHOUT_OTHER = (
    pl.when(IN_FIRST).then(FIRST).otherwise(SECOND),
    pl.when(IN_FIRST).then(SECOND).otherwise(FIRST),
)
MEASURES = {"own promotion": own_promotion, "cannibalization": cannibalization, "halo": halo, "price": price}


def assert_found(measured: Effect) -> None:
    """Of the right direction and size, on rows enough to tell."""
    assert measured.rows >= 100
    assert measured.found * measured.true > 0
    assert abs(measured.found / measured.true - 1) <= TOLERANCE


@pytest.fixture(scope="module")
def simulated() -> Simulation:
    return simulation.simulate(MARKET)


@pytest.fixture(scope="module")
def told(simulated: Simulation) -> pl.DataFrame:
    return forecasts(fitted(simulation.inputs(simulated, as_of=CUT)), simulated)


@pytest.mark.parametrize("name", MEASURES)
def test_a_planted_effect_is_found_in_direction_and_size(told: pl.DataFrame, name: str) -> None:
    measured = MEASURES[name](told)
    assert_found(measured)


def test_more_is_off_more_is_sold(told: pl.DataFrame) -> None:
    by_lift = [own_promotion(part).found for _, part in sorted(told.group_by("promotion")) if part["promotion"][0] > 1]
    assert len(by_lift) == len(MARKET.discounts)
    assert by_lift == sorted(by_lift)


def test_where_nothing_is_planned_nothing_is_found(told: pl.DataFrame) -> None:
    quiet = told.filter((pl.col("promotion") == 1) & (pl.col("siblings") == 1) & (pl.col("complements") == 1))
    assert quiet.height >= 100
    assert abs(effect(quiet, WITHOUT_OWN, pl.col("siblings")).found) < 0.01


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("wrong", [-1.0, 0.5, 2.0])
def test_an_effect_of_another_size_is_noticed(told: pl.DataFrame, name: str, wrong: float) -> None:
    measured = MEASURES[name](told)
    with pytest.raises(AssertionError):
        assert_found(replace(measured, true=measured.true * wrong))


def test_a_shuffled_plan_finds_nothing(simulated: Simulation) -> None:
    def shuffled(known: Inputs) -> Inputs:
        """Each product's promotions happen in other weeks than its plan says."""
        late = [pl.col(name).dt.offset_by("77d") for name in ("starts", "ends")]
        return replace(known, promotions=known.promotions.with_columns(*late))

    booster = fitted(shuffled(simulation.inputs(simulated, as_of=CUT)), iterations=100)
    told = forecasts(booster, simulated, shuffled)
    for name in ("own promotion", "cannibalization", "halo"):
        with pytest.raises(AssertionError):
            assert_found(MEASURES[name](told))
