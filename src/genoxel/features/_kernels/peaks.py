"""Mean intensity in a sphere around every voxel of a region, by running sums along lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled, inlined

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@inlined
def _add_line(total: Floats, ends: Floats, starts: Floats) -> None:
    for x in range(total.size):
        total[x] += ends[x] - starts[x]


@inlined
def _count_line(count: Ints, first: int, last: int, ni: int) -> None:
    for x in range(count.size):
        count[x] += max(min(x + last, ni - 1) - max(x + first, 0) + 1, 0)


@compiled
def sphere_means(sums: Floats, rows: Ints, lines: Ints, reach: int) -> Any:
    """Return the means (k, j, i) over the part of the sphere that lies in the image, around each voxel of `rows`.

    `sums` (k, j, i + 1 + 2 reach) run along i and are held constant for `reach` places beyond either end; `rows`
    (n, 4): k and j of each row of the region, its first and stop i; `lines` (m, 4): offsets k and j, first and last
    offset i, none beyond `reach`. Other voxels hold 0.
    """
    nk, nj = sums.shape[0], sums.shape[1]
    ni = sums.shape[2] - 1 - 2 * reach
    out = np.zeros((nk, nj, ni), np.float64)
    total = np.empty(ni, np.float64)
    count = np.empty(ni, np.int64)
    for r in range(rows.shape[0]):
        k, j, a, b = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        total[:] = 0.0
        fixed = np.int64(0)
        for m in range(lines.shape[0]):
            kk, jj = k + lines[m, 0], j + lines[m, 1]
            if 0 <= kk < nk and 0 <= jj < nj:
                line = sums[kk, jj]
                first, stop = reach + a + lines[m, 2], reach + a + lines[m, 3] + 1
                _add_line(total[: b - a], line[stop : stop + b - a], line[first : first + b - a])
                fixed += lines[m, 3] - lines[m, 2] + 1
        if a >= reach and b + reach <= ni:
            for x in range(b - a):
                out[k, j, a + x] = total[x] / fixed
        else:
            count[:] = 0
            for m in range(lines.shape[0]):
                if 0 <= k + lines[m, 0] < nk and 0 <= j + lines[m, 1] < nj:
                    _count_line(count[:b], lines[m, 2], lines[m, 3], ni)
            for x in range(b - a):
                out[k, j, a + x] = total[x] / count[a + x]
    return out
