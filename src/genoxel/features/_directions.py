"""Directions, slabs and the ways to pool matrices over them, shared by co-occurrences and runs."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from genoxel.features._entries import Entries, Ints

Offsets = npt.NDArray[np.int64]


def directions(dimension: int) -> Offsets:
    """Return one of each pair of opposite neighbours as (k, j, i) offsets: 4 in a slice, 13 in a volume."""
    steps = [(0,), (0, 1, -1)][dimension == 3]
    all_offsets = [offset for offset in product(steps, (0, 1, -1), (0, 1, -1)) if any(offset)]
    half = [offset for offset in all_offsets if next(part for part in offset if part) > 0]
    return np.array(half, dtype=np.int64)


def flat_steps(offsets: Offsets, shape: tuple[int, ...]) -> Ints:
    """Return `offsets` (n, 3) as offsets into the flattened volume of `shape`."""
    return np.asarray(offsets @ np.array([shape[1] * shape[2], shape[2], 1], dtype=np.int64))


def slabs(volume: npt.NDArray[np.uint16], by_slice: bool) -> tuple[Ints, Ints]:
    """Return the flat places of the voxels of a padded (k, j, i) volume and where each slab of them starts.

    A slab is one slice that holds voxels, or (not `by_slice`) everything.
    """
    voxels = np.flatnonzero(volume)
    if not by_slice:
        return voxels, np.array([0, voxels.size], dtype=np.int64)
    layer = voxels // (volume.shape[1] * volume.shape[2])
    starts = np.flatnonzero(np.diff(layer, prepend=-1))
    return voxels, np.append(starts, voxels.size).astype(np.int64)


def pool(entries: Entries, n_directions: int, aggregation: str) -> Entries:
    """Return matrices pooled by `aggregation`, their groups being slab * directions + direction."""
    group = np.arange(entries.groups, dtype=np.int64)
    if aggregation.endswith("_avg"):
        return entries.filled()
    if aggregation == "2d_slice_merged":
        return entries.merged(group // n_directions).filled()
    if aggregation == "25d_direction_merged":
        return entries.merged(group % n_directions).filled()
    return entries.merged(np.zeros_like(group)).filled()
