"""One pass over the neighbours of every voxel, for the tone differences and for the dependences."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled


@compiled
def visit_neighbours(
    flat: npt.NDArray[np.uint16],
    voxels: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    n_levels: int,
) -> Any:
    """Return three (slabs, levels + 1, neighbours + 2) integer arrays.

    For level i: [m] voxels that have m neighbours inside; [m] sum over those of |i m - sum of neighbours| (m times the
    difference to their mean, so that it stays whole); [c] voxels of which c - 1 neighbours share the level.
    """
    shape = (starts.size - 1, n_levels + 1, steps.size + 2)
    counts = np.zeros(shape, np.int64)
    differences = np.zeros(shape, np.int64)
    dependence = np.zeros(shape, np.int64)
    for slab in range(starts.size - 1):
        for v in range(starts[slab], starts[slab + 1]):
            place = voxels[v]
            level = np.int64(flat[place])
            inside = np.int64(0)
            same = np.int64(0)
            total = np.int64(0)
            for s in range(steps.size):
                other = np.int64(flat[place + steps[s]])
                total += other
                inside += other > 0
                same += other == level
            counts[slab, level, inside] += 1
            differences[slab, level, inside] += abs(level * inside - total)
            dependence[slab, level, same + 1] += 1
    return counts, differences, dependence
