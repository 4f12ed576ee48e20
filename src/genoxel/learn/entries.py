"""The ladder of models of one target: the primary, the simpler ones, the combined and the exploratory ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from genoxel.core.table import Table
from genoxel.learn.design import Design, make_design
from genoxel.learn.procedure import Procedure
from genoxel.learn.settings import KeepSettings, LearnSettings
from genoxel.omics.recipe import Recipe

Role = Literal["primary", "simpler", "comparison", "exploratory"]
PREVALENCE = "prevalence"
SIMPLE = frozenset({PREVALENCE, "volume", "clinical"})
"""Blocks that every study has for nothing: a model with any other is no simpler model unless the primary has it too."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One model of the ladder: the features it sees, its name and role, its design (None for the prevalence)."""

    features: str
    model: str
    role: Role
    design: Design | None

    @property
    def label(self) -> str:
        """Features and model, unique in a ladder."""
        return f"{self.features}/{self.model}"

    def procedure(self, settings: LearnSettings) -> Procedure:
        """Return the unfitted procedure of this entry."""
        return make_procedure(self.model, settings.keep, settings.validation.inner, self.design)


def make_procedure(model: str, keep: KeepSettings, inner: int, design: Design | None) -> Procedure:
    """Return the unfitted procedure that these settings ask for on this design."""
    always = design.always if design else 0
    making = design.making if design else None
    return Procedure(model, keep.correlation, keep.columns, keep.pca, inner, always, making=making)


def ladder(
    blocks: Mapping[str, Table],
    settings: LearnSettings,
    patients: Sequence[str],
    recipes: Mapping[str, Recipe] | None = None,
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Return (entries of the ladder, primary first; notes on what could not be compared).

    `recipes` are blocks that each fit learns anew. Raises `TableError` when the features of the primary model were not
    given.
    """
    primary = settings.primary
    designed = partial(_design, blocks, patients=patients, recipes=recipes or {})
    design = designed(primary.features)
    entries = [Entry(primary.features, primary.model, "primary", design)]
    notes: list[str] = []
    for features in settings.compare:
        if _parts(features) == _parts(primary.features):
            continue
        missing = [part for part in _parts(features) if part != PREVALENCE and part not in blocks]
        if missing:
            notes.append(f"Not compared with {features}: no {' or '.join(sorted(missing))} was given.")
            continue
        entries.append(_compared(designed, features, primary.features, primary.model))
    entries += [
        Entry(primary.features, model, "exploratory", design) for model in settings.also if model != primary.model
    ]
    return tuple(entries), tuple(notes)


def _parts(features: str) -> frozenset[str]:
    return frozenset(part.strip() for part in features.split("+"))


def _design(
    blocks: Mapping[str, Table], features: str, patients: Sequence[str], recipes: Mapping[str, Recipe]
) -> Design:
    names = [part.strip() for part in features.split("+")]
    always = [name for name in names if name in SIMPLE] if len(names) > 1 else []
    return make_design(blocks, names, patients, always, recipes)


def _compared(designed: Callable[[str], Design], features: str, primary: str, model: str) -> Entry:
    parts = _parts(features)
    if parts == {PREVALENCE}:
        return Entry(features, "none", "simpler", None)
    costly = parts - SIMPLE
    simpler = costly <= _parts(primary) and parts != _parts(primary) and not (parts > _parts(primary))
    name = model if costly else "ridge"
    return Entry(features, name, "simpler" if simpler else "comparison", designed(features))
