"""The work of judging targets, cut into independent pieces that any process may do in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from genoxel.core.errors import OutcomeError
from genoxel.core.image import FloatArray
from genoxel.core.outcome import SMALLEST_CLASS, Outcome
from genoxel.core.table import Table
from genoxel.learn.classes import FoldClasses
from genoxel.learn.entries import Entry, ladder
from genoxel.learn.rounds import (
    OBSERVED,
    PERMUTED,
    SHUFFLE,
    Rounds,
    cross_validate,
    draw_folds,
    rng_of,
    shuffled,
    statistic,
)
from genoxel.learn.settings import LearnSettings
from genoxel.learn.splits import IntArray, site_folds
from genoxel.omics.recipe import Recipe

VERSION = 2
"""Raised whenever the same task would give other numbers, so that a ledger never serves old ones."""

REPEATS_PER_TASK = 5
WORLDS_PER_TASK = 25


@dataclass(frozen=True, eq=False)
class InFolds:
    """What each fold learns from its training patients beside the models: blocks by `recipes`, classes by `cuts`."""

    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    cuts: Mapping[str, FoldClasses] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TargetPlan:
    """One target made ready: patients with known outcome and a row in the primary features, classes `y` (n,) 0/1.

    `places` (n,) are the patients' places among all patients of all targets, which the permutations order. `why` is
    the reason a target cannot be tested, else empty. `cut` makes the classes of the training patients of each fold.
    """

    outcome: Outcome
    patients: tuple[str, ...]
    y: FloatArray
    places: IntArray
    sites: IntArray | None
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]
    why: str = ""
    cut: FoldClasses | None = None

    @property
    def name(self) -> str:
        """Name of the target."""
        return self.outcome.name


@dataclass(frozen=True, eq=False)
class Plan:
    """All targets made ready, with what holds for all of them; `universe` counts the patients of all targets."""

    targets: tuple[TargetPlan, ...]
    settings: LearnSettings
    seed: int
    universe: int


@dataclass(frozen=True, eq=False)
class Task:
    """Repeats `start` to `stop` of one entry, or permuted worlds `start` to `stop` of the primary; picklable."""

    kind: Literal["repeats", "worlds"]
    target: str
    entry: Entry
    y: FloatArray
    places: IntArray
    universe: int
    sites: IntArray | None
    settings: LearnSettings
    seed: int
    start: int
    stop: int
    cut: FoldClasses | None = None

    @property
    def key(self) -> str:
        """Name of the task, unique in a plan."""
        return f"{self.kind}/{self.target}/{self.entry.label}/{self.start:05d}-{self.stop:05d}"

    def digest(self) -> str:
        """Return 16 hex digits of everything the result depends on: data, settings, seed, version of this code."""
        design = self.entry.design
        content = sha256(f"{VERSION} {self.key} {self.seed} {self.universe} {self.settings.digest()}".encode())
        arrays: list[npt.NDArray[np.generic]] = [self.y, self.places]
        if design is not None:
            arrays += [design.X, design.owner, np.array([design.always])]
            arrays += [] if design.copies is None else [design.copies]
            content.update(design.making.digest().encode() if design.making is not None else b"")
        if self.sites is not None:
            arrays.append(self.sites)
        if self.cut is not None:
            content.update(self.cut.digest().encode())
        for array in arrays:
            content.update(str((array.shape, array.dtype.str)).encode())
            content.update(np.ascontiguousarray(array).tobytes())
        return content.hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Part:
    """The result of one task: its key and plain arrays, ready to be stored and read back."""

    key: str
    arrays: Mapping[str, npt.NDArray[np.generic]]


def plan(
    blocks: Mapping[str, Table],
    outcomes: Sequence[Outcome],
    settings: LearnSettings,
    seed: int = 0,
    sites: Mapping[str, str] | None = None,
    in_folds: InFolds | None = None,
) -> Plan:
    """Make every target ready: which patients, which classes, which models; nothing is fitted yet.

    `in_folds` is what each fold learns for itself beside the models. Raises `OutcomeError` for an outcome that is not
    of two classes or for targets named twice, `TableError` for a missing block or for several rows of a patient unless
    `settings.several` says what to do with them.
    """
    names = [outcome.name for outcome in outcomes]
    if len(set(names)) != len(names):
        raise OutcomeError(f"targets {names}", "targets with distinct names", "rename one")
    fresh = in_folds or InFolds()
    gated = {name: _gated(table, settings.several) for name, table in blocks.items()}
    recipes = {name: replace(one, raw=_gated(one.raw, settings.several)) for name, one in fresh.recipes.items()}
    fresh = InFolds(recipes, fresh.cuts)
    known = sorted({patient for outcome in outcomes for patient in outcome.patients})
    place = {patient: index for index, patient in enumerate(known)}
    targets = tuple(_target(gated, outcome, settings, place, sites, fresh) for outcome in outcomes)
    return Plan(targets, settings, seed, len(known))


def _gated(table: Table, several: str) -> Table:
    return table if several == "each" else table.per_patient(several)  # type: ignore[arg-type]


def _target(
    blocks: Mapping[str, Table],
    outcome: Outcome,
    settings: LearnSettings,
    place: Mapping[str, int],
    sites: Mapping[str, str] | None,
    fresh: InFolds,
) -> TargetPlan:
    if outcome.kind != "class" or len(outcome.levels) != 2:
        raise OutcomeError(
            f"target {outcome.name} ({outcome.kind} with {len(outcome.levels)} levels)",
            "two classes",
            "say in the target which words are positive and which are negative",
        )
    measured = set.intersection(
        *(set(blocks[part].patients) for part in settings.primary.features.split("+") if part in blocks), set(place)
    )
    patients = tuple(sorted(measured))
    aligned = outcome.of_patients(patients)
    patients = tuple(patient for patient, known in zip(patients, aligned.known, strict=True) if known)
    aligned = aligned.of_patients(patients)
    entries, notes = ladder(blocks, settings, patients, fresh.recipes)
    codes, more = _sites(settings, sites, patients, aligned.values)
    why = _untestable(aligned, entries[0])
    notes = notes + more
    places = np.array([place[patient] for patient in patients], dtype=np.intp)
    cut = fresh.cuts.get(outcome.name)
    if cut is not None:
        cut = cut.of_patients(patients)
        notes = (*notes, cut.note)
    return TargetPlan(outcome, patients, aligned.values, places, codes, entries, notes, why, cut)


def _untestable(outcome: Outcome, primary: Entry) -> str:
    smaller = outcome.smaller_class()
    if smaller < SMALLEST_CLASS:
        counts = ", ".join(f"{count} {level}" for level, count in outcome.counts().items())
        return f"{smaller} patients in the smaller class ({counts}); {SMALLEST_CLASS} are needed."
    if primary.design is None or not primary.design.usable:
        return f"No column of the {primary.features} features holds two different values."
    return ""


def _sites(
    settings: LearnSettings, sites: Mapping[str, str] | None, patients: Sequence[str], y: FloatArray
) -> tuple[IntArray | None, tuple[str, ...]]:
    if settings.validation.outer != "site":
        return None, ()
    missing = [patient for patient in patients if patient not in (sites or {})]
    if sites is None or missing:
        raise OutcomeError(
            f"{len(missing)} patients without a site ({', '.join(missing[:3])})",
            "a site for every patient, since sites are left out one at a time",
            "name the site column in [cohort], or set validate.outer to a number",
        )
    if not patients:
        return np.zeros(0, dtype=np.intp), ()
    codes, names = site_folds([sites[patient] for patient in patients])
    both = [name for code, name in enumerate(names) if np.unique(y[codes == code]).size == 2]
    if not both:
        raise OutcomeError("no site with both classes", "a site with both classes", "set validate.outer to 5")
    return codes, (
        f"{len(names)} sites were left out one at a time, {len(both)} of them hold both classes and have an AUC.",
    )


def tasks(plan: Plan) -> list[Task]:
    """Return the independent pieces of work of a plan; their cut does not depend on who does them."""
    found = []
    for target in plan.targets:
        if target.why:
            continue
        for entry in target.entries:
            if entry.design is not None:
                found += _cut(plan, target, entry, "repeats", plan.settings.validation.repeats, REPEATS_PER_TASK)
        found += _cut(plan, target, target.entries[0], "worlds", plan.settings.validation.permutations, WORLDS_PER_TASK)
    return found


def _cut(
    plan: Plan, target: TargetPlan, entry: Entry, kind: Literal["repeats", "worlds"], total: int, size: int
) -> list[Task]:
    return [
        Task(
            *(kind, target.name, entry, target.y, target.places, plan.universe, target.sites),
            *(plan.settings, plan.seed, start, min(start + size, total), target.cut),
        )
        for start in range(0, total, size)
    ]


def run_task(task: Task) -> Part:
    """Do one task, in whichever process: the same task gives the same numbers (BLAS at one thread)."""
    with threadpool_limits(limits=1):
        return _worlds(task) if task.kind == "worlds" else _repeats(task)


def _repeats(task: Task) -> Part:
    rounds = _rounds(task, task.y, task.cut, [(OBSERVED, repeat) for repeat in range(task.start, task.stop)])
    arrays = {name: getattr(rounds, name) for name in ("score", "risk", "fold", "threshold", "train", "picked")}
    return Part(task.key, {**arrays, "fits": np.array(rounds.fits)})


def _worlds(task: Task) -> Part:
    values = []
    for world in range(task.start, task.stop):
        keys = rng_of(task.seed, SHUFFLE, world).random(task.universe)[task.places]
        labels = shuffled(keys, task.y)
        words = [(PERMUTED, world, repeat) for repeat in range(task.settings.validation.permutation_repeats)]
        cut = None if task.cut is None else task.cut.shuffled(keys)
        values.append(statistic(labels, _rounds(task, labels, cut, words)))
    return Part(task.key, {"permuted": np.array(values)})


def _rounds(task: Task, y: FloatArray, cut: FoldClasses | None, words: Sequence[tuple[int, ...]]) -> Rounds:
    design = task.entry.design
    if design is None:
        raise OutcomeError("a task without columns", "an entry with a design", "the prevalence needs no task")
    outer = task.settings.validation.outer
    number = outer if isinstance(outer, int) else 0
    folds = [draw_folds(y, number, task.sites, rng_of(task.seed, task.target, *word)) for word in words]
    seeds = [int(rng_of(task.seed, task.target, *word).integers(2**31 - 64)) for word in words]
    return cross_validate(design, y, folds, task.entry.procedure(task.settings), seeds, cut)
