"""Curves against scikit-learn, statsmodels and hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint

from genoxel.core.results import Interval, Validation
from genoxel.report.curves import GRID, calibration, fold_auc, patient_means, repeat_aucs, roc, usable, wilson
from report.example import targets


def made(y, score, repeat=None, fold=None) -> Validation:
    n = len(y)
    held = {
        "repeat": np.zeros(n, int) if repeat is None else np.array(repeat),
        "fold": np.zeros(n, int) if fold is None else np.array(fold),
        "patient": np.array([f"P{place}" for place in range(n)]),
        "y": np.array(y, float),
        "score": np.array(score, float),
    }
    return Validation("T", "m", "image", "auc", Interval(0.5, 0.4, 0.6), n, int(sum(y)), 0.5, held)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=4, max_size=40))
def test_auc_equals_scikit_learn_with_ties(rows):
    y = np.array([float(one) for one, _ in rows])
    score = np.array([value / 6 for _, value in rows])
    found = fold_auc(y, score)
    if len(set(y.tolist())) < 2:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(roc_auc_score(y, score))


def test_the_curve_of_one_fold_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    y = (rng.random(80) < 0.4).astype(float)
    score = np.round(rng.random(80) + 0.3 * y, 1)
    false, hits, _ = roc_curve(y, score, drop_intermediate=False)
    expected = np.interp(GRID, false, hits)
    found = roc(made(y, score))
    inner = ~np.isin(np.round(GRID, 6), np.round(false, 6))
    np.testing.assert_allclose(found.mean[inner], expected[inner], atol=1e-12)
    assert found.repeats.shape == (1, GRID.size)


def test_scores_are_never_compared_across_folds():
    y, score = [0, 1, 0, 1], [0.1, 0.2, 0.8, 0.9]
    assert repeat_aucs(made(y, score, fold=[0, 0, 1, 1])).tolist() == [1.0]
    assert repeat_aucs(made(y, score)).tolist() == [0.75]


def test_a_repeat_without_a_fold_of_both_classes_has_no_auc():
    assert np.isnan(repeat_aucs(made([0, 1], [0.1, 0.2], fold=[0, 1]))).all()
    assert np.isnan(roc(made([0, 1], [0.1, 0.2], fold=[0, 1])).mean).all()


def test_means_over_repeats_per_patient():
    found = made([0, 1, 0, 1], [0.1, 0.4, 0.3, 0.8], repeat=[0, 0, 1, 1])
    held = {**found.predictions, "patient": np.array(["A", "B", "A", "B"])}
    y, score = patient_means(Validation("T", "m", "x", "auc", found.interval, 2, 1, 0.5, held))
    assert y.tolist() == [0, 1]
    np.testing.assert_allclose(score, [0.2, 0.6])


def test_calibration_groups_hold_everyone_once():
    primary = targets()[1][0].primary
    found = calibration(primary)
    assert found.n.sum() == primary.n
    assert (found.low <= found.observed + 1e-12).all()
    assert (found.observed <= found.high + 1e-12).all()
    assert (np.diff(found.predicted) > 0).all()
    assert float(found.observed @ found.n) == pytest.approx(primary.n_positive)


def test_scores_that_are_no_probabilities_are_not_calibrated():
    assert calibration(made([0, 1, 0, 1], [-1, 2, 0, 3])) is None
    assert calibration(made([0, 1, 0, 1], [0.5] * 4)) is None


@given(st.integers(0, 30), st.integers(1, 30))
def test_wilson_equals_statsmodels(hits, n):
    hits = min(hits, n)
    low, high = wilson(np.array([hits / n]), np.array([n]))
    expected = proportion_confint(hits, n, method="wilson")
    np.testing.assert_allclose([low[0], high[0]], expected, atol=1e-6)


def test_what_can_be_drawn():
    assert usable(made([0, 1], [0.1, 0.2]))
    assert not usable(made([0, 0], [0.1, 0.2]))
    assert not usable(Validation("T", "m", "x", "auc", Interval(0.5, 0, 1), 2, 1, 0.5, {}))
