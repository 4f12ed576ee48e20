"""Runs of equal grey level, one matrix per slab and direction, as lists of entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled
from genoxel.features._kernels.counting import add, first_of, widened

Ints = npt.NDArray[np.int64]
Table = npt.NDArray[np.int32]


@compiled
def _across(
    here: npt.NDArray[Any], before: npt.NDArray[Any], shorter: npt.NDArray[Any], code: npt.NDArray[Any]
) -> None:
    for x in range(here.size):
        longer = (shorter[x] if here[x] == before[x] else here[x]) + 1
        code[x] = longer if here[x] != 0 else 0


@compiled
def _across_row(
    here: npt.NDArray[Any], before: npt.NDArray[Any], shorter: npt.NDArray[Any], code: npt.NDArray[Any], table: Table
) -> None:
    # counted in the same loop: rows are too short for vectors
    for x in range(here.size):
        longer = (shorter[x] if here[x] == before[x] else here[x]) + 1
        code[x] = longer if here[x] != 0 else 0
        table[code[x]] += 1


@compiled
def _along_row(here: npt.NDArray[Any], before: npt.NDArray[Any], code: npt.NDArray[Any], table: Table) -> None:
    last = code[0]
    for x in range(here.size):
        last = (last if here[x] == before[x] else here[x]) + 1
        code[x] = last
        table[code[x]] += 1


@compiled
def count_runs(
    scaled: npt.NDArray[Any], rows: Ints, slices: Ints, starts: Ints, steps: Ints, n_levels: int, width: int
) -> Any:
    """Return (g, i, j, n): level i and run length j below `width`; the other arguments are those of `count_pairs`.

    `scaled` holds the levels times `width`, so that level and length so far of the run through a voxel are one number,
    which follows from that of the voxel before. All voxels are counted: as many voxels have the length j so far as
    there are runs of at least j, and differences of these give the runs of exactly j.
    """
    code = np.zeros(scaled.size, scaled.dtype)
    size = (n_levels + 1) * width
    table = np.zeros(size, np.int32)
    out = np.empty((4, 1024), np.int64)
    used = 0
    for slab in range(starts.size - 1):
        for d in range(steps.size):
            step = steps[d]
            for s in range(starts[slab], starts[slab + 1]):
                a, b = slices[s, 2], slices[s, 3]
                apart = step > b - a
                if apart:
                    _across(scaled[a:b], scaled[a - step : b - step], code[a - step : b - step], code[a:b])
                for r in range(slices[s, 0], slices[s, 1]):
                    a, b = rows[r, 0], rows[r, 1]
                    if apart:
                        add(code[a:b], table)
                    elif step == 1:
                        _along_row(scaled[a:b], scaled[a - 1 : b - 1], code[a:b], table)
                    else:
                        before, shorter = scaled[a - step : b - step], code[a - step : b - step]
                        _across_row(scaled[a:b], before, shorter, code[a:b], table)
            group = slab * steps.size + d
            for i in range(1, n_levels + 1):
                for j in range(1, width):
                    place = i * width + j
                    n = np.int64(table[place])
                    if n == 0:
                        break
                    if j + 1 < width:
                        n -= np.int64(table[place + 1])
                    if n > 0:
                        if used == out.shape[1]:
                            out = widened(out)
                        out[0, used] = group
                        out[1, used] = i
                        out[2, used] = j
                        out[3, used] = n
                        used += 1
            table[:] = 0
    return first_of(out, used)
