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
