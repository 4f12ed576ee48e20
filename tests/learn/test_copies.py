"""Augmented copies train and nothing else: they follow their patient through every split and are never held out."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.cohort import Cohort
from genoxel.core.errors import TableError
from genoxel.core.keys import RowKey, copy_key, is_copy
from genoxel.core.table import Column, Table
from genoxel.learn.design import make_design
from genoxel.learn.procedure import Procedure
from genoxel.learn.rounds import cross_validate
from genoxel.learn.splits import stratified_folds

PATIENTS = tuple(f"P{place:02d}" for place in range(24))
Y = (np.arange(24) % 2).astype(float)


def table(copies: int = 3) -> Table:
    """Rows that carry their own mark in the first column: the patient's place, and 100 more for every copy."""
    rng = np.random.default_rng(0)
    rows = [(RowKey(one), place) for place, one in enumerate(PATIENTS)]
    rows += [
        (copy_key(one, number), place + 100 * number)
        for number in range(1, copies + 1)
        for place, one in enumerate(PATIENTS)
    ]
    marks = np.array([mark for _, mark in rows], dtype=float)
    signal = Y[(marks % 100).astype(int)] + rng.normal(0, 1, marks.size)
    return Table(np.column_stack([marks, signal]), tuple(key for key, _ in rows), (Column("mark"), Column("signal")))


def test_a_split_of_a_cohort_takes_copies_along_with_their_patient():
    cohort = Cohort(PATIENTS, tables={"radiomics": table()})
    for seed in range(10):
        fold = stratified_folds(Y, 4, np.random.default_rng(seed))
        for number in range(4):
            held = cohort.of_patients([one for one, mine in zip(PATIENTS, fold, strict=True) if mine == number])
            rest = cohort.of_patients([one for one, mine in zip(PATIENTS, fold, strict=True) if mine != number])
            marks = [set((part.table("radiomics").values[:, 0] % 100).tolist()) for part in (held, rest)]
            assert not marks[0] & marks[1]
            assert len(held.table("radiomics")) == 4 * len(held.patients)


def test_no_copy_is_ever_held_out_and_none_trains_for_its_own_patient(monkeypatch):
    seen: list[tuple[str, set[float]]] = []
    fit, decide = Procedure.fit, Procedure.decision_function

    def watched_fit(self, X, *more):
        seen.append(("train", set(np.asarray(X)[:, 0].tolist())))
        return fit(self, X, *more)

    def watched(self, X):
        seen.append(("score", set(np.asarray(X)[:, 0].tolist())))
        return decide(self, X)

    monkeypatch.setattr(Procedure, "fit", watched_fit)
    monkeypatch.setattr(Procedure, "decision_function", watched)
    design = make_design({"radiomics": table()}, ["radiomics"], PATIENTS)
    fold = stratified_folds(Y, 4, np.random.default_rng(1))
    cross_validate(design, Y, [fold], Procedure(columns=(2,), inner=3), [1])
    trained = [rows for kind, rows in seen if kind == "train"]
    assert trained
    assert all(max(rows) >= 100 for rows in trained)  # copies do train
    train: set[float] = set()
    held_out = 0
    for kind, rows in seen:
        if kind == "train":
            train = rows
        elif rows != train:  # scores of the training rows themselves are told apart from those of the test
            held_out += 1
            assert max(rows) < 100
            assert not {mark % 100 for mark in train} & rows
    assert held_out


def test_inner_folds_hold_out_no_copies_either(monkeypatch):
    design = make_design({"radiomics": table()}, ["radiomics"], PATIENTS)
    assert design.copies is not None
    judged: list[set[float]] = []
    scored = Procedure._scored

    def watched(self, widest, count, X, y, rows):
        judged.append(set(X[rows[1], 0].tolist()))
        return scored(self, widest, count, X, y, rows)

    monkeypatch.setattr(Procedure, "_scored", watched)
    Procedure(columns=(1, 2), inner=3).fit(design.X, Y[design.owner], design.owner, design.copies)
    assert judged
    assert all(max(rows) < 100 for rows in judged)


def test_associations_see_the_patient_and_not_the_copies():
    whole = table()
    single = whole.per_patient("only")
    assert single.patients == PATIENTS
    np.testing.assert_array_equal(single.values, whole.values[:24])
    np.testing.assert_array_equal(whole.per_patient("mean").values, whole.values[:24])


def test_copies_without_their_original_are_refused():
    whole = table(1)
    alone = Table(whole.values[1:], whole.rows[1:], whole.columns)
    assert is_copy(alone.rows[-1])
    with pytest.raises(TableError, match="P00"):
        alone.per_patient("mean")
    with pytest.raises(TableError, match="P00"):
        make_design({"radiomics": alone}, ["radiomics"], PATIENTS)
