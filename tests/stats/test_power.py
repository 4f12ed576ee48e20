"""Detectable effects and widths, against simulation and hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from genoxel.core.errors import InputError
from genoxel.stats.auc import delong
from genoxel.stats.power import (
    auc_half_width,
    auc_power,
    detectable_auc,
    detectable_rho,
    hanley_mcneil,
    patients_for_half_width,
)


def test_the_detectable_auc_is_detected_in_four_of_five_studies():
    n1, n0 = 27, 44
    auc = detectable_auc(n1, n0)
    rng = np.random.default_rng(0)
    shift = np.sqrt(2) * ndtri(auc)
    positives, negatives = rng.normal(shift, 1, (n1, 2000)), rng.normal(0, 1, (n0, 2000))
    share = np.mean(stats.mannwhitneyu(positives, negatives, method="asymptotic").pvalue <= 0.05)
    assert share == pytest.approx(0.80, abs=0.04)
    assert auc_power(auc, n1, n0) == pytest.approx(0.80, abs=1e-6)


@pytest.mark.parametrize(("method", "tests"), [("spearman", 1), ("pearson", 1), ("spearman", 50)])
def test_the_detectable_rho_is_detected_in_four_of_five_studies(method, tests):
    n = 40
    wanted = detectable_rho(n, tests=tests, method=method)
    rho = 2 * np.sin(np.pi * wanted / 6) if method == "spearman" else wanted
    rng = np.random.default_rng(1)
    test = stats.spearmanr if method == "spearman" else stats.pearsonr
    hits = 0
    for _ in range(1500):
        x, y = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], n).T
        hits += test(x, y).pvalue <= 0.05 / tests
    assert hits / 1500 == pytest.approx(0.80, abs=0.045)


def test_hanley_mcneil_is_the_exponential_variance_of_the_auc():
    rng = np.random.default_rng(2)
    y = np.repeat([1, 0], [20, 35])
    ratio = 0.75 / 0.25  # positives exponential with mean 3, negatives with mean 1: AUC 3 / 4
    aucs = [delong(y, rng.exponential(np.where(y == 1, ratio, 1.0))).auc for _ in range(3000)]
    assert np.mean(aucs) == pytest.approx(0.75, abs=0.01)
    assert np.var(aucs) == pytest.approx(float(hanley_mcneil(0.75, 20, 35)), rel=0.1)


def test_more_patients_see_more_and_limits_are_said():
    assert detectable_auc(100, 100) < detectable_auc(30, 30) < detectable_auc(10, 30)
    assert np.isnan(detectable_auc(1, 1))
    assert np.isnan(detectable_rho(4))
    assert detectable_rho(44) < detectable_rho(44, tests=1000)
    assert detectable_rho(44, tests=1000, expected_hits=100) < detectable_rho(44, tests=1000)
    assert detectable_rho(44, tests=10**6) > detectable_rho(400, tests=10**6)
    assert detectable_rho(44, alpha=1.0, power=0.5) == 0
    with pytest.raises(InputError, match="groups of 0 and 10"):
        detectable_auc(0, 10)


def test_half_width_and_patients_are_each_others_inverse():
    n = patients_for_half_width(0.08, share=0.4)
    n1 = round(0.4 * n)
    assert auc_half_width(n1, n - n1) <= 0.08 < auc_half_width(round(0.4 * (n - 5)), n - 5 - round(0.4 * (n - 5)))
    assert auc_half_width(20, 20, factor=2.0) == pytest.approx(2 * auc_half_width(20, 20, factor=1.0))
    with pytest.raises(InputError, match="share 1"):
        patients_for_half_width(0.08, share=1.0)
