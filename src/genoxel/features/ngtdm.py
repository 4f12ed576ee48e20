"""Neighbourhood grey tone difference matrix: voxels against the mean of their neighbours (IBSI section 3.10)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray
from genoxel.features._entries import Ints
from genoxel.features._neighbours import neighbours_of
from genoxel.features.catalog import Family
from genoxel.features.region import Region


class Tones(NamedTuple):
    """The features of several matrices, each (matrices,), as the kernel `sum_tones` gives them.

    `voxels` that have a neighbour; p_i is the share of level i among those, s_i its sum of differences.
    """

    voxels: FloatArray
    coarseness: FloatArray
    contrast: FloatArray
    busyness: FloatArray
    complexity: FloatArray
    strength: FloatArray


def build(region: Region, aggregation: str) -> Tones:
    """Return the sums of the matrices of `region`: of each slice (2d), all slices merged (25d) or the volume (3d)."""
    if region.weighting is not None:
        from genoxel.features._weighted import weighted_tones

        return Tones(*weighted_tones(region, aggregation, region.weighting))
    found = neighbours_of(region, aggregation == "3d")
    counts, differences = found.counts, found.differences
    if aggregation == "25d":
        counts = counts.sum(axis=0, keepdims=True, dtype=counts.dtype)
        differences = differences.sum(axis=0, keepdims=True)
    return summed(counts, differences)


def summed(counts: npt.NDArray[np.int32], differences: Ints) -> Tones:
    """Return the features of those matrices (matrices, levels + 1, neighbours + 2) in which a voxel has a neighbour."""
    from genoxel.features._kernels.neighbours import sum_tones

    count, height, most = counts.shape
    out = np.zeros((count, len(Tones._fields)))
    sum_tones(counts.reshape(count, -1), differences.reshape(count, -1), most, np.empty(3 * height), out)
    return Tones._make(out[out[:, 0] > 0].T)


FAMILY = Family("ngtdm", "neighbourhood grey tone difference matrix", build, "dimension", ("texture",))
feature = FAMILY.feature


@feature("coarseness", code="QCDE", formula="1 / sum p_i s_i")
def coarseness(t: Tones) -> FloatArray:
    """Slowness of change: high where neighbours are alike. Not defined where nothing differs."""
    return t.coarseness


@feature("contrast", code="65HE", formula="sum p_i p_j (i - j)² / (N_p (N_p - 1)) * sum s_i / N_v")
def contrast(t: Tones) -> FloatArray:
    """Range of levels times local change. Not defined for a matrix of one level."""
    return t.contrast


@feature("busyness", code="NQ30", formula="sum p_i s_i / sum |i p_i - j p_j|")
def busyness(t: Tones) -> FloatArray:
    """Rapidity of change between neighbours. Not defined for a matrix of one level."""
    return t.busyness


@feature("complexity", code="HDEZ", formula="sum |i - j| (p_i s_i + p_j s_j) / (p_i + p_j) / N_v")
def complexity(t: Tones) -> FloatArray:
    """Frequency of non-uniform, rapid changes of level."""
    return t.complexity


@feature("strength", code="1X9X", formula="sum (p_i + p_j) (i - j)² / sum s_i")
def strength(t: Tones) -> FloatArray:
    """Distinctness of the primitives of the texture. Not defined where nothing differs."""
    return t.strength
