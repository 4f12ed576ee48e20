"""The law of Spearman's rho against every permutation, many permutations, and the t approximation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from genoxel.stats.pvalues import correlation_p, smallest_rank_p
from genoxel.stats.rankp import critical_rank_correlation, rank_correlation_p, rho_moment


def every_rho(n):
    base = np.arange(n) - (n - 1) / 2
    orders = np.array(list(itertools.permutations(range(n))))
    return base[orders] @ base / (base @ base)


@pytest.mark.parametrize("order", [0, 2, 4, 6, 8])
@pytest.mark.parametrize("n", [3, 5, 8])
def test_moments_are_those_of_all_permutations(order, n):
    assert float(rho_moment(order, n)) == pytest.approx(np.mean(every_rho(n) ** order), rel=1e-12)


def test_moments_tend_to_those_of_a_normal():
    n = 10**6
    assert [float(rho_moment(order, n) * (n - 1) ** (order // 2)) for order in (2, 4, 6, 8)] == pytest.approx(
        [1, 3, 15, 105], rel=1e-4
    )


def test_near_the_exact_p_of_nine_patients():
    """Exact p from all 362,880 permutations; t is off by up to half there."""
    rho = np.abs(every_rho(9))
    for value in (0.5, 0.6, 0.7, 0.8):
        exact = np.mean(rho >= value - 1e-12)
        assert float(rank_correlation_p(value, 9)) == pytest.approx(exact, rel=0.2)


@pytest.mark.parametrize("n", [20, 44])
def test_tails_hold_where_t_fails(n):
    rng = np.random.default_rng(n)
    base = np.arange(n) - (n - 1) / 2
    left = rng.permuted(np.tile(base, (3000, 1)), axis=1)
    rho = np.abs(left @ rng.permuted(np.tile(base, (3000, 1)), axis=1).T) / (base @ base)
    for level in (0.05, 0.001, 1e-4, 1e-5):
        share = np.mean(rho >= critical_rank_correlation(level, n) - 1e-12)
        assert share == pytest.approx(level, rel=max(0.03, 4 / np.sqrt(level * rho.size))), level
    usual = np.sqrt(stats.t.isf(5e-6, n - 2) ** 2 / (n - 2 + stats.t.isf(5e-6, n - 2) ** 2))
    assert np.mean(rho >= usual) > 1.3e-5


def test_close_to_t_where_t_is_good_and_never_below_the_possible():
    r = np.linspace(0, 1, 4001)
    for n in (10, 30, 100, 1000):
        p = rank_correlation_p(r, n)
        assert (np.diff(p) <= 1e-15).all()
        assert p[0] == 1
        assert p[-1] == pytest.approx(float(smallest_rank_p(n)))
        usual = correlation_p(r, n - 2)
        near = (usual > 0.01) & (n >= 30)
        np.testing.assert_allclose(p[near], usual[near], rtol=0.08)
    np.testing.assert_allclose(rank_correlation_p(-0.4, [20, 50]), rank_correlation_p([0.4, 0.4], [20, 50]))
    assert np.isnan(rank_correlation_p(np.nan, 20))


def test_the_critical_value_is_the_inverse():
    for n in (12, 44, 300):
        for level in (0.3, 0.01, 1e-8):
            critical = critical_rank_correlation(level, n)
            assert float(rank_correlation_p(critical, n)) == pytest.approx(level, rel=1e-6) or n == 12
    assert critical_rank_correlation(1e-9, 10) == 2.0
