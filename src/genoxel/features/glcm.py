"""Grey level co-occurrence matrix: how often two grey levels are neighbours (IBSI section 3.6, distance 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._directions import held, pool_weighted, tasks_of
from genoxel.features._entries import Entries
from genoxel.features._sums import Tables, chunks, listed
from genoxel.features.catalog import PYRADIOMICS, Family
from genoxel.features.region import Region


class Glcm(NamedTuple):
    """What the features are made of: for each of several symmetric matrices side by side one number (groups,).

    p is the joint probability of two levels i and j, mu the mean level. The kernel `sum_pairs` fills the fields, in
    their order, in one pass over the counts; `matrices` gives the symmetric counts of the levels that occur.
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
    correlation: FloatArray
    information_1: FloatArray
    information_2: FloatArray
    matrices: Callable[[], list[FloatArray]]


def build(region: Region, aggregation: str) -> Glcm:
    """Return the sums of the co-occurrence matrices of `region`, pooled by `aggregation`."""
    if region.weighting is not None:
        from genoxel.features._weighted import dense, pair_sums

        entries = pool_weighted(region, counted(region, aggregation), aggregation)
        return Glcm._make([*pair_sums(entries), lambda: dense(entries)])
    return region.shared(("pairs", aggregation), lambda: _summed(region, aggregation))


def _summed(region: Region, aggregation: str) -> Glcm:
    out = np.concatenate([summed(tables) for tables in tables_of(region, aggregation)])
    return Glcm._make([*out[held(out[:, 0])].T, lambda: _matrices(region, aggregation)])


def tables_of(region: Region, aggregation: str) -> Iterator[Tables]:
    """Yield tables (matrices, levels + 1, levels + 1) of pairs at their lower, then their higher level from 0 on."""
    from genoxel.features._kernels.cooccurrence import count_pairs

    laid, tasks = region.laid_out, tasks_of(region, aggregation)
    factor = region.n_levels + 1
    kind = np.uint16 if factor**2 <= 65536 else np.uint32
    code = np.empty(laid.layer, kind)
    for first, stop in chunks(tasks.voxels.size, factor**2):
        tables = np.zeros((stop - first, factor**2), np.int32)
        count_pairs(laid.flat, laid.rows, laid.slices, tasks.among(first, stop), kind(factor), code, tables)
        yield tables.reshape(-1, factor, factor)


def summed(tables: Tables) -> FloatArray:
    """Return (matrices, 23) numbers in the order of `Glcm`, zeros where nothing was counted, of tables of pairs."""
    from genoxel.features._kernels.cooccurrence import sum_pairs
    from genoxel.features._kernels.logs import LOG2

    count, factor, _ = tables.shape
    out = np.zeros((count, len(Glcm._fields) - 1))
    sum_pairs(tables.reshape(count, -1), factor - 1, np.empty(4 * factor, np.int64), LOG2, out)
    return out


def _matrices(region: Region, aggregation: str) -> list[FloatArray]:
    matrices = []
    for tables in tables_of(region, aggregation):
        for table in tables[:, 1:, 1:].astype(np.float64):
            whole = table + table.T
            kept = whole.any(axis=0)
            matrices += [whole[np.ix_(kept, kept)]] if kept.any() else []
    return matrices


def counted(region: Region, aggregation: str) -> Entries:
    """Return the matrix of each direction (and slice, unless 3d), unpooled; counts are of both orders of a pair."""
    single = "3d_avg" if aggregation.startswith("3d") else "2d_avg"
    found = listed(tables_of(region, single), tasks_of(region, single).voxels)
    return replace(found, n=2 * found.n)


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
    """Linear correlation of neighbouring levels; not defined where a matrix holds one level."""
    return m.correlation


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
    return m.information_1


@feature("information correlation 2", code="JN9H", formula="sqrt(1 - exp(-2 (HXY2 - HXY)))")
def information_correlation_2(m: Glcm) -> FloatArray:
    """Mutual information of neighbouring levels on a scale from 0 to 1. For a symmetric matrix HXY2 = 2 HX."""
    return m.information_2


@feature(
    "maximal correlation coefficient",
    formula="sqrt(second largest eigenvalue of Q), Q_ij = sum over k of p_ik p_jk / (p_i p_k)",
    reference=f"Haralick et al., IEEE Trans Syst Man Cybern 1973;3:610-621; {PYRADIOMICS}",
)
def maximal_correlation_coefficient(m: Glcm) -> FloatArray:
    """Highest correlation of neighbouring levels under any relabelling; not defined for a matrix of one level."""
    return np.array([_second_correlation(matrix) for matrix in m.matrices()])


def _second_correlation(counts: FloatArray) -> float:
    if len(counts) < 2:
        return float("nan")
    p = counts / counts.sum()
    margin = p.sum(axis=0)
    # similar to Q, and symmetric: its eigenvalues are the squares of those of p_ij / sqrt(p_i p_j)
    values = np.linalg.eigvalsh(p / np.sqrt(np.outer(margin, margin)))
    return float(np.sort(np.abs(values))[-2])
