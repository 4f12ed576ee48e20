"""Sums over the matrices of levels and runs, zones, distances or dependences, in one pass over each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import called, compiled, inlined
from genoxel.features._kernels.counting import Counts, Floats, log_of

Ints = npt.NDArray[np.int64]


@inlined
def _gather(table: Counts, height: int, columns: Floats, held: Ints, logs: Floats, one: Floats) -> None:
    """Fill the totals of rows and columns into `held` and add what needs the table itself to `one`."""
    width = columns.size
    squares = np.int64(0)
    for i in range(1, height):
        per_i2 = 1 / np.float64(i * i)
        row, per, over = np.int64(0), 0.0, 0.0
        for j in range(width):
            count = np.int64(table[i * width + j])
            if count > 0:
                own, j2 = np.float64(count), columns[j] * columns[j]
                row += count
                held[height + j] += count
                per += own / j2
                over += own * j2
                one[13] += own * log_of(count, logs)
                squares += count * count
        if row == 0:
            continue
        held[i] = row
        own = np.float64(row)
        one[0] += own
        one[1] += per
        one[2] += over
        one[3] += own * per_i2
        one[4] += own * (i * i)
        one[5] += per * per_i2
        one[6] += per * (i * i)
        one[7] += over * per_i2
        one[8] += over * (i * i)
    one[14] = np.float64(squares)


@called
def _spread(held: Ints, values: Floats, total: float) -> float:
    """Return the variance of `values` that occur `held` times, `total` times in all."""
    mean, spread = 0.0, 0.0
    for x in range(values.size):
        mean += held[x] * values[x]
    mean /= total
    for x in range(values.size):
        spread += held[x] * ((values[x] - mean) * (values[x] - mean))
    return spread / total


@called
def _uneven(held: Ints) -> float:
    squares = np.int64(0)
    for x in range(held.size):
        squares += held[x] * held[x]
    return np.float64(squares)


@inlined
def _sum(table: Counts, rows: Floats, columns: Floats, held: Ints, logs: Floats, one: Floats) -> None:
    for x in range(held.size):
        held[x] = 0
    _gather(table, rows.size, columns, held, logs, one)
    total = one[0]
    if total > 0:
        levels, sizes = held[: rows.size], held[rows.size :]
        for part in range(1, 9):
            one[part] /= total
        one[9], one[10] = _uneven(levels) / total, _uneven(sizes) / total
        one[11], one[12] = _spread(levels, rows, total), _spread(sizes, columns, total)
        one[13] = log_of(np.int64(total), logs) - one[13] / total
        one[14] = one[14] / total / total
        one[15], one[16] = one[9] / total, one[10] / total


@compiled
def sum_tables(
    tables: npt.NDArray[np.int32], rows: Floats, columns: Floats, held: Ints, logs: Floats, out: Floats
) -> None:
    """Fill `out` (matrices, 18) with the numbers of matrices, in the order of the fields of `Sums` but for the last.

    `tables` (matrices, rows * columns) counts, row 0 saying nothing; `rows` hold the levels 0, 1 and so on, `columns`
    the sizes; `held` (rows + columns,) is overwritten. An empty matrix leaves its row as it was.
    """
    for q in range(tables.shape[0]):
        _sum(tables[q], rows, columns, held, logs, out[q])
