"""What a run will cost, from the patients at hand: time, memory and disk."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from genoxel.study.engine import Result
from genoxel.study.executors import Failure, attempt
from genoxel.study.steps.features import FeatureWork, measure_patient
from genoxel.study.study import Study

SECONDS_PER_FIT = 0.012
"""Time of one fit of the procedure with its inner folds, measured on one 2.5 GHz core with 70 patients."""

BASE_MEMORY, WORKER_MEMORY = 0.35, 0.30
"""GiB that the run and each worker take before any image is read."""


@dataclass(frozen=True)
class Cost:
    """Estimated seconds, memory (GiB) and disk (MB) of a run, and on how many workers."""

    seconds: float
    memory_gib: float
    disk_mb: float
    workers: int

    def line(self) -> str:
        """Return the cost in words."""
        minutes = self.seconds / 60
        shown = f"{minutes:.0f} min" if minutes >= 2 else f"{self.seconds:.0f} s"
        cores = f"{self.workers} core{'' if self.workers == 1 else 's'}"
        return f"about {shown} on {cores}, {self.memory_gib:.1f} GB memory, {self.disk_mb:.0f} MB disk"


def cost_of(study: Study, images: Mapping[str, Result], workers: int, targets: int) -> Cost:
    """Return the estimated cost of a run: features are timed on one patient, fits counted from the settings."""
    ready = [(patient, result) for patient, result in images.items() if result.path is not None]
    features = _time_one(study, *ready[0]) * len(ready) if ready else 0.0
    kept = sum(result.path.stat().st_size for _, result in ready if result.path is not None)
    seconds = (features + _learning(study, targets)) / workers + 15
    largest = max((result.path.stat().st_size for _, result in ready if result.path is not None), default=0)
    memory = BASE_MEMORY + workers * (WORKER_MEMORY + 8 * largest / 2**30)
    return Cost(round(seconds, 1), round(memory, 2), round(kept / 2**20 + 10, 1), workers)


def _time_one(study: Study, patient: str, result: Result) -> float:
    work = FeatureWork(patient, str(result.path), study.settings.image, study.settings.features)
    for _ in range(2):  # the first time compiles kernels
        began = time.monotonic()
        found = attempt(measure_patient, work)
    return 1.0 if isinstance(found, Failure) else time.monotonic() - began


def _learning(study: Study, targets: int) -> float:
    learn = study.settings.learn
    if learn is None or not targets:
        return 0.0
    rules = learn.validation
    folds = rules.outer if isinstance(rules.outer, int) else 5
    models = 1 + len(learn.compare) + len(learn.also)
    rounds = models * rules.repeats + rules.permutations * rules.permutation_repeats
    return SECONDS_PER_FIT * rounds * folds * targets * rules.inner
