"""Folds: stratified by class, whole patients, or one site at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import OutcomeError
from genoxel.core.image import FloatArray

IntArray = npt.NDArray[np.intp]


def stratified_folds(y: FloatArray, folds: int, rng: np.random.Generator) -> IntArray:
    """Return the fold (n,) of each patient: every class is dealt out in random order, so that folds differ by one.

    >>> stratified_folds(np.array([0.0, 0.0, 1.0, 1.0]), 2, np.random.default_rng(0)).tolist().count(0)
    2
    """
    fold = np.empty(y.size, dtype=np.intp)
    dealt = 0
    for label in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == label))
        fold[members] = (np.arange(members.size) + dealt) % folds
        dealt += members.size
    return fold


def site_folds(sites: Sequence[str]) -> tuple[IntArray, tuple[str, ...]]:
    """Return (fold (n,) of each patient, names of the sites): each site is one fold.

    Raises `OutcomeError` with fewer than two sites.
    """
    names = tuple(sorted(set(sites)))
    if len(names) < 2:
        raise OutcomeError(
            f"{len(names)} site for leave-site-out validation",
            "two sites or more",
            "set validate.outer to a number, such as 5",
        )
    code = {name: place for place, name in enumerate(names)}
    return np.array([code[site] for site in sites], dtype=np.intp), names


def members(owner: IntArray, chosen: npt.NDArray[np.bool_], without: npt.NDArray[np.bool_] | None = None) -> IntArray:
    """Return the rows whose patient is `chosen` (patients,): rows of one patient stay together.

    Rows of `without` (rows,) are left out: augmented copies where patients are held out.

    >>> members(np.array([0, 0, 1]), np.array([True, False]), np.array([False, True, False])).tolist()
    [0]
    """
    inside = chosen[owner] if without is None else chosen[owner] & ~without
    return np.flatnonzero(inside)
