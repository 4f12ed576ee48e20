"""Neighbourhood grey tone difference matrix: voxels against the mean of their neighbours (IBSI section 3.10)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._entries import Ints, quotient
from genoxel.features._neighbours import neighbours_of
from genoxel.features.catalog import Family
from genoxel.features.region import Region


class Tones(NamedTuple):
    """Sums over the levels of several matrices, each (matrices,), as the kernel `sum_tones` gives them.

    `levels` that occur and `voxels` that have a neighbour; p_i is the share of level i among those, s_i its sum of
    differences.
    """

    levels: FloatArray
    voxels: FloatArray
    s: FloatArray
    ps: FloatArray
    spread: FloatArray
    unlike: FloatArray
    change: FloatArray
    distinct: FloatArray


def build(region: Region, aggregation: str) -> Tones:
    """Return the sums of the matrices of `region`: of each slice (2d), all slices merged (25d) or the volume (3d)."""
    if region.weighting is not None:
        from genoxel.features._weighted import weighted_tones

        return Tones(*weighted_tones(region, aggregation, region.weighting))
    found = neighbours_of(region, aggregation == "3d")
    counts, differences = found.counts, found.differences
    if aggregation == "25d":
        counts, differences = counts.sum(axis=0, keepdims=True), differences.sum(axis=0, keepdims=True)
    return summed(counts, differences)


def summed(counts: Ints, differences: Ints) -> Tones:
    """Return the sums of the matrices that hold a voxel; arguments as `sum_tones` takes them."""
    from genoxel.features._kernels.neighbours import sum_tones

    sums = sum_tones(counts, differences)
    return Tones(*sums[:, sums[1] > 0])


FAMILY = Family("ngtdm", "neighbourhood grey tone difference matrix", build, "dimension", ("texture",))
feature = FAMILY.feature


@feature("coarseness", code="QCDE", formula="1 / sum p_i s_i")
def coarseness(t: Tones) -> FloatArray:
    """Slowness of change: high where neighbours are alike. Not defined where nothing differs."""
    return quotient(np.ones_like(t.ps), t.ps)


@feature("contrast", code="65HE", formula="sum p_i p_j (i - j)² / (N_p (N_p - 1)) * sum s_i / N_v")
def contrast(t: Tones) -> FloatArray:
    """Range of levels times local change. Not defined for a matrix of one level."""
    return quotient(t.spread * t.s, t.levels * (t.levels - 1) * t.voxels)


@feature("busyness", code="NQ30", formula="sum p_i s_i / sum |i p_i - j p_j|")
def busyness(t: Tones) -> FloatArray:
    """Rapidity of change between neighbours. Not defined for a matrix of one level."""
    return quotient(t.ps, t.unlike)


@feature("complexity", code="HDEZ", formula="sum |i - j| (p_i s_i + p_j s_j) / (p_i + p_j) / N_v")
def complexity(t: Tones) -> FloatArray:
    """Frequency of non-uniform, rapid changes of level."""
    return quotient(t.change, t.voxels)


@feature("strength", code="1X9X", formula="sum (p_i + p_j) (i - j)² / sum s_i")
def strength(t: Tones) -> FloatArray:
    """Distinctness of the primitives of the texture. Not defined where nothing differs."""
    return quotient(t.distinct, t.s)
