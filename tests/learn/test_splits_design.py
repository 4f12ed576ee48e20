from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genoxel.core.errors import OutcomeError, TableError
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Table
from genoxel.learn.design import make_design
from genoxel.learn.splits import members, site_folds, stratified_folds


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(2, 7), st.integers(0, 99))
def test_folds_are_stratified_and_balanced(negative: int, positive: int, folds: int, seed: int) -> None:
    y = np.array([0.0] * negative + [1.0] * positive)
    fold = stratified_folds(y, folds, np.random.default_rng(seed))
    for part in (fold, fold[y == 0], fold[y == 1]):
        sizes = np.bincount(part, minlength=folds)
        assert sizes.max() - sizes.min() <= 1


def test_folds_differ_between_draws_and_repeat_with_a_seed() -> None:
    y = np.repeat([0.0, 1.0], 20)
    draws = [stratified_folds(y, 5, np.random.default_rng(seed)).tolist() for seed in (0, 1, 0)]
    assert draws[0] == draws[2] != draws[1]


def test_rows_of_a_patient_are_never_split() -> None:
    owner = np.array([0, 0, 1, 2, 2, 2, 1])
    chosen = np.array([True, False, True])
    assert members(owner, chosen).tolist() == [0, 1, 3, 4, 5]
    assert members(owner, ~chosen).tolist() == [2, 6]


def test_sites_are_folds_and_one_site_is_refused() -> None:
    codes, names = site_folds(["B", "A", "B"])
    assert codes.tolist() == [1, 0, 1]
    assert names == ("A", "B")
    with pytest.raises(OutcomeError, match="two sites"):
        site_folds(["A", "A"])


CLINICAL = Table(
    np.array([[60.0, 0.0, 1.0], [50.0, 2.0, np.nan], [np.nan, 1.0, 0.0]]),
    ("P1", "P2", "P3"),
    (
        Column("age", unit="years"),
        Column("smoking", "categorical", levels=("never", "former", "now")),
        Column("sex", "categorical", levels=("female", "male")),
    ),
    "clinical",
)
IMAGE = Table(np.array([[1.0, np.inf], [2.0, 5.0], [3.0, 5.0]]), ("P3", "P1", "P2"), (Column("a"), Column("b")))


def test_categories_become_indicators_and_unknown_stays_missing() -> None:
    design = make_design({"clinical": CLINICAL}, ["clinical"], ["P1", "P2", "P3"])
    assert design.names == ("age", "smoking=former", "smoking=now", "sex=male")
    np.testing.assert_array_equal(design.X[1], [50.0, 0.0, 1.0, np.nan])
    np.testing.assert_array_equal(design.X[2], [np.nan, 1.0, 0.0, 0.0])


def test_blocks_are_joined_by_patient_with_spared_ones_first() -> None:
    blocks = {"image": IMAGE, "clinical": CLINICAL}
    design = make_design(blocks, ["clinical", "image"], ["P2", "P3", "P9"], ["clinical"])
    assert design.names[-2:] == ("a", "b")
    assert design.always == 4
    np.testing.assert_array_equal(design.X[:, -2], [3.0, 1.0, np.nan])
    assert np.isnan(design.X[2]).all()
    assert np.isnan(design.X[1, -1])  # an infinite value is no value


def test_several_rows_per_patient_keep_their_owner() -> None:
    rows = (RowKey("P1", lesion="1"), RowKey("P1", lesion="2"), RowKey("P2", lesion="1"))
    lesions = Table(np.array([[1.0], [2.0], [3.0]]), rows, (Column("a"),))
    design = make_design({"image": lesions, "clinical": CLINICAL}, ["clinical", "image"], ["P2", "P1", "P3"])
    assert design.owner.tolist() == [0, 1, 1, 2]
    np.testing.assert_array_equal(design.X[:, 4], [3.0, 1.0, 2.0, np.nan])
    np.testing.assert_array_equal(design.X[:, 0], [50.0, 60.0, 60.0, np.nan])


def test_odd_columns_are_named_and_an_unknown_block_is_refused() -> None:
    table = Table(
        np.array([[1.0, np.nan, 2.0], [1.0, np.nan, np.nan], [1.0, np.nan, 4.0]]),
        ("P1", "P2", "P3"),
        (Column("flat"), Column("bare"), Column("good")),
    )
    design = make_design({"image": table}, ["image"], table.patients)
    assert "1 columns without any value were left out: bare." in design.notes
    assert "1 constant columns were left out: flat." in design.notes
    assert any(note.startswith("1 missing values") for note in design.notes)
    assert design.usable
    assert not make_design({"image": table.select(["flat", "bare"])}, ["image"], table.patients).usable
    with pytest.raises(TableError, match="image"):
        make_design({"image": table}, ["imge"], table.patients)
