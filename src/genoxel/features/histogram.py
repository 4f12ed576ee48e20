"""Intensity histogram: statistics of the grey levels after discretisation (IBSI section 3.4)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._entries import entropy
from genoxel.features.catalog import Family
from genoxel.features.region import Region
from genoxel.features.statistics import Sample


class Histogram(Sample):
    """Grey levels `x` (levels,) from 1 and how many voxels hold each: `counts` (levels,)."""

    def __init__(self, counts: FloatArray) -> None:
        super().__init__(np.arange(1.0, counts.size + 1))
        self.counts = counts
        self.below = np.cumsum(counts)
        self.size = int(self.below[-1])

    def average(self, of: FloatArray) -> float:
        """Return the mean over all voxels of `of`, given along the levels."""
        return float(self.counts @ of / self.size)

    def value_at(self, rank: int) -> float:
        """Return the level of the voxel that has `rank` others before it."""
        return float(np.searchsorted(self.below, rank, side="right") + 1)

    @cached_property
    def p(self) -> FloatArray:
        """Share (levels,) of each level."""
        return np.asarray(self.counts / self.counts.sum())

    @cached_property
    def gradient(self) -> FloatArray:
        """Slope (levels,) of the counts: central differences, one-sided at the ends."""
        return np.gradient(self.counts)


def build(region: Region, aggregation: str = "") -> Histogram:
    """Return the histogram of the grey levels of `region`."""
    counts = np.bincount(region.levels, minlength=region.n_levels + 1)[1:]
    return Histogram(counts.astype(np.float64))


FAMILY = Family("hist", "intensity histogram", build, traits=("intensity",))
feature = FAMILY.feature


@feature("mean", code="X6K6", formula="sum i p_i")
def mean(h: Histogram) -> float:
    """Mean grey level."""
    return h.mean


@feature("variance", code="CH89", formula="sum (i - mu)² p_i")
def variance(h: Histogram) -> float:
    """Variance of the grey levels."""
    return h.variance


@feature("skewness", code="88K1", formula="m3 / m2^1.5")
def skewness(h: Histogram) -> float:
    """Asymmetry of the grey levels."""
    return h.skewness()


@feature("excess kurtosis", code="C3I7", formula="m4 / m2² - 3")
def excess_kurtosis(h: Histogram) -> float:
    """Weight of the tails of the grey levels; 0 for a normal distribution."""
    return h.kurtosis()


@feature("median", code="WIFQ", formula="50th percentile")
def median(h: Histogram) -> float:
    """Median grey level."""
    return h.percentile(50)


@feature("minimum", code="1PR8", formula="min i")
def minimum(h: Histogram) -> float:
    """Lowest grey level that occurs."""
    return h.value_at(0)


@feature("10th percentile", code="GPMT", formula="10th percentile")
def percentile_10(h: Histogram) -> float:
    """Grey level below which a tenth of the voxels lie."""
    return h.percentile(10)


@feature("90th percentile", code="OZ0C", formula="90th percentile")
def percentile_90(h: Histogram) -> float:
    """Grey level below which nine tenths of the voxels lie."""
    return h.percentile(90)


@feature("maximum", code="3NCY", formula="max i")
def maximum(h: Histogram) -> float:
    """Highest grey level."""
    return h.value_at(h.size - 1)


@feature("mode", code="AMMC", formula="the level of max n_i; among equals the one closest to the mean, then the lower")
def mode(h: Histogram) -> float:
    """Most common grey level."""
    most = np.flatnonzero(h.counts == h.counts.max()) + 1.0
    return float(most[int(np.argmin(np.abs(most - h.mean)))])


@feature("interquartile range", code="WR0O", formula="p75 - p25")
def interquartile_range(h: Histogram) -> float:
    """Width of the middle half of the grey levels."""
    return h.percentile(75) - h.percentile(25)


@feature("range", code="5Z3W", formula="max i - min i")
def level_range(h: Histogram) -> float:
    """Highest less lowest grey level."""
    return h.value_at(h.size - 1) - h.value_at(0)


@feature("mean absolute deviation", code="D2ZX", formula="sum |i - mu| p_i")
def mean_absolute_deviation(h: Histogram) -> float:
    """Mean distance of the grey levels from their mean."""
    return h.average(np.abs(h.centred))


@feature("robust mean absolute deviation", code="WRZB", formula="mean |i - mu| for p10 <= i <= p90")
def robust_mean_absolute_deviation(h: Histogram) -> float:
    """Mean distance from their mean of the grey levels between the 10th and the 90th percentile."""
    return h.robust_deviation()


@feature("median absolute deviation", code="4RNL", formula="sum |i - median| p_i")
def median_absolute_deviation(h: Histogram) -> float:
    """Mean distance of the grey levels from their median."""
    return h.median_deviation()


@feature("coefficient of variation", code="CWYJ", formula="sigma / mu")
def coefficient_of_variation(h: Histogram) -> float:
    """Spread of the grey levels (standard deviation) relative to their mean."""
    return h.variation()


@feature("quartile coefficient of dispersion", code="SLWD", formula="(p75 - p25) / (p75 + p25)")
def quartile_coefficient_of_dispersion(h: Histogram) -> float:
    """Interquartile range of the grey levels relative to the sum of their quartiles."""
    return h.quartile_dispersion()


@feature("entropy", code="TLU2", unit="bit", formula="-sum p_i log2 p_i")
def intensity_entropy(h: Histogram) -> float:
    """Uncertainty of the grey level of a voxel."""
    return float(entropy(h.p).sum())


@feature("uniformity", code="BJ5W", formula="sum p_i²")
def uniformity(h: Histogram) -> float:
    """Probability that two voxels drawn at random share their grey level."""
    return float((h.p**2).sum())


@feature("maximum histogram gradient", code="12CE", formula="max dn_i / di")
def maximum_gradient(h: Histogram) -> float:
    """Steepest rise of the histogram."""
    return float(h.gradient.max())


@feature("maximum histogram gradient intensity", code="8E6O", formula="argmax dn_i / di")
def maximum_gradient_level(h: Histogram) -> float:
    """Grey level of the steepest rise (the lowest of equals)."""
    return float(np.argmax(h.gradient) + 1)


@feature("minimum histogram gradient", code="VQB3", formula="min dn_i / di")
def minimum_gradient(h: Histogram) -> float:
    """Steepest fall of the histogram."""
    return float(h.gradient.min())


@feature("minimum histogram gradient intensity", code="RHQZ", formula="argmin dn_i / di")
def minimum_gradient_level(h: Histogram) -> float:
    """Grey level of the steepest fall (the lowest of equals)."""
    return float(np.argmin(h.gradient) + 1)
