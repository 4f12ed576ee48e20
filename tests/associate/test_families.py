"""Families first, then pairs: gene sets and feature families against the procedure by hand, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from genoxel.associate import AssociateSettings, screen
from genoxel.core.errors import SettingsError
from genoxel.core.table import Column, Table

SETS = {"one": ["g0", "g1", "g2", "g3"], "two": ["g3", "g4", "g5", "absent"], "three": ["g6", "g7"], "none": ["x"]}
OVER = AssociateSettings(correct={"over": "gene sets", "permutations": 0})


def table(values, prefix):
    people = tuple(f"P{row:03d}" for row in range(len(values)))
    return Table(values, people, tuple(Column(f"{prefix}{k}") for k in range(values.shape[1])))


def world(seed, links=((0, 0), (1, 3)), n=60):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 5)), rng.normal(size=(n, 10))
    for feature, gene in links:
        y[:, gene] += 1.2 * x[:, feature]
    return x, y


@pytest.mark.parametrize("seed", range(4))
def test_gene_sets_equal_the_procedure_by_hand(seed):
    x, y = world(seed)
    pairs = screen(table(x, "f"), table(y, "g"), settings=OVER, sets=SETS).pairs
    p = pairs["p"].reshape(5, 10)
    families = [[0, 1, 2, 3], [3, 4, 5], [6, 7], [8, 9]]
    within = [multipletests(p[:, genes].ravel(), method="fdr_bh")[1] for genes in families]
    good = multipletests([q.min() for q in within], alpha=0.05, method="fdr_bh")[0]
    expected = np.ones((5, 10))
    for genes, q, chosen in zip(families, within, good, strict=True):
        if chosen:
            place = np.ix_(range(5), genes)
            scaled = np.minimum(q * len(families) / good.sum(), 1).reshape(5, -1)
            expected[place] = np.minimum(expected[place], scaled)
    np.testing.assert_allclose(pairs["q"].reshape(5, 10), expected)
    assert expected[0, 0] <= 0.05 >= expected[1, 3]


def test_false_pairs_within_chosen_sets_stay_below_the_promise():
    """The expected share of false pairs, averaged over the chosen sets (Benjamini and Bogomolov)."""
    shares = []
    families = {"one": range(4), "two": range(3, 6), "three": range(6, 8), "rest": range(8, 10)}
    for seed in range(150):
        x, y = world(100 + seed, links=((0, 0), (1, 0)))
        passing = screen(table(x, "f"), table(y, "g"), settings=OVER, sets=SETS).pairs["q"].reshape(5, 10) <= 0.05
        false = passing.copy()
        false[:2, 0] = False
        chosen = [genes for genes in families.values() if passing[:, list(genes)].any()]
        each = [false[:, list(genes)].sum() / passing[:, list(genes)].sum() for genes in chosen]
        shares.append(np.mean(each) if each else 0.0)
    assert np.mean(shares) <= 0.05 + 2 * np.std(shares, ddof=1) / np.sqrt(150)


def test_null_worlds_choose_sets_too_and_sets_must_be_given():
    x, y = world(5)
    found = screen(table(x, "f"), table(y, "g"), permutations=19, settings=OVER, sets=SETS)
    assert found.hits >= 2 > np.median(found.null_hits)
    with pytest.raises(SettingsError, match="GMT file"):
        screen(table(x, "f"), table(y, "g"), settings=OVER)
