"""From tables to the numbers a procedure sees; nothing is learned here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import TableError, nearest
from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey, as_keys, is_copy, refuse_copies_alone
from genoxel.core.table import Table
from genoxel.learn.making import Learned, Making, indicators, spread
from genoxel.learn.splits import IntArray
from genoxel.omics.recipe import Recipe

__all__ = ["Design", "indicators", "make_design"]


@dataclass(frozen=True, eq=False)
class Design:
    """Rows x columns as a procedure takes them: `X` (rows, p), `owner` (rows,) the place of each row's patient.

    `always` columns come first and are spared by the selection (clinical columns beside an image); `notes` says what
    was odd about the columns. `copies` (rows,) marks augmented copies, which train and never validate. With `making`
    the last columns of `X` are raw numbers, from which each fit learns columns anew; `names` are those the model sees.
    """

    X: FloatArray
    names: tuple[str, ...]
    owner: IntArray
    always: int = 0
    notes: tuple[str, ...] = ()
    making: Making | None = None
    copies: npt.NDArray[np.bool_] | None = None

    @property
    def usable(self) -> bool:
        """Whether any column holds two different values."""
        return any(np.unique(column[np.isfinite(column)]).size > 1 for column in self.X.T)


def make_design(
    blocks: Mapping[str, Table],
    names: Sequence[str],
    patients: Sequence[str],
    always: Sequence[str] = (),
    recipes: Mapping[str, Recipe] | None = None,
) -> Design:
    """Return the design of the blocks called `names` for `patients`, one or more rows each.

    Several rows per patient are taken from the first block that has them; a patient without a row in a block is
    missing there. A block of `recipes` enters with its raw numbers and is learned anew in each fit. Raises
    `TableError` for a block that was not given.
    """
    known = recipes or {}
    ordered = [name for name in _spared_first(names, always) if name not in known]
    learned = [name for name in names if name in known]
    tables = [_block(blocks, name).of_patients(patients) for name in ordered]
    raws = [known[name].raw.of_patients(patients) for name in learned]
    rows = _rows([*tables, *raws], patients)
    refuse_copies_alone(rows)
    keys = [row.patient for row in rows]
    copies = np.array([is_copy(row) for row in rows], dtype=np.bool_)
    place = {patient: index for index, patient in enumerate(patients)}
    owner = np.array([place[patient] for patient in keys], dtype=np.intp)
    labels: list[str] = []
    parts: list[FloatArray] = []
    spared = 0
    for name, table in zip(ordered, tables, strict=True):
        values = _aligned(table, keys, owner, len(patients))
        for column, numbers in zip(table.columns, values.T, strict=True):
            new_names, new_parts = indicators(column, numbers)
            labels += new_names
            parts += new_parts
        spared = len(labels) if name in always else spared
    X = np.array(parts, dtype=np.float64).T.reshape(owner.size, len(labels))
    X = np.where(np.isfinite(X), X, np.nan)
    notes = _oddities(X, labels)
    making = _making(len(labels), [(name, _block(blocks, name), known[name]) for name in learned])
    if making is None:
        return Design(np.ascontiguousarray(X), tuple(labels), owner, spared, notes, copies=copies)
    X = np.hstack([X, *(_aligned(raw, keys, owner, len(patients)) for raw in raws)])
    labels += [name for block in making.blocks for name in block.names]
    note = f"{', '.join(learned)}: learned from the training rows of each fold anew."
    return Design(np.ascontiguousarray(X), tuple(labels), owner, spared, (*notes, note), making, copies)


def _making(plain: int, learned: Sequence[tuple[str, Table, Recipe]]) -> Making | None:
    if not learned:
        return None
    parts = [
        Learned(recipe.raw.columns, recipe.steps, tuple(spread(table)[0]), name) for name, table, recipe in learned
    ]
    return Making(plain, tuple(parts))


def _block(blocks: Mapping[str, Table], name: str) -> Table:
    if name not in blocks:
        hint = nearest(name, blocks) or "choose one of these"
        raise TableError(f"the block {name!r} of features", ", ".join(blocks) or "no block was given", hint)
    return blocks[name]


def _spared_first(names: Sequence[str], always: Sequence[str]) -> list[str]:
    return [name for name in names if name in always] + [name for name in names if name not in always]


def _rows(tables: Sequence[Table], patients: Sequence[str]) -> list[RowKey]:
    for table in tables:
        if len(table) > len(table.patients):
            rest = [patient for patient in patients if patient not in set(table.patients)]
            return [*table.rows, *as_keys(rest)]
    return list(as_keys(patients))


def _aligned(table: Table, keys: Sequence[str], owner: IntArray, n: int) -> FloatArray:
    if [row.patient for row in table.rows] == list(keys):
        return np.asarray(table.values)
    if len(table) > len(table.patients):
        values = np.full((len(keys), len(table.columns)), np.nan)
        values[: len(table)] = table.values
        return values
    per_patient = np.full((n, len(table.columns)), np.nan)
    place = dict(zip(keys, owner.tolist(), strict=True))
    for row, key in enumerate(table.rows):
        per_patient[place[key.patient]] = table.values[row]
    return np.asarray(per_patient[owner])


def _oddities(X: FloatArray, names: Sequence[str]) -> tuple[str, ...]:
    missing = np.isnan(X)
    bare = [bool(column.all()) for column in missing.T]
    empty = [name for name, gone in zip(names, bare, strict=True) if gone]
    constant = [name for name, column in zip(names, X.T, strict=True) if np.unique(column[~np.isnan(column)]).size == 1]
    notes = []
    if empty:
        notes.append(f"{len(empty)} columns without any value were left out: {_some(empty)}.")
    if constant:
        notes.append(f"{len(constant)} constant columns were left out: {_some(constant)}.")
    filled = int(missing.sum()) - len(empty) * len(X)
    if filled:
        share = filled / max(missing.size, 1)
        notes.append(f"{filled} missing values ({share:.1%}) were filled with the median of each training fold.")
    return tuple(notes)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
