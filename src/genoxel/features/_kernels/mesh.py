"""How often each of the 256 corner codes occurs in a volume, and where: all that a mesh's area and volume need."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled

Bytes = npt.NDArray[np.uint8]


@compiled
def _codes(a: Any, b: Any, c: Any, d: Any, code: Bytes) -> None:
    # the four rows of a row of cubes, each one place longer than `code`
    n = code.size
    a1, b1, c1, d1 = a[1 : n + 1], b[1 : n + 1], c[1 : n + 1], d[1 : n + 1]
    for x in range(n):
        left = np.uint8(a[x] != 0) + 4 * np.uint8(b[x] != 0) + 2 * np.uint8(c[x] != 0) + 8 * np.uint8(d[x] != 0)
        right = np.uint8(a1[x] != 0) + 4 * np.uint8(b1[x] != 0) + 2 * np.uint8(c1[x] != 0) + 8 * np.uint8(d1[x] != 0)
        code[x] = np.uint8(left + 16 * right)


@compiled
def corner_codes(flat: npt.NDArray[Any], row: int, layer: int) -> Any:
    """Return (256, 4) integers for a flattened padded volume, 0 outside: count of each code, and sums of x, y, z.

    Bit 4x + 2y + z of a code tells whether that corner of a cube lies inside; a cube is placed by its first corner,
    counted along rows (x), from row to row and from slice to slice, `row` and `layer` being the flat offsets.
    """
    sums = np.zeros((256, 4), np.int64)
    ny, nz = layer // row, flat.size // layer
    code = np.empty(layer - row - 1, np.uint8)
    n = code.size
    for z in range(nz - 1):
        base = z * layer
        lower, upper = flat[base : base + layer], flat[base + layer : base + 2 * layer]
        _codes(lower[: n + 1], lower[row : row + n + 1], upper[: n + 1], upper[row : row + n + 1], code)
        for y in range(ny - 1):
            for x in range(row - 1):
                one = code[y * row + x]
                if 0 < one < 255:
                    sums[one, 0] += 1
                    sums[one, 1] += x
                    sums[one, 2] += y
                    sums[one, 3] += z
    return sums
