"""Formulas that the matrices of runs, zones, distances and dependences share, on `Entries` with level i and size j."""

from __future__ import annotations

from typing import Literal

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._entries import Entries

Axis = Literal["level", "size"]
_EMPHASES = {(0, -2): 1, (0, 2): 2, (-2, 0): 3, (2, 0): 4, (-2, -2): 5, (2, -2): 6, (-2, 2): 7, (2, 2): 8}


def emphasis(m: Entries, level_power: int, size_power: int) -> FloatArray:
    """Return the mean of i^level_power j^size_power over all counts (groups,); powers of -2, 0 and 2."""
    return m.summary[_EMPHASES[level_power, size_power]]


def nonuniformity(m: Entries, along: Axis, power: int = 1) -> FloatArray:
    """Return the sum of the squared counts of each level or size over all counts to `power`: 2 normalises."""
    squares = m.summary[9 if along == "level" else 10]
    return np.asarray(squares / m.total**power)


def spread(m: Entries, along: Axis) -> FloatArray:
    """Return the variance of the level or the size over all counts."""
    return m.summary[11 if along == "level" else 12]


def count_entropy(m: Entries) -> FloatArray:
    """Return the entropy of the matrix in bits."""
    return m.summary[13]
