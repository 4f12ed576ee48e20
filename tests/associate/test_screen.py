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
            y[:, column] = np.clip(np.round(y[:, column] - y[:, column].min()), 0, levels - 1)
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
        expected = function(a, b)
        assert result.pairs["n"][pair] == len(a)
        assert result.pairs["effect"][pair] == pytest.approx(expected.statistic, abs=1e-12)
        assert result.pairs["p"][pair] == pytest.approx(expected.pvalue, rel=1e-9)
    assert set(result.pairs["test"]) == {method}
