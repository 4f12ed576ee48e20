"""Directions, slabs and the ways to pool matrices over them, shared by co-occurrences and runs."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray
from genoxel.features._entries import Entries, Ints
from genoxel.features.region import Laid, Region

Offsets = npt.NDArray[np.int64]


@cache
def directions(dimension: int) -> Offsets:
    """Return one of each pair of opposite neighbours as (k, j, i) offsets: 4 in a slice, 13 in a volume."""
    steps = [(0,), (0, 1, -1)][dimension == 3]
    all_offsets = [offset for offset in product(steps, (0, 1, -1), (0, 1, -1)) if any(offset)]
    half = [offset for offset in all_offsets if next(part for part in offset if part) > 0]
    return np.array(half, dtype=np.int64)


@cache
def lines(dimension: int) -> Offsets:
    """Return the rows around a voxel, its own among them, as (k, j, i) offsets: 3 in a slice, 9 in a volume."""
    steps = [(0,), (-1, 0, 1)][dimension == 3]
    return np.array(list(product(steps, (-1, 0, 1), (0,))), dtype=np.int64)


def flat_steps(offsets: Offsets, shape: tuple[int, ...]) -> Ints:
    """Return `offsets` (n, 3) as offsets into the flattened volume of `shape`."""
    return np.asarray(offsets @ np.array([shape[1] * shape[2], shape[2], 1], dtype=np.int64))


def slabs(laid: Laid, by_slice: bool) -> Ints:
    """Return where each slab starts among the slices of `laid`, and their end.

    A slab is one slice that holds voxels, or (not `by_slice`) everything.
    """
    count = len(laid.slices)
    return np.arange(count + 1) if by_slice else np.array([0, count])


def voxels_of(region: Region, by_slice: bool) -> Ints:
    """Return the number of voxels (slabs,) of each slab."""
    if not by_slice:
        return np.array([region.levels.size])
    laid = region.laid_out
    counts = np.count_nonzero(laid.flat.reshape(laid.shape), axis=(1, 2))
    return np.asarray(counts[counts > 0])


class Tasks(NamedTuple):
    """What the kernels of pairs and runs count, matrix by matrix.

    `each` (n, 4): first slice and stop, flat offset of the direction, and the matrix, ascending; `voxels` (matrices,)
    are those counted on, once for each slice and direction.
    """

    each: Ints
    voxels: Ints

    def among(self, first: int, stop: int) -> Ints:
        """Return the tasks of the matrices from `first` to `stop`, counted from 0."""
        if stop - first == self.voxels.size:
            return self.each
        a, b = np.searchsorted(self.each[:, 3], (first, stop))
        return np.asarray(self.each[a:b] - np.array([0, 0, 0, first]))


def tasks_of(region: Region, aggregation: str) -> Tasks:
    """Return what has to be counted for `aggregation`: every slab in every direction, pooled in its way."""
    return region.shared(("tasks", aggregation), lambda: _tasks(region, aggregation))


def _tasks(region: Region, aggregation: str) -> Tasks:
    three = aggregation.startswith("3d")
    laid = region.laid_out
    starts = slabs(laid, by_slice=not three)
    steps = flat_steps(directions(3 if three else 2), laid.shape)
    slab, way = np.divmod(np.arange((starts.size - 1) * steps.size), steps.size)
    together = {"_avg": 1, "2d_slice_merged": steps.size, "25d_direction_merged": starts.size - 1}
    pooled = next((n for name, n in together.items() if aggregation.endswith(name)), slab.size)
    if aggregation == "25d_direction_merged":
        order = np.argsort(way, kind="stable")
        slab, way = slab[order], way[order]
    each = np.empty((slab.size, 4), np.int64)
    each[:, 0], each[:, 1], each[:, 2], each[:, 3] = (
        starts[slab],
        starts[slab + 1],
        steps[way],
        np.arange(slab.size) // pooled,
    )
    return Tasks(each, voxels_of(region, by_slice=not three)[slab].reshape(-1, pooled).sum(axis=1))


def held(sums: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which matrices hold any count; an empty direction or slice says nothing and is left out."""
    full = np.asarray(sums > 0)
    if not full.any():
        raise NotDefinedError("no pair of voxels in the region", "neighbouring voxels", "draw a larger region")
    return full


def pool_weighted(region: Region, entries: Entries, aggregation: str) -> Entries:
    """Return matrices pooled by `aggregation`, each direction weighted by its distance where the settings say so."""
    offsets = directions(3 if aggregation.startswith("3d") else 2)
    if region.weighting is not None:
        weights = region.weighting.of(offsets, region.spacing[::-1])
        entries = entries.weighted(np.tile(weights, entries.groups // len(offsets)))
    return pool(entries, len(offsets), aggregation)


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
