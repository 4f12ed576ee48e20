"""Neighbours of every voxel, visited once for the tone difference and the dependence matrices."""

from __future__ import annotations

from typing import NamedTuple

from genoxel.features._directions import flat_steps, lines, slabs, voxels_of
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

    laid = region.laid_out
    starts = slabs(laid, by_slice=not three)
    around = flat_steps(lines(3 if three else 2), laid.shape)
    found = visit_neighbours(laid.flat, laid.rows, laid.slices, starts, around, region.n_levels)
    return Neighbours._make([*found, voxels_of(region, by_slice=not three)])
