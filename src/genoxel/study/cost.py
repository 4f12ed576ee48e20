"""What a run will cost, from the patients at hand: time, memory and disk."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from genoxel.associate.enrich import worlds_needed
from genoxel.study.engine import Result
from genoxel.study.executors import Failure, attempt
from genoxel.study.molecular import Molecular, asked_sets
from genoxel.study.pack import unpack
from genoxel.study.steps.features import FeatureWork, measure_patient
from genoxel.study.study import Study

SECONDS_PER_FIT = 0.012
"""Time of one fit of the procedure with its inner folds, measured on one 2.5 GHz core with 70 patients."""

SECONDS_PER_GENE, SECONDS_PER_MEMBER = 1.1e-7, 1.2e-8
"""Time of one world of gene sets by genes ranked and by members of all sets, measured on one 2.5 GHz core."""

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


def cost_of(
    study: Study, images: Mapping[str, Result], workers: int, targets: int, each: float, beside: float = 0.0
) -> Cost:
    """Return the estimated cost of a run: features take `each` seconds a patient, fits are counted from the settings.

    `beside` are the seconds of [associate], on one core.
    """
    ready = [(patient, result) for patient, result in images.items() if result.path is not None]
    features = each * len(ready)
    kept = sum(result.path.stat().st_size for _, result in ready if result.path is not None)
    seconds = (features + _learning(study, targets)) / workers + 15
    seconds += beside
    largest = max((result.path.stat().st_size for _, result in ready if result.path is not None), default=0)
    memory = BASE_MEMORY + workers * (WORKER_MEMORY + 8 * largest / 2**30)
    return Cost(round(seconds, 1), round(memory, 2), round(kept / 2**20 + 10, 1), workers)


@dataclass(frozen=True)
class MeaningCost:
    """What gene sets cost: how many sources and sets are asked in how many worlds, and seconds on one core."""

    sources: int
    sets: int
    worlds: int
    seconds: float


def meaning_cost(study: Study, molecular: Molecular) -> MeaningCost | None:
    """Return the estimated cost of [associate.enrich]; None where it is not asked or cannot be.

    Named features are counted by their patterns, so patterns that fit many features cost more.
    """
    associate = study.settings.associate
    asked = associate.enrich if associate is not None else None
    if associate is None or asked is None or molecular.expression is None:
        return None
    genes = set(molecular.expression.names)
    sizes = [len(genes.intersection(members)) for members in asked_sets(study).values()]
    sizes = [size for size in sizes if asked.smallest <= size <= asked.largest]
    sources = (len(asked.features) or asked.most) + len(asked.groups) + len(asked.risk)
    worlds = asked.permutations or worlds_needed(sources * len(sizes))
    walks = sources * worlds * (1 if associate.adjust == () else 2)  # raw, and less the covariates
    seconds = walks * (SECONDS_PER_GENE * len(genes) + SECONDS_PER_MEMBER * sum(sizes))
    return MeaningCost(sources, len(sizes), worlds, round(seconds, 1))


def time_one(study: Study, images: Mapping[str, Result]) -> tuple[float, int]:
    """Return the seconds that the features of one patient take, and how many there are; 0 where nobody can be."""
    ready = [(patient, str(result.path)) for patient, result in images.items() if result.path is not None]
    if not ready:
        return 0.0, 0
    work = FeatureWork(*ready[0], study.settings.image, study.settings.features)
    for _ in range(2):  # the first time compiles kernels
        began = time.monotonic()
        found = attempt(measure_patient, work)
    if isinstance(found, Failure):
        return 1.0, 0
    return time.monotonic() - began, len(unpack(found)[1][0]["values"])


def _learning(study: Study, targets: int) -> float:
    learn = study.settings.learn
    if learn is None or not targets:
        return 0.0
    rules = learn.validation
    folds = rules.outer if isinstance(rules.outer, int) else 5
    models = 1 + len(learn.compare) + len(learn.also)
    rounds = models * rules.repeats + rules.permutations * rules.permutation_repeats
    return SECONDS_PER_FIT * rounds * folds * targets * rules.inner
