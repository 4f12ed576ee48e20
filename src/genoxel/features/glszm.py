"""Grey level size zone matrix: connected zones of equal grey level by their size (IBSI section 3.8)."""

from __future__ import annotations

from genoxel.core.image import FloatArray
from genoxel.features._sums import Sums
from genoxel.features._zones import by_column, zones_of
from genoxel.features.catalog import Family
from genoxel.features.region import Region


def build(region: Region, aggregation: str) -> Sums:
    """Return the matrices of `region`: of each slice (2d), all slices merged (25d) or the volume (3d)."""
    return by_column(region, zones_of(region, aggregation == "3d"), "sizes", aggregation)


FAMILY = Family("glszm", "grey level size zone matrix", build, "dimension", ("texture",))
feature = FAMILY.feature


@feature("small zone emphasis", code="5QRC", formula="sum s_ij / j² / N_z")
def small_zone_emphasis(m: Sums) -> FloatArray:
    """Weight of small zones."""
    return m.small


@feature("large zone emphasis", code="48P8", formula="sum s_ij j² / N_z")
def large_zone_emphasis(m: Sums) -> FloatArray:
    """Weight of large zones."""
    return m.large


@feature("low grey level emphasis", code="XMSY", formula="sum s_ij / i² / N_z")
def low_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of zones of low grey level."""
    return m.low


@feature("high grey level emphasis", code="5GN9", formula="sum s_ij i² / N_z")
def high_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of zones of high grey level."""
    return m.high


@feature("small zone low grey level emphasis", code="5RAI", formula="sum s_ij / (i² j²) / N_z")
def small_zone_low_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of small zones of low grey level."""
    return m.small_low


@feature("small zone high grey level emphasis", code="HW1V", formula="sum s_ij i² / j² / N_z")
def small_zone_high_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of small zones of high grey level."""
    return m.small_high


@feature("large zone low grey level emphasis", code="YH51", formula="sum s_ij j² / i² / N_z")
def large_zone_low_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of large zones of low grey level."""
    return m.large_low


@feature("large zone high grey level emphasis", code="J17V", formula="sum s_ij i² j² / N_z")
def large_zone_high_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of large zones of high grey level."""
    return m.large_high


@feature("grey level non-uniformity", code="JNSA", formula="sum over i of (sum over j of s_ij)² / N_z")
def grey_level_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly the zones are spread over grey levels; grows with their number."""
    return m.level_nonuniformity


@feature("normalised grey level non-uniformity", code="Y1RO", formula="sum over i of (sum over j of s_ij)² / N_z²")
def normalised_grey_level_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly the zones are spread over grey levels, from 0 to 1."""
    return m.normalised_level_nonuniformity


@feature("zone size non-uniformity", code="4JP3", formula="sum over j of (sum over i of s_ij)² / N_z")
def zone_size_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly zone sizes are spread; grows with the number of zones."""
    return m.size_nonuniformity


@feature("normalised zone size non-uniformity", code="VB3A", formula="sum over j of (sum over i of s_ij)² / N_z²")
def normalised_zone_size_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly zone sizes are spread, from 0 to 1."""
    return m.normalised_size_nonuniformity


@feature("zone percentage", code="P30P", formula="N_z / N_v")
def zone_percentage(m: Sums) -> FloatArray:
    """Count of zones relative to the number of voxels."""
    return m.share


@feature("grey level variance", code="BYLV", formula="sum (i - mu)² s_ij / N_z")
def grey_level_variance(m: Sums) -> FloatArray:
    """Variance of the grey level over the zones."""
    return m.level_variance


@feature("zone size variance", code="3NSA", formula="sum (j - mu)² s_ij / N_z")
def zone_size_variance(m: Sums) -> FloatArray:
    """Variance of the zone size over the zones."""
    return m.size_variance


@feature("zone size entropy", code="GU8N", unit="bit", formula="-sum p_ij log2 p_ij")
def zone_size_entropy(m: Sums) -> FloatArray:
    """Uncertainty of grey level and zone size of the zones."""
    return m.entropy
