"""Table: numbers, keys and records that cannot drift apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genoxel.core.errors import TableError
from genoxel.core.keys import RowKey, as_keys
from genoxel.core.table import Column, Table, stack
from nouns import hard_cohort, same, tables


def _table(values: object, rows: object = None, names: str = "ab") -> Table:
    array = np.array(values, dtype=float)
    keys = rows if rows is not None else tuple(f"P{place}" for place in range(len(array)))
    return Table(array, keys, tuple(map(Column, names)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "rows", "names", "words"),
    [
        ([[1, 2, 3]], ("P1",), "ab", r"shape \(1, 3\) for 1 rows and 2 columns"),
        ([1, 2], ("P1",), "ab", "shape"),
        ([[1, 2], [3, 4]], ("P1", "P1"), "ab", "P1"),
        ([[1, 2]], ("P1",), "aa", "named twice: a"),
        ([[1, 2]], ("",), "ab", "without patient"),
        ([[1, 2]], (("P1", 3),), "ab", "text in every part"),
    ],
)
def test_what_does_not_fit_is_refused(values: object, rows: object, names: str, words: str) -> None:
    with pytest.raises(TableError, match=words):
        _table(values, rows, names)


def test_columns_say_what_is_legal() -> None:
    with pytest.raises(TableError, match="did you mean 'ordinal'"):
        Column("grade", "ordnal")  # type: ignore[arg-type]
    with pytest.raises(TableError, match="without levels"):
        Column("grade", "ordinal")
    assert Column("grade", "ordinal", levels=("a",)).ordered
    with pytest.raises(TableError, match="did you mean 'age'"):
        Table(np.zeros((1, 1)), ("P1",), (Column("age"),))["agge"]  # type: ignore[arg-type]


def test_numbers_cannot_be_changed_from_outside() -> None:
    source = np.ones((1, 2))
    table = _table(source)
    source[0, 0] = 9
    assert table["a"][0] == 1
    with pytest.raises(ValueError, match="read-only"):
        table.values[0, 0] = 5


def test_choosing_rows_and_columns() -> None:
    table = _table([[1, 2], [3, 4], [5, 6]])
    assert table.select("ba").values.tolist() == [[2, 1], [4, 3], [6, 5]]
    assert table.where(lambda column: column.name == "b").names == ("b",)
    assert table.take([2, 0]).patients == ("P2", "P0")
    assert table.take(np.array([True, False, True])).patients == ("P0", "P2")
    assert table.take(slice(1, None)).patients == ("P1", "P2")
    assert table.of_patients(["P2", "P9", "P0"]).patients == ("P2", "P0")
    assert table.of_patients([]).values.shape == (0, 2)
    assert "a" in table
    assert "z" not in table
    assert len(table) == 3


def test_one_row_per_patient_ignores_what_is_missing() -> None:
    rows = as_keys([("P1", "", "1"), ("P1", "", "2"), "P2"])
    table = Table(np.array([[1, np.nan], [3, np.nan], [5, 6]]), rows, (Column("a"), Column("b")))
    for how, value in (("mean", 2), ("max", 3), ("min", 1), ("first", 1)):
        single = table.per_patient(how)  # type: ignore[arg-type]
        assert single.rows == (RowKey("P1"), RowKey("P2"))
        assert single["a"].tolist() == [value, 5]
        assert np.isnan(single["b"][0])
    with pytest.raises(TableError, match="1 too many"):
        table.per_patient()
    with pytest.raises(TableError, match="did you mean 'mean'"):
        table.per_patient("men")  # type: ignore[arg-type]
    assert table.take([0, 2]).per_patient().rows == (RowKey("P1"), RowKey("P2"))


def test_tables_side_by_side_and_stacked() -> None:
    left, right = _table([[1, 2], [3, 4]]), _table([[5], [6]], ("P1", "P7"), "c")
    both = left.beside(right)
    assert np.array_equal(both["c"], [np.nan, 5], equal_nan=True)
    with pytest.raises(TableError, match="named twice"):
        left.beside(left)
    assert stack([left, _table([[7, 8]], ("Z",))]).values.shape == (3, 2)
    with pytest.raises(TableError, match=r"different columns \(c\)"):
        stack([left, _table([[1, 2, 3]], ("Z",), "abc")])


def test_pandas_index_must_be_text() -> None:
    with pytest.raises(TableError, match="dtype=str"):
        Table.from_pandas(pd.DataFrame({"a": [1.0]}, index=[7]))
    frame = pd.DataFrame({"a": [1.0]}, index=pd.MultiIndex.from_tuples([("P1", "x")], names=["patient", "wrong"]))
    with pytest.raises(TableError, match="index levels"):
        Table.from_pandas(frame)


def test_pandas_columns_find_their_kind() -> None:
    frame = pd.DataFrame(
        {
            "real": [1.5, None],
            "flag": [True, False],
            "word": ["b", None],
            "grade": pd.Categorical(["G3", "G2"], ["G2", "G3"], ordered=True),
            "maybe": pd.array([1, None], dtype="Int64"),
        },
        index=["007", "P2"],
    )
    table = Table.from_pandas(frame)
    assert [column.kind for column in table.columns] == ["real", "binary", "categorical", "ordinal", "real"]
    assert table["grade"].tolist() == [1, 0]
    assert np.isnan(table.values[1, [0, 2, 4]]).all()
    assert table.column("word").levels == ("b",)
    assert table.patients == ("007", "P2")


@given(table=tables(), data=st.data())
@settings(max_examples=30, deadline=None)
def test_choosing_keeps_each_number_with_its_key_and_record(table: Table, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(table))))
    names = data.draw(st.permutations(table.names))
    moved = table.take(np.array(order, dtype=int)).select(names)
    for place, row in enumerate(moved.rows):
        for name in names:
            old = table[name][table.rows.index(row)]
            assert same(float(moved[name][place]), float(old))
            assert moved.column(name) == table.column(name)


def test_representations_are_short() -> None:
    table = hard_cohort().table("image")
    assert repr(table).startswith("Table features: 50 rows of 24 patients x 3 columns (T1CE.")
    assert "<table" in table._repr_html_()
