"""Connected zones of equal grey level with their size and distance to the border, found in one labelling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled


@compiled
def find_zones(
    flat: npt.NDArray[np.uint16],
    distance: npt.NDArray[np.int32],
    voxels: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
) -> Any:
    """Return (4, zones): slab, level, size, and the smallest distance of each zone.

    `steps` are the flat offsets of all neighbours; `distance` is flat like `flat`. The levels given are used up: each
    voxel becomes 0 when its zone has been counted.
    """
    out = np.empty((4, voxels.size), np.int64)
    stack = np.empty(voxels.size, np.int64)
    zones = 0
    for slab in range(starts.size - 1):
        for v in range(starts[slab], starts[slab + 1]):
            level = flat[voxels[v]]
            if level == 0:
                continue
            stack[0] = voxels[v]
            flat[voxels[v]] = 0
            top = 1
            size = 0
            nearest = distance[voxels[v]]
            while top > 0:
                top -= 1
                place = stack[top]
                size += 1
                nearest = min(nearest, distance[place])
                for s in range(steps.size):
                    other = place + steps[s]
                    if flat[other] == level:
                        flat[other] = 0
                        stack[top] = other
                        top += 1
            out[0, zones] = slab
            out[1, zones] = level
            out[2, zones] = size
            out[3, zones] = nearest
            zones += 1
    return out[:, :zones].copy()


@compiled
def border_distance(inside: npt.NDArray[np.uint8], in_slices: bool) -> Any:
    """Return the city-block distance of each voxel of a padded (k, j, i) volume to the next one outside.

    A voxel at the border has distance 1, one outside 0. `in_slices` lets steps go along j and i alone.
    """
    nk, nj, ni = inside.shape
    far = nk + nj + ni
    out = np.zeros((nk, nj, ni), np.int32)
    for k in range(1, nk - 1):
        for j in range(1, nj - 1):
            for i in range(1, ni - 1):
                if inside[k, j, i] != 0:
                    best = min(out[k, j - 1, i], out[k, j, i - 1])
                    if not in_slices:
                        best = min(best, out[k - 1, j, i])
                    out[k, j, i] = min(best + 1, far)
    for k in range(nk - 2, 0, -1):
        for j in range(nj - 2, 0, -1):
            for i in range(ni - 2, 0, -1):
                if inside[k, j, i] != 0:
                    best = min(out[k, j + 1, i], out[k, j, i + 1])
                    if not in_slices:
                        best = min(best, out[k + 1, j, i])
                    out[k, j, i] = min(out[k, j, i], best + 1)
    return out
