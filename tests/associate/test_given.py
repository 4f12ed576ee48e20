"""Data frames, AnnData and names of covariates are taken as the tables they stand for; the rest is refused by name."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from genoxel.associate import multiblock, predict_activity, screen
from genoxel.core.errors import GenoxelError, InputError, SettingsError
from genoxel.core.table import Column, Table

N = 40
PEOPLE = [f"P{row:02d}" for row in range(N)]
RNG = np.random.default_rng(2)
IMAGE = Table(RNG.normal(size=(N, 3)), PEOPLE, (Column("volume"), Column("a"), Column("b")), "features")
GENES = Table(RNG.normal(size=(N, 2)), PEOPLE, (Column("G1"), Column("G2")), "expression")


def plain(table):
    return pd.DataFrame(np.array(table.values), index=[row.patient for row in table.rows], columns=list(table.names))


def same(one, other):
    for name, values in one.pairs.items():
        np.testing.assert_array_equal(values, other.pairs[name], err_msg=name)


def test_data_frames_in_any_order_give_the_map_of_the_tables():
    beside = plain(IMAGE)[["volume"]]
    found = screen(plain(IMAGE).iloc[::-1], plain(GENES), beside, permutations=9)
    same(found, screen(IMAGE, GENES, IMAGE.select(["volume"]), permutations=9))


def test_anndata_gives_the_map_of_the_table():
    interop = pytest.importorskip("genoxel.io.interop")
    pytest.importorskip("anndata")
    same(screen(IMAGE, interop.to_anndata(GENES), permutations=9), screen(IMAGE, GENES, permutations=9))


def test_covariates_by_name_are_columns_of_the_image_table():
    found = screen(IMAGE, GENES, adjust=["volume"], permutations=9)
    assert found.adjusted_for == ("volume",)
    same(found, screen(IMAGE, GENES, IMAGE.select(["volume"]), permutations=9))
    with pytest.raises(SettingsError, match=r"'age'.*clinical\.select"):
        screen(IMAGE, GENES, adjust=["volume", "age"])
    with pytest.raises(SettingsError, match="did you mean 'volume'"):
        screen(IMAGE, GENES, adjust="volum")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: screen(np.ones((3, 2)), GENES), "a ndarray for the features"),
        (lambda: screen(plain(IMAGE).reset_index(drop=True), GENES), "patient identifiers as text"),
        (lambda: screen(IMAGE, GENES, q=2), "q = 2"),
        (lambda: screen(IMAGE, GENES, permutations=-1), "permutations = -1"),
        (lambda: multiblock(IMAGE, GENES, components=0), "0 components"),
        (lambda: multiblock(IMAGE, GENES, folds=1), "1 folds of 40"),
        (lambda: multiblock(IMAGE, GENES, folds=50), "50 folds of 40"),
        (lambda: multiblock(IMAGE, GENES, method="cca"), "sparse_cca"),
        (lambda: predict_activity(IMAGE, GENES, folds=1), "1 folds of 40"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(call, words):
    with pytest.raises(GenoxelError, match=re.escape(words)) as caught:
        call()
    assert isinstance(caught.value, InputError)
    assert caught.value.legal
    assert caught.value.fix
