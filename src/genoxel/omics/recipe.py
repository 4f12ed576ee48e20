"""Blocks that are learned from samples: raw numbers, and steps that only training rows may teach."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any, Protocol, TypeVar

import numpy as np

from genoxel.core.table import Table

Self = TypeVar("Self", bound="Step")


class Step(Protocol):
    """One step of a recipe, such as `SizeFactors` or `SetScorer`: unfitted until `fit`."""

    def fit(self: Self, table: Table) -> Self:
        """Learn from the rows of `table`, and return the step."""

    def transform(self, table: Table) -> Table:
        """Return what follows for the rows of `table`."""


@dataclass(frozen=True, eq=False)
class Fixed:
    """A step that learns nothing: a function of a table, one sample at a time."""

    function: Callable[[Table], Table]

    def fit(self, table: Table) -> Fixed:
        """Return the step as it is."""
        return self

    def transform(self, table: Table) -> Table:
        """Return what the function makes of `table`."""
        return self.function(table)


class MostVariable:
    """Keeps the `count` columns that vary most among the training rows (at least 1, never a constant one).

    Those of `always` stay beside them, unless they are constant or have a missing value.

    >>> from genoxel.core.table import Column
    >>> table = Table(np.array([[1.0, 5.0, 2.0], [1.0, 1.0, 3.0]]), ("P1", "P2"), tuple(map(Column, "ABC")))
    >>> MostVariable(1).fit(table).transform(table).names
    ('B',)
    """

    def __init__(self, count: int, always: Sequence[str] = ()) -> None:
        self.count, self.always = count, tuple(always)
        self._names: tuple[str, ...] = ()

    def fit(self, table: Table) -> MostVariable:
        """Choose the columns; they keep their order. Columns with a missing value are left out."""
        spread = np.asarray(table.values).var(axis=0)
        spread[np.isnan(spread)] = 0.0
        asked = [place for place, name in enumerate(table.names) if name in self.always]
        best = np.union1d(np.argsort(-spread, kind="stable")[: self.count], np.array(asked, dtype=np.intp))
        self._names = tuple(table.names[place] for place in np.sort(best[spread[best] > 0]).tolist())
        return self

    def transform(self, table: Table) -> Table:
        """Return the chosen columns."""
        return table.select(self._names)


class Alongside:
    """Applies `steps` to all columns but those called "beside:...", which go through and come last without that word.

    Numbers of one sample alone can so stand in a block whose other columns are learned.

    >>> from genoxel.core.table import Column
    >>> raw = Table(np.array([[1.0, 3.0], [5.0, 2.0]]), ("P1", "P2"), (Column("A"), Column("B")))
    >>> both = Alongside.raw(raw, raw.select(["B"]))
    >>> Alongside((MostVariable(1),)).fit(both).transform(both).values
    array([[1., 3.],
           [5., 2.]])
    """

    _WORD = "beside:"

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        self._taught = Taught(())

    @classmethod
    def raw(cls, table: Table, beside: Table) -> Table:
        """Return the table that the step takes: `table`, and the columns of `beside` that go through."""
        return table.beside(
            replace(beside, columns=tuple(replace(one, name=cls._WORD + one.name) for one in beside.columns))
        )

    def fit(self, table: Table) -> Alongside:
        """Teach the steps."""
        self._taught = teach(self.steps, self._inner(table))
        return self

    def transform(self, table: Table) -> Table:
        """Return what the steps make, beside the columns that go through."""
        beside = table.where(lambda one: one.name.startswith(self._WORD))
        names = tuple(replace(one, name=one.name.removeprefix(self._WORD)) for one in beside.columns)
        return self._taught.transform(self._inner(table)).beside(replace(beside, columns=names))

    def _inner(self, table: Table) -> Table:
        return table.where(lambda one: not one.name.startswith(self._WORD))


@dataclass(frozen=True, eq=False)
class Recipe:
    """A block of numbers made of `raw` by `steps` in order; the steps are never fitted in place.

    >>> from genoxel.core.table import Column
    >>> from genoxel.omics.normalise import QuantileNormaliser
    >>> raw = Table(np.array([[1.0, 3.0], [5.0, 2.0], [9.0, 9.0]]), ("P1", "P2", "P3"), (Column("A"), Column("B")))
    >>> recipe = Recipe(raw, (QuantileNormaliser(),))
    >>> recipe.taught(raw.take([0, 1])).transform(raw.take([2])).values
    array([[2.75, 2.75]])
    """

    raw: Table
    steps: tuple[Step, ...] = ()

    def then(self, *steps: Step) -> Recipe:
        """Return this recipe with more steps at its end."""
        return replace(self, steps=(*self.steps, *steps))

    def taught(self, rows: Table) -> Taught:
        """Return the steps fitted to `rows`, one after another; rows without any number teach nothing."""
        return teach(self.steps, rows)

    def of_all(self) -> Table:
        """Return the block with every step learned from all rows, the columns saying so."""
        made = self.taught(self.raw).transform(self.raw)
        words = f"learned from {_measured(self.raw).sum()} samples, in [learn] from each training fold anew"
        columns = tuple(
            replace(one, definition="; ".join(filter(None, (one.definition, words)))) for one in made.columns
        )
        return replace(made, columns=columns)

    def digest(self) -> str:
        """Return 16 hex digits of the steps' settings (not of the raw numbers)."""
        return digest_of(self.steps)


@dataclass(frozen=True, eq=False)
class Taught:
    """Fitted steps."""

    steps: tuple[Step, ...]

    def transform(self, table: Table) -> Table:
        """Return the block for the rows of `table`; rows without any number stay without."""
        there = _measured(table)
        made = table.take(there)
        for step in self.steps:
            made = step.transform(made)
        values = np.full((len(table), len(made.columns)), np.nan)
        values[there] = made.values
        return replace(made, values=values, rows=table.rows)


def teach(steps: Sequence[Step], rows: Table) -> Taught:
    """Return copies of `steps` fitted to `rows`, each to what the one before made of them."""
    made = rows.take(_measured(rows))
    fitted: list[Step] = []
    for step in steps:
        one = copy.copy(step).fit(made)
        made = one.transform(made)
        fitted.append(one)
    return Taught(tuple(fitted))


def _measured(table: Table) -> Any:
    return ~np.isnan(np.asarray(table.values)).all(axis=1)


def digest_of(steps: Sequence[object]) -> str:
    """Return 16 hex digits of the class and settings of each step."""
    return sha256("\n".join(_words(step) for step in steps).encode()).hexdigest()[:16]


def _words(thing: object) -> str:
    if isinstance(thing, np.ndarray):
        return f"{thing.shape}{thing.dtype.str}{sha256(np.ascontiguousarray(thing).tobytes()).hexdigest()}"
    if isinstance(thing, Mapping):
        return "{" + ",".join(f"{key!r}:{_words(value)}" for key, value in thing.items()) + "}"
    if isinstance(thing, tuple | list):
        return "(" + ",".join(map(_words, thing)) + ")"
    if isinstance(thing, partial):
        return f"{_words(thing.func)}{_words(thing.args)}{_words(thing.keywords)}"
    if callable(thing) and hasattr(thing, "__qualname__"):
        return f"{thing.__module__}.{thing.__qualname__}"
    if hasattr(thing, "__dict__"):
        return f"{type(thing).__module__}.{type(thing).__qualname__}{_words(vars(thing))}"
    return repr(thing)
