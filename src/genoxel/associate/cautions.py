"""What the p values of a screen cannot say by themselves: copies that count twice, covariates that are the outcome."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from genoxel.core.table import Table
from genoxel.stats.ranks import FloatArray

_SHOWN = 3
FEWEST_IN_LEVEL = 2
"""Levels of one patient tell everything, and nothing; a covariate is the outcome only where most hold more."""


def cautions_of(image: Table, other: Table, adjust: Table | None) -> tuple[str, ...]:
    """Return sentences about copies among the columns, and covariates that tell a class of the other side wholly.

    >>> from genoxel.core.table import Column
    >>> table = Table(np.array([[1.0, 1.0], [2.0, 2.0]]), ["P1", "P2"], (Column("A"), Column("B")), "expression")
    >>> cautions_of(table, table, None)[0]
    '1 column of the expression table is a copy of another (B of A): each copy is tested and counted.'
    """
    found = [*_copies(image), *_copies(other)]
    if adjust is not None:
        found += _told(other, adjust)
    return tuple(found)


def _copies(table: Table) -> Iterator[str]:
    first: dict[bytes, str] = {}
    copies = []
    for name, values in zip(table.names, np.ascontiguousarray(table.values.T), strict=True):
        known = values[~np.isnan(values)]
        if known.size and np.ptp(known) > 0:
            original = first.setdefault(values.tobytes(), name)
            if original != name:
                copies.append(f"{name} of {original}")
    if copies:
        one = len(copies) == 1
        words = "column of the {} table is a copy" if one else "columns of the {} table are copies"
        yield (
            f"{len(copies)} {words.format(table.kind)} of another ({_some(copies)}): each copy is tested and counted."
        )


def _told(other: Table, adjust: Table) -> Iterator[str]:
    classes = [place for place, column in enumerate(other.columns) if column.kind in ("binary", "categorical")]
    y = other.values[:, classes]
    for place, column in enumerate(adjust.columns):
        if column.kind not in ("binary", "categorical"):
            continue
        told = _pure(y, adjust.values[:, place])
        names = [other.columns[classes[number]].name for number in np.flatnonzero(told)]
        if names:
            yield (
                f"{column.name} tells {_some(names)} wholly: what is linked to the one is linked to the other, and no "
                "adjusted value can set them apart."
            )


def _pure(y: FloatArray, levels: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which columns of `y` (n, m) vary, but never within a level."""
    spread = np.zeros(y.shape[1], dtype=np.bool_)
    single = np.zeros(y.shape[1], dtype=np.intp)
    for level in np.unique(levels[~np.isnan(levels)]):
        part = y[levels == level]
        known = ~np.isnan(part)
        low, high = np.where(known, part, np.inf).min(axis=0), np.where(known, part, -np.inf).max(axis=0)
        spread |= low < high
        single += np.where(known.sum(axis=0) < FEWEST_IN_LEVEL, known.sum(axis=0), 0)
    total = (~np.isnan(y) & ~np.isnan(levels)[:, None]).sum(axis=0)
    masked = np.where(np.isnan(y) | np.isnan(levels)[:, None], np.nan, y)
    varies = np.fmax.reduce(masked, axis=0, initial=-np.inf) > np.fmin.reduce(masked, axis=0, initial=np.inf)
    return np.asarray(~spread & varies & (single <= total / 2))


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
