"""Columns that are learned inside a fold: a design's raw numbers become what a procedure sees, by training rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.image import FloatArray
from genoxel.core.keys import as_keys
from genoxel.core.table import Column, Table
from genoxel.omics.recipe import Step, digest_of, teach

Made = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Learned:
    """One learned block in a design: its raw columns, the steps, and the names that come out (indicators included)."""

    raw: tuple[Column, ...]
    steps: tuple[Step, ...]
    names: tuple[str, ...]
    kind: str


@dataclass(frozen=True, eq=False)
class Making:
    """How the columns of a design are made: `plain` columns first, then the raw columns of each learned block."""

    plain: int
    blocks: tuple[Learned, ...]

    def __deepcopy__(self, memo: Any) -> Making:
        return self  # nothing in it changes, and scikit-learn copies every parameter at each fit

    @property
    def width(self) -> int:
        """Number of columns that come out."""
        return self.plain + sum(len(block.names) for block in self.blocks)

    def digest(self) -> str:
        """Return 16 hex digits of what is learned, and from which columns."""
        return digest_of([(block.kind, [one.name for one in block.raw], block.steps) for block in self.blocks])

    def fit(self, X: FloatArray) -> Made:
        """Return how rows become columns, learned from the rows of `X` (n, raw columns) alone."""
        parts = []
        for block, values in self._parts(X):
            parts.append((block, teach(block.steps, _table(block, values))))

        def made(rows: FloatArray) -> FloatArray:
            found = [rows[:, : self.plain]]
            for (block, taught), (_, values) in zip(parts, self._parts(rows), strict=True):
                found.append(_numbers(block, taught.transform(_table(block, values))))
            return np.ascontiguousarray(np.hstack(found))

        return made

    def _parts(self, X: FloatArray) -> list[tuple[Learned, FloatArray]]:
        first, found = self.plain, []
        for block in self.blocks:
            found.append((block, X[:, first : first + len(block.raw)]))
            first += len(block.raw)
        return found


def _table(block: Learned, values: FloatArray) -> Table:
    return Table(values, as_keys([str(place) for place in range(len(values))]), block.raw, block.kind)


def _numbers(block: Learned, made: Table) -> FloatArray:
    names, parts = spread(made)
    if tuple(names) != block.names:
        odd = next((one for one, other in zip(names, block.names, strict=False) if one != other), "another number")
        raise TableError(
            f"columns of {block.kind} that a training fold names otherwise ({odd})",
            "the columns of the whole cohort",
            "choose fewer groups, or a method that looks at one sample at a time",
        )
    return np.array(parts, dtype=np.float64).T.reshape(len(made), len(names))


def spread(table: Table) -> tuple[list[str], list[FloatArray]]:
    """Return names and values of the columns of a table, categories as indicators."""
    names: list[str] = []
    parts: list[FloatArray] = []
    for column, values in zip(table.columns, table.values.T, strict=True):
        new_names, new_parts = indicators(column, values)
        names += new_names
        parts += new_parts
    return names, parts


def indicators(column: Column, values: FloatArray) -> tuple[list[str], list[FloatArray]]:
    """Return names and 0/1 values of one column per level but the first; other kinds pass through.

    The levels stand in the column's record, so nothing is learned from the rows; a level absent from a training fold
    gives a constant column there, which the procedure drops.
    """
    if column.kind != "categorical":
        return [column.name], [values]
    missing = np.isnan(values)
    names, parts = [], []
    for code, level in enumerate(column.levels):
        if code == 0 and len(column.levels) > 1:
            continue
        names.append(f"{column.name}={level}")
        parts.append(np.where(missing, np.nan, values == code))
    return names, parts
