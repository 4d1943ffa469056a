import pytest

from lib.contracts import INPUTS, OUTPUTS, TABLES, Table, page


def test_the_page_in_the_docs_says_what_the_code_says() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.render(), "stale: run `python -m lib.contracts.page`"


def test_the_page_has_every_column_of_every_table() -> None:
    sections = page.render().split("\n### ")[1:]
    assert [section.split("\n")[0] for section in sections] == list(TABLES)
    for section, table in zip(sections, TABLES.values(), strict=True):
        assert [name for name in table.names if f"`{name}`" not in section] == []


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_a_key_is_made_of_the_tables_own_columns(table: Table) -> None:
    assert set(table.key) <= set(table.names)
    assert table.dated_by is None or table.dated_by in table.names
    assert len(set(table.names)) == len(table.names)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_what_is_required_is_never_empty(table: Table) -> None:
    assert [name for name in table.required if table.column(name).null is not None] == []


def test_inputs_say_when_they_become_known_and_outputs_do_not() -> None:
    assert all(table.known for table in INPUTS.values())
    assert not any(table.known for table in OUTPUTS.values())


def test_only_date_store_product_and_quantity_of_sales_must_be_given() -> None:
    assert INPUTS["sales"].required == ["date", "store", "product", "quantity"]


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="table sales has no column colour"):
        INPUTS["sales"].column("colour")


def test_no_rows_of_a_table_have_its_stored_form() -> None:
    assert INPUTS["sales"].empty().columns == [*INPUTS["sales"].names, "known_from", "known_until"]
