"""The screen against SciPy pair by pair, and what it refuses, flags and records."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from genoxel.associate import screen
from genoxel.associate.settings import AssociateSettings
from genoxel.core.table import Column, Table


def table(values, kinds=None, prefix="f", kind="features", patients=None):
    values = np.asarray(values, dtype=float)
    kinds = kinds or ["real"] * values.shape[1]
    columns = tuple(
        Column(f"{prefix}{k}", each, levels=("a", "b", "c", "d") if each in ("categorical", "ordinal") else ())
        for k, each in enumerate(kinds)
    )
    return Table(values, patients or [f"P{k:03d}" for k in range(len(values))], columns, kind)


def holes(rng, values, share):
    out = np.array(values, dtype=float)
    out[rng.random(out.shape) < share] = np.nan
    return out


def messy(seed, n=40, p=8, m=9, share=0.1, kinds=None):
    """Tied, correlated numbers with values missing at random."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 1))
    x = np.round(rng.normal(size=(n, p)) + base, 1)
    y = np.round(rng.normal(size=(n, m)) + base * rng.normal(size=m), 1)
    for column, kind in enumerate(kinds or []):
        levels = {"binary": 2, "categorical": 3, "ordinal": 4}.get(kind)
        if levels:
            y[:, column] = np.searchsorted(np.quantile(y[:, column], np.arange(1, levels) / levels), y[:, column])
    return holes(rng, x, share), holes(rng, y, share)


def both(x, y):
    keep = ~np.isnan(x) & ~np.isnan(y)
    return x[keep], y[keep]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_numbers_equal_scipy(method, share):
    x, y = messy(1, n=30, p=25, m=40, share=share)
    result = screen(table(x), table(y, prefix="g"), permutations=0, settings=AssociateSettings(correlation=method))
    function = stats.spearmanr if method == "spearman" else stats.pearsonr
    for pair, (i, j) in enumerate(np.ndindex(25, 40)):
        a, b = both(x[:, i], y[:, j])
        assert result.pairs["n"][pair] == len(a)
        if len(a) < 10:
            assert np.isnan(result.pairs["p"][pair])
            assert result.pairs["flag"][pair] == "fewer than 10 patients"
            continue
        expected = function(a, b)
        assert result.pairs["effect"][pair] == pytest.approx(expected.statistic, abs=1e-12)
        assert result.pairs["p"][pair] == pytest.approx(expected.pvalue, rel=1e-9)
    assert set(result.pairs["test"]) == {method}


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_every_kind_of_pair_equals_scipy(share):
    kinds = ["binary", "categorical", "ordinal", "real", "count", "binary"]
    x, y = messy(3, n=60, p=4, m=6, share=share, kinds=kinds)
    result = screen(table(x), table(y, kinds, "g"), permutations=0)
    frame = result.to_pandas().set_index(["image", "other"])
    for i, (j, kind) in [(i, item) for i in range(4) for item in enumerate(kinds)]:
        row = frame.loc[(f"f{i}", f"g{j}")]
        a, b = both(x[:, i], y[:, j])
        assert row["n"] == len(a)
        if kind == "binary":
            expected = stats.mannwhitneyu(a[b == 1], a[b == 0])
            assert row["test"] == "mann-whitney"
            assert row["effect"] == pytest.approx(expected.statistic / (sum(b == 1) * sum(b == 0)))
        elif kind == "categorical":
            expected = stats.kruskal(*[a[b == level] for level in np.unique(b)])
            assert row["effect"] == pytest.approx(expected.statistic / (len(a) - 1))
        else:
            expected = stats.spearmanr(a, b)
        assert row["p"] == pytest.approx(expected.pvalue, rel=1e-9)
        assert row["low"] < row["effect"] < row["high"]


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_sides_can_be_exchanged(share):
    kinds = ["binary", "categorical", "ordinal", "real", "binary", "categorical"]
    _, y = messy(4, n=70, p=1, m=6, share=share, kinds=kinds)
    x, _ = messy(5, n=70, p=3, m=1, share=share)
    left, right = table(np.hstack([x, y[:, :3]]), ["real"] * 3 + kinds[:3]), table(y[:, 3:], kinds[3:], "g")
    z = table(np.random.default_rng(0).normal(size=(70, 1)), prefix="z")
    one = screen(left, right, z, permutations=9).to_pandas().sort_values(["image", "other"])
    two = screen(right, left, z, permutations=9).to_pandas().sort_values(["other", "image"])
    for name in ("n", "effect", "low", "high", "p", "q", "effect_adjusted", "p_adjusted"):
        np.testing.assert_allclose(one[name].to_numpy(), two[name].to_numpy(), rtol=1e-9, err_msg=name)
    assert (one["test"].to_numpy() == two["test"].to_numpy()).all()


@pytest.mark.parametrize("seed", range(3))
def test_small_groups_are_exact(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(25, 6))
    y = np.zeros((25, 3))
    y[:3, 0], y[:7, 1], y[5:17, 2] = 1, 1, 1
    result = screen(table(x), table(y, ["binary"] * 3, "g"), permutations=0)
    for pair, (i, j) in enumerate(np.ndindex(6, 3)):
        expected = stats.mannwhitneyu(x[y[:, j] == 1, i], x[y[:, j] == 0, i])
        assert result.pairs["p"][pair] == pytest.approx(expected.pvalue, rel=1e-10)


def test_tables_of_counts_equal_scipy():
    rng = np.random.default_rng(6)
    left = np.column_stack([rng.integers(0, 2, 80), rng.integers(0, 3, 80), rng.random(80) < 0.08]).astype(float)
    right = np.column_stack([rng.integers(0, 2, 80), rng.integers(0, 4, 80), rng.random(80) < 0.1]).astype(float)
    left[:4, 0], right[6:9, 0] = np.nan, np.nan
    image = table(left, ["binary", "categorical", "binary"])
    other = table(right, ["binary", "categorical", "binary"], "g")
    frame = screen(image, other, permutations=3).to_pandas().set_index(["image", "other"])
    seen = set()
    for i, j in np.ndindex(3, 3):
        a, b = both(left[:, i], right[:, j])
        counts = stats.contingency.crosstab(a, b).count
        row = frame.loc[(f"f{i}", f"g{j}")]
        expected = stats.contingency.expected_freq(counts)
        seen.add(row["test"])
        if expected.min() >= 5:
            assert row["p"] == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue)
        elif counts.shape == (2, 2):
            assert row["p"] == pytest.approx(stats.fisher_exact(counts).pvalue)
        else:
            assert row["test"] == "fisher (simulated)"
            method = stats.PermutationMethod(n_resamples=4000, rng=np.random.default_rng(0))
            assert row["p"] == pytest.approx(stats.fisher_exact(counts, method=method).pvalue, abs=0.03)
        if counts.shape == (2, 2):
            odds = stats.contingency.odds_ratio(counts, kind="sample").statistic
            assert row["effect_name"] == "log_odds_ratio"
            assert row["effect"] == pytest.approx(np.log(odds), abs=0.35)
        else:
            assert row["effect"] == pytest.approx(stats.contingency.association(counts, method="cramer"))
        assert row["low"] <= row["effect"] <= row["high"]
    assert seen == {"chi2", "fisher", "fisher (simulated)"}
