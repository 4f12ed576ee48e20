"""Sums over the entries of texture matrices, all matrices and all sums in two passes."""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled
from genoxel.features._kernels.logs import LOG2

Ints = npt.NDArray[np.int64]


@compiled
def sum_entries(g: Ints, i: Ints, j: Ints, n: Ints, groups: int) -> Any:
    """Return (15, groups) numbers of the matrices with n[e] counts at row i[e] and column j[e] of matrix g[e].

    Row 0: all counts N. Rows 1 to 8: means over the counts of j⁻², j², i⁻², i², i⁻² j⁻², i² j⁻², i⁻² j², i² j².
    Rows 9 and 10: sums over i (over j) of the squared counts of that level (column). Rows 11 and 12: variance of i and
    of j. Row 13: entropy in bits. Row 14: sum of the squared shares.
    """
    height, width = 1, 1
    for e in range(g.size):
        height, width = max(height, i[e] + 1), max(width, j[e] + 1)
    levels = np.zeros(groups * height, np.int64)
    columns = np.zeros(groups * width, np.int64)
    out = np.zeros((15, groups), np.float64)
    means = np.zeros((2, groups), np.float64)
    for e in range(g.size):
        q, count = g[e], n[e]
        own, i2, j2 = np.float64(count), np.float64(i[e]) * i[e], np.float64(j[e]) * j[e]
        per_i2, per_j2 = 1 / i2, 1 / j2
        out[0, q] += own
        out[1, q] += own * per_j2
        out[2, q] += own * j2
        out[3, q] += own * per_i2
        out[4, q] += own * i2
        out[5, q] += own * (per_i2 * per_j2)
        out[6, q] += own * i2 * per_j2
        out[7, q] += own * j2 * per_i2
        out[8, q] += own * (i2 * j2)
        means[0, q] += own * i[e]
        means[1, q] += own * j[e]
        # (a + n)² = a² + n (2 a + n): no second walk over what is mostly empty
        level, column = q * height + i[e], q * width + j[e]
        out[9, q] += own * (2 * levels[level] + count)
        out[10, q] += own * (2 * columns[column] + count)
        levels[level] += count
        columns[column] += count
    logs = np.empty(groups, np.float64)
    for q in range(groups):
        logs[q] = log2(out[0, q])
        means[0, q] /= out[0, q]
        means[1, q] /= out[0, q]
        for row in range(1, 9):
            out[row, q] /= out[0, q]
    for e in range(g.size):
        q, count = g[e], n[e]
        share = count / out[0, q]
        out[14, q] += share * share
        out[11, q] += share * (i[e] - means[0, q]) ** 2
        out[12, q] += share * (j[e] - means[1, q]) ** 2
        out[13, q] += share * (logs[q] - (LOG2[count] if count < LOG2.size else log2(np.float64(count))))
    return out
