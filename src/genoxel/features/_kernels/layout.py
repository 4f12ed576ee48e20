"""Grey levels laid out slice by slice and row by row, and where the rows begin and end."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled


@compiled
def lay_out(inside: npt.NDArray[np.bool_], levels: npt.NDArray[np.int64], out: npt.NDArray[Any]) -> Any:
    """Write `levels` (n,), of the true voxels of `inside` (i, j, k) in array order, into the padded `out` (k, j, i).

    Returns (rows, slices), integers that lead through the flattened `out`. Rows (n, 2): first place and stop of each
    row that holds voxels. Slices (m, 4), one for each slice that does: its first row and the stop, the first place and
    the stop of its voxels.
    """
    ni, nj, nk = inside.shape
    spans = np.zeros((nk, nj, 2), np.int64)
    v = 0
    for i in range(ni):
        for j in range(nj):
            for k in range(nk):
                if inside[i, j, k]:
                    out[k + 1, j + 1, i + 1] = levels[v]
                    v += 1
                    if spans[k, j, 1] == 0:
                        spans[k, j, 0] = i
                    spans[k, j, 1] = i + 1
    rows = np.empty((nk * nj, 2), np.int64)
    slices = np.empty((nk, 4), np.int64)
    n, m = 0, 0
    for k in range(nk):
        first = n
        for j in range(nj):
            if spans[k, j, 1] > 0:
                base = ((k + 1) * (nj + 2) + j + 1) * (ni + 2) + 1
                rows[n, 0] = base + spans[k, j, 0]
                rows[n, 1] = base + spans[k, j, 1]
                n += 1
        if n > first:
            slices[m, 0] = first
            slices[m, 1] = n
            slices[m, 2] = rows[first, 0]
            slices[m, 3] = rows[n - 1, 1]
            m += 1
    return rows[:n].copy(), slices[:m].copy()
