"""How often each of the 256 corner codes occurs in a volume, and where: all that a mesh's area and volume need."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled, inlined

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


@inlined
def _codes(a: Any, b: Any, c: Any, d: Any, code: Bytes) -> None:
    # the four rows of a row of cubes, each one place longer than `code`
    n = code.size
    a1, b1, c1, d1 = a[1 : n + 1], b[1 : n + 1], c[1 : n + 1], d[1 : n + 1]
    for x in range(n):
        left = np.uint8(a[x] != 0) + 4 * np.uint8(b[x] != 0) + 2 * np.uint8(c[x] != 0) + 8 * np.uint8(d[x] != 0)
        right = np.uint8(a1[x] != 0) + 4 * np.uint8(b1[x] != 0) + 2 * np.uint8(c1[x] != 0) + 8 * np.uint8(d1[x] != 0)
        code[x] = np.uint8(left + 16 * right)


@compiled
def corner_codes(flat: npt.NDArray[Any], spans: Ints, row: int, layer: int, code: Bytes, sums: Ints) -> None:
    """Fill `sums` (256, 4, zeros) for a flattened padded volume, 0 outside: count of each code, and sums of x, y, z.

    Bit 4x + 2y + z of a code tells whether that corner of a cube lies inside; a cube is placed by its first corner,
    counted along rows (x), from row to row and from slice to slice, `row` and `layer` being the flat offsets. `spans`
    (z, y, 2) hold the first place and the stop of each row, zeros where it holds nothing; `code` has room for a row.
    """
    for z in range(spans.shape[0] - 1):
        for y in range(spans.shape[1] - 1):
            first, stop = row, 0
            for corner in range(4):
                span = spans[z + corner // 2, y + corner % 2]
                if span[1] > 0:
                    first = min(first, span[0] % row)
                    stop = max(stop, (span[1] - 1) % row + 1)
            base, n = z * layer + y * row + first - 1, stop - first + 1
            if n < 2:
                continue
            a, b = flat[base : base + n + 1], flat[base + row : base + row + n + 1]
            up = base + layer
            _codes(a, b, flat[up : up + n + 1], flat[up + row : up + row + n + 1], code[:n])
            for x in range(n):
                one = code[x]
                if 0 < one < 255:
                    sums[one, 0] += 1
                    sums[one, 1] += x + first - 1
                    sums[one, 2] += y
                    sums[one, 3] += z
