"""AUC and DeLong against the definition by all pairs, scikit-learn, and published structure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from genoxel.core.errors import InputError, NotDefinedError
from genoxel.stats.auc import delong, delong_covariance, delong_within_folds, placement_covariance, placements


def slow_delong(y, scores):
    """DeLong by the definition: the kernel psi over all pairs of a positive and a negative."""
    scores = np.atleast_2d(scores)
    psi = np.array(
        [[[1.0 if a > b else 0.5 if a == b else 0.0 for b in row[y == 0]] for a in row[y == 1]] for row in scores]
    )
    v10, v01 = psi.mean(axis=2), psi.mean(axis=1)
    n1, n0 = v10.shape[1], v01.shape[1]
    return psi.mean(axis=(1, 2)), np.atleast_2d(np.cov(v10)) / n1 + np.atleast_2d(np.cov(v01)) / n0


@pytest.mark.parametrize("seed", range(8))
def test_equals_the_definition_over_all_pairs(seed):
    rng = np.random.default_rng(seed)
    y = np.r_[0, 0, 1, 1, rng.integers(0, 2, 40)]
    scores = np.round(rng.normal(size=(3, 44)) + y * rng.normal(size=(3, 1)), 1)
    auc, covariance = delong_covariance(y, scores)
    slow_auc, slow = slow_delong(y, scores)
    np.testing.assert_allclose(auc, slow_auc, atol=1e-12)
    np.testing.assert_allclose(covariance, slow, atol=1e-12)
    np.testing.assert_allclose(auc, [roc_auc_score(y, row) for row in scores], atol=1e-12)
    single = delong(y, scores[1])
    assert single.auc == pytest.approx(auc[1])
    assert single.variance == pytest.approx(covariance[1, 1])
    assert single.placements[y == 0].mean() == pytest.approx(single.auc)


def test_equals_mann_whitney_u():
    rng = np.random.default_rng(5)
    a, b = rng.normal(1, 1, 30), rng.normal(0, 1, 20)
    u = stats.mannwhitneyu(a, b).statistic
    assert delong(np.r_[np.ones(30), np.zeros(20)], np.r_[a, b]).auc == pytest.approx(u / 600)


@given(st.lists(st.integers(-5, 5), min_size=6, max_size=25), st.integers(1, 4))
def test_order_is_all_that_counts(scores, split):
    y = np.arange(len(scores)) < split + 1
    one, two = delong(y, scores), delong(y, np.exp(np.array(scores, dtype=float)) * 3 - 7)
    assert one.auc == pytest.approx(two.auc)
    flipped = delong(~y, scores)
    assert flipped.auc == pytest.approx(1 - one.auc)
    assert flipped.variance == pytest.approx(one.variance, abs=1e-12, nan_ok=True)


def test_within_folds_never_compares_folds():
    rng = np.random.default_rng(0)
    y, fold = np.tile([0, 1], 30), np.repeat(np.arange(5), 12)
    score = rng.normal(size=60) + y
    plain = delong_within_folds(y, score, fold)
    shifted = delong_within_folds(y, score + 100 * fold, fold)
    assert plain.auc == pytest.approx(shifted.auc)
    assert plain.variance == pytest.approx(shifted.variance)
    np.testing.assert_allclose(plain.folds, [roc_auc_score(y[fold == k], score[fold == k]) for k in range(5)])
    assert plain.auc == pytest.approx(plain.folds.mean())
    one_fold = delong_within_folds(y, score, np.zeros(60))
    assert one_fold.variance == pytest.approx(delong(y, score).variance)


def test_a_fold_without_a_class_does_not_count():
    y = np.array([0, 1, 0, 1, 0, 0])
    result = delong_within_folds(y, [0.0, 1, 0, 1, 3, 4], [0, 0, 1, 1, 2, 2])
    assert result.auc == 1
    assert np.isnan(result.folds[2])
    assert np.isnan(result.placements[4:]).all()
    assert result.variance == 0
    with pytest.raises(NotDefinedError, match="no fold with both"):
        delong_within_folds([0, 0, 1, 1], [1, 2, 3, 4], [0, 0, 1, 1])


def test_paired_covariance_narrows_the_difference():
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 80)
    first = rng.normal(size=80) + y
    second = first + rng.normal(size=80) * 0.2
    fold = np.tile(np.arange(5), 16)
    a, b = (delong_within_folds(y, score, fold) for score in (first, second))
    covariance = placement_covariance(y, [a.placements, b.placements])
    assert covariance[0, 0] == pytest.approx(a.variance)
    difference = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert 0 < difference < 0.3 * a.variance


def test_variance_is_the_variance_over_samples():
    rng = np.random.default_rng(11)
    y = np.repeat([0, 1], [40, 25])
    runs = [delong(y, rng.normal(size=65) + y) for _ in range(1500)]
    assert np.var([run.auc for run in runs]) == pytest.approx(np.mean([run.variance for run in runs]), rel=0.12)


def test_refusals():
    with pytest.raises(NotDefinedError, match="one class"):
        delong([1, 1], [0.1, 0.2])
    with pytest.raises(InputError, match="missing scores"):
        delong([0, 1], [0.1, np.nan])
    with pytest.raises(InputError, match="0 and 1"):
        delong([0, 2], [0.1, 0.3])
    with pytest.raises(InputError, match="align"):
        placements([0, 1, 1], [0.1, 0.3])
    assert np.isnan(delong([0, 0, 1], [1.0, 2, 3]).variance)
