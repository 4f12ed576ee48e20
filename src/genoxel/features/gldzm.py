"""Grey level distance zone matrix: zones of equal grey level by their distance to the border (IBSI section 3.9)."""

from __future__ import annotations

from genoxel.core.image import FloatArray
from genoxel.features._sums import Sums
from genoxel.features._zones import by_column, zones_of
from genoxel.features.catalog import Family
from genoxel.features.region import Region


def build(region: Region, aggregation: str) -> Sums:
    """Return the matrices of `region`: of each slice (2d), all slices merged (25d) or the volume (3d)."""
    return by_column(region, zones_of(region, aggregation == "3d"), "distances", aggregation)


FAMILY = Family("gldzm", "grey level distance zone matrix", build, "dimension", ("texture",))
feature = FAMILY.feature


@feature("small distance emphasis", code="0GBI", formula="sum d_ij / j² / N_z")
def small_distance_emphasis(m: Sums) -> FloatArray:
    """Weight of zones near the border."""
    return m.small


@feature("large distance emphasis", code="MB4I", formula="sum d_ij j² / N_z")
def large_distance_emphasis(m: Sums) -> FloatArray:
    """Weight of zones far from the border."""
    return m.large


@feature("low grey level emphasis", code="S1RA", formula="sum d_ij / i² / N_z")
def low_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of zones of low grey level."""
    return m.low


@feature("high grey level emphasis", code="K26C", formula="sum d_ij i² / N_z")
def high_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of zones of high grey level."""
    return m.high


@feature("small distance low grey level emphasis", code="RUVG", formula="sum d_ij / (i² j²) / N_z")
def small_distance_low_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of zones near the border of low grey level."""
    return m.small_low


@feature("small distance high grey level emphasis", code="DKNJ", formula="sum d_ij i² / j² / N_z")
def small_distance_high_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of zones near the border of high grey level."""
    return m.small_high


@feature("large distance low grey level emphasis", code="A7WM", formula="sum d_ij j² / i² / N_z")
def large_distance_low_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of zones far from the border of low grey level."""
    return m.large_low


@feature("large distance high grey level emphasis", code="KLTH", formula="sum d_ij i² j² / N_z")
def large_distance_high_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of zones far from the border of high grey level."""
    return m.large_high


@feature("grey level non-uniformity", code="VFT7", formula="sum over i of (sum over j of d_ij)² / N_z")
def grey_level_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly the zones are spread over grey levels; grows with their number."""
    return m.level_nonuniformity


@feature("normalised grey level non-uniformity", code="7HP3", formula="sum over i of (sum over j of d_ij)² / N_z²")
def normalised_grey_level_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly the zones are spread over grey levels, from 0 to 1."""
    return m.normalised_level_nonuniformity


@feature("zone distance non-uniformity", code="V294", formula="sum over j of (sum over i of d_ij)² / N_z")
def zone_distance_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly zone distances are spread; grows with the number of zones."""
    return m.size_nonuniformity


@feature("normalised zone distance non-uniformity", code="IATH", formula="sum over j of (sum over i of d_ij)² / N_z²")
def normalised_zone_distance_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly zone distances are spread, from 0 to 1."""
    return m.normalised_size_nonuniformity


@feature("zone percentage", code="VIWW", formula="N_z / N_v")
def zone_percentage(m: Sums) -> FloatArray:
    """Count of zones relative to the number of voxels."""
    return m.share


@feature("grey level variance", code="QK93", formula="sum (i - mu)² d_ij / N_z")
def grey_level_variance(m: Sums) -> FloatArray:
    """Variance of the grey level over the zones."""
    return m.level_variance


@feature("zone distance variance", code="7WT1", formula="sum (j - mu)² d_ij / N_z")
def zone_distance_variance(m: Sums) -> FloatArray:
    """Variance of the zone distance over the zones."""
    return m.size_variance


@feature("zone distance entropy", code="GBDU", unit="bit", formula="-sum p_ij log2 p_ij")
def zone_distance_entropy(m: Sums) -> FloatArray:
    """Uncertainty of grey level and zone distance of the zones."""
    return m.entropy
