from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from lib.features import history, matrix, promotions, siblings
from lib.features import prices as price_features
from lib.features.arrays import Floats
from lib.features.columns import Rows
from lib.features.spine import Panel
from tests import panels
from tests.panels import AS_OF, rows

TOMORROW = AS_OF + timedelta(days=1)
PRODUCTS = ("bun", "cake", "roll", "stick")
FAMILIES = {"bun": "bread", "cake": "sweet", "roll": "bread", "stick": "bread"}
SALES = panels.sales(days=100, stores=("A", "B"), products=PRODUCTS)


def chain(
    *plan: dict[str, object],
    families: dict[str, str] = FAMILIES,
    sales: pl.DataFrame = SALES,
    as_of: date = AS_OF,
    prices: pl.DataFrame | None = None,
) -> Panel:
    """Two stores with the same four products, of which three are bread; a promotion takes a week from tomorrow."""
    week = {"starts": TOMORROW, "ends": TOMORROW + timedelta(days=6), "known_from": panels.ALWAYS}
    return panels.panel(
        as_of=as_of,
        sales=sales,
        prices=rows("prices") if prices is None else prices,
        products=rows("products", *({"product": name, "family": family} for name, family in families.items())),
        promotions=rows("promotions", *({**week, **row} for row in plan)),
    )


def seen(panel: Panel, name: str) -> dict[tuple[str, str], float]:
    """A column tomorrow, by store and product."""
    series = np.arange(len(panel.demand), dtype=np.int32)
    last = np.full(len(series), panel.history - 1, np.int32)
    found = {
        feature.name: feature.column.gather(Rows(series, last, last + 1))
        for feature in promotions.features(panel, history.expected(panel))
    }
    return dict(zip(panel.series.select("store", "product").iter_rows(), found[name].tolist(), strict=True))


def described(panel: Panel, origin: date) -> Floats:
    """All columns that look at plan and prices, of the week after an origin; products known by then."""
    known = panel.series.with_row_index().filter(pl.col("product").is_in(PRODUCTS))["index"].to_numpy()
    index = (origin - panel.first_day).days
    series, step = np.meshgrid(known.astype(np.int32), np.arange(1, 8, dtype=np.int32), indexing="ij")
    asked = Rows(series.ravel(), np.full(series.size, index, np.int32), (index + step.ravel()).astype(np.int32))
    columns = [*promotions.features(panel, history.expected(panel)), *price_features.features(panel)]
    return np.stack([feature.column.gather(asked) for feature in columns])


def usual(panel: Panel) -> dict[tuple[str, str], float]:
    """Expected sales tomorrow, by store and product."""
    values = history.expected(panel)[:, panel.history - 7]
    return dict(zip(panel.series.select("store", "product").iter_rows(), values.tolist(), strict=True))


def test_siblings_are_of_the_same_family_in_the_same_store() -> None:
    found = seen(chain({"store": "A", "product": "bun", "discount": 0.2}), "sibling_promotions")
    assert {key for key, count in found.items() if count} == {("A", "roll"), ("A", "stick")}


def test_a_product_is_not_its_own_sibling() -> None:
    found = seen(chain({"product": "bun"}, {"product": "roll"}), "sibling_promotions")
    assert [found["A", name] for name in PRODUCTS] == [1, 0, 1, 2]


def test_a_product_without_family_has_no_siblings() -> None:
    plan = ({"product": "bun", "discount": 0.2}, {"product": "cake", "discount": 0.2})
    nameless = chain(*plan, families={})
    for name in siblings.NAMES[:4]:
        assert not any(seen(nameless, name).values())
    assert seen(nameless, "complement_promotion_share")["A", "roll"] > 0


def test_siblings_count_by_what_they_usually_sell() -> None:
    panel = chain({"product": "bun", "discount": 0.2})
    size = usual(panel)
    family = sum(size["A", name] for name in ("bun", "roll", "stick"))
    assert seen(panel, "sibling_promotion_share")["A", "roll"] == pytest.approx(size["A", "bun"] / family)


def test_what_a_promotion_takes_is_spread_over_the_rest_of_the_family() -> None:
    panel = chain({"product": "bun", "discount": 0.2})
    size, found = usual(panel), seen(panel, "sibling_pressure")
    expected = 0.2 * size["B", "bun"] / (size["B", "roll"] + size["B", "stick"])
    assert found["B", "roll"] == pytest.approx(expected)
    assert found["B", "stick"] == pytest.approx(expected)
    assert found["B", "bun"] == found["B", "cake"] == 0


@pytest.mark.parametrize(("other", "deepest"), [(0.1, [0.1, 0.3, 0.3]), (0.3, [0.3, 0.3, 0.3]), (0.4, [0.4, 0.3, 0.4])])
def test_the_deepest_discount_is_that_of_the_others(other: float, deepest: list[float]) -> None:
    found = seen(
        chain({"product": "bun", "discount": 0.3}, {"product": "roll", "discount": other}), "sibling_deepest_discount"
    )
    assert [found["A", name] for name in ("bun", "roll", "stick")] == pytest.approx(deepest)


def test_all_else_in_the_store_complements_a_family() -> None:
    panel = chain({"store": "A", "product": "cake", "discount": 0.5})
    share, pull = seen(panel, "complement_promotion_share"), seen(panel, "complement_pull")
    assert [share["A", name] for name in PRODUCTS] == [1, 0, 1, 1]
    assert [pull["A", name] for name in PRODUCTS] == [0.5, 0, 0.5, 0.5]
    assert not any(share["B", name] for name in PRODUCTS)


def test_a_store_of_a_single_family_has_no_complements() -> None:
    panel = chain({"product": "bun", "discount": 0.2}, families=dict.fromkeys(PRODUCTS, "bread"))
    for name in ("complement_promotion_share", "complement_pull"):
        assert set(seen(panel, name).values()) == {0.0}


def test_a_plan_that_became_known_after_the_origin_is_not_seen() -> None:
    later = {"product": "bun", "discount": 0.2, "known_from": AS_OF + timedelta(days=1)}
    for name in siblings.NAMES:
        assert not any(seen(chain(later), name).values())
    assert any(seen(chain({**later, "known_from": AS_OF}), "sibling_promotions").values())


def test_without_promotions_every_column_of_the_plan_is_constant() -> None:
    panel = chain()
    found = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    for place, name in enumerate(found.names):
        if name.startswith(("sibling", "complement")):
            assert set(found.values[:, place].tolist()) == {0.0}


def test_an_unrelated_promotion_changes_nothing_for_the_others() -> None:
    """Rows of an origin at which something is planned look like rows of an origin at which nothing is."""
    far = {"store": "B", "product": "cake", "discount": 0.2}
    for name in siblings.NAMES[:4]:
        idle, busy = seen(chain(), name), seen(chain(far), name)
        assert all(busy["A", product] == idle["A", product] for product in PRODUCTS)


def test_the_order_of_products_does_not_matter() -> None:
    plan = ({"product": "bun", "discount": 0.2}, {"product": "cake", "discount": 0.1})
    mixed = chain(*reversed(plan), families=dict(reversed(FAMILIES.items())))
    for name in siblings.NAMES:
        assert seen(chain(*plan), name) == seen(mixed, name)


def test_a_sum_is_the_same_bit_for_bit_whatever_empty_series_lie_between() -> None:
    values = np.random.default_rng(1).uniform(size=(5, 3))
    between = np.insert(values, [0, 1, 3, 5], 0.0, axis=0)
    group = np.array([0, 1, 0, 0, 1], np.int32)
    wider = np.insert(group, [0, 1, 3, 5], [1, 0, 1, 0]).astype(np.int32)
    kept = [1, 3, 4, 6, 7]
    assert siblings.total(values, group).tobytes() == siblings.total(between, wider)[kept].tobytes()


def test_families_are_numbered_by_store() -> None:
    panel = chain(families={"bun": "bread", "roll": "bread"})
    numbered = panel.series.with_columns(number=pl.Series(siblings.families(panel)))
    assert numbered.filter(pl.col("product").is_in(["bun", "roll"])).group_by("store").agg(
        pl.col("number").n_unique()
    ).sort("store").rows() == [("A", 1), ("B", 1)]
    assert numbered["number"].n_unique() == 6
    of_chain = panel.series.with_columns(number=pl.Series(siblings.families(panel, of_chain=True)))
    both = of_chain.filter(pl.col("product").is_in(["bun", "roll"]))
    assert both["number"].n_unique() == 1
    assert of_chain["number"].n_unique() == 3


def test_what_comes_after_the_origin_changes_no_column_of_plan_and_prices() -> None:
    """Neither later sales, nor a newcomer of the family, nor a later plan; bit for bit."""
    origin = AS_OF - timedelta(days=20)
    near = {"starts": origin, "ends": origin + timedelta(days=5), "discount": 0.2}
    plan = ({"product": "bun", **near, "known_from": origin}, {"product": "cake", **near})
    listed = [{"product": name, "starts": panels.ALWAYS, "price": 1.0 + place} for place, name in enumerate(PRODUCTS)]
    raised = {"product": "roll", "starts": origin + timedelta(days=2), "price": 4.0}
    prices = rows("prices", *listed, raised, {"product": "newcomer", "starts": panels.ALWAYS, "price": 9.0})
    later = {"product": "stick", **near, "discount": 0.5, "known_from": origin + timedelta(days=1)}
    newcomer = SALES.filter(pl.col("date") > origin).with_columns(product=pl.lit("newcomer"))
    families = {**FAMILIES, "newcomer": "bread"}
    night = chain(*plan, families=families, sales=SALES.filter(pl.col("date") <= origin), as_of=origin, prices=prices)
    hindsight = chain(*plan, later, families=families, sales=pl.concat([SALES, newcomer]), prices=prices)
    assert described(night, origin).tobytes() == described(hindsight, origin).tobytes()
