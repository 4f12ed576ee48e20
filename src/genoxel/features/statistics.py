"""Intensity statistics of the region, without any binning (IBSI section 3.3)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray
from genoxel.features.catalog import PYRADIOMICS, Family
from genoxel.features.region import Region


class Sample:
    """Numbers `x` (n,) in ascending order, so that no sum depends on how voxels are stored, with their moments."""

    def __init__(self, ordered: FloatArray, voxel_volume: float = 1.0) -> None:
        self.x = ordered
        self.voxel_volume = voxel_volume
        self.size = ordered.size

    def average(self, of: FloatArray) -> float:
        """Return the mean over all numbers of `of`, given along `x`."""
        return float(of.mean())

    def value_at(self, rank: int) -> float:
        """Return the number that has `rank` others before it."""
        return float(self.x[rank])

    @cached_property
    def mean(self) -> float:
        """Mean of the numbers."""
        return self.average(self.x)

    @cached_property
    def centred(self) -> FloatArray:
        """Numbers less their mean."""
        return self.x - self.mean

    def moment(self, power: int) -> float:
        """Return the central moment of `power`."""
        product = self.centred
        for _ in range(power - 1):
            product = product * self.centred
        return self.average(product)

    @cached_property
    def variance(self) -> float:
        """Population variance; exactly 0 for constant numbers."""
        return 0.0 if self.value_at(0) == self.value_at(self.size - 1) else self.moment(2)

    @cached_property
    def spread(self) -> float:
        """Variance, or `NotDefinedError` where the numbers are constant."""
        if self.variance == 0:
            raise NotDefinedError(f"{self.size} equal values", "values that vary", "look at the region")
        return self.variance

    def percentile(self, share: float) -> float:
        """Return the percentile by linear interpolation between ordered values, `share` in percent."""
        place = (self.size - 1) * share / 100
        rank = int(place)
        low, high = self.value_at(rank), self.value_at(min(rank + 1, self.size - 1))
        return low + (high - low) * (place - rank)

    def skewness(self) -> float:
        """Return the third standardised moment."""
        return float(self.moment(3) / self.spread**1.5)

    def kurtosis(self) -> float:
        """Return the fourth standardised moment less 3."""
        return self.moment(4) / self.spread**2 - 3

    def robust_deviation(self) -> float:
        """Return the mean absolute deviation of the numbers between the 10th and the 90th percentile."""
        low, high = self.percentile(10), self.percentile(90)
        kept = ((self.x >= low) & (self.x <= high)).astype(np.float64)
        share = self.average(kept)
        centre = self.average(kept * self.x) / share
        return self.average(kept * np.abs(self.x - centre)) / share

    def median_deviation(self) -> float:
        """Return the mean absolute distance from the median."""
        return self.average(np.abs(self.x - self.percentile(50)))

    def variation(self) -> float:
        """Return deviation over mean, or `NotDefinedError` where the mean is 0."""
        if abs(self.mean) <= 1e-12 * float(np.abs(self.x).max()):
            raise NotDefinedError("a mean of 0 to divide by", "a mean other than 0", "see the variance instead")
        return float(self.variance**0.5 / self.mean)

    def quartile_dispersion(self) -> float:
        """Return (p75 - p25) / (p75 + p25), or `NotDefinedError` where the quartiles cancel."""
        low, high = self.percentile(25), self.percentile(75)
        if abs(low + high) <= 1e-12 * max(abs(low), abs(high)) or low == high == 0:
            raise NotDefinedError("quartiles that add to 0", "another sum", "see the interquartile range instead")
        return (high - low) / (high + low)


def build(region: Region, aggregation: str = "") -> Sample:
    """Return the intensities of `region`."""
    return Sample(region.ordered, region.voxel_volume)


FAMILY = Family("stat", "intensity statistics", build, traits=("intensity",))
feature = FAMILY.feature


@feature("mean", code="Q4LE", unit="u", formula="sum x / n")
def mean(s: Sample) -> float:
    """Mean intensity."""
    return s.mean


@feature("variance", code="ECT3", unit="u²", formula="sum (x - mu)² / n")
def variance(s: Sample) -> float:
    """Variance of the intensities (divided by n)."""
    return s.variance


@feature("skewness", code="KE2A", formula="m3 / m2^1.5")
def skewness(s: Sample) -> float:
    """Asymmetry of the intensities: positive with a tail to high values."""
    return s.skewness()


@feature("excess kurtosis", code="IPH6", formula="m4 / m2² - 3")
def excess_kurtosis(s: Sample) -> float:
    """Weight of the tails of the intensities; 0 for a normal distribution."""
    return s.kurtosis()


@feature("median", code="Y12H", unit="u", formula="50th percentile")
def median(s: Sample) -> float:
    """Median intensity."""
    return s.percentile(50)


@feature("minimum", code="1GSF", unit="u", formula="min x")
def minimum(s: Sample) -> float:
    """Lowest intensity."""
    return s.value_at(0)


@feature("10th percentile", code="QG58", unit="u", formula="10th percentile")
def percentile_10(s: Sample) -> float:
    """Intensity below which a tenth of the voxels lie."""
    return s.percentile(10)


@feature("90th percentile", code="8DWT", unit="u", formula="90th percentile")
def percentile_90(s: Sample) -> float:
    """Intensity below which nine tenths of the voxels lie."""
    return s.percentile(90)


@feature("maximum", code="84IY", unit="u", formula="max x")
def maximum(s: Sample) -> float:
    """Highest intensity."""
    return s.value_at(s.size - 1)


@feature("interquartile range", code="SALO", unit="u", formula="p75 - p25")
def interquartile_range(s: Sample) -> float:
    """Width of the middle half of the intensities."""
    return s.percentile(75) - s.percentile(25)


@feature("range", code="2OJQ", unit="u", formula="max x - min x")
def intensity_range(s: Sample) -> float:
    """Highest less lowest intensity."""
    return s.value_at(s.size - 1) - s.value_at(0)


@feature("mean absolute deviation", code="4FUA", unit="u", formula="sum |x - mu| / n")
def mean_absolute_deviation(s: Sample) -> float:
    """Mean distance of the intensities from their mean."""
    return s.average(np.abs(s.centred))


@feature("robust mean absolute deviation", code="1128", unit="u", formula="mean |x - mu| for p10 <= x <= p90")
def robust_mean_absolute_deviation(s: Sample) -> float:
    """Mean distance from their mean of the intensities between the 10th and the 90th percentile."""
    return s.robust_deviation()


@feature("median absolute deviation", code="N72L", unit="u", formula="sum |x - median| / n")
def median_absolute_deviation(s: Sample) -> float:
    """Mean distance of the intensities from their median."""
    return s.median_deviation()


@feature("coefficient of variation", code="7TET", formula="sigma / mu")
def coefficient_of_variation(s: Sample) -> float:
    """Spread of the intensities (standard deviation) relative to the mean; not defined for a mean of 0."""
    return s.variation()


@feature("quartile coefficient of dispersion", code="9S40", formula="(p75 - p25) / (p75 + p25)")
def quartile_coefficient_of_dispersion(s: Sample) -> float:
    """Interquartile range relative to the sum of the quartiles; not defined where they add to 0."""
    return s.quartile_dispersion()


@feature("energy", code="N8CA", unit="u²", formula="sum x²")
def energy(s: Sample) -> float:
    """Sum of the squared intensities; grows with volume."""
    return float((s.x**2).sum())


@feature("root mean square", code="5ZWQ", unit="u", formula="sqrt(sum x² / n)")
def root_mean_square(s: Sample) -> float:
    """Root of the mean squared intensity."""
    return float(s.average(s.x**2) ** 0.5)


@feature("standard deviation", unit="u", formula="sqrt(sum (x - mu)² / n)", reference=PYRADIOMICS)
def standard_deviation(s: Sample) -> float:
    """Root of the variance (divided by n)."""
    return float(s.variance**0.5)


@feature("total energy", unit="u² mm³", formula="V_voxel sum x²", reference=PYRADIOMICS, size=True)
def total_energy(s: Sample) -> float:
    """Sum of the squared intensities times the volume of a voxel: energy that does not depend on the voxel size."""
    return float((s.x**2).sum()) * s.voxel_volume
