"""How often each of the 256 corner codes occurs in a volume, and where: all that a mesh's area and volume need."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled


@compiled
def corner_codes(inside: npt.NDArray[np.uint8]) -> Any:
    """Return (256, 4) integers for a padded (i, j, k) volume of 0 and 1: count of each code, and sums of i, j, k."""
    sums = np.zeros((256, 4), np.int64)
    ni, nj, nk = inside.shape
    for i in range(ni - 1):
        for j in range(nj - 1):
            left = inside[i, j, 0] + 4 * inside[i, j + 1, 0] + 16 * inside[i + 1, j, 0] + 64 * inside[i + 1, j + 1, 0]
            for k in range(nk - 1):
                right = (
                    inside[i, j, k + 1]
                    + 4 * inside[i, j + 1, k + 1]
                    + 16 * inside[i + 1, j, k + 1]
                    + 64 * inside[i + 1, j + 1, k + 1]
                )
                code = left + 2 * right
                left = right
                if 0 < code < 255:
                    sums[code, 0] += 1
                    sums[code, 1] += i
                    sums[code, 2] += j
                    sums[code, 3] += k
    return sums
