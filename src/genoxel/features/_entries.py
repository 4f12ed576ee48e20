"""Texture matrices as lists of their entries, several matrices (groups) side by side, for what tables cannot hold.

Entry e says that group g[e] holds n[e] counts at row i[e] and column j[e], neither of which need be whole numbers
where distance weighs. A group is a slice, a direction, or both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Entries:
    """Counts `n` (entries,) at rows `i` and columns `j` of `groups` matrices `g`; counted on `voxels` (groups,).

    Counts are whole numbers, or, where distance weighs, not; then sizes `j` need not be whole either.
    """

    g: Ints
    i: Ints
    j: npt.NDArray[Any]
    n: npt.NDArray[Any]
    groups: int
    n_levels: int
    voxels: Ints | FloatArray

    @property
    def whole(self) -> bool:
        """Whether all counts are whole numbers."""
        return self.n.dtype.kind == "i"

    def weighted(self, weights: FloatArray) -> Entries:
        """Return the matrices with all counts, and the voxels, times the weight (groups,) of their group."""
        return replace(self, n=self.n * weights[self.g], voxels=self.voxels * weights)

    def without(self, held: npt.NDArray[np.bool_]) -> Entries:
        """Return the matrices, emptied where `held` (groups,) is not true."""
        own = held[self.g]
        g, i, j, n = self.g[own], self.i[own], self.j[own], self.n[own]
        return replace(self, g=g, i=i, j=j, n=n, voxels=self.voxels * held)

    def merged(self, into: Ints) -> Entries:
        """Return the sums of those matrices that share a number in `into` (groups,)."""
        groups = int(into.max()) + 1
        width = int(self.j.max()) + 1 if self.j.size else 1
        height = int(self.i.max()) + 1 if self.i.size else 1
        key = (into[self.g] * height + self.i) * width + self.j
        places, back = np.unique(key, return_inverse=True)
        n = np.bincount(back, weights=self.n, minlength=places.size)
        rest, j = np.divmod(places, width)
        g, i = np.divmod(rest, height)
        voxels = np.bincount(into, weights=self.voxels, minlength=groups)
        if self.whole:
            n, voxels = n.astype(np.int64), voxels.astype(np.int64)
        return Entries(g, i, j, n, groups, self.n_levels, voxels)

    def filled(self) -> Entries:
        """Return the matrices that hold any count; an empty direction or slice says nothing and is left out."""
        if self.groups == 1 and self.g.size:
            return self
        held = np.bincount(self.g, minlength=self.groups) > 0
        if not held.any():
            raise NotDefinedError("no pair of voxels in the region", "neighbouring voxels", "draw a larger region")
        if held.all():
            return self
        number = np.cumsum(held) - 1
        return Entries(number[self.g], self.i, self.j, self.n, int(held.sum()), self.n_levels, self.voxels[held])


def entropy(p: FloatArray) -> FloatArray:
    """Return the terms -p log2 p, 0 where p is 0."""
    return -p * np.log2(np.where(p > 0, p, 1.0))


def pooled(values: FloatArray) -> float:
    """Return the mean of the matrices' values, leaving out those where it is not defined (NaN).

    Raises `NotDefinedError` when it is defined in none, or there is none.
    """
    if not values.size:
        raise NotDefinedError("no voxel with a neighbour in the region", "voxels that touch", "draw a larger region")
    defined = values[np.isfinite(values)]
    if not defined.size:
        raise NotDefinedError("no spread to divide by in any matrix", "varying grey levels", "look at the region")
    return float(defined.mean())
