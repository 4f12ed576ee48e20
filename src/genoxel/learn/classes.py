"""Classes that the training patients of each fold make for themselves: quantile cuts, and classes of learned scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.core.outcome import Outcome
from genoxel.learn.splits import IntArray
from genoxel.omics.recipe import Recipe, digest_of
from genoxel.omics.settings import TargetSettings
from genoxel.omics.targets import cut_outcome, grouped_outcome, outcome_of_column

Self = TypeVar("Self", bound="FoldClasses")


class FoldClasses(Protocol):
    """What makes the classes of a fold's training patients.

    The models learn these; held-out patients are judged by the fixed classes of the outcome, which no model sees.
    """

    @property
    def note(self) -> str:
        """One sentence on what each fold learns."""

    def of_patients(self: Self, patients: Sequence[str]) -> Self:
        """Return the same for `patients` in their order, each of whom it must know."""

    def labels(self, train: IntArray) -> FloatArray:
        """Return 0 or 1 for everyone (n,) as the patients at the places `train` teach it (NaN: no class)."""

    def shuffled(self: Self, keys: FloatArray) -> Self:
        """Return the same with its patients' data handed to others, in the order of random `keys` (n,)."""

    def digest(self) -> str:
        """Return text that stands for the data and the settings."""


@dataclass(frozen=True, eq=False)
class LearnedCut:
    """A number of each patient (n,), and the quantile of the training patients from which on it counts as high."""

    patients: tuple[str, ...]
    values: FloatArray
    quantile: float = 0.5

    @property
    def note(self) -> str:
        """One sentence on what each fold learns."""
        return f"Each fold cuts at the quantile {self.quantile:g} of its own training patients."

    def of_patients(self, patients: Sequence[str]) -> LearnedCut:
        """Return the cut for `patients` in their order, each of whom it must know."""
        return replace(self, patients=tuple(patients), values=self.values[_places(self.patients, patients)])

    def labels(self, train: IntArray) -> FloatArray:
        """Return 0 or 1 for everyone (n,), by the quantile among the patients at the places `train`."""
        limit = np.quantile(self.values[train], self.quantile)
        return np.asarray(self.values >= limit, dtype=np.float64)

    def shuffled(self, keys: FloatArray) -> LearnedCut:
        """Return the cut with its numbers handed to other patients in the order of random `keys` (n,)."""
        return replace(self, values=self.values[np.argsort(keys, kind="stable")])

    def digest(self) -> str:
        """Return text that stands for the numbers and the quantile."""
        return digest_of([self.values, np.array([self.quantile])])


@dataclass(frozen=True, eq=False)
class LearnedClasses:
    """Classes of a column that is learned itself: `recipe` (one raw row a patient), the target's `column` and settings.

    Each fold teaches the recipe with its training patients, and cuts or groups the column as the target says. A patient
    at place i has the data of the row `order[i]`.
    """

    patients: tuple[str, ...]
    recipe: Recipe
    settings: TargetSettings
    order: IntArray

    @classmethod
    def of(cls, recipe: Recipe, settings: TargetSettings) -> LearnedClasses:
        """Return the classes of everyone in the recipe's raw table; `TableError` for several rows of a patient."""
        raw = recipe.raw.per_patient()
        return cls(raw.patients, replace(recipe, raw=raw), settings, np.arange(len(raw), dtype=np.intp))

    @property
    def note(self) -> str:
        """One sentence on what each fold learns."""
        return f"Each fold learns {self.settings.score} and its classes from its own training patients."

    def of_patients(self, patients: Sequence[str]) -> LearnedClasses:
        """Return the classes for `patients` in their order, each of whom it must know."""
        order = self.order[_places(self.patients, patients)]
        raw = self.recipe.raw.take(order)
        places = np.arange(len(raw), dtype=np.intp)
        return replace(self, patients=tuple(patients), recipe=replace(self.recipe, raw=raw), order=places)

    def labels(self, train: IntArray) -> FloatArray:
        """Return 0 or 1 for everyone (n,), NaN without a class, as the patients at the places `train` teach it."""
        raw, rows = self.recipe.raw, self.order[train]
        made = self.recipe.taught(raw.take(rows)).transform(raw)
        found = outcome_of_column("target", made, self.settings.score or "")
        if self.settings.quantile is not None:
            limit = np.nanquantile(found.values[rows], self.settings.quantile)
            codes = np.where(np.isnan(found.values), np.nan, (found.values >= limit).astype(np.float64))
        else:
            codes = _classes(found, self.settings).values
        return np.asarray(codes[self.order])

    def shuffled(self, keys: FloatArray) -> LearnedClasses:
        """Return the classes with the rows handed to other patients in the order of random `keys` (n,)."""
        return replace(self, order=self.order[np.argsort(keys, kind="stable")])

    def digest(self) -> str:
        """Return text that stands for the raw numbers, the steps and the settings."""
        names = list(self.recipe.raw.names)
        return digest_of(
            [np.asarray(self.recipe.raw.values), self.order, names, self.recipe.steps, self.settings.digest()]
        )


def _classes(found: Outcome, settings: TargetSettings) -> Outcome:
    make: Callable[[Outcome, TargetSettings], Outcome] = grouped_outcome if settings.cut is None else cut_outcome
    return make(found, settings)


def _places(known: Sequence[str], patients: Sequence[str]) -> IntArray:
    place = {patient: index for index, patient in enumerate(known)}
    return np.array([place[patient] for patient in patients], dtype=np.intp)
