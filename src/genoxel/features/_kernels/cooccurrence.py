"""Counts of neighbouring grey levels, one matrix per slice and direction, as lists of entries; and what they sum to."""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled
from genoxel.features._kernels.counting import add, first_of, longest, widened
from genoxel.features._kernels.logs import LOG2

Ints = npt.NDArray[np.int64]


@compiled
def _codes(here: npt.NDArray[Any], there: npt.NDArray[Any], code: npt.NDArray[Any]) -> None:
    for x in range(code.size):
        code[x] = here[x] + there[x]


@compiled
def count_pairs(
    flat: npt.NDArray[Any], scaled: npt.NDArray[Any], rows: Ints, slices: Ints, starts: Ints, steps: Ints, n_levels: int
) -> Any:
    """Return (g, i, j, n) of pair counts with i <= j; n counts both orders, group = slab * directions + direction.

    `flat` padded levels (k, j, i), 0 outside, flattened; `scaled` the same times levels + 1; `rows` and `slices` as
    `lay_out` gives them, slab s being slices[starts[s]:starts[s + 1]]; `steps` flat offset of each direction.
    """
    size = n_levels + 1
    table = np.zeros(size * size, np.int32)
    code = np.empty(longest(slices), scaled.dtype)
    out = np.empty((4, 1024), np.int64)
    used = 0
    for slab in range(starts.size - 1):
        for d in range(steps.size):
            step = steps[d]
            for s in range(starts[slab], starts[slab + 1]):
                a, b = slices[s, 2], slices[s, 3]
                # level 0 (outside) goes into a row and a column of its own: no branch in the loop
                _codes(scaled[a:b], flat[a + step : b + step], code[: b - a])
                for r in range(slices[s, 0], slices[s, 1]):
                    add(code[rows[r, 0] - a : rows[r, 1] - a], table)
            group = slab * steps.size + d
            for i in range(1, size):
                for j in range(i, size):
                    n = np.int64(table[i * size + j]) + table[j * size + i]
                    if n > 0:
                        if used == out.shape[1]:
                            out = widened(out)
                        out[0, used] = group
                        out[1, used] = i
                        out[2, used] = j
                        out[3, used] = n if i == j else 2 * n
                        used += 1
            table[:] = 0
    return first_of(out, used)


@compiled
def sum_pairs(g: Ints, i: Ints, j: Ints, n: Ints, groups: int, n_levels: int) -> Any:
    """Return (20, groups) numbers, in the order of the fields of `Glcm`; the entries are those of `count_pairs`."""
    marginal = np.zeros((groups, n_levels + 1), np.int64)
    gaps = np.zeros((groups, n_levels), np.int64)
    cross = np.zeros((groups, 2 * n_levels + 1), np.int64)
    highest = np.zeros(groups, np.int64)
    squares = np.zeros(groups, np.float64)
    total = np.zeros(groups, np.int64)
    for e in range(g.size):
        q, both = g[e], n[e]
        marginal[q, i[e]] += both
        gaps[q, j[e] - i[e]] += both
        cross[q, i[e] + j[e]] += both
        total[q] += both
        if i[e] == j[e]:
            highest[q] = max(highest[q], both)
            squares[q] += np.float64(both) * both
        else:
            # `both` counts (i, j) and (j, i), each half of it
            highest[q] = max(highest[q], both // 2)
            squares[q] += np.float64(both) * both / 2
    out = np.zeros((20, groups), np.float64)
    for e in range(g.size):
        # the marginal of a symmetric matrix: half of each pair belongs to either level
        q, both = g[e], n[e]
        if i[e] != j[e]:
            marginal[q, i[e]] -= both // 2
            marginal[q, j[e]] += both // 2
        one = both if i[e] == j[e] else both // 2
        logarithm = LOG2[one] if one < LOG2.size else log2(one)
        out[3, q] += both * logarithm
        out[17, q] += np.float64(both) * i[e] * j[e]
    for q in range(groups):
        whole = np.float64(total[q])
        bits = log2(whole)
        mean = 0.0
        for level in range(1, n_levels + 1):
            mean += np.float64(marginal[q, level]) * level
        mean /= whole
        variance, own = 0.0, 0.0
        for level in range(1, n_levels + 1):
            count = marginal[q, level]
            if count > 0:
                variance += count * (level - mean) ** 2
                own += count * (bits - (LOG2[count] if count < LOG2.size else log2(count)))
        out[0, q] = highest[q] / whole
        out[1, q] = mean
        out[2, q] = variance / whole
        out[3, q] = bits - out[3, q] / whole
        out[4, q] = own / whole
        out[16, q] = squares[q] / whole / whole
        out[17, q] /= whole
        for k in range(n_levels):
            count = gaps[q, k]
            if count > 0:
                share = count / whole
                out[5, q] += share * k
                out[7, q] += share * (bits - (LOG2[count] if count < LOG2.size else log2(count)))
                out[8, q] += share * (k * k)
                out[9, q] += share / (1 + k)
                out[10, q] += share / (1 + k / n_levels)
                out[11, q] += share / (1 + k * k)
                out[12, q] += share / (1 + (k / n_levels) ** 2)
                if k > 0:
                    out[13, q] += share / (k * k)
        for k in range(n_levels):
            out[6, q] += gaps[q, k] / whole * (k - out[5, q]) ** 2
        for k in range(2, 2 * n_levels + 1):
            count = cross[q, k]
            if count > 0:
                share = count / whole
                away = k - 2 * mean
                out[14, q] += share * (bits - (LOG2[count] if count < LOG2.size else log2(count)))
                out[15, q] += share * away**2
                out[18, q] += share * away**3
                out[19, q] += share * away**4
    return out
