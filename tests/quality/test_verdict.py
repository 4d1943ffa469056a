from datetime import date, timedelta

import polars as pl
import pytest
from pydantic import ValidationError

from lib.contracts import TABLES
from lib.quality.verdict import VerdictConfig, findings, verdicts

SUNDAY = date(2019, 4, 28)
CONFIG = VerdictConfig()


def outcome(severity: str, *, success: bool = False, expectation: str = "stale", table: str = "sales") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "expectation": [expectation],
            "table": [table],
            "column": ["days_old"],
            "severity": [severity],
            "success": [success],
            "observed": ["5"],
            "failed_rows": pl.Series([1], dtype=pl.Int64),
            "message": ["Too old: sync again."],
        }
    )


NOTHING_FAILED = outcome("critical", success=True)


def sales(*, until: date, closed_on: int | None = None, missing: tuple[date, ...] = ()) -> pl.DataFrame:
    """Sales of store `lyon` on each of 56 days, bar a weekday and single days; `until` cuts the end off."""
    days = [SUNDAY - timedelta(days=back) for back in range(56)]
    days = [day for day in days if day <= until and day.weekday() != closed_on and day not in missing]
    schema = {"date": pl.Date(), "store": pl.String()}
    return pl.DataFrame({"date": days, "store": ["lyon"] * len(days)}, schema=schema)


def decided(outcomes: pl.DataFrame, rows: pl.DataFrame) -> dict[str, str]:
    return dict(verdicts(outcomes, rows, as_of=SUNDAY, config=CONFIG).select("store", "verdict").iter_rows())


def days_ago(count: int) -> date:
    return SUNDAY - timedelta(days=count)


def test_a_store_whose_sales_have_arrived_ships() -> None:
    rows = verdicts(NOTHING_FAILED, sales(until=SUNDAY), as_of=SUNDAY, config=CONFIG)
    assert rows.schema == TABLES["verdicts"].schema
    assert rows.rows() == [(SUNDAY, "lyon", "ship", None)]


def test_a_store_that_sells_every_day_is_late_after_one_silent_day() -> None:
    rows = verdicts(NOTHING_FAILED, sales(until=days_ago(1)), as_of=SUNDAY, config=CONFIG)
    assert rows["verdict"].to_list() == ["degrade"]
    assert "2019-04-27" in rows["reason"].item()


def test_a_store_closed_on_sundays_is_not_late_on_sunday_night() -> None:
    assert decided(NOTHING_FAILED, sales(until=SUNDAY, closed_on=6)) == {"lyon": "ship"}


def test_a_store_closed_on_sundays_is_late_when_saturday_is_missing_too() -> None:
    assert decided(NOTHING_FAILED, sales(until=days_ago(2), closed_on=6)) == {"lyon": "degrade"}


def test_one_late_store_does_not_touch_the_others() -> None:
    late = sales(until=days_ago(1)).with_columns(store=pl.lit("nice"))
    assert decided(NOTHING_FAILED, pl.concat([late, sales(until=SUNDAY)])) == {"lyon": "ship", "nice": "degrade"}


@pytest.mark.parametrize(("silent", "rows"), [(28, {"lyon": "degrade"}), (29, {})])
def test_a_store_silent_for_more_than_four_weeks_is_not_live(silent: int, rows: dict[str, str]) -> None:
    assert decided(NOTHING_FAILED, sales(until=days_ago(silent))) == rows


def test_silences_further_back_than_eight_weeks_are_no_habit() -> None:
    old = pl.DataFrame({"date": [days_ago(90)], "store": ["lyon"]})
    assert decided(NOTHING_FAILED, pl.concat([old, sales(until=days_ago(1))])) == {"lyon": "degrade"}


def test_sales_after_the_day_do_not_make_a_late_store_punctual() -> None:
    future = sales(until=SUNDAY).with_columns(pl.col("date") + pl.duration(days=1)).head(1)
    assert decided(NOTHING_FAILED, pl.concat([sales(until=days_ago(1)), future])) == {"lyon": "degrade"}


def test_a_new_store_with_sales_on_the_last_day_ships() -> None:
    assert decided(NOTHING_FAILED, sales(until=SUNDAY).head(1)) == {"lyon": "ship"}


def test_a_failed_critical_check_holds_every_store_and_says_why() -> None:
    silent = sales(until=days_ago(29)).with_columns(store=pl.lit("nice"))
    rows = verdicts(outcome("critical"), pl.concat([silent, sales(until=SUNDAY)]), as_of=SUNDAY, config=CONFIG)
    reason = "Too old: sync again. Found: 5."
    assert rows.rows() == [(SUNDAY, "lyon", "hold", reason), (SUNDAY, "nice", "hold", reason)]


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_a_failed_check_that_is_not_critical_holds_nothing(severity: str) -> None:
    assert decided(outcome(severity), sales(until=SUNDAY)) == {"lyon": "ship"}


def test_without_any_sales_nothing_may_ship() -> None:
    assert decided(outcome("critical"), sales(until=days_ago(99))) == {}


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = pl.concat([sales(until=SUNDAY), sales(until=days_ago(1)).with_columns(store=pl.lit("nice"))])
    shuffled = rows.sample(fraction=1, shuffle=True, seed=1)
    assert decided(NOTHING_FAILED, rows) == decided(NOTHING_FAILED, shuffled)


def test_each_failed_check_is_a_finding_with_what_to_do_and_a_passed_one_is_none() -> None:
    outcomes = pl.concat([outcome("warning", expectation="fresh"), NOTHING_FAILED])
    found = findings(outcomes, as_of=SUNDAY)
    assert found.schema == TABLES["warnings"].schema
    assert found.rows() == [(SUNDAY, "check", "fresh", "warning", "sales", 1, "Too old: sync again. Found: 5.")]


def test_findings_have_the_key_of_their_contract() -> None:
    outcomes = pl.concat([outcome("warning", table="sales"), outcome("warning", table="stores")])
    found = findings(outcomes, as_of=SUNDAY)
    assert found.select(TABLES["warnings"].key).is_unique().all()


def test_a_threshold_that_the_batch_could_never_show_is_refused() -> None:
    with pytest.raises(ValidationError, match="max_stale_days"):
        VerdictConfig(max_stale_days=28)
