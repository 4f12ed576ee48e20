"""Table 1 against SciPy-free hand calculation, pandas and published formulas."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genoxel.core.errors import TableError
from genoxel.core.keys import RowKey
from genoxel.core.outcome import Outcome
from genoxel.core.table import Column, Table
from genoxel.omics.table1 import difference_of_means, difference_of_shares, included_and_excluded, table_one
from nouns import hard_cohort


def test_numbers_agree_with_pandas() -> None:
    cohort = hard_cohort()
    one = table_one(cohort.table("clinical"), cohort.outcomes["IDH"])
    assert one.by == "IDH"
    assert one.groups == ("wild type", "mutant", "all")
    assert one.sizes == (11, 12, 24)
    frame = cohort.table("clinical").to_pandas().reset_index()
    code = dict(zip(cohort.outcomes["IDH"].patients, cohort.outcomes["IDH"].values, strict=True))
    frame["IDH"] = frame["patient"].map(code)
    groups = [frame[frame.IDH == 0], frame[frame.IDH == 1], frame]
    for place, part in enumerate(groups):
        cell = one.row("age").cells[place]
        assert (cell.n, cell.missing) == (len(part), 0)
        assert cell.mean == pytest.approx(part.age.mean())
        assert cell.sd == pytest.approx(part.age.std())
        assert (cell.low, cell.median, cell.high) == pytest.approx(tuple(part.age.quantile([0.25, 0.5, 0.75])))
        counts = part.histology.value_counts()
        for level in ("astrocytoma", "glioblastoma"):
            line = one.row("histology", level).cells[place]
            assert line.count == counts[level]
            assert line.share == pytest.approx(counts[level] / counts.sum())
    assert one.row("histology").cells[2].missing == 1
    spread = math.sqrt((groups[0].age.var() + groups[1].age.var()) / 2)
    assert one.row("age").difference == pytest.approx(abs(groups[0].age.mean() - groups[1].age.mean()) / spread)
    assert math.isnan(one.row("histology", "astrocytoma").difference)


def test_shares_reduce_to_the_formula_for_two_levels() -> None:
    p, q = 0.8, 0.5
    expected = abs(p - q) / math.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert difference_of_shares(np.array([8.0, 2]), np.array([5.0, 5])) == pytest.approx(expected)


@given(
    st.lists(st.integers(1, 30), min_size=2, max_size=5).flatmap(
        lambda one: st.tuples(
            st.just(one),
            st.lists(st.integers(1, 30), min_size=len(one), max_size=len(one)),
            st.permutations(range(len(one))),
        )
    )
)
def test_shares_do_not_depend_on_the_order_of_levels_or_groups(parts: tuple[list[int], list[int], list[int]]) -> None:
    one, other = np.array(parts[0], float), np.array(parts[1], float)
    value = difference_of_shares(one, other)
    order = list(parts[2])
    assert difference_of_shares(one[order], other[order]) == pytest.approx(value, abs=1e-9)
    assert difference_of_shares(other, one) == pytest.approx(value, abs=1e-9)
    assert difference_of_shares(one * 2, other * 3) == pytest.approx(value, abs=1e-9)


def test_differences_that_are_not_defined_are_missing() -> None:
    assert math.isnan(difference_of_means(np.array([1.0]), np.array([2.0, 3.0])))
    assert math.isnan(difference_of_means(np.array([1.0, 1.0]), np.array([2.0, 2.0])))
    assert difference_of_means(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0
    assert math.isnan(difference_of_shares(np.array([0.0, 0.0]), np.array([1.0, 1.0])))
    assert difference_of_shares(np.array([3.0, 0.0]), np.array([7.0, 0.0])) == 0
    assert math.isnan(difference_of_shares(np.array([3.0, 0.0]), np.array([0.0, 3.0])))


def test_included_beside_excluded_and_tidy_frame() -> None:
    values = np.array([[60.0, 1], [70, 0], [80, np.nan], [np.nan, 1]])
    table = Table(values, ("A", "B", "C", "D"), (Column("age", unit="years"), Column("smoker", "binary")))  # type: ignore[arg-type]
    one = included_and_excluded(table, ["A", "B"])
    assert one.groups == ("included", "excluded", "all")
    assert one.sizes == (2, 2, 4)
    assert one.row("smoker", "1").cells[0].share == 0.5
    assert one.row("age").cells[1].missing == 1
    assert math.isnan(one.row("age").cells[1].sd)
    frame = one.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == 3 * (1 + 3)
    assert frame.query("variable == 'age' and group == 'all'")["mean"].item() == 70
    with pytest.raises(TableError, match="'weight'"):
        one.row("weight")


def test_more_than_two_groups_take_the_largest_difference() -> None:
    values = np.array([[1.0], [2], [1], [3], [50], [51]])
    table = Table(values, tuple("ABCDEF"), (Column("x"),))  # type: ignore[arg-type]
    one = table_one(table, dict(zip("ABCDEF", ["a", "a", "b", "b", "c", "c"], strict=True)), "group")
    assert one.row("x").difference == pytest.approx(difference_of_means(values[:2, 0], values[4:, 0]))


def test_nobody_in_a_group_and_wrong_inputs() -> None:
    table = Table(np.array([[np.nan]]), ("A",), (Column("x"),))  # type: ignore[arg-type]
    assert table_one(table, {"A": "a"}).row("x").cells[0].n == 0
    with pytest.raises(TableError, match="class outcome"):
        table_one(table, Outcome("t", "value", ("A",), np.array([1.0])))
    twice = Table(np.array([[1.0], [2.0]]), (RowKey("A", "1"), RowKey("A", "2")), (Column("x"),))
    with pytest.raises(TableError, match="one row per patient"):
        table_one(twice, {"A": "a"})
