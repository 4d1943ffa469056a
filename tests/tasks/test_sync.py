from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from lib.adapters.lake import TRANSIENT, Lake
from lib.contracts import INPUTS, OUTPUTS
from tasks.forecast import Forecast, publish
from tasks.records import replace_night
from tasks.sync import Synced, sync_table, tables_to_sync

MONDAY, TUESDAY, TODAY = date(2019, 4, 15), date(2019, 4, 16), date(2019, 4, 18)
HEADER = "date,store,product,quantity\n"
SALES, PUBLICATIONS = INPUTS["sales"], OUTPUTS["publications"]


@pytest.fixture
def till(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the source of the chain at work."""
    folder = tmp_path / "till"
    folder.mkdir()
    monkeypatch.setenv("FOURNIL_HOME", str(tmp_path))
    monkeypatch.setenv("FOURNIL_SOURCE", str(folder))
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def sync(name: str = "sales", *, as_of: date = TUESDAY, overlap_days: int = 14) -> Synced:
    return sync_table.fn(name, as_of=as_of, today=TODAY, overlap_days=overlap_days)


def warnings(lake: Lake) -> list[tuple[date, str, str]]:
    return lake.scan(OUTPUTS["warnings"]).select("as_of", "code", "severity").collect().rows()


def test_a_sync_run_twice_writes_the_table_once(till: Path, lake: Lake) -> None:
    (till / "sales.csv").write_text(HEADER + "2019-04-15,17,101,5\n2019-04-16,17,101,6\n2019-04-17,17,101,7\n")
    assert (sync().new, lake.version(SALES)) == (2, 1)
    assert (sync().new, lake.version(SALES)) == (0, 1)
    assert sync(as_of=TUESDAY + timedelta(days=1)).new == 1


def test_a_night_in_the_past_changes_nothing_that_a_later_one_has_read(till: Path, lake: Lake) -> None:
    (till / "sales.csv").write_text(HEADER + "2019-04-15,17,101,5\n")
    sync()
    before = lake.version(SALES)
    (till / "sales.csv").write_text(HEADER + "2019-04-15,17,101,9\n")
    assert sync(as_of=MONDAY) == Synced("sales")
    assert lake.version(SALES) == before


def test_rows_older_than_the_overlap_are_not_read_again(till: Path, lake: Lake) -> None:
    (till / "sales.csv").write_text(HEADER + "2019-04-01,17,101,5\n2019-04-15,17,101,5\n")
    sync()
    (till / "sales.csv").write_text(HEADER + "2019-04-01,17,101,9\n2019-04-15,17,101,9\n")
    next_night = TUESDAY + timedelta(days=1)
    assert sync(as_of=next_night, overlap_days=3).changed == 1
    assert lake.scan(SALES, as_of=next_night).collect().sort("date")["quantity"].to_list() == [5.0, 9.0]


def test_a_night_synced_again_reads_as_far_back_as_before_and_keeps_its_quarantine(till: Path, lake: Lake) -> None:
    (till / "sales.csv").write_text(HEADER + "2019-01-01,17,101,-5\n2019-04-16,17,101,6\n")
    for _ in range(2):
        assert sync().quarantined == 1
    assert lake.scan(OUTPUTS["quarantine"]).collect()["row"].to_list() == [1]


def test_a_row_that_stands_twice_does_not_keep_a_cancelled_promotion_in_force(till: Path) -> None:
    header = "product,starts,ends\n"
    (till / "promotions.csv").write_text(header + "101,2019-04-20,2019-04-26\n109,2019-04-20,2019-04-26\n")
    sync("promotions")
    (till / "promotions.csv").write_text(header + "101,2019-04-20,2019-04-26\n101,2019-04-20,2019-04-26\n")
    assert sync("promotions", as_of=TUESDAY + timedelta(days=1)).closed == 1


def test_a_refused_row_is_quarantined_once_however_often_it_is_read_and_enters_once_it_is_mended(
    till: Path, lake: Lake
) -> None:
    (till / "sales.csv").write_text(HEADER + "2019-04-15,17,101,-5\n2019-04-16,17,101,6\n")
    for _ in range(2):
        assert sync().quarantined == 1
    assert lake.scan(OUTPUTS["quarantine"]).collect().select("rule", "row").rows() == [("quantity_is_in_range", 1)]
    (till / "sales.csv").write_text(HEADER + "2019-04-15,17,101,5\n2019-04-16,17,101,6\n")
    synced = sync()
    assert (synced.new, synced.quarantined) == (1, 0)
    assert lake.scan(OUTPUTS["quarantine"]).collect().is_empty()


def test_a_broken_row_in_the_promotion_plan_ends_no_other_promotion(till: Path, lake: Lake) -> None:
    header = "product,starts,ends\n"
    (till / "promotions.csv").write_text(header + "101,2019-04-17,2019-04-20\n102,2019-04-17,2019-04-20\n")
    sync("promotions", as_of=MONDAY)
    (till / "promotions.csv").write_text(header + "102,2019-04-17,2019-04-20\n103,2019-04-20,2019-04-17\n")
    assert (sync("promotions").closed, sync("promotions").quarantined) == (0, 1)
    assert lake.scan(INPUTS["promotions"], as_of=TUESDAY).collect()["product"].sort().to_list() == ["101", "102"]


def test_a_table_that_disappears_from_the_source_is_missed_and_sales_always_are(till: Path, lake: Lake) -> None:
    (till / "promotions.csv").write_text("product,starts,ends\n101,2019-04-17,2019-04-20\n")
    assert tables_to_sync.fn() == ["promotions", "sales"]
    sync("promotions", as_of=MONDAY)
    (till / "promotions.csv").unlink()
    assert tables_to_sync.fn() == ["promotions", "sales"]
    assert "promotions" in sync("promotions").problem
    assert "sales" in sync().problem
    assert sorted(warnings(lake)) == [(TUESDAY, "table_not_readable", how) for how in ("critical", "warning")]
    assert lake.scan(INPUTS["promotions"], as_of=TUESDAY).collect().height == 1


def test_a_warning_goes_once_its_cause_is_gone(till: Path, lake: Lake) -> None:
    sync()
    assert len(warnings(lake)) == 1
    (till / "sales.csv").write_text(HEADER + "2019-04-15,17,101,5\n")
    sync()
    assert warnings(lake) == []


def test_a_night_without_anything_to_note_writes_nothing(lake: Lake) -> None:
    table = OUTPUTS["warnings"]
    replace_night(lake, table, table.empty(), as_of=TUESDAY, where={"step": ["sync"]})
    assert lake.version(table) == -1


def test_a_forecast_that_is_live_is_not_published_again_and_another_one_follows_it(till: Path, lake: Lake) -> None:
    del till
    at = datetime(2019, 4, 17, 2, tzinfo=UTC)
    made = [Forecast("first", 7, {}), Forecast("first", 7, {}), Forecast("second", 7, {})]
    published = [publish.fn(each, as_of=TUESDAY, at=at + timedelta(minutes=n)) for n, each in enumerate(made)]
    assert [each.publication_id for each in published] == ["2019-04-17-1", "2019-04-17-1", "2019-04-17-2"]
    assert [each.new for each in published] == [True, False, True]
    entry = lake.scan(PUBLICATIONS).collect().head(1)
    with pytest.raises(TRANSIENT):
        lake.append(PUBLICATIONS, entry, base=lake.version(PUBLICATIONS) - 1)
