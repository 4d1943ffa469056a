from collections import Counter
from datetime import date, timedelta

import polars as pl
import pytest

from lib.contracts import INPUTS, TABLES
from lib.quality.suite import Batch, Expectation, arrivals, frames, freshness, suite, volume
from lib.quality.verdict import VerdictConfig

SUNDAY = date(2019, 4, 28)
CONFIG = VerdictConfig()


def sales(*, days: list[date], rows_a_day: int = 4) -> pl.DataFrame:
    rows = [
        {"date": day, "store": f"s{number}", "product": "baguette", "quantity": 10.0}
        for day in days
        for number in range(rows_a_day)
    ]
    return pl.DataFrame(rows, schema=INPUTS["sales"].business_schema)


def days_before(day: date, count: int) -> list[date]:
    return [day - timedelta(days=back) for back in range(count)]


def batch(
    given: dict[str, pl.DataFrame] | None = None,
    *,
    refused: tuple[tuple[str, int, str], ...] = (),
    read: dict[str, int] | None = None,
) -> Batch:
    quarantine = [
        {"as_of": SUNDAY, "table": table, "file": "f.csv", "row": row, "rule": rule, "severity": "warning"}
        for table, row, rule in refused
    ]
    syncs = [{"as_of": SUNDAY, "table": table, "read": rows} for table, rows in (read or {}).items()]
    return Batch(
        SUNDAY,
        {"sales": sales(days=days_before(SUNDAY, 28)), **(given or {})},
        pl.DataFrame(quarantine, schema=TABLES["quarantine"].schema),
        pl.DataFrame(syncs, schema=TABLES["syncs"].schema),
    )


def named(expectations: tuple[Expectation, ...], table: str) -> dict[str, Expectation]:
    return {each.name: each for each in expectations if each.table == table}


def test_a_column_that_the_contract_wants_filled_is_expected_filled_and_no_other_is() -> None:
    wanted = {column.name for column in INPUTS["sales"].columns if column.null is None}
    filled = {each.columns[0] for each in suite(batch(), CONFIG) if each.kind == "filled"}
    assert filled == wanted == {"date", "store", "product", "quantity"}


def test_limits_and_keys_are_those_of_the_contract() -> None:
    found = named(suite(batch(), CONFIG), "sales")
    quantity = INPUTS["sales"].column("quantity")
    assert (found["quantity in range"].minimum, found["quantity in range"].maximum) == (
        quantity.minimum,
        quantity.maximum,
    )
    assert found["key"].columns == INPUTS["sales"].key
    assert found["columns"].columns == tuple(INPUTS["sales"].names)


def test_a_broken_promotion_plan_warns_where_broken_sales_hold_the_night() -> None:
    promotions = pl.DataFrame(
        [{"product": "baguette", "starts": SUNDAY, "ends": SUNDAY}], schema=INPUTS["promotions"].business_schema
    )
    expectations = suite(batch({"promotions": promotions}), CONFIG)
    assert named(expectations, "promotions")["product filled"].severity == "warning"
    assert named(expectations, "sales")["product filled"].severity == "critical"


@pytest.mark.parametrize("table", [name for name in INPUTS if name != "sales"])
def test_a_table_that_nobody_delivers_is_not_checked(table: str) -> None:
    empty = pl.DataFrame(schema=INPUTS[table].business_schema)
    given = batch({table: empty})
    assert table not in frames(given)
    assert not named(suite(given, CONFIG), table)


def test_sales_are_checked_even_when_there_are_none() -> None:
    nothing = batch({"sales": sales(days=[])})
    assert "stale" in named(suite(nothing, CONFIG), "sales")
    assert frames(nothing)["freshness"]["days_old"].to_list() == [28]


def test_every_expectation_has_a_frame_a_message_and_a_name_of_its_own() -> None:
    everything = batch(refused=(("sales", 1, "unknown store"), ("stores", 1, "duplicate")), read={"sales": 9})
    expectations = suite(everything, CONFIG)
    assert {each.frame for each in expectations} <= set(frames(everything))
    assert max(Counter((each.table, each.name) for each in expectations).values()) == 1
    assert all(each.message.endswith(".") for each in expectations)


def test_sales_of_the_last_day_are_of_age_0() -> None:
    assert freshness(sales(days=[SUNDAY]), SUNDAY)["days_old"].to_list() == [0]
    assert freshness(sales(days=[SUNDAY - timedelta(days=2)]), SUNDAY)["days_old"].to_list() == [2]


def test_a_sunday_is_measured_against_earlier_sundays_only() -> None:
    busy_weekdays = sales(days=[day for day in days_before(SUNDAY, 28) if day.weekday() != 6], rows_a_day=50)
    quiet_sundays = sales(days=[SUNDAY - timedelta(weeks=back) for back in range(4)], rows_a_day=4)
    measured = volume(pl.concat([busy_weekdays, quiet_sundays]))
    assert measured.row(0, named=True) == {"table": "sales", "newest": SUNDAY, "rows": 4, "usual": 4, "share": 1}


def test_the_volume_of_a_weekday_seen_for_the_first_time_is_unknown() -> None:
    assert volume(sales(days=days_before(SUNDAY, 5)))["share"].to_list() == [None]


def test_refused_rows_are_counted_per_rule_and_once_overall() -> None:
    refused = (("sales", 1, "negative"), ("sales", 2, "negative"), ("sales", 2, "unknown store"))
    measured = arrivals(batch(refused=refused, read={"sales": 10, "stores": 3}))
    assert measured.rows() == [
        ("sales", "any", 10, 2, 0.2),
        ("sales", "negative", 10, 2, 0.2),
        ("sales", "unknown store", 10, 1, 0.1),
        ("stores", "any", 3, 0, 0.0),
    ]


def test_a_second_sync_of_the_day_does_not_dilute_the_share_of_refused_rows() -> None:
    twice = batch(refused=(("sales", 1, "negative"),), read={"sales": 10})
    repeated = Batch(twice.as_of, twice.frames, twice.quarantine, pl.concat([twice.syncs, twice.syncs]))
    assert arrivals(repeated).equals(arrivals(twice))


def test_a_table_that_was_refused_without_a_recorded_sync_counts_as_refused_whole() -> None:
    assert arrivals(batch(refused=(("sales", 1, "negative"),)))["share"].to_list() == [1.0, 1.0]


def test_a_source_that_sent_nothing_has_no_refused_share() -> None:
    assert arrivals(batch(read={"sales": 0}))["share"].to_list() == [0.0]


def test_refused_rows_warn_by_rule_and_only_a_large_share_of_sales_is_critical() -> None:
    refused = (("sales", 1, "negative"), ("stores", 1, "duplicate"))
    expectations = suite(batch(refused=refused, read={"sales": 10, "stores": 3, "products": 3}), CONFIG)
    found = {(each.table, each.name): each.severity for each in expectations if each.frame == "arrivals"}
    assert found == {
        ("sales", "refused share"): "critical",
        ("sales", "refused: negative"): "warning",
        ("stores", "refused: duplicate"): "warning",
        ("products", "refused"): "warning",
    }
