"""Neighbourhood grey tone difference matrix: voxels against the mean of their neighbours (IBSI section 3.10)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._entries import quotient
from genoxel.features._neighbours import neighbours_of
from genoxel.features.catalog import Family
from genoxel.features.region import Region


@dataclass(frozen=True)
class Tones:
    """One matrix: the levels `i` that occur, their voxels `n`, sums of differences `s`, all (levels,)."""

    i: FloatArray
    n: FloatArray
    s: FloatArray

    @property
    def p(self) -> FloatArray:
        """Share (levels,) of each level among the voxels that have a neighbour."""
        return np.asarray(self.n / self.n.sum())


def build(region: Region, aggregation: str) -> list[Tones]:
    """Return the matrices of `region`: of each slice (2d), all slices merged (25d) or the volume (3d)."""
    found = neighbours_of(region, aggregation == "3d")
    # voxels without any neighbour have no difference and do not count
    per = np.arange(1, found.counts.shape[2])
    counts = found.counts[:, :, 1:].sum(axis=2).astype(np.float64)
    sums = (found.differences[:, :, 1:] / per).sum(axis=2)
    if aggregation == "25d":
        counts, sums = counts.sum(axis=0, keepdims=True), sums.sum(axis=0, keepdims=True)
    matrices = []
    for n, s in zip(counts, sums, strict=True):
        held = np.flatnonzero(n)
        if held.size:
            matrices.append(Tones(held.astype(np.float64), n[held], s[held]))
    return matrices


FAMILY = Family("ngtdm", "neighbourhood grey tone difference matrix", build, "dimension", ("texture",))
feature = FAMILY.feature


def _each(matrices: list[Tones], above: list[float], below: list[float]) -> FloatArray:
    return quotient(np.array(above, dtype=np.float64), np.array(below, dtype=np.float64))


@feature("coarseness", code="QCDE", formula="1 / sum p_i s_i")
def coarseness(matrices: list[Tones]) -> FloatArray:
    """Slowness of change: high where neighbours are alike. Not defined where nothing differs."""
    return _each(matrices, [1.0] * len(matrices), [float(t.p @ t.s) for t in matrices])


@feature("contrast", code="65HE", formula="sum p_i p_j (i - j)² / (N_p (N_p - 1)) * sum s_i / N_v")
def contrast(matrices: list[Tones]) -> FloatArray:
    """Range of levels times local change. Not defined for a matrix of one level."""
    above, below = [], []
    for t in matrices:
        spread = t.p @ (t.i[:, None] - t.i) ** 2 @ t.p
        above.append(float(spread * t.s.sum()))
        below.append(float(t.i.size * (t.i.size - 1) * t.n.sum()))
    return _each(matrices, above, below)


@feature("busyness", code="NQ30", formula="sum p_i s_i / sum |i p_i - j p_j|")
def busyness(matrices: list[Tones]) -> FloatArray:
    """Rapidity of change between neighbours. Not defined for a matrix of one level."""
    below = [float(np.abs((t.i * t.p)[:, None] - t.i * t.p).sum()) for t in matrices]
    return _each(matrices, [float(t.p @ t.s) for t in matrices], below)


@feature("complexity", code="HDEZ", formula="sum |i - j| (p_i s_i + p_j s_j) / (p_i + p_j) / N_v")
def complexity(matrices: list[Tones]) -> FloatArray:
    """Frequency of non-uniform, rapid changes of level."""
    above = []
    for t in matrices:
        weight = (t.p * t.s)[:, None] + t.p * t.s
        above.append(float((np.abs(t.i[:, None] - t.i) * weight / (t.p[:, None] + t.p)).sum()))
    return _each(matrices, above, [float(t.n.sum()) for t in matrices])


@feature("strength", code="1X9X", formula="sum (p_i + p_j) (i - j)² / sum s_i")
def strength(matrices: list[Tones]) -> FloatArray:
    """Distinctness of the primitives of the texture. Not defined where nothing differs."""
    above = [float(((t.p[:, None] + t.p) * (t.i[:, None] - t.i) ** 2).sum()) for t in matrices]
    return _each(matrices, above, [float(t.s.sum()) for t in matrices])
