import pytest

from lib.contracts import INPUTS
from lib.errors import SourceError
from lib.ingest.mapping import Layout, layouts
from lib.ingest.parsing import Form


def test_without_a_mapping_files_are_in_the_contracts_own_form() -> None:
    assert layouts("") == dict.fromkeys(INPUTS, Layout())


def test_a_table_overrides_what_is_said_for_all() -> None:
    read = layouts('decimal = ","\nencoding = "latin-1"\n[weather]\ndecimal = "."\nnull_values = ["-9999"]')
    assert read["sales"] == Layout(encoding="iso8859-1", form=Form(decimal=","))
    assert read["weather"] == Layout(encoding="iso8859-1", form=Form(null_values=("-9999",)))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ('[sales]\ncolums = { date = "Jour" }', "[sales]: colums is not known; did you mean columns?"),
        ('seperator = ";"', "at the top: seperator is not known; did you mean separator?"),
        ("[sale]", "[sale] is not an input table; did you mean sales?"),
        ('[sales]\ncolumns = { day = "Jour" }', "[sales] columns: day is not a column of the contract; known: date,"),
        ("[sales]\nunits = { store = 2 }", "[sales] units: store is not a number of the contract; known: quantity,"),
        ('decimal = ";"', "at the top: decimal = ';' does not fit: Input should be '.' or ','"),
        ('encoding = "latin-99"', "'latin-99' is not an encoding such as utf-8, cp1252 or utf-16"),
        ('decimal = ","\nthousands = ","', "[stores]: decimal and thousands are both ','"),
        (
            '[sales]\ncolumns = { store = "Shop" }\nconstants = { store = 1 }',
            "[sales]: store is both in columns and in constants; keep one",
        ),
        ("separator = ;", "source.toml is not valid TOML: "),
    ],
)
def test_a_slip_in_the_mapping_is_named(mapping: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        layouts(mapping)
    assert str(caught.value).startswith("source.toml")
    assert message in str(caught.value)
