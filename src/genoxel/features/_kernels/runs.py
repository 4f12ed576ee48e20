"""Runs of equal grey level, one matrix per slab and direction, as lists of entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled


@compiled
def count_runs(
    flat: npt.NDArray[np.uint16],
    voxels: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    n_levels: int,
    longest: int,
) -> Any:
    """Return (g, i, j, n): level i and run length j; the arguments are those of `count_pairs`."""
    table = np.zeros((n_levels + 1, longest + 1), np.int64)
    capacity = 1024
    out = np.empty((4, capacity), np.int64)
    used = 0
    for slab in range(starts.size - 1):
        for d in range(steps.size):
            step = steps[d]
            for v in range(starts[slab], starts[slab + 1]):
                place = voxels[v]
                level = flat[place]
                if flat[place - step] != level:
                    length = 1
                    place += step
                    while flat[place] == level:
                        length += 1
                        place += step
                    table[level, length] += 1
            group = slab * steps.size + d
            for i in range(1, n_levels + 1):
                for j in range(1, longest + 1):
                    n = table[i, j]
                    if n > 0:
                        table[i, j] = 0
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
