"""Counts of neighbouring grey levels, one matrix per slice and direction, as lists of entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled


@compiled
def count_pairs(
    flat: npt.NDArray[np.uint16],
    voxels: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    n_levels: int,
) -> Any:
    """Return (g, i, j, n) of symmetric pair counts; group = slab * directions + direction.

    `flat` padded levels, 0 outside; `voxels` flat places of the region ordered by slab, slab s being
    voxels[starts[s]:starts[s + 1]]; `steps` flat offset of each direction.
    """
    size = n_levels + 1
    table = np.zeros((size, size), np.int64)
    capacity = 1024
    out = np.empty((4, capacity), np.int64)
    used = 0
    for slab in range(starts.size - 1):
        for d in range(steps.size):
            step = steps[d]
            table[:] = 0
            for v in range(starts[slab], starts[slab + 1]):
                place = voxels[v]
                # level 0 (outside) goes into a row of its own: no branch in the loop
                table[flat[place], flat[place + step]] += 1
            group = slab * steps.size + d
            for i in range(1, size):
                for j in range(1, size):
                    n = table[i, j] + table[j, i]
                    if n > 0:
                        if used == capacity:
                            capacity *= 2
                            grown = np.empty((4, capacity), np.int64)
                            grown[:, :used] = out
                            out = grown
                        out[0, used] = group
                        out[1, used] = i
                        out[2, used] = j
                        out[3, used] = n
                        used += 1
    return out[:, :used].copy()
