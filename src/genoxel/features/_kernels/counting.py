"""Counting codes: what the kernels of pairs and of runs share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled


@compiled
def add(code: npt.NDArray[Any], table: npt.NDArray[np.int32]) -> None:
    """Count `code` (n,) in the table."""
    for x in range(code.size):
        table[code[x]] += 1


@compiled
def longest(slices: npt.NDArray[np.int64]) -> int:
    """Return the largest number of places that a slice spans."""
    most = 0
    for s in range(slices.shape[0]):
        most = max(most, slices[s, 3] - slices[s, 2])
    return most


@compiled
def first_of(out: npt.NDArray[np.int64], used: int) -> Any:
    """Return the first `used` columns of `out` (4, n). Written out, as slices of arrays take long to compile."""
    kept = np.empty((4, used), np.int64)
    for part in range(4):
        for e in range(used):
            kept[part, e] = out[part, e]
    return kept


@compiled
def widened(out: npt.NDArray[np.int64]) -> Any:
    """Return `out` (4, n) with room for as many columns again."""
    n = out.shape[1]
    wider = np.empty((4, 2 * n), np.int64)
    for part in range(4):
        for e in range(n):
            wider[part, e] = out[part, e]
    return wider
