"""Tabulated laws against the laws, and sorting by radix against NumPy."""

import numpy as np
import pytest

from genoxel.stats import multiple
from genoxel.stats.lawtable import law_table
from genoxel.stats.pvalues import correlation_p
from genoxel.stats.rankp import rank_correlation_p
from genoxel.stats.sorting import order_of


@pytest.mark.parametrize("n", [10, 11, 44, 500, 20_000])
def test_the_table_holds_the_law(n):
    rng = np.random.default_rng(n)
    r = np.r_[1.0, rng.uniform(1e-3, 1, 4000), 1 - rng.random(500) ** 6]
    for table, exact in ((law_table(n - 2), correlation_p(r, n - 2)), (law_table(n - 2, n), rank_correlation_p(r, n))):
        seen = exact > 1e-255
        np.testing.assert_allclose(table.p(r)[seen], exact[seen], rtol=1e-10)
        assert (table.p(r)[~seen] < 1e-250).all()
    assert law_table(n - 2).p(0.0) == pytest.approx(1.0, abs=1e-8)
    assert np.isnan(law_table(n - 2).p(np.nan))


@pytest.mark.parametrize(
    "p",
    [
        np.random.default_rng(0).random(300_000),
        np.random.default_rng(1).random(300_000) ** 12,
        np.round(np.random.default_rng(2).random(300_000), 3),
        np.r_[np.zeros(1000), np.ones(1000), np.random.default_rng(3).random(5000) * 1e-12],
    ],
)
def test_radix_order_is_an_order(p, monkeypatch):
    order = order_of(p)
    assert (np.diff(p[order]) >= 0).all()
    assert len(np.unique(order)) == len(p)
    monkeypatch.setattr(multiple, "_MANY", 0)
    fast = multiple.benjamini_hochberg(p)
    monkeypatch.setattr(multiple, "_MANY", 10**9)
    np.testing.assert_allclose(fast, multiple.benjamini_hochberg(p), rtol=1e-13)
