"""Grey level co-occurrence matrix: how often two grey levels are neighbours (IBSI section 3.6, distance 1)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._directions import directions, flat_steps, pool_weighted, slabs, voxels_of
from genoxel.features._entries import Entries, quotient
from genoxel.features.catalog import PYRADIOMICS, Family
from genoxel.features.region import Region


class Glcm(NamedTuple):
    """What the features are made of: for each of several symmetric matrices side by side one number (groups,).

    p is the joint probability of two levels i and j, mu the mean level. The kernel `sum_pairs` fills the fields, in
    their order, in one pass over the counts; `entries` holds those, i <= j.
    """

    highest: FloatArray
    mean: FloatArray
    variance: FloatArray
    joint_entropy: FloatArray
    marginal_entropy: FloatArray
    difference_average: FloatArray
    difference_variance: FloatArray
    difference_entropy: FloatArray
    contrast: FloatArray
    inverse_difference: FloatArray
    normalised_inverse_difference: FloatArray
    inverse_difference_moment: FloatArray
    normalised_inverse_difference_moment: FloatArray
    inverse_variance: FloatArray
    sum_entropy: FloatArray
    sum_variance: FloatArray
    energy: FloatArray
    autocorrelation: FloatArray
    cluster_shade: FloatArray
    cluster_prominence: FloatArray
    entries: Entries


def summed(entries: Entries) -> Glcm:
    """Return the sums over the matrices in `entries`, whose counts stand at i <= j for both orders."""
    if not entries.whole:
        from genoxel.features._weighted import pair_sums

        return Glcm._make([*pair_sums(entries), entries])
    from genoxel.features._kernels.cooccurrence import sum_pairs

    sums = sum_pairs(entries.g, entries.i, entries.j, entries.n, entries.groups, entries.n_levels)
    return Glcm._make([*sums, entries])


def build(region: Region, aggregation: str) -> Glcm:
    """Return the co-occurrence matrices of `region`, pooled by `aggregation`."""
    return summed(pool_weighted(region, counted(region, aggregation), aggregation))


def counted(region: Region, aggregation: str) -> Entries:
    """Return the matrix of each direction (and slice, unless 3d), unpooled."""
    three = aggregation.startswith("3d")
    return region.shared(("pairs", three), lambda: _counted(region, three))


def _counted(region: Region, three: bool) -> Entries:
    from genoxel.features._kernels.cooccurrence import count_pairs

    laid = region.laid_out
    steps = flat_steps(directions(3 if three else 2), laid.shape)
    starts = slabs(laid, by_slice=not three)
    scaled = laid.scaled(region.n_levels + 1, region.n_levels)
    g, i, j, n = count_pairs(laid.flat, scaled, laid.rows, laid.slices, starts, steps, region.n_levels)
    counts = np.repeat(voxels_of(region, by_slice=not three), steps.size)
    return Entries(g, i, j, n, counts.size, region.n_levels, counts)


FAMILY = Family("glcm", "grey level co-occurrence matrix", build, "directions", ("texture",))
feature = FAMILY.feature


@feature("joint maximum", code="GYBY", formula="max p_ij")
def joint_maximum(m: Glcm) -> FloatArray:
    """Probability of the most common pair of levels."""
    return m.highest


@feature("joint average", code="60VM", formula="sum i p_ij")
def joint_average(m: Glcm) -> FloatArray:
    """Mean level of the pairs."""
    return m.mean


@feature("joint variance", code="UR99", formula="sum (i - mu)² p_ij")
def joint_variance(m: Glcm) -> FloatArray:
    """Variance of the levels of the pairs."""
    return m.variance


@feature("joint entropy", code="TU9B", unit="bit", formula="-sum p_ij log2 p_ij")
def joint_entropy(m: Glcm) -> FloatArray:
    """Uncertainty of the pairs of levels."""
    return m.joint_entropy


@feature("difference average", code="TF7R", formula="sum k p_|i-j|=k")
def difference_average(m: Glcm) -> FloatArray:
    """Mean difference between neighbouring levels."""
    return m.difference_average


@feature("difference variance", code="D3YU", formula="sum (k - mu)² p_|i-j|=k")
def difference_variance(m: Glcm) -> FloatArray:
    """Variance of the differences between neighbouring levels."""
    return m.difference_variance


@feature("difference entropy", code="NTRS", unit="bit", formula="-sum p_|i-j|=k log2 p_|i-j|=k")
def difference_entropy(m: Glcm) -> FloatArray:
    """Uncertainty of the differences between neighbouring levels."""
    return m.difference_entropy


@feature("sum average", code="ZGXS", formula="sum k p_i+j=k")
def sum_average(m: Glcm) -> FloatArray:
    """Mean sum of neighbouring levels."""
    return 2 * m.mean


@feature("sum variance", code="OEEB", formula="sum (k - mu)² p_i+j=k")
def sum_variance(m: Glcm) -> FloatArray:
    """Variance of the sums of neighbouring levels."""
    return m.sum_variance


@feature("sum entropy", code="P6QZ", unit="bit", formula="-sum p_i+j=k log2 p_i+j=k")
def sum_entropy(m: Glcm) -> FloatArray:
    """Uncertainty of the sums of neighbouring levels."""
    return m.sum_entropy


@feature("angular second moment", code="8ZQL", formula="sum p_ij²")
def angular_second_moment(m: Glcm) -> FloatArray:
    """Energy of the distribution of pairs: high where few pairs prevail."""
    return m.energy


@feature("contrast", code="ACUI", formula="sum (i - j)² p_ij")
def contrast(m: Glcm) -> FloatArray:
    """Mean squared difference between neighbouring levels."""
    return m.contrast


@feature("dissimilarity", code="8S9J", formula="sum |i - j| p_ij")
def dissimilarity(m: Glcm) -> FloatArray:
    """Mean absolute difference between neighbouring levels."""
    return m.difference_average


@feature("inverse difference", code="IB1Z", formula="sum p_ij / (1 + |i - j|)")
def inverse_difference(m: Glcm) -> FloatArray:
    """Homogeneity: pairs weighted down by their difference."""
    return m.inverse_difference


@feature("normalised inverse difference", code="NDRX", formula="sum p_ij / (1 + |i - j| / N_g)")
def normalised_inverse_difference(m: Glcm) -> FloatArray:
    """Homogeneity with differences taken relative to the number of levels."""
    return m.normalised_inverse_difference


@feature("inverse difference moment", code="WF0Z", formula="sum p_ij / (1 + (i - j)²)")
def inverse_difference_moment(m: Glcm) -> FloatArray:
    """Homogeneity: pairs weighted down by their squared difference."""
    return m.inverse_difference_moment


@feature("normalised inverse difference moment", code="1QCO", formula="sum p_ij / (1 + (i - j)² / N_g²)")
def normalised_inverse_difference_moment(m: Glcm) -> FloatArray:
    """Homogeneity with squared differences taken relative to the squared number of levels."""
    return m.normalised_inverse_difference_moment


@feature("inverse variance", code="E8JP", formula="sum over i != j of p_ij / (i - j)²")
def inverse_variance(m: Glcm) -> FloatArray:
    """Pairs of different levels, weighted by the inverse of their squared difference."""
    return m.inverse_variance


@feature("correlation", code="NI2N", formula="(sum i j p_ij - mu²) / sigma²")
def correlation(m: Glcm) -> FloatArray:
    """Linear correlation of neighbouring levels; not defined where a matrix holds one level.

    Of the sum of two levels the variance is 2 sigma² + 2 cov, of their difference 2 sigma² - 2 cov.
    """
    return quotient((m.sum_variance - m.contrast) / 4, m.variance)


@feature("autocorrelation", code="QWB0", formula="sum i j p_ij")
def autocorrelation(m: Glcm) -> FloatArray:
    """Mean product of neighbouring levels."""
    return m.autocorrelation


@feature("cluster tendency", code="DG8W", formula="sum (i + j - 2 mu)² p_ij")
def cluster_tendency(m: Glcm) -> FloatArray:
    """Spread of the sums of neighbouring levels (equals the sum variance)."""
    return m.sum_variance


@feature("cluster shade", code="7NFM", formula="sum (i + j - 2 mu)³ p_ij")
def cluster_shade(m: Glcm) -> FloatArray:
    """Asymmetry of the sums of neighbouring levels."""
    return m.cluster_shade


@feature("cluster prominence", code="AE86", formula="sum (i + j - 2 mu)⁴ p_ij")
def cluster_prominence(m: Glcm) -> FloatArray:
    """Weight of the tails of the sums of neighbouring levels."""
    return m.cluster_prominence


@feature("information correlation 1", code="R8DG", formula="(HXY - HXY1) / HX")
def information_correlation_1(m: Glcm) -> FloatArray:
    """Mutual information of neighbouring levels relative to the entropy of one; not defined where that is 0.

    For a symmetric matrix HXY1 = 2 HX.
    """
    return quotient(m.joint_entropy - 2 * m.marginal_entropy, m.marginal_entropy)


@feature("information correlation 2", code="JN9H", formula="sqrt(1 - exp(-2 (HXY2 - HXY)))")
def information_correlation_2(m: Glcm) -> FloatArray:
    """Mutual information of neighbouring levels on a scale from 0 to 1. For a symmetric matrix HXY2 = 2 HX."""
    shared = np.maximum(2 * m.marginal_entropy - m.joint_entropy, 0.0)
    return np.asarray(np.sqrt(-np.expm1(-2 * shared)))


@feature(
    "maximal correlation coefficient",
    formula="sqrt(second largest eigenvalue of Q), Q_ij = sum over k of p_ik p_jk / (p_i p_k)",
    reference=f"Haralick et al., IEEE Trans Syst Man Cybern 1973;3:610-621; {PYRADIOMICS}",
)
def maximal_correlation_coefficient(m: Glcm) -> FloatArray:
    """Highest correlation of neighbouring levels under any relabelling; not defined for a matrix of one level."""
    return np.array([_second_correlation(matrix) for matrix in dense(m.entries)])


def dense(entries: Entries) -> list[FloatArray]:
    """Return the symmetric matrices of `entries`, whose counts stand at i <= j for both orders; levels that occur."""
    matrices = []
    for group in range(entries.groups):
        own = entries.g == group
        i, j, n = entries.i[own], entries.j[own], entries.n[own] / 2
        levels, place = np.unique(np.concatenate([i, j]), return_inverse=True)
        matrix = np.zeros((levels.size, levels.size))
        np.add.at(matrix, (place[: i.size], place[i.size :]), n)
        matrices.append(matrix + matrix.T)
    return matrices


def _second_correlation(counts: FloatArray) -> float:
    if len(counts) < 2:
        return float("nan")
    p = counts / counts.sum()
    margin = p.sum(axis=0)
    # similar to Q, and symmetric: its eigenvalues are the squares of those of p_ij / sqrt(p_i p_j)
    values = np.linalg.eigvalsh(p / np.sqrt(np.outer(margin, margin)))
    return float(np.sort(np.abs(values))[-2])
