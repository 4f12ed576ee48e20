"""Neighbouring grey level dependence matrix: how many neighbours share a voxel's level (IBSI section 3.11)."""

from __future__ import annotations

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._emphasis import count_entropy, emphasis, nonuniformity, spread
from genoxel.features._entries import Entries
from genoxel.features._neighbours import neighbours_of
from genoxel.features.catalog import Family
from genoxel.features.region import Region


def build(region: Region, aggregation: str) -> Entries:
    """Return the matrices of `region`: of each slice (2d), all slices merged (25d) or the volume (3d).

    Coarseness 0 and distance 1: neighbours depend on a voxel when they share its level.
    """
    if region.weighting is not None:
        from genoxel.features._weighted import weighted_dependence

        return weighted_dependence(region, aggregation, region.weighting)
    found = neighbours_of(region, aggregation == "3d")
    # contiguous, as the other families have them: one compiled kernel serves all
    g, i, j = (np.ascontiguousarray(part) for part in np.nonzero(found.dependence))
    entries = Entries(g, i, j, found.dependence[g, i, j], len(found.voxels), region.n_levels, found.voxels)
    return entries.merged(np.zeros(entries.groups, np.int64)) if aggregation == "25d" else entries


FAMILY = Family("ngldm", "neighbouring grey level dependence matrix", build, "dimension", ("texture",))
feature = FAMILY.feature


@feature("low dependence emphasis", code="SODN", formula="sum s_ij / j² / N_s")
def low_dependence_emphasis(m: Entries) -> FloatArray:
    """Weight of low dependences."""
    return emphasis(m, 0, -2)


@feature("high dependence emphasis", code="IMOQ", formula="sum s_ij j² / N_s")
def high_dependence_emphasis(m: Entries) -> FloatArray:
    """Weight of high dependences."""
    return emphasis(m, 0, 2)


@feature("low grey level count emphasis", code="TL9H", formula="sum s_ij / i² / N_s")
def low_grey_level_count_emphasis(m: Entries) -> FloatArray:
    """Weight of dependences of low grey level."""
    return emphasis(m, -2, 0)


@feature("high grey level count emphasis", code="OAE7", formula="sum s_ij i² / N_s")
def high_grey_level_count_emphasis(m: Entries) -> FloatArray:
    """Weight of dependences of high grey level."""
    return emphasis(m, 2, 0)


@feature("low dependence low grey level emphasis", code="EQ3F", formula="sum s_ij / (i² j²) / N_s")
def low_dependence_low_grey_level_emphasis(m: Entries) -> FloatArray:
    """Weight of low dependences of low grey level."""
    return emphasis(m, -2, -2)


@feature("low dependence high grey level emphasis", code="JA6D", formula="sum s_ij i² / j² / N_s")
def low_dependence_high_grey_level_emphasis(m: Entries) -> FloatArray:
    """Weight of low dependences of high grey level."""
    return emphasis(m, 2, -2)


@feature("high dependence low grey level emphasis", code="NBZI", formula="sum s_ij j² / i² / N_s")
def high_dependence_low_grey_level_emphasis(m: Entries) -> FloatArray:
    """Weight of high dependences of low grey level."""
    return emphasis(m, -2, 2)


@feature("high dependence high grey level emphasis", code="9QMG", formula="sum s_ij i² j² / N_s")
def high_dependence_high_grey_level_emphasis(m: Entries) -> FloatArray:
    """Weight of high dependences of high grey level."""
    return emphasis(m, 2, 2)


@feature("grey level non-uniformity", code="FP8K", formula="sum over i of (sum over j of s_ij)² / N_s")
def grey_level_non_uniformity(m: Entries) -> FloatArray:
    """How unevenly the dependences are spread over grey levels; grows with their number."""
    return nonuniformity(m, "level")


@feature("normalised grey level non-uniformity", code="5SPA", formula="sum over i of (sum over j of s_ij)² / N_s²")
def normalised_grey_level_non_uniformity(m: Entries) -> FloatArray:
    """How unevenly the dependences are spread over grey levels, from 0 to 1."""
    return nonuniformity(m, "level", 2)


@feature("dependence count non-uniformity", code="Z87G", formula="sum over j of (sum over i of s_ij)² / N_s")
def dependence_count_non_uniformity(m: Entries) -> FloatArray:
    """How unevenly dependence counts are spread; grows with the number of dependences."""
    return nonuniformity(m, "size")


@feature(
    "normalised dependence count non-uniformity", code="OKJI", formula="sum over j of (sum over i of s_ij)² / N_s²"
)
def normalised_dependence_count_non_uniformity(m: Entries) -> FloatArray:
    """How unevenly dependence counts are spread, from 0 to 1."""
    return nonuniformity(m, "size", 2)


@feature("dependence count percentage", code="6XV8", formula="N_s / N_v")
def dependence_count_percentage(m: Entries) -> FloatArray:
    """Count of dependences relative to the number of voxels; 1 by definition."""
    return m.total / m.voxels


@feature("grey level variance", code="1PFV", formula="sum (i - mu)² s_ij / N_s")
def grey_level_variance(m: Entries) -> FloatArray:
    """Variance of the grey level over the dependences."""
    return spread(m, "level")


@feature("dependence count variance", code="DNX2", formula="sum (j - mu)² s_ij / N_s")
def dependence_count_variance(m: Entries) -> FloatArray:
    """Variance of the dependence count over the dependences."""
    return spread(m, "size")


@feature("dependence count entropy", code="FCBV", unit="bit", formula="-sum p_ij log2 p_ij")
def dependence_count_entropy(m: Entries) -> FloatArray:
    """Uncertainty of grey level and dependence count of the dependences."""
    return count_entropy(m)


@feature("dependence count energy", code="CAS9", formula="sum p_ij²")
def dependence_count_energy(m: Entries) -> FloatArray:
    """High where few pairs of grey level and dependence count prevail."""
    return m.summary[14]
