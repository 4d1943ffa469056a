import gzip
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import fsspec
import polars as pl
import pytest

from lib.adapters.files import Files
from lib.contracts import INPUTS
from lib.errors import SourceError
from lib.ingest.source import Extract
from tests.factories import DAY, promotions_rows, sales_rows, weather_rows

TODAY = DAY + timedelta(days=1)
HEADER = "date,store,product,quantity\n"
DEMO = Path(__file__).parents[2] / "lib" / "demo" / "bakery"


def write(folder: Path, **files: str | bytes) -> Files:
    """Write files, `sales_csv` being sales.csv, and name their folder as the source."""
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name.replace("_", ".")).write_bytes(data)
    return Files(str(folder))


def read(source: Files, table: str = "sales", *, since: date | None = None, until: date = TODAY) -> Extract:
    return source.read(INPUTS[table], since=since, until=until, today=TODAY)


def complaint(source: Files, table: str = "sales") -> str:
    with pytest.raises(SourceError) as caught:
        read(source, table)
    return str(caught.value)


def notes(extract: Extract) -> dict[str, str]:
    return {note.code: note.severity for note in extract.notes}


def test_the_bundled_bakery_is_read_without_a_single_refusal() -> None:
    source = Files(str(DEMO))
    assert source.tables() == ("stores", "products", "promotions", "events", "weather", "sales")
    extracts = [
        source.read(INPUTS[name], since=None, until=date(2019, 4, 30), today=date(2019, 5, 1))
        for name in source.tables()
    ]
    assert [extract.rows.height for extract in extracts] == [35, 3, 51, 651, 42525, 127575]
    assert not any(extract.refused.height or extract.notes for extract in extracts)


def test_a_french_export_of_one_shop_needs_a_dozen_lines(tmp_path: Path) -> None:
    mapping = """
        date_format = "%d/%m/%Y"
        decimal = ","
        separator = ";"
        encoding = "cp1252"
        [sales]
        file = "ventes_*.csv"
        columns = { date = "Jour", product = "Article", quantity = "Quantité", sold_out = "Rupture" }
        constants = { store = "1" }
        units = { quantity = 12 }
        null_values = ["-"]
        [products]
        file = "articles.csv"
        columns = { product = "Code", name = "Libellé" }
    """
    header = "Jour;Article;Quantité;Rupture;Caissier\r\n"
    april = header + "15/04/2019;0101;2,5;non;Zoé\r\n16/04/2019;0101;3;oui;Zoé\r\n"
    may = header + '16/04/2019;"0102";10;-;"Zoé; Léa"\r\n'
    (tmp_path / "ventes_2019-04.csv").write_bytes(april.encode("cp1252"))
    (tmp_path / "ventes_2019-05.csv").write_bytes(may.encode("cp1252"))
    (tmp_path / "articles.csv").write_bytes('Code;Libellé\n0101;Pâtisserie 12" maison\n'.encode("cp1252"))
    source = write(tmp_path, source_toml=mapping)
    assert source.tables() == ("products", "sales")
    sales = read(source)
    assert sales.rows.select("date", "store", "product", "quantity", "sold_out", "file", "row").rows() == [
        (date(2019, 4, 15), "1", "0101", 30.0, False, "ventes_2019-04.csv", 1),
        (date(2019, 4, 16), "1", "0101", 36.0, True, "ventes_2019-04.csv", 2),
        (date(2019, 4, 16), "1", "0102", 120.0, None, "ventes_2019-05.csv", 1),
    ]
    assert sales.refused.is_empty()
    assert notes(sales) == {"columns_ignored": "info"}
    assert read(source, "products").rows["name"].to_list() == ['Pâtisserie 12" maison']


def test_a_missing_required_column_is_named_with_the_line_to_write(tmp_path: Path) -> None:
    source = write(tmp_path, sales_csv="Date,store,product,Qte\n")
    assert complaint(source) == (
        "sales.csv has no date, no quantity, which table sales needs. Its columns: Date, store, product, Qte. "
        "Say in source.toml which columns they are:\n"
        "[sales]\n"
        'columns = { date = "Date", quantity = "..." }'
    )


def test_a_file_without_stores_is_told_how_to_say_that_there_is_only_one(tmp_path: Path) -> None:
    text = complaint(write(tmp_path, sales_csv="date,product,quantity\n"))
    assert 'or, where there is one store only: constants = { store = "1" }' in text


def test_a_parquet_file_without_a_required_column_says_so_too(tmp_path: Path) -> None:
    sales_rows().drop("quantity").write_parquet(tmp_path / "sales.parquet")
    assert complaint(write(tmp_path)).startswith("sales.parquet has no quantity, which table sales needs.")


def test_a_folder_or_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "there is no folder nowhere" in complaint(Files("nowhere"))
    assert "is neither a folder nor a URL" in complaint(Files("nosuch://bucket/data"))
    text = complaint(write(tmp_path))
    assert "has no sales.parquet or sales.csv or sales.csv.gz; add one, or name the file in source.toml:" in text
    text = complaint(write(tmp_path, source_toml='[sales]\nfile = "ventes_*.csv"'))
    assert text.endswith('has no file "ventes_*.csv", which source.toml names for sales')


def test_two_files_of_a_table_are_not_guessed_between(tmp_path: Path) -> None:
    sales_rows().write_parquet(tmp_path / "sales.parquet")
    assert "say in source.toml which one is meant" in complaint(write(tmp_path, sales_csv=HEADER))


def test_a_parquet_file_cut_in_half_is_named(tmp_path: Path) -> None:
    sales_rows().write_parquet(tmp_path / "sales.parquet")
    whole = (tmp_path / "sales.parquet").read_bytes()
    text = complaint(write(tmp_path, sales_parquet=whole[: len(whole) // 2]))
    assert text.startswith("sales.parquet cannot be read as Parquet")
    assert text.endswith("it is cut or damaged; copy it again")


def test_a_packed_csv_cut_in_half_is_named(tmp_path: Path) -> None:
    packed = gzip.compress((HEADER + "2019-04-16,17,101,1\n" * 1000).encode())
    assert read(write(tmp_path, sales_csv_gz=packed)).rows.height == 1000
    assert "sales.csv.gz cannot be unpacked" in complaint(write(tmp_path, sales_csv_gz=packed[:60]))


def test_when_every_row_is_refused_the_note_tells_the_first_reason(tmp_path: Path) -> None:
    extract = read(write(tmp_path, sales_csv=HEADER + "16/04/2019,17,101,1\n17/04/2019,17,101,1\n"))
    assert extract.refused.height == 2
    assert notes(extract) == {"no_usable_row": "critical"}
    assert 'set date_format = "%d/%m/%Y" in source.toml' in extract.notes[0].message


def test_of_several_files_a_damaged_one_is_left_out_and_said_so(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        source_toml='[sales]\nfile = "sales-*.csv"',
        **{"sales-1_csv": HEADER + "2019-04-16,17,101,1\n", "sales-2_csv": ""},
    )
    extract = read(source)
    assert extract.rows.height == 1
    assert notes(extract) == {"file_left_out": "warning"}
    assert extract.notes[0].message.startswith("left out: sales-2.csv is empty")


def test_files_of_different_types_become_one_table(tmp_path: Path) -> None:
    sales_rows(store="17").write_parquet(tmp_path / "part-1.parquet")
    numbered = sales_rows().with_columns(pl.lit(18).alias("store"), pl.lit("2019-04-15").alias("date"))
    numbered.write_parquet(tmp_path / "part-2.parquet")
    extract = read(write(tmp_path, source_toml='[sales]\nfile = "part-*.parquet"'))
    assert extract.rows.select("date", "store", "row").rows() == [(DAY, "17", 1), (DAY - timedelta(days=1), "18", 1)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_only_the_days_asked_for_are_read_and_those_after_today_handed_on(tmp_path: Path, kind: str) -> None:
    rows = sales_rows(date=[DAY + timedelta(days=ahead) for ahead in (-3, -2, -1, 0, 1, 2)])
    if kind == "csv":
        rows.write_csv(tmp_path / "sales.csv")
    else:
        rows.write_parquet(tmp_path / "sales.parquet")
    extract = read(write(tmp_path), since=DAY - timedelta(days=2), until=DAY - timedelta(days=1))
    assert extract.rows["row"].to_list() == [2, 3, 6]


def test_a_fault_outside_the_days_asked_for_is_not_told_again(tmp_path: Path) -> None:
    text = HEADER + "2018-01-01,17,101,x\n2019-04-16,17,101,x\nnever,17,101,1\n"
    extract = read(write(tmp_path, sales_csv=text), since=DAY)
    assert extract.refused["row"].sort().to_list() == [2, 3]


def test_a_forecast_of_the_weather_is_known_from_its_issue_on(tmp_path: Path) -> None:
    ahead = DAY + timedelta(days=5)
    weather_rows(date=[ahead, ahead, DAY, TODAY], issued=[DAY, TODAY, None, None]).write_csv(tmp_path / "weather.csv")
    assert read(write(tmp_path), "weather", until=DAY).rows["row"].to_list() == [1, 3]


def test_a_plan_is_read_whole(tmp_path: Path) -> None:
    plan = promotions_rows(starts=[DAY - timedelta(days=900), DAY + timedelta(days=90)], ends=DAY + timedelta(days=99))
    plan.write_csv(tmp_path / "promotions.csv")
    assert read(write(tmp_path), "promotions", since=DAY, until=DAY).rows.height == 2


def test_a_column_named_in_the_mapping_but_absent_is_noted_and_not_known(tmp_path: Path) -> None:
    mapping = '[sales]\ncolumns = { price = "Prix" }'
    extract = read(write(tmp_path, sales_csv=HEADER + "2019-04-16,17,101,1\n", source_toml=mapping))
    assert extract.rows["price"].to_list() == [None]
    assert notes(extract) == {"column_absent": "warning"}


@pytest.fixture
def bucket() -> Iterator[str]:
    name = uuid4().hex
    yield f"memory://{name}"
    fsspec.filesystem("memory").rm(f"/{name}", recursive=True)


def test_a_folder_behind_a_url_is_read_like_one_on_the_disk(bucket: str) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe(f"{bucket}/source.toml", b'[sales]\nfile = "2019/*.parquet"')
    with memory.open(f"{bucket}/2019/april.parquet", "wb") as file:
        sales_rows().write_parquet(file)
    memory.pipe(f"{bucket}/products.csv", b"product,name\n101,Roll\n")
    source = Files(bucket)
    assert source.tables() == ("products", "sales")
    assert read(source).rows.select("store", "file").row(0) == ("17", "2019/april.parquet")
    assert read(source, "products").rows["name"].to_list() == ["Roll"]
