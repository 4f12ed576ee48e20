"""Effects and intervals against SciPy, statsmodels and hand calculation; p values of many tests at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri
from statsmodels.stats.contingency_tables import Table2x2

from genoxel.core.errors import InputError, NotDefinedError
from genoxel.stats.effects import (
    auc_of,
    cliffs_delta,
    cohen_d,
    cramers_v,
    epsilon_squared,
    hedges_g,
    log_odds_ratio,
    pearson,
    spearman,
    standardised_difference,
)
from genoxel.stats.intervals import auc_interval, explained_interval, log_odds_interval, rho_interval
from genoxel.stats.partial import basis, partial_rank_correlation, residuals
from genoxel.stats.pvalues import (
    chi_squared,
    correlation_p,
    critical_correlation,
    f_p,
    fisher_exact,
    kruskal_p,
    mann_whitney_p,
    smallest_rank_p,
)
from genoxel.stats.ranks import Order, ranks


def interval(found):
    return found.estimate, found.low, found.high


@pytest.mark.parametrize("seed", range(4))
def test_correlations_equal_scipy(seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=30), 1)
    y = x + rng.normal(size=30)
    expected = stats.pearsonr(x, y)
    assert interval(pearson(x, y)) == pytest.approx((expected.statistic, *expected.confidence_interval()))
    found = spearman(x, y)
    assert found.estimate == pytest.approx(stats.spearmanr(x, y).statistic)
    half = 1.959964 * np.sqrt((1 + found.estimate**2 / 2) / 27)
    assert np.arctanh(found.high) - np.arctanh(found.low) == pytest.approx(2 * half)
    x[3] = np.nan
    assert pearson(x, y).estimate == pytest.approx(pearson(np.delete(x, 3), np.delete(y, 3)).estimate)
    assert correlation_p(expected.statistic, 28) == pytest.approx(expected.pvalue)


def test_perfect_and_undefined_correlations():
    perfect = spearman(np.arange(12.0), np.arange(12.0) ** 3)
    assert perfect.estimate == 1
    assert 0.9 < perfect.low < perfect.high == 1
    assert spearman(np.arange(12.0), -np.arange(12.0)).low == -1
    assert np.isnan(rho_interval(0.5, 3)[0])
    np.testing.assert_allclose(rho_interval(0.5, 30, covariates=5), rho_interval(0.5, 25))
    assert float(smallest_rank_p(10)) == pytest.approx(2 / 3628800)
    with pytest.raises(NotDefinedError, match="constant"):
        pearson([1, 1, 1, 1], [1, 2, 3, 4])
    with pytest.raises(InputError, match="align"):
        pearson([1, 2, 3], [1, 2])
    with pytest.raises(NotDefinedError, match="complete rows"):
        pearson([1, 2, np.nan], [1, 2, 3])


def test_cohen_d_by_the_definition_of_its_interval():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.6, 1, 22), rng.normal(0, 1, 31)
    found = cohen_d(a, b)
    scale = np.sqrt(22 * 31 / 53)
    t = stats.ttest_ind(a, b).statistic
    assert found.estimate * scale == pytest.approx(t)
    assert stats.nct.sf(t, 51, found.low * scale) == pytest.approx(0.025, abs=1e-6)
    assert stats.nct.cdf(t, 51, found.high * scale) == pytest.approx(0.025, abs=1e-6)
    assert hedges_g(a, b).estimate == pytest.approx(found.estimate * (1 - 3 / (4 * 51 - 1)))
    with pytest.raises(NotDefinedError, match="constant groups"):
        cohen_d([1, 1], [2, 2])
    with pytest.raises(NotDefinedError, match="at least 2"):
        cohen_d([1], [2, 3])


def test_auc_and_delta():
    rng = np.random.default_rng(2)
    a, b = np.round(rng.normal(1, 1, 20), 1), np.round(rng.normal(0, 1, 25), 1)
    assert auc_of(a, b).estimate == pytest.approx(stats.mannwhitneyu(a, b).statistic / 500)
    mean_sign = np.mean(np.sign(a[:, None] - b[None]))
    assert cliffs_delta(a, b).estimate == pytest.approx(mean_sign)
    assert cliffs_delta(b, a).low == pytest.approx(-cliffs_delta(a, b).high)


@given(st.integers(2, 40), st.integers(2, 40), st.floats(0, 1), st.floats(0, 0.05), st.floats(0, 0.05))
def test_auc_interval_stays_inside(n1, n0, auc, first, second):
    low, high = auc_interval(auc, first, second, n1, n0)
    assert 0 <= low <= auc <= high <= 1
    assert low < high or first + second < 1e-9


@given(st.lists(st.integers(0, 30), min_size=4, max_size=4).filter(lambda c: min(c[0] + c[1], c[2] + c[3]) > 0))
def test_exact_p_and_interval_of_two_by_two(cells):
    table = np.array(cells).reshape(2, 2)
    if not table.sum(axis=0).all():
        with pytest.raises(NotDefinedError):
            log_odds_ratio(table)
        return
    assert float(fisher_exact(table)) == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-7)
    value, p, expected = chi_squared(table)
    reference = stats.chi2_contingency(table, correction=False)
    assert (value, p, expected) == pytest.approx((reference.statistic, reference.pvalue, reference.expected_freq.min()))
    found = log_odds_ratio(table)
    assert found.low <= found.estimate <= found.high
    if found.method == "Woolf":
        neighbour = Table2x2(table)
        assert interval(found) == pytest.approx((neighbour.log_oddsratio, *neighbour.log_oddsratio_confint()))
    elif min(cells) > 0:
        exact = stats.contingency.odds_ratio(table, kind="conditional")
        low, high = exact.confidence_interval()
        expected = np.log([exact.statistic, low, high])
        assert interval(found) == pytest.approx(tuple(expected), abs=1e-4)


def test_many_tables_at_once_and_their_open_sides():
    tables = np.array([[[5, 0], [0, 5]], [[20, 10], [10, 20]], [[1, 9], [8, 2]], [[0, 5], [0, 6]]])
    estimate, _, high = log_odds_interval(tables)
    assert high[0] == np.inf
    assert np.isfinite(estimate[0])
    assert np.isnan(estimate[3])
    np.testing.assert_allclose(fisher_exact(tables), [stats.fisher_exact(table).pvalue for table in tables])
    with pytest.raises(InputError, match="counts"):
        fisher_exact([[1, -1], [2, 3]])
    with pytest.raises(InputError, match="two by two"):
        log_odds_ratio([[1, 2, 3], [1, 2, 3]])


def test_kruskal_and_cramer():
    rng = np.random.default_rng(3)
    groups = np.repeat([0, 1, 2], [12, 15, 9])
    values = np.round(rng.normal(size=36) + groups * 0.7, 1)
    reference = stats.kruskal(*(values[groups == k] for k in range(3)))
    found = epsilon_squared(values, groups)
    assert found.estimate == pytest.approx(reference.statistic / 35)
    assert kruskal_p(found.estimate * 35, 2) == pytest.approx(reference.pvalue)
    assert 0 <= found.low < found.estimate < found.high < 1
    table = np.array([[10, 5, 3], [4, 9, 8], [0, 0, 0]])
    v = cramers_v(table)
    assert v.estimate == pytest.approx(stats.contingency.association(table[:2], method="cramer"))
    assert v.low < v.estimate < v.high
    assert explained_interval(0.0, 40, 3)[0] == 0
    with pytest.raises(NotDefinedError, match="one group"):
        epsilon_squared([1, 2, 3], [0, 0, 0])
    with pytest.raises(NotDefinedError, match="one row"):
        cramers_v([[1, 2], [0, 0]])


def test_standardised_difference_by_hand():
    a, b = np.array([1.0, 2, 3, np.nan]), np.array([3.0, 4, 8])
    assert standardised_difference(a, b) == pytest.approx((2 - 5) / np.sqrt((1 + 7) / 2))
    p1, p0 = 0.75, 0.5
    by_hand = abs(p1 - p0) / np.sqrt((p1 * (1 - p1) + p0 * (1 - p0)) / 2)
    assert standardised_difference([1, 1, 1, 0], [1, 1, 0, 0], categorical=True) == pytest.approx(by_hand)
    assert standardised_difference([0, 1, 2, 2], [0, 1, 2, 2], categorical=True) == pytest.approx(0)
    assert np.isnan(standardised_difference([1, 1], [1, 1]))
    assert np.isnan(standardised_difference([1, 1], [1, 1], categorical=True))


@pytest.mark.parametrize(("n1", "n0"), [(1, 9), (3, 8), (8, 30), (9, 9), (20, 15)])
def test_mann_whitney_equals_scipy(n1, n0):
    rng = np.random.default_rng(n1)
    for step in (0, 0.5):
        pool = rng.normal(size=n1 + n0) if step == 0 else np.round(rng.normal(size=n1 + n0) / step) * step
        reference = stats.mannwhitneyu(pool[:n1], pool[n1:])
        squares = ((ranks(pool) - (n1 + n0 + 1) / 2) ** 2).sum()
        found = mann_whitney_p(reference.statistic - n1 * n0 / 2, n1, n0, squares)
        assert float(found) == pytest.approx(reference.pvalue, rel=1e-9)


def test_f_and_critical_values():
    assert float(f_p(0.2, 2, 40)) == pytest.approx(stats.f.sf(0.1 / (0.8 / 40), 2, 40))
    assert float(f_p(1.0, 2, 40)) == 0
    assert correlation_p(critical_correlation([1e-9, 0.2], 30), 30) == pytest.approx([1e-9, 0.2])


@given(st.lists(st.one_of(st.integers(-4, 4), st.just(None)), min_size=1, max_size=30), st.randoms())
def test_ranks_equal_scipy_within_any_subset(values, random):
    array = np.array([np.nan if value is None else value for value in values], dtype=float)
    expected = stats.rankdata(array, nan_policy="omit")
    np.testing.assert_allclose(ranks(array), expected)
    keep = np.array([random.random() < 0.6 for _ in values])
    inside = keep & ~np.isnan(array)
    found = Order.of(array[:, None]).ranks_within(keep)[:, 0]
    np.testing.assert_allclose(found[inside], stats.rankdata(array[inside]))
    assert not found[~inside].any()


def test_partial_rank_correlation_equals_regression_residuals():
    rng = np.random.default_rng(8)
    z = np.column_stack([rng.normal(size=50), rng.integers(0, 2, 50)])
    x, y = z @ [1, 1] + rng.normal(size=50), z @ [1, -1] + rng.normal(size=50)
    found = partial_rank_correlation(x, y, z)
    design = np.column_stack([np.ones(50), *(stats.rankdata(column) for column in z.T)])
    left = [stats.rankdata(v) - design @ np.linalg.lstsq(design, stats.rankdata(v))[0] for v in (x, y)]
    r = stats.pearsonr(*left).statistic
    assert found.r == pytest.approx(r)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(r) * np.sqrt(46 / (1 - r**2)), 46))
    assert np.isnan(partial_rank_correlation(x, y, x).r)
    redundant = np.column_stack([z, z[:, 1] * 3 + 1, np.ones(50)])
    assert partial_rank_correlation(x, y, redundant) == pytest.approx(found)
    with pytest.raises(InputError, match="missing values"):
        partial_rank_correlation([1, np.nan, 2], [1, 2, 3], [1, 2, 3])


def test_basis_is_orthonormal_and_refuses_missing():
    q = basis(np.random.default_rng(0).normal(size=(20, 3)) * [1, 1e6, 1e-6])
    np.testing.assert_allclose(q.T @ q, np.eye(4), atol=1e-10)
    np.testing.assert_allclose(residuals(q, q), 0, atol=1e-12)
    assert basis([], 5).shape == (5, 1)
    with pytest.raises(InputError, match="missing covariates"):
        basis([[1.0], [np.nan]])


SCENES = [(60, 0.0), (60, 0.5), (44, 0.8)]


def coverage_of_rho(n, rho, runs, seed, method):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(runs, n))
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=(runs, n))
    truth = 6 / np.pi * np.arcsin(rho / 2) if method == "spearman" else rho
    if method == "spearman":
        x, y = ranks(x.T).T, ranks(y.T).T
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    r = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    low, high = rho_interval(r, n, method)
    return float(np.mean((low <= truth) & (truth <= high)))


def coverage_of_auc(n1, n0, auc, runs, seed):
    rng = np.random.default_rng(seed)
    shift = np.sqrt(2) * ndtri(auc)
    hits = 0
    for _ in range(runs):
        found = auc_of(rng.normal(shift, 1, n1), rng.normal(0, 1, n0))
        hits += found.low <= auc <= found.high
    return hits / runs


def coverage_of_d(n1, n0, d, runs, seed):
    rng = np.random.default_rng(seed)
    found = [cohen_d(rng.normal(d, 1, n1), rng.normal(0, 1, n0)) for _ in range(runs)]
    return float(np.mean([one.low <= d <= one.high for one in found]))


@pytest.mark.parametrize("method", ["spearman", "pearson"])
@pytest.mark.parametrize(("n", "rho"), SCENES)
def test_rho_intervals_cover(method, n, rho):
    assert 0.93 <= coverage_of_rho(n, rho, 8000, 1, method) <= 0.97


@pytest.mark.parametrize(("n1", "n0", "auc"), [(30, 30, 0.5), (20, 40, 0.75), (25, 45, 0.85)])
def test_auc_intervals_cover(n1, n0, auc):
    assert 0.93 <= coverage_of_auc(n1, n0, auc, 700, 2) <= 0.985


def test_d_intervals_cover():
    assert 0.93 <= coverage_of_d(20, 30, 0.8, 800, 3) <= 0.97


def test_exact_log_odds_intervals_cover_at_least_as_promised():
    rng = np.random.default_rng(4)
    shares = (0.15, 0.35)
    truth = np.log(shares[0] / (1 - shares[0])) - np.log(shares[1] / (1 - shares[1]))
    a, b = rng.binomial(14, shares[0], 3000), rng.binomial(18, shares[1], 3000)
    tables = np.stack([np.stack([a, 14 - a], -1), np.stack([b, 18 - b], -1)], -2)
    _, low, high = log_odds_interval(tables[(a + b) > 0])
    assert np.mean((low <= truth) & (truth <= high)) >= 0.945


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_intervals_cover_in_many_scenes(seed):
    for n in (15, 30, 60, 200):
        for rho in (0.0, 0.3, 0.6, 0.9):
            for method in ("spearman", "pearson"):
                assert 0.93 <= coverage_of_rho(n, rho, 20_000, seed, method) <= 0.97, (n, rho, method)
    for n1, n0 in ((10, 30), (30, 30), (60, 140)):
        for auc in (0.5, 0.7, 0.9):
            assert 0.93 <= coverage_of_auc(n1, n0, auc, 4000, seed) <= 0.985, (n1, n0, auc)
        assert 0.94 <= coverage_of_d(n1, n0, 0.8, 4000, seed) <= 0.96
