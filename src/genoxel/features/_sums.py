"""What matrices of levels and runs, zones, distances or dependences sum to, several matrices side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray
from genoxel.features._entries import Entries, Ints

MOST_CELLS = 2**22
"""Matrices are counted and summed so many numbers at a time."""

Tables = npt.NDArray[np.int32]


class Sums(NamedTuple):
    """One number (matrices,) per field and matrix, of counts n_ij at level i and size j; N is their sum.

    The kernel `sum_tables` fills the fields, in their order, in one pass. `voxels` were counted on.
    """

    total: FloatArray
    small: FloatArray
    large: FloatArray
    low: FloatArray
    high: FloatArray
    small_low: FloatArray
    small_high: FloatArray
    large_low: FloatArray
    large_high: FloatArray
    level_nonuniformity: FloatArray
    size_nonuniformity: FloatArray
    level_variance: FloatArray
    size_variance: FloatArray
    entropy: FloatArray
    energy: FloatArray
    normalised_level_nonuniformity: FloatArray
    normalised_size_nonuniformity: FloatArray
    share: FloatArray


@lru_cache(maxsize=64)
def numbers(size: int) -> FloatArray:
    """Return 0, 1, 2 and so on (size,): levels, or sizes that stand for themselves."""
    return np.arange(float(size))


def chunks(matrices: int, cells: int) -> Iterator[tuple[int, int]]:
    """Yield first and stop of as many matrices of `cells` numbers as are held in memory at once."""
    each = max(1, MOST_CELLS // cells)
    for first in range(0, matrices, each):
        yield first, min(first + each, matrices)


def summed(tables: Tables, sizes: FloatArray | None = None) -> FloatArray:
    """Return (matrices, 18) sums of `tables` (matrices, levels + 1, sizes), row 0 empty; `collected` names them.

    `sizes` are 0, 1, 2 and so on if not given.
    """
    from genoxel.features._kernels.logs import LOG2
    from genoxel.features._kernels.sums import sum_tables

    count, height, width = tables.shape
    columns = numbers(width) if sizes is None else sizes
    out = np.zeros((count, len(Sums._fields)))
    scratch = np.empty(height + width, np.int64)
    sum_tables(tables.reshape(count, height * width), numbers(height), columns, scratch, LOG2, out)
    return out


def collected(out: FloatArray, voxels: Ints | FloatArray) -> Sums:
    """Return the fields of `out` (matrices, 18); `voxels` (matrices,) were counted on."""
    out[:, -1] = out[:, 0] / voxels
    return Sums._make(out.T)


def listed(tables: Iterable[Tables], voxels: Ints) -> Entries:
    """Return the entries of `tables` (matrices, levels + 1, sizes), matrix after matrix.

    Rows and columns 0 say nothing; `voxels` (matrices,) were counted on.
    """
    cells, counts, before, levels = [], [], 0, 0
    for some in tables:
        own = some[:, 1:, 1:]
        places = np.argwhere(own)
        counts.append(own[tuple(places.T)])
        cells.append(places + np.array([before, 1, 1]))
        before, levels = before + len(some), some.shape[1] - 1
    g, i, j = np.concatenate(cells).T
    return Entries(g, i, j, np.concatenate(counts).astype(np.int64), before, levels, voxels)
