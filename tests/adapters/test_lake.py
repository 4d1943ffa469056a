import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier, Thread

import polars as pl
import pytest
from deltalake import DeltaTable

from lib.adapters.lake import TRANSIENT, Lake, content_hash
from lib.contracts import INPUTS, KNOWN_FROM, KNOWN_UNTIL, OUTPUTS, Table
from lib.errors import LakeError
from tests.factories import DAY, promotions_rows, sales_rows, weather_rows

SALES, PROMOTIONS, WEATHER, SYNCS = INPUTS["sales"], INPUTS["promotions"], INPUTS["weather"], OUTPUTS["syncs"]
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (DAY + timedelta(days=days) for days in (-1, 0, 1, 2))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def known(rows: pl.DataFrame, since: date, until: date | None = None) -> pl.DataFrame:
    return rows.with_columns(pl.lit(since).alias(KNOWN_FROM), pl.lit(until, pl.Date).alias(KNOWN_UNTIL))


def sold(*days: date, quantity: float = 10.0) -> pl.DataFrame:
    """One row of sales for each day, known when the day ended."""
    return pl.concat([known(sales_rows(date=[day], quantity=quantity), day) for day in days])


def quantities(lake: Lake, as_of: date | None = None) -> list[tuple[date, float]]:
    rows = lake.scan(SALES, as_of=as_of).select("date", "quantity").sort("date", "quantity").collect().rows()
    return [(day, quantity) for day, quantity in rows]


def test_a_table_that_was_never_written_reads_as_empty(lake: Lake) -> None:
    assert lake.version(SALES) == -1
    assert lake.scan(SALES).collect().schema == SALES.schema
    assert lake.scan(SALES, as_of=DAY).collect().columns == SALES.names


def test_a_corrected_sale_reads_on_each_past_day_as_it_was_known_then(lake: Lake) -> None:
    first = known(sales_rows(date=[MONDAY], quantity=10.0), MONDAY, until=WEDNESDAY)
    lake.append(SALES, pl.concat([first, known(sales_rows(date=[MONDAY], quantity=12.0), WEDNESDAY)]))
    read = {day: quantities(lake, day) for day in (MONDAY, TUESDAY, WEDNESDAY, THURSDAY)}
    assert read == {
        MONDAY: [(MONDAY, 10.0)],
        TUESDAY: [(MONDAY, 10.0)],
        WEDNESDAY: [(MONDAY, 12.0)],
        THURSDAY: [(MONDAY, 12.0)],
    }


def test_a_sale_that_arrived_late_is_unknown_until_it_arrived(lake: Lake) -> None:
    lake.append(SALES, known(sales_rows(date=[MONDAY]), WEDNESDAY))
    assert [len(quantities(lake, day)) for day in (MONDAY, TUESDAY, WEDNESDAY)] == [0, 0, 1]


def test_a_promotion_taken_off_the_plan_is_still_seen_from_earlier_days(lake: Lake) -> None:
    lake.append(PROMOTIONS, known(promotions_rows(store=None), MONDAY, until=WEDNESDAY))
    assert [lake.scan(PROMOTIONS, as_of=day).collect().height for day in (MONDAY, TUESDAY, WEDNESDAY)] == [1, 1, 0]


def test_replacing_days_leaves_all_other_days_as_they_were(lake: Lake) -> None:
    days = [date(2019, 3, 31), date(2019, 4, 1), date(2019, 4, 2)]
    lake.append(SALES, sold(*days))
    lake.replace(SALES, sold(days[0], days[1], quantity=99.0), where={"date": days[:2]})
    assert quantities(lake) == [(days[0], 99.0), (days[1], 99.0), (days[2], 10.0)]


def test_replacing_days_by_nothing_empties_them(lake: Lake) -> None:
    lake.append(SALES, sold(MONDAY, TUESDAY))
    lake.replace(SALES, SALES.empty(), where={"date": [MONDAY]})
    assert quantities(lake) == [(TUESDAY, 10.0)]


def test_a_replacement_touches_only_rows_that_agree_in_every_column_named(lake: Lake) -> None:
    both = pl.concat([known(sales_rows(store=[store], date=MONDAY), MONDAY) for store in ("17", "Chez l'Ami")])
    lake.append(SALES, both)
    lake.replace(SALES, SALES.empty(), where={"date": [MONDAY], "store": ["Chez l'Ami"]})
    assert lake.scan(SALES).collect()["store"].to_list() == ["17"]


def test_a_reference_table_is_replaced_whole_and_keeps_empty_keys(lake: Lake) -> None:
    lake.replace(PROMOTIONS, known(promotions_rows(product=["101", "102"], store=None), MONDAY))
    lake.replace(
        PROMOTIONS, known(promotions_rows(product=["103"], store=None, mechanism='2 for 1, "so\'n Preis"'), MONDAY)
    )
    row = lake.scan(PROMOTIONS).collect().row(0, named=True)
    assert (row["store"], row["product"], row["mechanism"]) == (None, "103", '2 for 1, "so\'n Preis"')


def test_rows_outside_of_what_is_replaced_are_refused_and_nothing_is_written(lake: Lake) -> None:
    lake.append(SALES, sold(MONDAY))
    with pytest.raises(LakeError, match="table sales: 1 rows lie outside the replaced date values"):
        lake.replace(SALES, sold(MONDAY, TUESDAY, quantity=99.0), where={"date": [MONDAY]})
    assert quantities(lake) == [(MONDAY, 10.0)]


def test_a_frame_without_a_column_of_the_contract_is_refused_by_name(lake: Lake) -> None:
    with pytest.raises(LakeError, match="the frame to write lacks price, sold_out"):
        lake.append(SALES, sold(MONDAY).drop("price", "sold_out"))


def test_columns_that_the_contract_does_not_know_are_not_written(lake: Lake) -> None:
    lake.append(SALES, sold(MONDAY).with_columns(cashier=pl.lit("Zoé")))
    assert lake.scan(SALES).collect().columns == list(SALES.schema)


def test_an_append_adds_rows_and_an_empty_one_changes_nothing(lake: Lake) -> None:
    version = lake.append(SALES, sold(MONDAY)).version
    receipt = lake.append(SALES, sold(TUESDAY))
    assert (receipt.version, receipt.rows) == (version + 1, 1)
    assert lake.append(SALES, SALES.empty()).version == receipt.version
    assert quantities(lake) == [(MONDAY, 10.0), (TUESDAY, 10.0)]


def test_an_earlier_version_reads_as_the_table_stood_then(lake: Lake) -> None:
    version = lake.append(SALES, sold(MONDAY)).version
    lake.replace(SALES, sold(MONDAY, quantity=99.0), where={"date": [MONDAY]})
    assert lake.scan(SALES, version=version).collect()["quantity"].to_list() == [10.0]
    assert lake.scan(SALES, version=-1).collect().is_empty()


def test_a_version_that_the_lake_has_lost_is_named_and_never_read_as_empty(lake: Lake) -> None:
    version = lake.append(SALES, sold(MONDAY)).version
    with pytest.raises(LakeError, match="no longer has version 99 of table sales"):
        lake.scan(SALES, version=99)
    shutil.rmtree(Path(lake.root) / "sales")
    with pytest.raises(LakeError, match=f"no longer has version {version} of table sales"):
        lake.scan(SALES, version=version)
    assert lake.scan(SALES).collect().is_empty()


def of_an_early_release() -> Table:
    """The table of sales before it told what ran out."""
    return replace(SALES, columns=tuple(column for column in SALES.columns if column.name != "sold_out"))


def test_columns_that_an_early_release_did_not_write_are_null_and_are_written_from_now_on(lake: Lake) -> None:
    version = lake.append(of_an_early_release(), sold(MONDAY, TUESDAY)).version
    assert lake.scan(SALES).collect()["sold_out"].to_list() == [None, None]
    assert lake.scan(SALES, as_of=MONDAY).collect()["sold_out"].to_list() == [None]
    lake.replace(SALES, sold(TUESDAY).with_columns(sold_out=True), where={"date": [TUESDAY]})
    lake.append(SALES, sold(WEDNESDAY).with_columns(sold_out=False))
    assert lake.scan(SALES).sort("date").collect()["sold_out"].to_list() == [None, True, False]
    assert lake.scan(SALES, version=version).collect()["sold_out"].to_list() == [None, None]


def test_receipts_are_equal_for_equal_rows_in_any_order_and_stand_in_the_log(lake: Lake, tmp_path: Path) -> None:
    other = Lake(str(tmp_path / "other"))
    receipt = lake.append(SALES, sold(MONDAY, TUESDAY))
    assert other.append(SALES, sold(TUESDAY, MONDAY)) == receipt
    assert lake.append(SALES, sold(MONDAY, TUESDAY, quantity=10.000001)).content != receipt.content
    logged = DeltaTable(f"{lake.root}/sales").history()[-2]
    assert (logged["rows"], logged["content"]) == ("2", receipt.content)


def test_a_hash_does_not_depend_on_the_layout_in_memory() -> None:
    whole = sold(MONDAY, TUESDAY)
    chunked = pl.concat([sold(MONDAY), sold(TUESDAY)], rechunk=False)
    assert content_hash(whole) == content_hash(chunked)


def test_dates_without_a_day_of_issue_are_kept_apart_from_forecasts(lake: Lake) -> None:
    lake.append(WEATHER, known(weather_rows(issued=[None, MONDAY]), TUESDAY))
    assert lake.scan(WEATHER).collect()["issued"].to_list() == [None, MONDAY]


def at_once(*writes: Callable[[], object]) -> list[BaseException]:
    """Run the writes in threads that start together; what those that failed said."""
    start, failed = Barrier(len(writes)), list[BaseException]()

    def run(write: Callable[[], object]) -> None:
        start.wait()
        try:
            write()
        except TRANSIENT as error:
            failed.append(error)

    threads = [Thread(target=run, args=(write,)) for write in writes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


@pytest.mark.parametrize("new", [True, False], ids=["new table", "old table"])
def test_of_two_writers_of_the_same_day_each_wins_whole_or_is_told_to_try_again(lake: Lake, new: bool) -> None:  # noqa: FBT001
    for turn in range(6):
        day = DAY + timedelta(days=turn)
        place = Lake(f"{lake.root}{turn}") if new else lake
        if not new:
            place.append(SALES, sold(day))
        writes = [
            lambda place=place, day=day, quantity=quantity: place.replace(
                SALES, sold(day, quantity=quantity), where={"date": [day]}
            )
            for quantity in (1.0, 2.0)
        ]
        failed = at_once(*writes)
        of_day = [quantity for found, quantity in quantities(place) if found == day]
        assert len(of_day) == 1
        assert len(failed) < 2
        assert of_day[0] in {1.0, 2.0}


def test_writers_of_different_days_that_try_again_lose_nothing(lake: Lake) -> None:
    days = [DAY + timedelta(days=back) for back in range(4)]

    def persistent(day: date) -> None:
        for _ in range(20):
            try:
                lake.replace(SALES, sold(day, quantity=5.0), where={"date": [day]})
            except TRANSIENT:
                continue
            return

    assert at_once(*(lambda day=day: persistent(day) for day in days)) == []
    assert quantities(lake) == [(day, 5.0) for day in days]


def test_a_write_worked_out_from_an_older_version_is_refused(lake: Lake) -> None:
    base = lake.version(SALES)
    lake.replace(SALES, sold(MONDAY), where={"date": [MONDAY]})
    with pytest.raises(TRANSIENT):
        lake.replace(SALES, sold(MONDAY, quantity=1.0), where={"date": [MONDAY]}, base=base)
    with pytest.raises(TRANSIENT):
        lake.append(SALES, sold(TUESDAY), base=base)
    lake.append(SALES, sold(TUESDAY), base=lake.version(SALES))
    assert quantities(lake) == [(MONDAY, 10.0), (TUESDAY, 10.0)]


def test_a_writer_that_died_between_making_the_table_and_filling_it_leaves_an_empty_one(lake: Lake) -> None:
    lake.replace(SALES, SALES.empty(), where={"date": [MONDAY]})
    assert quantities(lake) == []
    assert lake.append(SALES, sold(MONDAY)).rows == 1


def test_a_lake_under_a_url_is_the_one_in_the_folder(lake: Lake) -> None:
    lake.append(SALES, sold(MONDAY))
    by_url = Lake(Path(lake.root).as_uri())
    by_url.replace(SALES, sold(TUESDAY), where={"date": [TUESDAY]})
    assert quantities(by_url) == quantities(lake) == [(MONDAY, 10.0), (TUESDAY, 10.0)]
