"""Grey levels laid out slice by slice and row by row, and where the rows begin and end."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled

Ints = npt.NDArray[np.int64]


@compiled
def lay_out(
    inside: npt.NDArray[np.bool_],
    levels: npt.NDArray[Any],
    box: Ints,
    flat: npt.NDArray[Any],
    spans: Ints,
    rows: Ints,
    crossed: Ints,
    slices: Ints,
) -> Any:
    """Write `levels` (n,), of the true voxels of `inside` in array order, into a padded volume (k, j, i), flattened.

    `inside` (i, j, k) is flattened; `box` (9,): its sizes, the first place of the box that holds all true voxels, the
    sizes of that box; `flat` (zeros) holds the box and one voxel around it. Filled are
    `spans` (nk + 2, nj + 2, 2, zeros): first place and stop of each row of `flat`; `rows` (n, 2): the same of the rows
    that hold voxels; `crossed`: the same again, all
    rows of one j before those of the next; `slices` (m, 4), one for each slice that holds voxels: its first row and
    the stop, first place and stop of its voxels. Returns (n, m).
    """
    ni, nj, nk = box[6], box[7], box[8]
    row, layer = ni + 2, (ni + 2) * (nj + 2)
    v = 0
    for i in range(ni):
        for j in range(nj):
            first = ((box[3] + i) * box[1] + box[4] + j) * box[2] + box[5]
            line, place = inside[first : first + nk], layer + (j + 1) * row + i + 1
            for k in range(nk):
                if line[k]:
                    flat[np.uint64(place)] = levels[v]
                    v += 1
                    if spans[k + 1, j + 1, 1] == 0:
                        spans[k + 1, j + 1, 0] = place
                    spans[k + 1, j + 1, 1] = place + 1
                place += layer
    n, m, c = 0, 0, 0
    for k in range(nk):
        first = n
        for j in range(nj):
            if spans[k + 1, j + 1, 1] > 0:
                rows[n, 0], rows[n, 1] = spans[k + 1, j + 1, 0], spans[k + 1, j + 1, 1]
                n += 1
        if n > first:
            slices[m, 0], slices[m, 1] = first, n
            slices[m, 2], slices[m, 3] = rows[first, 0], rows[n - 1, 1]
            m += 1
    for j in range(nj):
        for k in range(nk):
            if spans[k + 1, j + 1, 1] > 0:
                crossed[c, 0], crossed[c, 1] = spans[k + 1, j + 1, 0], spans[k + 1, j + 1, 1]
                c += 1
    return n, m
