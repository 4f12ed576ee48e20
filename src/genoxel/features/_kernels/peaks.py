"""Mean intensity in a sphere around every voxel of a region, by running sums along lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled


@compiled
def sphere_means(running: npt.NDArray[np.float64], voxels: npt.NDArray[np.int64], lines: npt.NDArray[np.int64]) -> Any:
    """Return the mean (n,) over the part of the sphere that lies in the image, around each of `voxels` (n, 3).

    `running` (i, j, k + 1) sums of intensities along k; `lines` (m, 4): offsets i and j, first and last offset k.
    """
    ni, nj, nk = running.shape[0], running.shape[1], running.shape[2] - 1
    out = np.empty(voxels.shape[0], np.float64)
    for v in range(voxels.shape[0]):
        total = 0.0
        count = 0
        for m in range(lines.shape[0]):
            i = voxels[v, 0] + lines[m, 0]
            j = voxels[v, 1] + lines[m, 1]
            if 0 <= i < ni and 0 <= j < nj:
                first = max(voxels[v, 2] + lines[m, 2], 0)
                last = min(voxels[v, 2] + lines[m, 3], nk - 1)
                if last >= first:
                    total += running[i, j, last + 1] - running[i, j, first]
                    count += last - first + 1
        out[v] = total / count
    return out
