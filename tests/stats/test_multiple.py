"""Step-up adjustments against statsmodels and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from genoxel.stats.multiple import benjamini_hochberg, benjamini_yekutieli, bonferroni, count_passing

unit = st.floats(0, 1, allow_nan=False)


@given(st.lists(unit, min_size=1, max_size=60))
def test_equal_statsmodels_and_scipy(p):
    np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1], atol=1e-12)
    np.testing.assert_allclose(benjamini_yekutieli(p), multipletests(p, method="fdr_by")[1], atol=1e-12)
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), atol=1e-12)
    np.testing.assert_allclose(bonferroni(p), multipletests(p, method="bonferroni")[1], atol=1e-12)


def test_missing_p_values_do_not_count():
    p = np.array([[0.01, np.nan], [0.04, 0.9]])
    q = benjamini_hochberg(p)
    assert q.shape == p.shape
    np.testing.assert_allclose(q[~np.isnan(p)], multipletests([0.01, 0.04, 0.9], method="fdr_bh")[1])
    assert np.isnan(q[0, 1])
    assert np.isnan(benjamini_hochberg([np.nan])).all()
    assert benjamini_yekutieli([]).size == 0


@given(st.lists(unit, max_size=60), st.sampled_from([0.01, 0.05, 0.2]))
def test_counting_needs_only_small_p_values(p, q):
    array = np.array(p)
    rejected = int((benjamini_hochberg(array) <= q).sum()) if p else 0
    assert count_passing(array[array <= q], len(p), q) == rejected


def test_counting_with_a_factor_is_benjamini_yekutieli():
    p = np.array([0.001, 0.004, 0.02, 0.5])
    factor = float(np.sum(1 / np.arange(1, 5)))
    assert count_passing(p[p <= 0.05], 4, 0.05, factor) == int((benjamini_yekutieli(p) <= 0.05).sum())
    assert count_passing([], 10, 0.05) == 0


def test_shape_is_kept():
    assert benjamini_hochberg(np.full((2, 3), 0.5)).shape == (2, 3)
    assert benjamini_hochberg(0.5) == pytest.approx(0.5)
