from datetime import date, timedelta
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from lib.adapters.lake import Lake
from lib.contracts import INPUTS
from lib.settings import Chain
from tasks import inputs
from tests import factories
from tests.factories import DAY

TABLE = INPUTS["promotions"]


def lake(folder: Path, *versions: tuple[float, date, date | None]) -> Lake:
    """A lake whose plan has one promotion with the discounts that were true from and until."""
    discounts, since, until = (list(column) for column in zip(*versions, strict=True))
    plan = factories.promotions_rows(discount=discounts)
    known = {"known_from": pl.Series(since, dtype=pl.Date), "known_until": pl.Series(until, dtype=pl.Date)}
    made = Lake(str(folder))
    made.append(TABLE, plan.with_columns(**known))
    return made


def plan(lake: Lake, as_of: date) -> list[tuple[float, date, date | None]]:
    rows = inputs.read(lake, as_of=as_of, chain=Chain()).promotions
    return rows.select("discount", "known_from", "known_until").rows()


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def test_all_that_a_plan_ever_said_is_read_with_from_and_until_when(tmp_path: Path) -> None:
    kept = lake(tmp_path, (0.1, day(0), day(3)), (0.2, day(3), None))
    assert plan(kept, day(4)) == [(0.1, day(0), day(3)), (0.2, day(3), None)]
    assert plan(kept, day(-1)) == []


def test_a_night_does_not_know_yet_what_will_be_withdrawn(tmp_path: Path) -> None:
    kept = lake(tmp_path, (0.1, day(0), day(3)), (0.2, day(3), None))
    before = lake(tmp_path / "before", (0.1, day(0), None))
    told, then = (inputs.read(each, as_of=day(2), chain=Chain()).promotions for each in (kept, before))
    assert_frame_equal(told, then)


def test_a_row_that_was_replaced_in_the_night_that_brought_it_never_was_true(tmp_path: Path) -> None:
    kept = lake(tmp_path, (0.1, day(0), day(0)), (0.2, day(0), None))
    assert plan(kept, day(0)) == plan(kept, day(4)) == [(0.2, day(0), None)]


def test_what_holds_now_is_the_plan_without_what_was_withdrawn(tmp_path: Path) -> None:
    kept = lake(tmp_path, (0.1, day(0), day(3)), (0.2, day(3), None))
    known = inputs.read(kept, as_of=day(4), chain=Chain())
    assert known.current("promotions")["discount"].to_list() == [0.2]
    assert known.current("stores") is known.stores
