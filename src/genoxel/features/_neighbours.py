"""Neighbours of every voxel, visited once for the tone difference and the dependence matrices."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.features._directions import flat_steps, lines, slabs, voxels_of
from genoxel.features._entries import Ints
from genoxel.features.region import Region


class Neighbours(NamedTuple):
    """Integers (slabs, levels + 1, neighbours + 2) as the kernel gives them, and voxels (slabs,)."""

    counts: npt.NDArray[np.int32]
    differences: Ints
    dependence: npt.NDArray[np.int32]
    voxels: Ints


def neighbours_of(region: Region, three: bool) -> Neighbours:
    """Return what the neighbours of each voxel say: within the volume, or within each slice."""
    return region.shared(("neighbours", three), lambda: _visited(region, three))


def _visited(region: Region, three: bool) -> Neighbours:
    from genoxel.features._kernels.neighbours import visit_neighbours

    laid = region.laid_out
    starts = slabs(laid, by_slice=not three)
    around = flat_steps(lines(3 if three else 2), laid.shape)
    count, height, most = starts.size - 1, region.n_levels + 1, 3 * around.size + 1
    room: list[Any] = [np.empty(laid.layer, kind) for kind in (np.uint8, np.uint8, np.uint16)]
    tables: list[Any] = [np.zeros((count, height * most), kind) for kind in (np.int32, np.int64, np.int32)]
    visit_neighbours(laid.flat, laid.rows, laid.slices, starts, around, *room, *tables)
    shaped = [table.reshape(count, height, most) for table in tables]
    return Neighbours._make([*shaped, voxels_of(region, by_slice=not three)])
