"""Null worlds: whole patients of one side are moved, so that the links inside each side stay as they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError
from genoxel.stats.ranks import FloatArray, IndexArray


def permutations(n: int, count: int, seed: int = 0, strata: npt.ArrayLike | None = None) -> Iterator[IndexArray]:
    """Yield `count` random orders (n,) of the patients; with `strata` (n,) each moves within its stratum only.

    World k depends on `seed` and k alone: asking for more worlds leaves the first ones as they were.

    >>> int(next(permutations(4, 1, seed=3, strata=["a", "a", "b", "b"]))[:2].max())
    1
    """
    groups = [np.arange(n, dtype=np.intp)]
    if strata is not None:
        names = np.asarray(strata)
        if names.shape != (n,):
            raise InputError(f"strata of shape {names.shape} for {n} rows", "one stratum per row", "align them")
        groups = [np.flatnonzero(names == name) for name in np.unique(names)]
    for world in range(count):
        rng = np.random.default_rng(np.random.SeedSequence([seed, world]))
        order = np.arange(n, dtype=np.intp)
        for group in groups:
            order[group] = rng.permutation(group)
        yield order


def induced(order: IndexArray, keep: npt.NDArray[np.bool_]) -> IndexArray:
    """Return, per kept patient, the position among the kept of the patient moved there by `order` (n,).

    Patients that are not kept are cut out of the cycles of the permutation, so that each subset is permuted
    uniformly and any two subsets are moved alike wherever they can be. `keep` may hold one subset (n,).

    >>> induced(np.array([1, 2, 0]), np.array([True, False, True]))
    array([1, 0])
    """
    place = np.cumsum(keep) - 1
    target = order[keep]
    while not (inside := keep[target]).all():
        target = np.where(inside, target, order[target])
    return np.asarray(place[target])


def permutation_p(observed: npt.ArrayLike, null: npt.ArrayLike) -> FloatArray:
    """Return (1 + worlds at least as extreme) / (1 + worlds): never 0. `null` (worlds,) is shared by all observed.

    >>> permutation_p([5.0, 0.0], [1.0, 2.0, 3.0])
    array([0.25, 1.  ])
    """
    ordered = np.sort(np.asarray(null, dtype=np.float64))
    values = np.asarray(observed, dtype=np.float64)
    above = len(ordered) - np.searchsorted(ordered, values - 1e-9 * np.abs(values), side="left")
    return np.asarray(np.where(np.isnan(values), np.nan, (1 + above) / (1 + len(ordered))))


_AT_ONCE = 1_000_000


def family_p(p: npt.ArrayLike, smallest: npt.ArrayLike) -> FloatArray:
    """Return p adjusted for the whole family by the smallest p of each null world (Westfall and Young, single step).

    >>> family_p([0.001, 0.2], [0.01, 0.05, 0.3])
    array([0.25, 0.75])
    """
    array, null = np.asarray(p, dtype=np.float64), -np.asarray(smallest, dtype=np.float64)
    flat, out = array.ravel(), np.empty(array.size)
    for first in range(0, array.size, _AT_ONCE):
        out[first : first + _AT_ONCE] = permutation_p(-flat[first : first + _AT_ONCE], null)
    return out.reshape(array.shape)
