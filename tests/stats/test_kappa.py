"""Kappa against scikit-learn and statsmodels, the example of Fleiss, and three readers of real breast MR."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from genoxel.core.errors import InputError, NotDefinedError
from genoxel.stats.kappa import cohen_kappa, fleiss_kappa

FLEISS_1971 = (
    *((0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1)),
    *((7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7)),
)
"""Ten subjects, fourteen raters, five classes: kappa 0.210 (the worked example of the literature)."""


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_two_readers_equal_scikit_learn(weights):
    rng = np.random.default_rng(1)
    a = rng.integers(0, 4, 80).astype(float)
    b = np.where(rng.random(80) < 0.5, a, rng.integers(0, 4, 80))
    expected = cohen_kappa_score(a, b, weights=None if weights == "none" else weights)
    found = cohen_kappa(np.r_[a, np.nan], np.r_[b, 1.0], weights)
    assert found.estimate == pytest.approx(expected)
    assert found.low < found.estimate < found.high


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_a_grade_that_nobody_gave_keeps_its_distance(weights):
    rng = np.random.default_rng(4)
    a, b = (rng.choice([0, 1, 3], 60, p=[0.5, 0.3, 0.2]) for _ in range(2))
    expected = cohen_kappa_score(a, b, weights=weights, labels=[0, 1, 2, 3])
    assert cohen_kappa(a, b, weights).estimate == pytest.approx(expected)


def test_the_jackknife_error_is_near_the_asymptotic_one():
    rng = np.random.default_rng(2)
    a = rng.integers(0, 3, 400)
    b = np.where(rng.random(400) < 0.6, a, rng.integers(0, 3, 400))
    table = pd.crosstab(a, b).to_numpy()
    expected = inter_rater.cohens_kappa(table)
    found = cohen_kappa(a, b)
    assert (found.low, found.high) == pytest.approx((expected.kappa_low, expected.kappa_upp), abs=0.005)


def test_several_readers_equal_statsmodels_and_the_worked_example():
    codes = np.array([np.repeat(np.arange(5), row) for row in FLEISS_1971])
    found = fleiss_kappa(codes)
    assert found.estimate == pytest.approx(0.210, abs=0.001)
    assert found.estimate == pytest.approx(inter_rater.fleiss_kappa(np.array(FLEISS_1971)))


def test_three_readers_of_breast_mr(real_data):
    """Semantic features of 77 lesions: equal to statsmodels; margins and septa are hardly agreed on."""
    frame = pd.read_csv(real_data("tcga-brca-imaging") / "radiologist_annotations_3readers.csv.gz")
    seen = {}
    for name in ("SHAPE", "RIM_ENHANCEMENT", "BACKGROUND", "FIBROGLANDULAR", "T2_PERITUMORAL_EDEMA"):
        codes = frame[name].astype("category").cat.codes.to_numpy().astype(float)
        groups = frame.groupby("PATIENT_ID", sort=True).indices
        rows = np.array([codes[place][:3] for place in groups.values() if len(place) >= 3])
        rows = rows[(rows >= 0).all(axis=1)]
        table, _ = inter_rater.aggregate_raters(rows.astype(int))
        found = fleiss_kappa(rows)
        assert found.estimate == pytest.approx(inter_rater.fleiss_kappa(table)), name
        assert cohen_kappa(rows[:, 0], rows[:, 1]).estimate == pytest.approx(cohen_kappa_score(rows[:, 0], rows[:, 1]))
        seen[name] = found.estimate
    assert 0.05 < min(seen.values()) < max(seen.values()) < 0.8


def test_refusals():
    with pytest.raises(NotDefinedError, match="one class"):
        cohen_kappa([1, 1, 1], [1, 1, 1])
    with pytest.raises(NotDefinedError, match="one class"):
        fleiss_kappa(np.ones((5, 3)))
    with pytest.raises(InputError, match="one column per reader"):
        fleiss_kappa([1, 2, 3])
