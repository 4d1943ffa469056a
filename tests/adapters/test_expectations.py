import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from lib.adapters.expectations import OUTCOMES, validate
from lib.contracts import INPUTS, TABLES
from lib.quality.suite import Batch, Expectation, frames, suite
from lib.quality.verdict import VerdictConfig

NIGHT = date(2019, 4, 28)
CONFIG = VerdictConfig()
REAL_SALES = Path("lib/demo/bakery/sales.parquet")


def table(name: str, *rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=INPUTS[name].business_schema)


def clean() -> Batch:
    """A night without anything to complain about, every input table given."""
    days = [NIGHT - timedelta(days=back) for back in range(28)]
    series = [
        (day, store, product) for day in days for store in ("lyon", "nice") for product in ("baguette", "brioche")
    ]
    until = {"starts": days[7], "ends": days[0]}
    given = {
        "stores": table("stores", {"store": "lyon"}, {"store": "nice"}),
        "products": table("products", {"product": "baguette"}, {"product": "brioche"}),
        "assortment": table("assortment", {"store": "lyon", "product": "baguette", "starts": days[27]}),
        "prices": table("prices", {"product": "baguette", "starts": days[27], "price": 1.2}),
        "promotions": table("promotions", {"product": "brioche", "discount": 0.2, **until}),
        "events": table("events", {"date": days[6], "name": "Easter Monday", "kind": "public_holiday"}),
        "weather": table("weather", *({"date": day, "store": "lyon", "temperature": 9.0} for day in days)),
        "sales": table(
            "sales",
            *({"date": day, "store": store, "product": product, "quantity": 7.0} for day, store, product in series),
        ),
    }
    synced = [{"as_of": NIGHT, "table": name, "read": 10} for name in given]
    syncs = pl.DataFrame(synced, schema=TABLES["syncs"].schema)
    return Batch(NIGHT, given, TABLES["quarantine"].empty(), syncs)


def with_frame(name: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Batch:
    batch = clean()
    return Batch(batch.as_of, {**batch.frames, name: change(batch.frames[name])}, batch.quarantine, batch.syncs)


def with_refused(name: str, *, rows: int) -> Batch:
    batch = clean()
    refused = [
        {"as_of": NIGHT, "table": name, "file": "f.csv", "row": row, "rule": "it's negative", "severity": "warning"}
        for row in range(1, rows + 1)
    ]
    quarantine = pl.DataFrame(refused, schema=TABLES["quarantine"].schema)
    return Batch(batch.as_of, batch.frames, quarantine, batch.syncs)


def first_row_with(column: str, value: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def change(frame: pl.DataFrame) -> pl.DataFrame:
        first = pl.int_range(pl.len()) == 0
        return frame.with_columns(
            pl.when(first).then(pl.lit(value, dtype=frame.schema[column])).otherwise(pl.col(column)).alias(column)
        )

    return change


def broken(expectation: Expectation) -> Batch:
    """The clean night with just what the expectation is there to catch; KeyError for one that nobody can break yet."""
    name, column = expectation.table, expectation.columns[0]
    beyond = (expectation.minimum or 0) - 1 if expectation.maximum is None else expectation.maximum + 1
    breaks: dict[str, Callable[[], Batch]] = {
        "columns": lambda: with_frame(name, lambda frame: frame.with_columns(surprise=pl.lit(1))),
        "key": lambda: with_frame(name, lambda frame: pl.concat([frame, frame.head(1)])),
        f"{column} filled": lambda: with_frame(name, first_row_with(column, None)),
        f"{column} in range": lambda: with_frame(name, first_row_with(column, beyond)),
        "fresh": lambda: with_frame(name, lambda frame: frame.filter(pl.col("date") < NIGHT)),
        "stale": lambda: with_frame(name, lambda frame: frame.filter(pl.col("date") < NIGHT - timedelta(days=3))),
        "volume": lambda: with_frame(name, lambda frame: frame.filter(pl.col("date") < NIGHT).vstack(frame.head(1))),
        "refused": lambda: with_refused(name, rows=1),
        "refused share": lambda: with_refused(name, rows=3),
    }
    return breaks[expectation.name]()


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quality") / "docs"


def outcomes(
    batch: Batch, docs: Path, *, only: Callable[[Expectation], bool] = lambda _: True, night: date = NIGHT
) -> pl.DataFrame:
    """The night's outcomes, of all expectations or `only` some."""
    wanted = [each for each in suite(batch, CONFIG) if only(each)]
    return validate(wanted, frames(batch), run_name=night.isoformat(), docs_folder=str(docs))


def of_frame(*names: str) -> Callable[[Expectation], bool]:
    return lambda each: each.frame in names


def called(table: str, name: str) -> Callable[[Expectation], bool]:
    return lambda each: (each.table, each.name) == (table, name)


def failed(checked: pl.DataFrame) -> list[tuple[str, str]]:
    return checked.filter(~pl.col("success")).select("table", "expectation").rows()


def test_a_clean_night_fails_nothing(docs: Path) -> None:
    checked = outcomes(clean(), docs)
    assert checked.schema == OUTCOMES
    assert failed(checked) == []
    assert checked.select("table", "expectation").rows() == [(e.table, e.name) for e in suite(clean(), CONFIG)]


def test_a_night_of_the_real_bakery_fails_nothing(docs: Path) -> None:
    columns = INPUTS["sales"].columns
    rows = pl.read_parquet(REAL_SALES).filter(pl.col("date").is_between(date(2019, 3, 27), date(2019, 4, 23)))
    sales = rows.with_columns(pl.lit(None).alias(c.name) for c in columns if c.name not in rows.columns)
    frame = sales.select(pl.col(c.name).cast(c.dtype) for c in columns)
    batch = Batch(date(2019, 4, 23), {"sales": frame}, TABLES["quarantine"].empty(), TABLES["syncs"].empty())
    assert failed(outcomes(batch, docs, night=batch.as_of)) == []


@pytest.mark.parametrize("expectation", suite(clean(), CONFIG), ids=lambda each: f"{each.table}: {each.name}")
def test_what_an_expectation_is_there_to_catch_is_caught(expectation: Expectation, docs: Path) -> None:
    name = "refused: it's negative" if expectation.name == "refused" else expectation.name
    checked = outcomes(broken(expectation), docs, only=called(expectation.table, name))
    assert checked.select("success", "severity").rows() == [(False, expectation.severity)]
    assert checked["failed_rows"].item() > 0
    assert checked["observed"].item() not in ("", "as expected")


def test_duplicates_are_caught_where_parts_of_the_key_are_empty(docs: Path) -> None:
    batch = with_frame("events", lambda frame: pl.concat([frame, frame, frame]))
    assert batch.frames["events"]["zone"].null_count() == 3
    assert outcomes(batch, docs, only=called("events", "key"))["failed_rows"].to_list() == [3]


def test_a_missing_column_fails_all_that_is_said_of_it(docs: Path) -> None:
    batch = with_frame("stores", lambda frame: frame.drop("store"))
    checked = outcomes(batch, docs, only=of_frame("stores"))
    assert failed(checked) == [("stores", "columns"), ("stores", "key"), ("stores", "store filled")]
    assert checked["observed"].to_list()[0] == "missing store"
    assert "could not be checked" in checked["observed"].to_list()[1]


def test_what_was_found_is_said_with_examples(docs: Path) -> None:
    batch = with_frame("sales", first_row_with("quantity", -12.5))
    checked = outcomes(batch, docs, only=called("sales", "quantity in range"))
    assert checked["observed"].to_list() == ["1 of 112 rows, such as -12.5"]


def test_a_finding_on_refused_rows_counts_the_rows_and_not_the_rules(docs: Path) -> None:
    checked = outcomes(with_refused("stores", rows=4), docs, only=called("stores", "refused: it's negative"))
    assert checked["failed_rows"].to_list() == [4]


def test_data_docs_list_every_night_once_and_a_repeated_one_again_once(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    for night in (NIGHT, NIGHT - timedelta(days=1), NIGHT):
        outcomes(clean(), docs, only=of_frame("sales", "freshness"), night=night)
    pages = re.findall(r'href="(validations/[^"]+)"', (docs / "index.html").read_text("utf-8"))
    assert len(pages) == len(set(pages)) == 2 * 2
    assert all((docs / page).is_file() for page in pages)


def test_a_repeated_night_forgets_the_tables_that_are_no_longer_checked(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    outcomes(clean(), docs, only=of_frame("stores", "weather"))
    outcomes(clean(), docs, only=of_frame("stores"))
    assert "weather" not in (docs / "index.html").read_text("utf-8")
    assert not list(docs.glob("validations/weather/**/*.html"))


def test_data_docs_name_what_failed_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    batch = with_frame("sales", lambda frame: pl.concat([frame, frame.head(1)]))
    assert failed(outcomes(batch, docs, only=of_frame("sales"))) == [("sales", "key")]
    assert "sales: key (critical)" in page_of("sales", docs)
    for text in (path.read_text("utf-8") for path in docs.glob("**/*.html")):
        assert not re.search(r"<script|<iframe|(src|href|url)\s*[=(]\s*[\"']?(https?:)?//", text)
        assert "default-src 'none'" in text


def test_names_from_the_data_are_shown_and_not_interpreted(tmp_path: Path) -> None:
    rows: dict[str, object] = {"store": "<script>alert(1)</script> $store"}
    batch = with_frame("stores", lambda frame: pl.concat([frame, table("stores", rows, rows)]))
    outcomes(batch, tmp_path / "docs", only=of_frame("stores"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $store" in page_of("stores", tmp_path / "docs")
    assert "<script" not in page_of("stores", tmp_path / "docs")


def page_of(frame: str, docs: Path) -> str:
    return next(docs.glob(f"validations/{frame}/**/*.html")).read_text("utf-8")


def test_checking_prints_and_logs_nothing(
    docs: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    outcomes(clean(), docs)
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
