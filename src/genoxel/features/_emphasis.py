"""Formulas that the matrices of runs, zones, distances and dependences share, on `Entries` with level i and size j."""

from __future__ import annotations

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._entries import Entries, entropy


def emphasis(m: Entries, level_power: int, size_power: int) -> FloatArray:
    """Return the mean of i^level_power j^size_power over all counts (groups,)."""
    weights = m.p
    if level_power:
        weights = weights * m.level**level_power
    if size_power:
        weights = weights * m.size**size_power
    return m.sums(weights)


def nonuniformity(counts: FloatArray, total: FloatArray, power: int = 1) -> FloatArray:
    """Return the sum of squared `counts` (groups, n) over `total` (groups,) to `power`: 2 normalises."""
    return np.asarray((counts**2).sum(axis=1) / total**power)


def spread(m: Entries, of: FloatArray) -> FloatArray:
    """Return the variance over all counts of `of` (entries,): levels or sizes."""
    mean = m.sums(m.p * of)
    return m.sums(m.p * (of - mean[m.g]) ** 2)


def count_entropy(m: Entries) -> FloatArray:
    """Return the entropy of the matrix in bits."""
    return m.sums(entropy(m.p))
