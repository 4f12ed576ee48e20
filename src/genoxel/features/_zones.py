"""Zones of a region, found once for the size and the distance zone matrices."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.features._directions import directions, flat_steps, slabs, voxels_of
from genoxel.features._entries import Entries, Ints
from genoxel.features.region import Region

COMMON = 64
"""Zones of fewer voxels are counted in a table, the few larger ones by sorting."""


class Zones(NamedTuple):
    """Slab, level, size and distance (zones,) of each zone; voxels (slabs,); number of levels."""

    slab: Ints
    level: Ints
    sizes: Ints
    distances: Ints
    voxels: Ints
    n_levels: int


def zones_of(region: Region, three: bool) -> Zones:
    """Return the zones of a region: within the volume, or within each slice."""
    return region.shared(("zones", three), lambda: _found(region, three))


def _found(region: Region, three: bool) -> Zones:
    from genoxel.features._kernels.zones import border_distance, find_zones

    laid, whole = region.laid_out, region.morphology_laid_out
    distance = border_distance(whole.flat, whole.rows, whole.slices, whole.row, whole.layer if three else 0)
    found = find_zones(
        laid.flat,
        region.cut_to_levels(distance),
        laid.rows,
        laid.slices,
        slabs(laid, by_slice=not three),
        flat_steps(-directions(3 if three else 2), laid.shape),
        _joins(3 if three else 2),
    )
    return Zones._make([*found, voxels_of(region, by_slice=not three), region.n_levels])


@cache
def _joins(dimension: int) -> npt.NDArray[np.uint32]:
    from genoxel.features._kernels.zones import representatives

    return np.asarray(representatives(-directions(dimension)))


def by_column(zones: Zones, column: Literal["sizes", "distances"], aggregation: str) -> Entries:
    """Return the matrices of level by size or distance: of each slab, or ("25d") of all together."""
    from genoxel.features._kernels.zones import tally

    j: Ints = getattr(zones, column)
    slab, groups, voxels = zones.slab, len(zones.voxels), zones.voxels
    if aggregation == "25d":
        slab, groups, voxels = np.zeros_like(slab), 1, np.array([voxels.sum()])
    common, rest = tally(slab, zones.level, j, zones.n_levels, COMMON)
    if rest.size:
        common = np.concatenate([common, _sorted_out(slab[rest], zones.level[rest], j[rest])], axis=1)
    g, i, j, n = common
    return Entries(g, i, j, n, groups, zones.n_levels, voxels)


def _sorted_out(slab: Ints, level: Ints, j: Ints) -> Ints:
    width, height = int(j.max()) + 1, int(level.max()) + 1
    places, counts = np.unique((slab * height + level) * width + j, return_counts=True)
    rest, j = np.divmod(places, width)
    return np.stack([*np.divmod(rest, height), j, counts])
