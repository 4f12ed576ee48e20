"""Fixed transforms of expression; whatever is learned from patients (scaling, batch) belongs into the folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from genoxel.core.errors import TableError, nearest
from genoxel.core.image import FloatArray
from genoxel.core.table import Table

Transform = Literal["none", "log2+1", "log2", "log10+1"]

_FUNCTIONS: dict[str, tuple[Callable[[FloatArray], FloatArray], float]] = {
    "log2+1": (lambda values: np.log2(values + 1.0), 0.0),
    "log2": (np.log2, np.nextafter(0.0, 1.0)),
    "log10+1": (lambda values: np.log10(values + 1.0), 0.0),
}
_LARGEST_LOG2 = 30.0
"""Counts and abundances of RNA reach thousands; a matrix that never exceeds 30 has been logged already."""


def transform(table: Table, how: Transform = "log2+1") -> Table:
    """Return expression on another scale: "log2+1" is log2(x + 1), "log2", "log10+1", "none"; the unit says so.

    Raises `TableError` for negative values, and for a matrix that looks logged already (a log of a log).

    >>> from genoxel.core.table import Column
    >>> raw = Table(np.array([[3.0], [1023.0]]), ("P1", "P2"), (Column("EGFR", unit="rsem"),), kind="expression")
    >>> logged = transform(raw)
    >>> logged["EGFR"], logged.columns[0].unit
    (array([ 2., 10.]), 'log2(rsem + 1)')
    """
    if how == "none":
        return table
    if how not in _FUNCTIONS:
        raise TableError(
            f"transform {how!r}", "none, log2+1, log2, log10+1", nearest(how, _FUNCTIONS) or "choose one of these"
        )
    function, lowest = _FUNCTIONS[how]
    _refuse_logged(table, lowest, how)
    columns = tuple(replace(column, unit=_unit(how, column.unit or "x")) for column in table.columns)
    return replace(table, values=function(np.asarray(table.values)), columns=columns)


def _unit(how: str, unit: str) -> str:
    name, _, plus = how.partition("+")
    return f"{name}({unit}{f' + {plus}' if plus else ''})"


def _refuse_logged(table: Table, lowest: float, how: str) -> None:
    values = table.values
    if values.size == 0 or np.isnan(values).all():
        return
    if np.nanmin(values) < lowest:
        row, column = (int(place) for place in np.argwhere(values < lowest)[0])
        raise TableError(
            f"the value {values[row, column]:.6g} of {table.names[column]} in {table.rows[row].text()} for {how}",
            "values of 0 or more (above 0 for log2)",
            "negative values mean that the matrix is logged or scaled already: use transform = 'none'",
        )
    if np.nanmax(values) < _LARGEST_LOG2 or any(column.unit.startswith("log") for column in table.columns):
        raise TableError(
            f"a matrix with largest value {np.nanmax(values):.4g} for {how}",
            "counts or abundances (some genes above 30)",
            "it looks logged already: use transform = 'none'",
        )
