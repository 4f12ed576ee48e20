"""Zones of a region, found once for the size and the distance zone matrices."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.features._directions import Offsets, directions, flat_steps, slabs, voxels_of
from genoxel.features._entries import Ints
from genoxel.features._sums import Sums, chunks, collected, summed
from genoxel.features.region import Region

COMMON = 64
"""Sizes below this stand for themselves as columns of a matrix; of the few larger ones those that occur are listed."""


class Zones(NamedTuple):
    """Level, size and distance (zones,) of each zone; where each slab ends (slabs + 1,); voxels (slabs,)."""

    level: npt.NDArray[np.int32]
    sizes: npt.NDArray[np.int32]
    distances: npt.NDArray[np.int32]
    ends: Ints
    voxels: Ints


def zones_of(region: Region, three: bool) -> Zones:
    """Return the zones of a region: within the volume, or within each slice."""
    return region.shared(("zones", three), lambda: _found(region, three))


def _found(region: Region, three: bool) -> Zones:
    from genoxel.features._kernels.zones import border_distance, find_zones

    laid, whole = region.laid_out, region.morphology_laid_out
    far = np.zeros(whole.flat.size, np.uint16)
    border_distance(whole.flat, whole.crossed, whole.slices, whole.row, whole.layer if three else 0, far)
    starts = slabs(laid, by_slice=not three)
    zones, ends = np.empty((3, region.levels.size), np.int32), np.zeros(starts.size, np.int64)
    before = -directions(3 if three else 2)
    find_zones(
        *(laid.flat, region.cut_to_levels(far), laid.rows, laid.slices, starts, flat_steps(before, laid.shape)),
        *(_joins(3 if three else 2), np.empty(laid.layer, np.uint16), np.empty(laid.flat.size, np.int32)),
        *(np.empty(region.levels.size, np.int32), zones, ends),
    )
    return Zones._make([*zones[:, : ends[-1]], ends, voxels_of(region, by_slice=not three)])


@cache
def _joins(dimension: int) -> npt.NDArray[np.uint32]:
    return representatives(-directions(dimension))


def representatives(offsets: Offsets) -> npt.NDArray[np.uint32]:
    """Return (2 ** n,) for each set of n neighbours those to join with: one of each group that touches itself.

    Bit m of an index tells whether neighbour `offsets[m]` (k, j, i) shares a level. The answer holds m + 1 of each
    neighbour to join with in four bits, the first lowest.
    """
    n = len(offsets)
    held = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1
    touching = np.abs(offsets[:, None] - offsets).max(axis=2) <= 1
    group, before = np.where(held, np.arange(n), n), np.empty(0)
    # each takes on the lowest number of those it touches, until none changes
    while not np.array_equal(group, before):
        before = group.copy()
        for a in range(n):
            lowest = np.where(held[:, touching[a]], group[:, touching[a]], n).min(axis=1)
            group[:, a] = np.where(held[:, a], lowest, n)
    out = np.zeros(1 << n, np.uint32)
    shift = np.zeros(1 << n, np.uint32)
    for m in range(n):
        first = held[:, m] & (group[:, m] == m)
        out[first] |= np.uint32(m + 1) << shift[first]
        shift[first] += 4
    return out


def by_column(region: Region, zones: Zones, column: Literal["sizes", "distances"], aggregation: str) -> Sums:
    """Return the sums of the matrices of level by size or distance: of each slab, or ("25d") of all together."""
    from genoxel.features._kernels.zones import tally

    each: npt.NDArray[np.int32] = getattr(zones, column)
    ends, voxels = zones.ends, zones.voxels
    if aggregation == "25d":
        ends, voxels = ends[[0, -1]], voxels.sum(keepdims=True)
    columns = np.arange(min(int(each.max()) + 1, COMMON))
    if each.max() >= COMMON:
        columns = np.concatenate([columns, np.unique(each[each >= COMMON])])
    height, width = region.n_levels + 1, columns.size
    parts = []
    for first, stop in chunks(voxels.size, height * width):
        tables = np.zeros((stop - first, height * width), np.int32)
        tally(zones.level, each, ends[first : stop + 1], COMMON, columns, tables)
        parts.append(summed(tables.reshape(-1, height, width), columns.astype(np.float64)))
    return collected(parts[0] if len(parts) == 1 else np.concatenate(parts), voxels)
