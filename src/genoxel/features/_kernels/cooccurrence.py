"""Counts of neighbouring grey levels, one table per matrix, and what each matrix sums to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled, inlined
from genoxel.features._kernels.counting import Counts, Floats, add, log_of

Ints = npt.NDArray[np.int64]


@inlined
def _codes(here: npt.NDArray[Any], there: npt.NDArray[Any], factor: Any, code: npt.NDArray[Any]) -> None:
    for x in range(code.size):
        a, b = here[x], there[x]
        code[x] = min(a, b) * factor + max(a, b)


@inlined
def _count(
    flat: npt.NDArray[Any], rows: Ints, slices: Ints, step: int, factor: Any, code: npt.NDArray[Any], table: Counts
) -> None:
    for s in range(slices.shape[0]):
        a, b = slices[s, 2], slices[s, 3]
        # level 0 (outside) goes into a row of its own: no branch in the loop
        _codes(flat[a:b], flat[a + step : b + step], factor, code[: b - a])
        for r in range(slices[s, 0], slices[s, 1]):
            add(code[rows[r, 0] - a : rows[r, 1] - a], table)


@compiled
def count_pairs(
    flat: npt.NDArray[Any],
    rows: Ints,
    slices: Ints,
    tasks: Ints,
    factor: Any,
    code: npt.NDArray[Any],
    tables: npt.NDArray[np.int32],
) -> None:
    """Add to `tables` (matrices, factor²), at lower level * factor + higher level, the pairs of neighbours.

    `flat` padded levels (k, j, i), 0 outside, flattened; `rows` and `slices` as `lay_out` gives them; `tasks` (n, 4):
    first slice and stop, flat offset from a voxel to its neighbour, and the matrix; `factor` the number of levels and
    one more; `code` has room for a slice. Pairs with a voxel outside stand at places below `factor`.
    """
    for t in range(tasks.shape[0]):
        _count(flat, rows, slices[tasks[t, 0] : tasks[t, 1]], tasks[t, 2], factor, code, tables[tasks[t, 3]])


@inlined
def _gather(table: Counts, n: int, marginal: Ints, gaps: Ints, cross: Ints, logs: Floats, one: Floats) -> Any:
    """Return the pairs in a table; fill the histograms of levels, differences and sums and what needs the table."""
    for k in range(n + 1):
        marginal[k], gaps[k], cross[2 * k], cross[2 * k + 1] = 0, 0, 0, 0
    pairs: Any = np.int64(0)
    most: Any = np.int64(0)
    squares: Any = np.int64(0)
    product: Any = np.int64(0)
    bits = 0.0
    for i in range(1, n + 1):
        held: Any = np.int64(0)
        for j in range(i, n + 1):
            count = np.int64(table[i * (n + 1) + j])
            if count > 0:
                # both orders of a pair count: twice at (i, i), else once at (i, j) and once at (j, i)
                cell = 2 * count if i == j else count
                held += count
                marginal[j] += count
                gaps[j - i] += count
                cross[i + j] += count
                most = max(most, cell)
                squares += count * cell
                product += count * (i * j)
                bits += count * log_of(cell, logs)
        marginal[i] += held
        pairs += held
    if pairs == 0:
        return pairs
    whole = np.float64(2 * pairs)
    one[0] = most / whole
    one[3] = log_of(2 * pairs, logs) - 2 * bits / whole
    one[16] = 2 * squares / whole / whole
    one[17] = 2 * product / whole
    return pairs


@inlined
def _of_levels(marginal: Ints, n: int, whole: float, logs: Floats, one: Floats) -> float:
    """Fill what the histogram of levels tells; return the mean level."""
    total = np.int64(0)
    for level in range(1, n + 1):
        total += marginal[level] * level
    mean, bits = total / whole, log_of(np.int64(whole), logs)
    variance, own = 0.0, 0.0
    for level in range(1, n + 1):
        count = marginal[level]
        if count > 0:
            variance += count * ((level - mean) * (level - mean))
            own += count * (bits - log_of(count, logs))
    one[1], one[2], one[4] = mean, variance / whole, own / whole
    return mean


@inlined
def _of_differences(gaps: Ints, n: int, pairs: int, logs: Floats, one: Floats) -> None:
    """Fill what the histogram of the differences between two levels tells."""
    bits = log_of(pairs, logs)
    for k in range(n):
        count = gaps[k]
        if count > 0:
            share, part = count / np.float64(pairs), k / n
            one[5] += share * k
            one[7] += share * (bits - log_of(count, logs))
            one[8] += share * (k * k)
            one[9] += share / (1 + k)
            one[10] += share / (1 + part)
            one[11] += share / (1 + k * k)
            one[12] += share / (1 + part * part)
            if k > 0:
                one[13] += share / (k * k)
    for k in range(n):
        one[6] += gaps[k] / np.float64(pairs) * ((k - one[5]) * (k - one[5]))


@inlined
def _of_sums(cross: Ints, n: int, pairs: int, mean: float, logs: Floats, one: Floats) -> None:
    """Fill what the histogram of the sums of two levels tells."""
    bits = log_of(pairs, logs)
    for k in range(2, 2 * n + 1):
        count = cross[k]
        if count > 0:
            share, away = count / np.float64(pairs), k - 2 * mean
            squared = away * away
            one[14] += share * (bits - log_of(count, logs))
            one[15] += share * squared
            one[18] += share * squared * away
            one[19] += share * squared * squared


@inlined
def _sum(table: Counts, n: int, scratch: Ints, logs: Floats, one: Floats) -> None:
    gaps, cross = scratch[n + 1 : 2 * n + 2], scratch[2 * n + 2 :]
    pairs = _gather(table, n, scratch, gaps, cross, logs, one)
    if pairs == 0:
        return
    mean = _of_levels(scratch, n, np.float64(2 * pairs), logs, one)
    _of_differences(gaps, n, pairs, logs, one)
    _of_sums(cross, n, pairs, mean, logs, one)
    # of the sum of two levels the variance is 2 sigma² + 2 cov, of their difference 2 sigma² - 2 cov
    one[20] = (one[15] - one[8]) / 4 / one[2] if one[2] > 0 else np.nan
    one[21] = (one[3] - 2 * one[4]) / one[4] if one[4] > 0 else np.nan
    one[22] = np.sqrt(-np.expm1(-2 * max(2 * one[4] - one[3], 0.0)))


@compiled
def sum_pairs(tables: npt.NDArray[np.int32], n: int, scratch: Ints, logs: Floats, out: Floats) -> None:
    """Fill `out` (matrices, 23) with the numbers of matrices of `n` levels, in the order of the fields of `Glcm`.

    `tables` (matrices, (n + 1)²) as `count_pairs` fills them; an empty one leaves its row as it was. `scratch`
    (4 n + 4,) is overwritten.
    """
    for q in range(tables.shape[0]):
        _sum(tables[q], n, scratch, logs, out[q])
