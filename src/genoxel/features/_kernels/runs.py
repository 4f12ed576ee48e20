"""Runs of equal grey level, one table per matrix, and what each matrix sums to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled, inlined
from genoxel.features._kernels.counting import Counts, add

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[Any]


@inlined
def _across(here: Codes, before: Codes, shorter: Codes, code: Codes) -> None:
    for x in range(here.size):
        longer = (shorter[x] if here[x] == before[x] else here[x]) + 1
        code[x] = longer if here[x] != 0 else 0


@inlined
def _across_row(here: Codes, before: Codes, shorter: Codes, code: Codes, table: Counts) -> None:
    # counted in the same loop: rows are too short for vectors
    for x in range(here.size):
        longer = (shorter[x] if here[x] == before[x] else here[x]) + 1
        code[x] = longer if here[x] != 0 else 0
        table[code[x]] += 1


@inlined
def _along_row(here: Codes, before: Codes, code: Codes, table: Counts) -> None:
    last = code[0]
    for x in range(here.size):
        last = (last if here[x] == before[x] else here[x]) + 1
        code[x] = last
        table[code[x]] += 1


@inlined
def _count(
    scaled: Codes, rows: Ints, crossed: Ints, slices: Ints, step: int, inner: int, code: Codes, table: Counts
) -> None:
    if step > inner:
        for s in range(slices.shape[0]):
            a, b = slices[s, 2], slices[s, 3]
            _across(scaled[a:b], scaled[a - step : b - step], code[a - step : b - step], code[a:b])
            for r in range(slices[s, 0], slices[s, 1]):
                add(code[rows[r, 0] : rows[r, 1]], table)
    else:
        for r in range(slices[0, 0], slices[slices.shape[0] - 1, 1]):
            a, b = crossed[r, 0], crossed[r, 1]
            if step == 1:
                _along_row(scaled[a:b], scaled[a - 1 : b - 1], code[a:b], table)
            else:
                _across_row(scaled[a:b], scaled[a - step : b - step], code[a - step : b - step], code[a:b], table)


@inlined
def _end(table: Counts, width: int) -> None:
    """Turn the voxels at each length so far (at least that long a run) into the runs of exactly that length."""
    for i in range(0, table.size, width):
        for j in range(i + 1, i + width - 1):
            if table[j + 1] == 0:
                break
            table[j] -= table[j + 1]


@compiled
def count_runs(
    scaled: Codes,
    rows: Ints,
    crossed: Ints,
    slices: Ints,
    tasks: Ints,
    inner: int,
    width: int,
    code: Codes,
    tables: npt.NDArray[np.int32],
) -> None:
    """Fill `tables` (matrices, levels * width, zeros), at level * width + length, with the runs of equal level.

    `scaled` holds the levels times the width, so that level and length so far of the run through a voxel are one
    number, which follows from that of the voxel before. `crossed` holds the rows in the order in which they are
    followed within slices; steps up to `inner` stay within a slice. `code` (like `scaled`, zeros) is overwritten. The
    other arguments are those of `count_pairs`.
    """
    for t in range(tasks.shape[0]):
        of_slices = slices[tasks[t, 0] : tasks[t, 1]]
        _count(scaled, rows, crossed, of_slices, tasks[t, 2], inner, code, tables[tasks[t, 3]])
    for q in range(tables.shape[0]):
        _end(tables[q], width)
