"""Grey level co-occurrence matrix: how often two grey levels are neighbours (IBSI section 3.6, distance 1)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._directions import directions, flat_steps, pool, slabs
from genoxel.features._entries import Entries, Ints, entropy, quotient
from genoxel.features.catalog import Family
from genoxel.features.region import Region


class Glcm:
    """Symmetric co-occurrence matrices, several side by side; each feature returns one value per matrix (groups,).

    `p` (entries,) is the joint probability of the levels `i` and `j`.
    """

    def __init__(self, entries: Entries) -> None:
        self.entries = entries
        self.n_levels = entries.n_levels
        self.p = entries.p
        self.i, self.j = entries.level, entries.size
        self.sums = entries.sums

    def _spread(self, index: Ints, width: int) -> FloatArray:
        groups = self.entries.groups
        flat = np.bincount(self.entries.g * width + index, weights=self.p, minlength=groups * width)
        return np.asarray(flat.reshape(groups, width))

    @cached_property
    def marginal(self) -> FloatArray:
        """Probability (groups, levels + 1) of each level."""
        return self._spread(self.entries.i, self.n_levels + 1)

    @cached_property
    def diagonal(self) -> FloatArray:
        """Probability (groups, levels) of each absolute difference, from 0."""
        return self._spread(np.abs(self.entries.i - self.entries.j), self.n_levels)

    @cached_property
    def cross(self) -> FloatArray:
        """Probability (groups, 2 levels + 1) of each sum."""
        return self._spread(self.entries.i + self.entries.j, 2 * self.n_levels + 1)

    def over_gap(self, weights: FloatArray) -> FloatArray:
        """Return the mean (groups,) of `weights` (levels,), given for each absolute difference |i - j| from 0."""
        return np.asarray(self.diagonal @ weights)

    @cached_property
    def gap(self) -> FloatArray:
        """Absolute differences (levels,) that can occur: 0 to levels - 1."""
        return np.arange(self.n_levels, dtype=np.float64)

    @cached_property
    def mean(self) -> FloatArray:
        """Mean level (groups,)."""
        return self.sums(self.i * self.p)

    @cached_property
    def variance(self) -> FloatArray:
        """Variance (groups,) of the levels."""
        return self.sums((self.i - self.mean[self.entries.g]) ** 2 * self.p)

    def sum_moment(self, power: int) -> FloatArray:
        """Return the central moment (groups,) of the sum i + j."""
        centred = np.arange(self.cross.shape[1]) - 2 * self.mean[:, None]
        product = centred
        for _ in range(power - 1):
            product = product * centred
        return np.asarray((product * self.cross).sum(axis=1))

    @cached_property
    def joint_entropy(self) -> FloatArray:
        """Entropy (groups,) of the joint distribution, bits."""
        return self.sums(entropy(self.p))

    @cached_property
    def marginal_entropy(self) -> FloatArray:
        """Entropy (groups,) of one level alone, bits."""
        return np.asarray(entropy(self.marginal).sum(axis=1))


def build(region: Region, aggregation: str) -> Glcm:
    """Return the co-occurrence matrices of `region`, pooled by `aggregation`."""
    return Glcm(pool(counted(region, aggregation), 13 if aggregation.startswith("3d") else 4, aggregation))


def counted(region: Region, aggregation: str) -> Entries:
    """Return the matrix of each direction (and slice, unless 3d), unpooled."""
    from genoxel.features._kernels.cooccurrence import count_pairs

    three = aggregation.startswith("3d")
    return region.shared(("pairs", three), lambda: _counted(region, three, count_pairs))


def _counted(region: Region, three: bool, count_pairs: object) -> Entries:
    volume = region.level_volume
    offsets = directions(3 if three else 2)
    voxels, starts = slabs(volume, by_slice=not three)
    steps = flat_steps(offsets, volume.shape)
    g, i, j, n = count_pairs(volume.ravel(), voxels, starts, steps, region.n_levels)  # type: ignore[operator]
    counts = np.repeat(np.diff(starts), len(offsets))
    return Entries(g, i, j, n, counts.size, region.n_levels, counts)


FAMILY = Family("glcm", "grey level co-occurrence matrix", build, "directions", ("texture",))
feature = FAMILY.feature


@feature("joint maximum", code="GYBY", formula="max p_ij")
def joint_maximum(m: Glcm) -> FloatArray:
    """Probability of the most common pair of levels."""
    highest = np.zeros(m.entries.groups)
    np.maximum.at(highest, m.entries.g, m.p)
    return highest


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
    return m.over_gap(m.gap)


@feature("difference variance", code="D3YU", formula="sum (k - mu)² p_|i-j|=k")
def difference_variance(m: Glcm) -> FloatArray:
    """Variance of the differences between neighbouring levels."""
    k = m.gap - difference_average(m)[:, None]
    return np.asarray((k**2 * m.diagonal).sum(axis=1))


@feature("difference entropy", code="NTRS", unit="bit", formula="-sum p_|i-j|=k log2 p_|i-j|=k")
def difference_entropy(m: Glcm) -> FloatArray:
    """Uncertainty of the differences between neighbouring levels."""
    return np.asarray(entropy(m.diagonal).sum(axis=1))


@feature("sum average", code="ZGXS", formula="sum k p_i+j=k")
def sum_average(m: Glcm) -> FloatArray:
    """Mean sum of neighbouring levels."""
    return 2 * m.mean


@feature("sum variance", code="OEEB", formula="sum (k - mu)² p_i+j=k")
def sum_variance(m: Glcm) -> FloatArray:
    """Variance of the sums of neighbouring levels."""
    return m.sum_moment(2)


@feature("sum entropy", code="P6QZ", unit="bit", formula="-sum p_i+j=k log2 p_i+j=k")
def sum_entropy(m: Glcm) -> FloatArray:
    """Uncertainty of the sums of neighbouring levels."""
    return np.asarray(entropy(m.cross).sum(axis=1))


@feature("angular second moment", code="8ZQL", formula="sum p_ij²")
def angular_second_moment(m: Glcm) -> FloatArray:
    """Energy of the distribution of pairs: high where few pairs prevail."""
    return m.sums(m.p**2)


@feature("contrast", code="ACUI", formula="sum (i - j)² p_ij")
def contrast(m: Glcm) -> FloatArray:
    """Mean squared difference between neighbouring levels."""
    return m.over_gap(m.gap**2)


@feature("dissimilarity", code="8S9J", formula="sum |i - j| p_ij")
def dissimilarity(m: Glcm) -> FloatArray:
    """Mean absolute difference between neighbouring levels."""
    return m.over_gap(m.gap)


@feature("inverse difference", code="IB1Z", formula="sum p_ij / (1 + |i - j|)")
def inverse_difference(m: Glcm) -> FloatArray:
    """Homogeneity: pairs weighted down by their difference."""
    return m.over_gap(1 / (1 + m.gap))


@feature("normalised inverse difference", code="NDRX", formula="sum p_ij / (1 + |i - j| / N_g)")
def normalised_inverse_difference(m: Glcm) -> FloatArray:
    """Homogeneity with differences taken relative to the number of levels."""
    return m.over_gap(1 / (1 + m.gap / m.n_levels))


@feature("inverse difference moment", code="WF0Z", formula="sum p_ij / (1 + (i - j)²)")
def inverse_difference_moment(m: Glcm) -> FloatArray:
    """Homogeneity: pairs weighted down by their squared difference."""
    return m.over_gap(1 / (1 + m.gap**2))


@feature("normalised inverse difference moment", code="1QCO", formula="sum p_ij / (1 + (i - j)² / N_g²)")
def normalised_inverse_difference_moment(m: Glcm) -> FloatArray:
    """Homogeneity with squared differences taken relative to the squared number of levels."""
    return m.over_gap(1 / (1 + (m.gap / m.n_levels) ** 2))


@feature("inverse variance", code="E8JP", formula="sum over i != j of p_ij / (i - j)²")
def inverse_variance(m: Glcm) -> FloatArray:
    """Pairs of different levels, weighted by the inverse of their squared difference."""
    return m.over_gap(np.where(m.gap > 0, 1 / np.maximum(m.gap, 1) ** 2, 0.0))


@feature("correlation", code="NI2N", formula="(sum i j p_ij - mu²) / sigma²")
def correlation(m: Glcm) -> FloatArray:
    """Linear correlation of neighbouring levels; not defined where a matrix holds one level."""
    mean = m.mean[m.entries.g]
    return quotient(m.sums((m.i - mean) * (m.j - mean) * m.p), m.variance)


@feature("autocorrelation", code="QWB0", formula="sum i j p_ij")
def autocorrelation(m: Glcm) -> FloatArray:
    """Mean product of neighbouring levels."""
    return m.sums(m.i * m.j * m.p)


@feature("cluster tendency", code="DG8W", formula="sum (i + j - 2 mu)² p_ij")
def cluster_tendency(m: Glcm) -> FloatArray:
    """Spread of the sums of neighbouring levels (equals the sum variance)."""
    return m.sum_moment(2)


@feature("cluster shade", code="7NFM", formula="sum (i + j - 2 mu)³ p_ij")
def cluster_shade(m: Glcm) -> FloatArray:
    """Asymmetry of the sums of neighbouring levels."""
    return m.sum_moment(3)


@feature("cluster prominence", code="AE86", formula="sum (i + j - 2 mu)⁴ p_ij")
def cluster_prominence(m: Glcm) -> FloatArray:
    """Weight of the tails of the sums of neighbouring levels."""
    return m.sum_moment(4)


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
