"""Zones of a region, found once for the size and the distance zone matrices."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.features._directions import directions, flat_steps, slabs
from genoxel.features._entries import Entries, Ints
from genoxel.features.region import Region


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

    volume = region.level_volume
    voxels, starts = slabs(volume, by_slice=not three)
    half = flat_steps(directions(3 if three else 2), volume.shape)
    distance = region.cut_to_levels(border_distance(region.padded_morphology(), not three))
    slab, level, size, nearest = find_zones(
        volume.ravel().copy(), distance.ravel(), voxels, starts, np.concatenate([half, -half])
    )
    return Zones(slab, level, size, nearest, np.diff(starts), region.n_levels)


def by_column(zones: Zones, column: Literal["sizes", "distances"], aggregation: str) -> Entries:
    """Return the matrices of level by size or distance: of each slab, or ("25d") of all together."""
    j: npt.NDArray[np.int64] = getattr(zones, column)
    one = np.ones_like(j)
    groups = len(zones.voxels)
    into = np.zeros(groups, np.int64) if aggregation == "25d" else np.arange(groups)
    return Entries(zones.slab, zones.level, j, one, groups, zones.n_levels, zones.voxels).merged(into)
