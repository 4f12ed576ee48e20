"""Neighbouring grey level dependence matrix: how many neighbours share a voxel's level (IBSI section 3.11)."""

from __future__ import annotations

from genoxel.core.image import FloatArray
from genoxel.features._neighbours import neighbours_of
from genoxel.features._sums import Sums, collected, summed
from genoxel.features.catalog import Family
from genoxel.features.region import Region


def build(region: Region, aggregation: str) -> Sums:
    """Return the sums of the matrices of `region`: of each slice (2d), all slices merged (25d) or the volume (3d).

    Coarseness 0 and distance 1: neighbours depend on a voxel when they share its level.
    """
    if region.weighting is not None:
        from genoxel.features._weighted import entry_sums, weighted_dependence

        return entry_sums(weighted_dependence(region, aggregation, region.weighting))
    found = neighbours_of(region, aggregation == "3d")
    tables, voxels = found.dependence, found.voxels
    if aggregation == "25d":
        tables, voxels = tables.sum(axis=0, keepdims=True, dtype=tables.dtype), voxels.sum(keepdims=True)
    return collected(summed(tables), voxels)


FAMILY = Family("ngldm", "neighbouring grey level dependence matrix", build, "dimension", ("texture",))
feature = FAMILY.feature


@feature("low dependence emphasis", code="SODN", formula="sum s_ij / j² / N_s")
def low_dependence_emphasis(m: Sums) -> FloatArray:
    """Weight of low dependences."""
    return m.small


@feature("high dependence emphasis", code="IMOQ", formula="sum s_ij j² / N_s")
def high_dependence_emphasis(m: Sums) -> FloatArray:
    """Weight of high dependences."""
    return m.large


@feature("low grey level count emphasis", code="TL9H", formula="sum s_ij / i² / N_s")
def low_grey_level_count_emphasis(m: Sums) -> FloatArray:
    """Weight of dependences of low grey level."""
    return m.low


@feature("high grey level count emphasis", code="OAE7", formula="sum s_ij i² / N_s")
def high_grey_level_count_emphasis(m: Sums) -> FloatArray:
    """Weight of dependences of high grey level."""
    return m.high


@feature("low dependence low grey level emphasis", code="EQ3F", formula="sum s_ij / (i² j²) / N_s")
def low_dependence_low_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of low dependences of low grey level."""
    return m.small_low


@feature("low dependence high grey level emphasis", code="JA6D", formula="sum s_ij i² / j² / N_s")
def low_dependence_high_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of low dependences of high grey level."""
    return m.small_high


@feature("high dependence low grey level emphasis", code="NBZI", formula="sum s_ij j² / i² / N_s")
def high_dependence_low_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of high dependences of low grey level."""
    return m.large_low


@feature("high dependence high grey level emphasis", code="9QMG", formula="sum s_ij i² j² / N_s")
def high_dependence_high_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of high dependences of high grey level."""
    return m.large_high


@feature("grey level non-uniformity", code="FP8K", formula="sum over i of (sum over j of s_ij)² / N_s")
def grey_level_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly the dependences are spread over grey levels; grows with their number."""
    return m.level_nonuniformity


@feature("normalised grey level non-uniformity", code="5SPA", formula="sum over i of (sum over j of s_ij)² / N_s²")
def normalised_grey_level_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly the dependences are spread over grey levels, from 0 to 1."""
    return m.normalised_level_nonuniformity


@feature("dependence count non-uniformity", code="Z87G", formula="sum over j of (sum over i of s_ij)² / N_s")
def dependence_count_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly dependence counts are spread; grows with the number of dependences."""
    return m.size_nonuniformity


@feature(
    "normalised dependence count non-uniformity", code="OKJI", formula="sum over j of (sum over i of s_ij)² / N_s²"
)
def normalised_dependence_count_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly dependence counts are spread, from 0 to 1."""
    return m.normalised_size_nonuniformity


@feature("dependence count percentage", code="6XV8", formula="N_s / N_v")
def dependence_count_percentage(m: Sums) -> FloatArray:
    """Count of dependences relative to the number of voxels; 1 by definition."""
    return m.share


@feature("grey level variance", code="1PFV", formula="sum (i - mu)² s_ij / N_s")
def grey_level_variance(m: Sums) -> FloatArray:
    """Variance of the grey level over the dependences."""
    return m.level_variance


@feature("dependence count variance", code="DNX2", formula="sum (j - mu)² s_ij / N_s")
def dependence_count_variance(m: Sums) -> FloatArray:
    """Variance of the dependence count over the dependences."""
    return m.size_variance


@feature("dependence count entropy", code="FCBV", unit="bit", formula="-sum p_ij log2 p_ij")
def dependence_count_entropy(m: Sums) -> FloatArray:
    """Uncertainty of grey level and dependence count of the dependences."""
    return m.entropy


@feature("dependence count energy", code="CAS9", formula="sum p_ij²")
def dependence_count_energy(m: Sums) -> FloatArray:
    """High where few pairs of grey level and dependence count prevail."""
    return m.energy
