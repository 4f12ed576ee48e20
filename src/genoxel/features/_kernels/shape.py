"""Sums over the voxels of a region, and those corners of its mesh that its convex hull can have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled, inlined

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@compiled
def places(
    flat: npt.NDArray[Any], rows: Ints, row: int, layer: int, image: Floats, start: int, steps: Ints, out: Ints
) -> Any:
    """Fill `out` (10,) with n and the sums of x, y, z, xx, yy, zz, xy, xz, yz over the voxels laid out in `flat`.

    x, y and z count places along a row, rows and slices of the padded volume, `row` and `layer` being the flat offsets.
    Returns the sums over the same voxels of the flattened `image`, of its absolute values, and of its values times x,
    y and z; the voxel at x, y, z stands at `start` + x steps[0] + y steps[1] + z steps[2].
    """
    total, size, by_x, by_y, by_z = 0.0, 0.0, 0.0, 0.0, 0.0
    for r in range(rows.shape[0]):
        z, rest = rows[r, 0] // layer, rows[r, 0] % layer
        y, first = rest // row, rest % row
        n, sx, sxx = 0, 0, 0
        # sums of sums, so that rounding stays small
        here, there, along = 0.0, 0.0, 0.0
        place = start + first * steps[0] + y * steps[1] + z * steps[2]
        for x in range(first, first + rows[r, 1] - rows[r, 0]):
            if flat[rows[r, 0] + x - first] != 0:
                n += 1
                sx += x
                sxx += x * x
                value = image[place]
                here += value
                there += abs(value)
                along += value * x
            place += steps[0]
        for part, found in enumerate((n, sx, n * y, n * z, sxx, n * y * y, n * z * z, sx * y, sx * z, n * y * z)):
            out[part] += found
        total += here
        size += there
        by_x += along
        by_y += here * y
        by_z += here * z
    return total, size, by_x, by_y, by_z


@inlined
def _outermost(spans: Ints, k: int, j: int, kk: int, jj: int, row: int, line: Ints) -> None:
    """Set the outermost mesh corners (doubled) of a row, or those on the line halfway between two rows.

    1 and 0 where there are none on either side. Where both rows end at one place, the corners on their own lines lie
    farther out, and none is set.
    """
    line[0], line[1] = 1 << 40, -(1 << 40)
    a, b = spans[k, j, 0] % row, (spans[k, j, 1] - 1) % row
    c, d = spans[kk, jj, 0] % row, (spans[kk, jj, 1] - 1) % row
    empty, other_empty = spans[k, j, 1] == 0, spans[kk, jj, 1] == 0
    if k == kk and j == jj:
        if not empty:
            line[0], line[1] = 2 * a - 1, 2 * b + 1
    elif empty and not other_empty:
        line[0], line[1] = 2 * c, 2 * d
    elif other_empty and not empty:
        line[0], line[1] = 2 * a, 2 * b
    elif not empty:
        if a != c:
            line[0] = 2 * min(a, c)
        if b != d:
            line[1] = 2 * max(b, d)


@inlined
def _chain(xs: Ints, ys: Ints, n: int, side: int, z: int, out: Floats, used: int) -> int:
    """Append the corners of the convex chain through (xs, ys), the lowest x for `side` 1, the highest for -1."""
    start = used
    for p in range(n):
        while used - start >= 2:
            ax, ay = out[used - 2, 0], out[used - 2, 1]
            bx, by = out[used - 1, 0], out[used - 1, 1]
            if ((bx - ax) * (ys[p] - ay) - (by - ay) * (xs[p] - ax)) * side < 0:
                break
            used -= 1
        out[used, 0], out[used, 1], out[used, 2] = xs[p], ys[p], z
        used += 1
    return used


@compiled
def outer_corners(spans: Ints, row: int, line: Ints, xs: Ints, ys: Ints, count: Ints, out: Floats) -> Any:
    """Fill `out` with doubled places x, y, z of mesh corners, all corners of the convex hull among them; return n.

    `spans` (nk + 2, nj + 2, 2) holds the first place and the stop of each row of the padded volume, zeros where it
    holds nothing; `row` the length of its rows. Every corner lies halfway between a voxel inside and one outside, on a
    line along an axis. In each plane of whole or half z those on the plane's own convex hull are kept. `line` (2,),
    `xs` and `ys` (2, rows), `count` (2,) are overwritten; `out` has room for four corners in each row of each plane.
    """
    used = 0
    for plane in range(1, 2 * spans.shape[0] - 2):
        count[0], count[1] = 0, 0
        for y2 in range(1, 2 * spans.shape[1] - 2):
            if plane % 2 == 1 and y2 % 2 == 1:
                continue
            k, j = plane // 2, y2 // 2
            _outermost(spans, k, j, (plane + 1) // 2, (y2 + 1) // 2, row, line)
            for side in range(2):
                if abs(line[side]) < 1 << 39:
                    xs[side, count[side]], ys[side, count[side]] = line[side], y2
                    count[side] += 1
        for side in range(2):
            used = _chain(xs[side], ys[side], count[side], 1 - 2 * side, plane, out, used)
    return used
