"""From parts to results: intervals, gain, p over all targets, verdict; and the one call that does it all."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.outcome import Outcome
from genoxel.core.results import Interval, TargetResult, Validation
from genoxel.core.table import Table
from genoxel.learn.entries import Entry
from genoxel.learn.intervals import NOT_MEASURED, Placed, auc_interval, place
from genoxel.learn.permute import p_over_targets, p_value
from genoxel.learn.rounds import Rounds, statistic
from genoxel.learn.settings import SMALLEST_USEFUL, LearnSettings
from genoxel.learn.summary import prevalence_validation, summarise, target_text
from genoxel.learn.verdict import Evidence, judge, not_testable
from genoxel.learn.work import InFolds, Part, Plan, TargetPlan, Task, plan, run_task, tasks

__all__ = ["InFolds", "Part", "Plan", "Task", "judge_targets", "merge", "plan", "run_task", "tasks"]

Mapper = Callable[[Callable[[Task], Part], Sequence[Task]], Iterable[Part]]


def judge_targets(
    blocks: Mapping[str, Table],
    outcomes: Sequence[Outcome],
    settings: LearnSettings,
    smallest_useful: Mapping[str, float] | None = None,
    seed: int = 0,
    map: Mapper = builtins.map,
    sites: Mapping[str, str] | None = None,
    in_folds: InFolds | None = None,
) -> list[TargetResult]:
    """Return one result per outcome: validated models, comparison with simpler ones, permutation p, verdict.

    `blocks` maps "image", "volume", "clinical" (or any name used in the settings) to tables; `map` is how the
    independent tasks are done, such as `executor.map`: the result is the same for any; `in_folds` is what each fold
    learns for itself beside the models. Raises what `plan` raises.
    """
    made = plan(blocks, outcomes, settings, seed, sites, in_folds)
    return merge(made, map(run_task, tasks(made)), smallest_useful)


def merge(plan: Plan, parts: Iterable[Part], smallest_useful: Mapping[str, float] | None = None) -> list[TargetResult]:
    """Return the results of a plan whose tasks are done; `TableError` names a part that is missing."""
    found = {part.key: part for part in parts}
    missing = [task.key for task in tasks(plan) if task.key not in found]
    if missing:
        raise TableError(f"{len(missing)} tasks not done ({missing[0]})", "the part of every task", "run them first")
    gathered = [_Gathered(plan, target, found) for target in plan.targets if not target.why]
    p_all = p_over_targets({one.name: one.observed for one in gathered}, {one.name: one.permuted for one in gathered})
    results = {one.name: one.result(p_all[one.name], _useful(smallest_useful, one.name)) for one in gathered}
    return [
        results.get(target.name) or _untested(target, _useful(smallest_useful, target.name)) for target in plan.targets
    ]


def _useful(smallest_useful: Mapping[str, float] | None, name: str) -> float:
    return float((smallest_useful or {}).get(name, SMALLEST_USEFUL))


def _untested(target: TargetPlan, useful: float) -> TargetResult:
    return TargetResult(
        *(target.name, target.outcome.levels, _counts(target), (), None, "", np.nan, np.nan, np.nan, np.zeros(0)),
        *(useful, not_testable(target.name, target.why, useful), target.notes),
    )


def _counts(target: TargetPlan) -> dict[str, int]:
    return target.outcome.of_patients(target.patients).counts()


class _Gathered:
    """The parts of one testable target, put together."""

    def __init__(self, plan: Plan, target: TargetPlan, found: Mapping[str, Part]) -> None:
        self.plan, self.target, self.name = plan, target, target.name
        mine = [task for task in tasks(plan) if task.target == target.name]
        self.rounds = {
            entry.label: _joined([found[task.key] for task in mine if _is_repeat_of(task, entry)])
            for entry in target.entries
            if entry.design is not None
        }
        worlds = [np.asarray(found[task.key].arrays["permuted"], dtype=float) for task in mine if task.kind == "worlds"]
        self.permuted = np.concatenate(worlds) if worlds else np.zeros(0)
        primary = self.rounds[target.entries[0].label]
        few = min(plan.settings.validation.permutation_repeats, len(primary.score))
        self.observed = statistic(target.y, primary.first(few))
        self.placed = {label: place(target.y, one.score, one.fold) for label, one in self.rounds.items()}

    def result(self, p_all: float, useful: float) -> TargetResult:
        """Return the result with its verdict."""
        target = self.target
        validations = tuple(self._validation(entry) for entry in target.entries)
        best, gain = self._gain()
        evidence = Evidence(validations[0].interval, gain, best, p_all, _counts(target))
        verdict = judge(self.name, evidence, useful)
        return TargetResult(
            *(self.name, target.outcome.levels, _counts(target), validations, gain, best),
            *(p_value(self.observed, self.permuted), p_all, self.observed, self.permuted, useful, verdict),
            target.notes + self._notes(),
        )

    def _validation(self, entry: Entry) -> Validation:
        if entry.design is None:
            return prevalence_validation(self.target)
        extra = {}
        if entry is not self.target.entries[0]:
            primary = self.placed[self.target.entries[0].label]
            extra["primary minus this"] = self._difference(primary, self.placed[entry.label])
        extra |= self._added(entry)
        return summarise(self.plan.settings, self.target, entry, self.rounds[entry.label], extra)

    def _added(self, entry: Entry) -> dict[str, Interval]:
        """Return what a combined entry adds to the part of it that is not the primary's."""
        parts, primary = set(entry.features.split("+")), set(self.target.entries[0].features.split("+"))
        rest = next((one for one in self.target.entries if set(one.features.split("+")) == parts - primary), None)
        if not parts > primary or rest is None or rest.design is None:
            return {}
        return {f"added to {rest.features}": self._difference(self.placed[entry.label], self.placed[rest.label])}

    def _difference(self, one: Placed, other: Placed) -> Interval:
        return auc_interval(one.minus(other), target_text(self.plan.settings), NOT_MEASURED, (-1.0, 1.0))

    def _gain(self) -> tuple[str, Interval]:
        """Return (best simpler model, primary minus it); the prevalence (AUC 0.5) is always among the simpler ones."""
        primary = self.placed[self.target.entries[0].label]
        simpler = [entry.label for entry in self.target.entries if entry.role == "simpler" and entry.design is not None]
        best = max(simpler, key=lambda label: self.placed[label].auc, default="")
        if not best or self.placed[best].auc <= 0.5:
            chance = Placed(np.full_like(primary.aucs, 0.5), np.full_like(primary.values, 0.5), primary.y)
            return "prevalence", self._difference(primary, chance)
        return best.split("/")[0], self._difference(primary, self.placed[best])

    def _notes(self) -> tuple[str, ...]:
        settings = self.plan.settings.validation
        if not settings.permutations:
            return ("No permutation test was asked for, so nothing can be called above chance.",)
        few = min(settings.permutation_repeats, settings.repeats)
        return (
            f"Permutation with refit: {settings.permutations} worlds, smallest possible p {settings.smallest_p:.2g}; "
            f"statistic: mean within-fold AUC over {few} draws of the folds, for observed and permuted labels alike.",
        )


def _is_repeat_of(task: Task, entry: Entry) -> bool:
    return task.kind == "repeats" and task.entry.label == entry.label


def _joined(parts: Sequence[Part]) -> Rounds:
    def rows(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.concatenate([part.arrays[name] for part in parts])

    picked = np.sum([part.arrays["picked"] for part in parts], axis=0)
    fits = int(sum(int(part.arrays["fits"]) for part in parts))
    fold = rows("fold").astype(np.intp)
    return Rounds(rows("score"), rows("risk"), fold, rows("threshold"), rows("train"), picked, fits)
