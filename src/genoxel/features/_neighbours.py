"""Neighbours of every voxel, visited once for the tone difference and the dependence matrices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genoxel.features._directions import directions, flat_steps, slabs
from genoxel.features._entries import Ints
from genoxel.features.region import Region


class Neighbours(NamedTuple):
    """Integers (slabs, levels + 1, neighbours + 2) as the kernel gives them, and voxels (slabs,)."""

    counts: Ints
    differences: Ints
    dependence: Ints
    voxels: Ints


def neighbours_of(region: Region, three: bool) -> Neighbours:
    """Return what the neighbours of each voxel say: within the volume, or within each slice."""
    return region.shared(("neighbours", three), lambda: _visited(region, three))


def _visited(region: Region, three: bool) -> Neighbours:
    from genoxel.features._kernels.neighbours import visit_neighbours

    volume = region.level_volume
    voxels, starts = slabs(volume, by_slice=not three)
    half = flat_steps(directions(3 if three else 2), volume.shape)
    every = np.concatenate([half, -half])
    counts, differences, dependence = visit_neighbours(volume.ravel(), voxels, starts, every, region.n_levels)
    return Neighbours(counts, differences, dependence, np.diff(starts))
