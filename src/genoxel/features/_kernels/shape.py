"""Sums over the voxels of a region, and those corners of its mesh that its convex hull can have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled

Ints = npt.NDArray[np.int64]


@compiled
def moments(flat: npt.NDArray[Any], rows: Ints, row: int, layer: int) -> Any:
    """Return 10 integers over the voxels of a flattened padded volume: n, sums of x, y, z, xx, yy, zz, xy, xz, yz.

    x, y and z count places along a row, rows and slices, `row` and `layer` being the flat offsets from one to the next.
    """
    out = np.zeros(10, np.int64)
    for r in range(rows.shape[0]):
        z, rest = rows[r, 0] // layer, rows[r, 0] % layer
        y, first = rest // row, rest % row
        n, sx, sxx = 0, 0, 0
        for place in range(rows[r, 0], rows[r, 1]):
            if flat[place] != 0:
                x = first + place - rows[r, 0]
                n += 1
                sx += x
                sxx += x * x
        out[0] += n
        out[1] += sx
        out[2] += n * y
        out[3] += n * z
        out[4] += sxx
        out[5] += n * y * y
        out[6] += n * z * z
        out[7] += sx * y
        out[8] += sx * z
        out[9] += n * y * z
    return out


@compiled
def weighted_places(image: npt.NDArray[np.float64], inside: npt.NDArray[np.bool_]) -> Any:
    """Return five sums over the voxels `inside` (i, j, k): of the values of `image`, absolute, times i, j and k."""
    out = np.zeros(5, np.float64)
    for i in range(inside.shape[0]):
        # sums of sums, so that rounding stays small
        layer = np.zeros(5, np.float64)
        for j in range(inside.shape[1]):
            total, size, along = 0.0, 0.0, 0.0
            for k in range(inside.shape[2]):
                if inside[i, j, k]:
                    total += image[i, j, k]
                    size += abs(image[i, j, k])
                    along += image[i, j, k] * k
            layer[0] += total
            layer[1] += size
            layer[3] += total * j
            layer[4] += along
        out[0] += layer[0]
        out[1] += layer[1]
        out[2] += layer[0] * i
        out[3] += layer[3]
        out[4] += layer[4]
    return out


@compiled
def _ends(flat: npt.NDArray[Any], rows: Ints, row: int, layer: int, ny: int, nz: int) -> Any:
    """Return (nz, ny, 2): first and last x of each row, 1 and 0 where it holds nothing."""
    ends = np.zeros((nz, ny, 2), np.int64)
    ends[:, :, 0] = 1
    for r in range(rows.shape[0]):
        z, rest = rows[r, 0] // layer, rows[r, 0] % layer
        ends[z, rest // row, 0] = rest % row
        ends[z, rest // row, 1] = rest % row + rows[r, 1] - rows[r, 0] - 1
    return ends


@compiled
def _between(one: Ints, other: Ints, line: Ints) -> bool:
    """Set the outermost mesh corners (doubled) on the line halfway between two rows; return whether there are any.

    Where both rows end at one place, the corners on their own lines lie farther out, and none is set.
    """
    empty_one, empty_other = one[0] > one[1], other[0] > other[1]
    if empty_one and empty_other:
        return False
    if empty_one or empty_other:
        full = other if empty_one else one
        line[0], line[1] = 2 * full[0], 2 * full[1]
        return True
    far = np.int64(1) << 40
    line[0] = 2 * min(one[0], other[0]) if one[0] != other[0] else far
    line[1] = 2 * max(one[1], other[1]) if one[1] != other[1] else -far
    return True


@compiled
def _chain(ys: Ints, xs: Ints, n: int, side: int, z: int, out: Ints, used: int) -> int:
    """Append the corners of the convex chain through (xs, ys), the lowest x for `side` 1, the highest for -1."""
    start = used
    for p in range(n):
        while used - start >= 2:
            ax, ay = out[used - 2, 0], out[used - 2, 1]
            bx, by = out[used - 1, 0], out[used - 1, 1]
            turn = (bx - ax) * (ys[p] - ay) - (by - ay) * (xs[p] - ax)
            if turn * side < 0:
                break
            used -= 1
        out[used, 0], out[used, 1], out[used, 2] = xs[p], ys[p], z
        used += 1
    return used


@compiled
def outer_corners(flat: npt.NDArray[Any], rows: Ints, row: int, layer: int) -> Any:
    """Return (n, 3) doubled places x, y, z of mesh corners, all corners of the convex hull among them.

    Every corner lies halfway between a voxel inside and one outside, on a line along an axis. In each plane of whole
    or half z those on the plane's own convex hull are kept.
    """
    ny, nz = layer // row, flat.size // layer
    ends = _ends(flat, rows, row, layer, ny, nz)
    out = np.empty((4 * 2 * ny * 2 * nz, 3), np.int64)
    used = 0
    low, high = np.empty(2 * ny, np.int64), np.empty(2 * ny, np.int64)
    low_y, high_y = np.empty(2 * ny, np.int64), np.empty(2 * ny, np.int64)
    line = np.empty(2, np.int64)
    far = np.int64(1) << 39
    for plane in range(2 * nz - 1):
        z = plane // 2
        n, m = 0, 0
        for y2 in range(2 * ny - 1):
            y = y2 // 2
            if plane % 2 == 0 and y2 % 2 == 0:
                found = ends[z, y, 0] <= ends[z, y, 1]
                line[0], line[1] = 2 * ends[z, y, 0] - 1, 2 * ends[z, y, 1] + 1
            elif plane % 2 == 0:
                found = _between(ends[z, y], ends[z, y + 1], line)
            elif y2 % 2 == 0:
                found = _between(ends[z, y], ends[z + 1, y], line)
            else:
                found = False
            if found and line[0] < far:
                low[n], low_y[n] = line[0], y2
                n += 1
            if found and line[1] > -far:
                high[m], high_y[m] = line[1], y2
                m += 1
        used = _chain(low_y, low, n, 1, plane, out, used)
        used = _chain(high_y, high, m, -1, plane, out, used)
    return out[:used].copy()


@compiled
def farthest_apart(points: npt.NDArray[np.float64], radii: npt.NDArray[np.float64]) -> float:
    """Return the largest squared distance between two of `points` (n, 3), exact.

    `radii` (n,) are their distances from any one place, descending: two points are no farther apart than their radii
    together, so most pairs are never looked at.
    """
    best, reach = 0.0, 0.0
    for a in range(points.shape[0]):
        if radii[a] + radii[0] < reach:
            break
        for b in range(a):
            if radii[a] + radii[b] < reach:
                break
            x, y, z = points[a, 0] - points[b, 0], points[a, 1] - points[b, 1], points[a, 2] - points[b, 2]
            squared = x * x + y * y + z * z
            if squared > best:
                best = squared
                # a little less, so that rounding hides no pair
                reach = np.sqrt(squared) * (1 - 1e-12)
    return best
