"""The step `learn`: validated models of every target, its tasks kept one by one in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genoxel.core.errors import WorkerError
from genoxel.core.outcome import Outcome
from genoxel.core.results import TargetResult
from genoxel.core.table import Table
from genoxel.learn.settings import LearnSettings
from genoxel.learn.targets import InFolds, Part, Task, merge, plan, run_task, tasks
from genoxel.study.engine import Engine, Job, Result, code_version
from genoxel.study.ledger import key_of
from genoxel.study.pack import pack, unpack

VERSION = "1"
ROOMS = ("core", "stats", "omics", "learn")


def do_task(task: Task) -> bytes:
    """Do one task of the plan and return its arrays as bytes."""
    return pack(run_task(task).arrays)


def learnable(outcomes: Sequence[Outcome], settings: LearnSettings) -> list[Outcome]:
    """Return the outcomes to be predicted: those named in [learn], or all, of two classes."""
    wanted = settings.targets or tuple(outcome.name for outcome in outcomes)
    return [
        outcome
        for outcome in outcomes
        if outcome.name in wanted and outcome.kind == "class" and len(outcome.levels) == 2
    ]


def learn(
    engine: Engine,
    blocks: Mapping[str, Table],
    outcomes: Sequence[Outcome],
    settings: LearnSettings,
    smallest_useful: Mapping[str, float],
    seed: int,
    sites: Mapping[str, str] | None = None,
    in_folds: InFolds | None = None,
) -> list[TargetResult]:
    """Return one result per target; finished tasks are taken from the ledger.

    `in_folds` is what each fold learns for itself beside the models.
    """
    made = plan(blocks, outcomes, settings, seed, sites, in_folds)
    work = tasks(made)
    code = code_version(VERSION, ROOMS)
    jobs = [Job("learn", task.key, key_of([task.digest()], "", code), do_task, task, ".npz") for task in work]
    validation = settings.validation
    note = f"{validation.repeats} repeats, {validation.permutations} permutations"
    found = engine.run("learn", jobs, note)
    return merge(made, [_part(task, found[task.key]) for task in work], smallest_useful)


def _part(task: Task, result: Result) -> Part:
    if result.path is None:
        raise WorkerError(
            f"the prediction task {task.key} that failed: {result.error}",
            "every task done, since a target is judged on all of them",
            "free memory and run again: what is done is kept",
        )
    return Part(task.key, unpack(result.path.read_bytes())[0])
