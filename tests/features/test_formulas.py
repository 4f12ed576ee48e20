"""Features against SciPy and against formulas written out over full matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from genoxel.core.errors import NotDefinedError
from genoxel.features._sums import collected
from genoxel.features._sums import summed as sums_of
from genoxel.features.catalog import family
from genoxel.features.glcm import Glcm, summed
from genoxel.features.histogram import Histogram
from genoxel.features.statistics import Sample


def of(name: str, feature: str, measured: object) -> float:
    return float(np.ravel(family(name).records[feature].measure(measured))[0])


@pytest.mark.parametrize("seed", range(3))
def test_statistics_equal_scipy(seed: int):
    x = np.sort(np.random.default_rng(seed).gamma(2, 30, size=257))
    sample = Sample(x)
    assert of("stat", "skewness", sample) == pytest.approx(stats.skew(x))
    assert of("stat", "excess_kurtosis", sample) == pytest.approx(stats.kurtosis(x))
    assert of("stat", "coefficient_of_variation", sample) == pytest.approx(stats.variation(x))
    assert of("stat", "interquartile_range", sample) == pytest.approx(stats.iqr(x))
    assert of("stat", "percentile_10", sample) == pytest.approx(np.percentile(x, 10))
    assert of("stat", "percentile_90", sample) == pytest.approx(np.percentile(x, 90))
    assert of("stat", "variance", sample) == pytest.approx(np.var(x))
    assert of("stat", "energy", sample) == pytest.approx(np.sum(x**2))


def test_ratios_to_zero_are_not_defined():
    around = Sample(np.array([-2.0, -1.0, 1.0, 2.0]))
    with pytest.raises(NotDefinedError, match="mean of 0"):
        around.variation()
    with pytest.raises(NotDefinedError, match="quartiles"):
        around.quartile_dispersion()
    with pytest.raises(NotDefinedError, match="equal values"):
        Sample(np.ones(5)).skewness()


def test_the_histogram_counts_empty_levels():
    histogram = Histogram(np.array([4.0, 0.0, 0.0, 4.0, 1.0]))
    assert of("hist", "mode", histogram) == 4
    assert of("hist", "minimum", histogram) == 1
    assert of("hist", "maximum", histogram) == 5
    assert of("hist", "entropy" if "entropy" in family("hist").records else "intensity_entropy", histogram) == (
        pytest.approx(stats.entropy([4, 4, 1], base=2))
    )
    assert of("hist", "maximum_gradient", histogram) == 2
    assert of("hist", "maximum_gradient_level", histogram) == 3
    assert of("hist", "minimum_gradient", histogram) == -4
    assert of("hist", "minimum_gradient_level", histogram) == 1


def glcm(counts: np.ndarray) -> Glcm:
    # each pair is counted once, at its lower level; the matrix holds both orders
    halved = np.triu(counts) - np.diag(np.diag(counts)) // 2
    table = np.pad(halved, [(1, 0), (1, 0)]).astype(np.int32)
    return Glcm._make([*summed(table[None]).T, list])


@pytest.mark.parametrize("seed", range(3))
def test_cooccurrence_features_equal_sums_over_the_full_matrix(seed: int):
    half = np.random.default_rng(seed).integers(0, 5, size=(6, 6))
    counts = half + half.T
    counts[0, 0] += 2
    p = counts / counts.sum()
    i, j = np.indices(p.shape) + 1
    mu = (i * p).sum()
    sigma = ((i - mu) ** 2 * p).sum()
    outer = np.outer(p.sum(axis=1), p.sum(axis=0))
    hx = stats.entropy(p.sum(axis=1), base=2)
    hxy = stats.entropy(p.ravel(), base=2)
    hxy1 = -(p[outer > 0] * np.log2(outer[outer > 0])).sum()
    hxy2 = stats.entropy(outer.ravel(), base=2)
    m = glcm(counts)
    expected = {
        "joint_maximum": p.max(),
        "joint_average": mu,
        "joint_variance": sigma,
        "joint_entropy": hxy,
        "sum_average": ((i + j) * p).sum(),
        "sum_variance": ((i + j - 2 * mu) ** 2 * p).sum(),
        "contrast": ((i - j) ** 2 * p).sum(),
        "correlation": (((i - mu) * (j - mu)) * p).sum() / sigma,
        "inverse_difference": (p / (1 + abs(i - j))).sum(),
        "cluster_shade": ((i + j - 2 * mu) ** 3 * p).sum(),
        "information_correlation_1": (hxy - hxy1) / hx,
        "information_correlation_2": np.sqrt(1 - np.exp(-2 * (hxy2 - hxy))),
    }
    for name, value in expected.items():
        assert of("glcm", name, m) == pytest.approx(value, rel=1e-12), name


def test_correlation_of_one_level_is_not_a_number():
    m = glcm(np.array([[0, 0], [0, 4]]))
    assert np.isnan(family("glcm").records["correlation"].measure(m)).all()
    assert np.isnan(family("glcm").records["information_correlation_1"].measure(m)).all()


@pytest.mark.parametrize("seed", range(3))
def test_sums_over_matrices_equal_the_formulas_written_out(seed: int):
    dense = np.random.default_rng(seed).integers(0, 4, size=(3, 5, 7))
    dense[1, 2, 3] = 5000
    tables = np.pad(dense, [(0, 0), (1, 0), (1, 0)]).astype(np.int32)
    sums = collected(sums_of(tables), np.full(3, 50))
    rows, columns = np.indices(dense.shape[1:]) + 1.0
    for q, n in enumerate(dense):
        p = n / n.sum()
        spreads = [(p * (part - (p * part).sum()) ** 2).sum() for part in (rows, columns)]
        powers = [(0, -2), (0, 2), (-2, 0), (2, 0), (-2, -2), (2, -2), (-2, 2), (2, 2)]
        expected = [
            n.sum(),
            *[(p * rows**a * columns**b).sum() for a, b in powers],
            (n.sum(axis=1) ** 2).sum() / n.sum(),
            (n.sum(axis=0) ** 2).sum() / n.sum(),
            *spreads,
            stats.entropy(p.ravel(), base=2),
            (p**2).sum(),
            (p.sum(axis=1) ** 2).sum(),
            (p.sum(axis=0) ** 2).sum(),
            n.sum() / 50,
        ]
        np.testing.assert_allclose(np.stack(sums)[:, q], expected, rtol=1e-12)
