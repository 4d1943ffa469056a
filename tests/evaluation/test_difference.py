import polars as pl

from lib.evaluation import difference

KEY = ("store", "product")
ROWS = pl.DataFrame(
    {"store": ["A", "A", "B"], "product": ["x", "y", "x"], "units": [1.0, 2.0, 3.0], "note": [None, "n", None]}
)


def test_equal_rows_in_another_order_are_equal() -> None:
    assert difference.first("sales", ROWS, ROWS.reverse(), key=KEY) is None


def test_a_changed_value_is_named_with_table_column_row_and_both_values() -> None:
    changed = ROWS.with_columns(units=pl.Series([1.0, 2.0000000001, 3.5]))
    found = difference.first("sales", ROWS, changed, key=KEY)
    assert found == (
        "table sales: column units differs in 2 rows, first at store A, product y: was 2.0, now 2.0000000001"
    )


def test_a_value_that_went_missing_differs() -> None:
    changed = ROWS.with_columns(note=pl.lit(None, pl.String))
    assert "column note differs in 1 rows, first at store A, product y: was 'n', now None" in str(
        difference.first("sales", ROWS, changed, key=KEY)
    )


def test_rows_that_are_gone_or_new_are_named() -> None:
    assert "row store B, product x is gone, the first of 1" in str(difference.first("sales", ROWS, ROWS[:2], key=KEY))
    assert "row store B, product x is new, the first of 1" in str(difference.first("sales", ROWS[:2], ROWS, key=KEY))


def test_a_row_that_stands_there_twice_is_noticed() -> None:
    twice = pl.concat([ROWS, ROWS[:1]])
    assert difference.first("sales", ROWS, twice, key=KEY) == "table sales: had 3 rows, now 4"


def test_a_column_of_another_type_is_named() -> None:
    other = ROWS.with_columns(pl.col("units").cast(pl.Float32))
    assert difference.first("sales", ROWS, other, key=KEY) == "table sales: column units was Float64, now Float32"
