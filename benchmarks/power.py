"""How often the demo's planted links are found, and how often a cohort without links claims one.

`python benchmarks/power.py demo|null [--seeds 100] [--first 1] [--workers 2] [--n N] [--effects IDH1:texture:2 ...]`

Each seed is one cohort through the installed pipeline: rendered, normalised, measured and judged with the settings
that `genoxel demo` uses; only the files between the steps are left out. Where no target shows a gain over the simpler
models, nothing can be called supported whatever the permutations say; in null cohorts they are then not run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genoxel.core.outcome import Outcome
from genoxel.core.results import TargetResult
from genoxel.core.table import Column, Table
from genoxel.features.extract import as_table, extract, volume_column
from genoxel.features.settings import FeatureSettings
from genoxel.image.intensity import zscore
from genoxel.image.settings import ImageSettings
from genoxel.learn.settings import LearnSettings
from genoxel.learn.targets import merge, plan, run_task, tasks
from genoxel.simulate.plan import Person, draw_people
from genoxel.simulate.presets import preset
from genoxel.simulate.render import render
from genoxel.simulate.spec import SimulationSpec

# What `genoxel init` proposes for the demo.
IMAGE = ImageSettings(resample_mm=(2.5, 2.5, 2.5), discretise={"bins": 32})
FEATURES = FeatureSettings()
LEARN = LearnSettings(validate={"outer": 5, "inner": 5, "repeats": 5, "permutations": 99, "permutation_repeats": 1})


@dataclass(frozen=True)
class Cohort:
    """What the learning needs of one simulated cohort."""

    blocks: dict[str, Table]
    outcomes: list[Outcome]


def measured(spec: SimulationSpec, person: Person) -> Any:
    """Return all features of one person, all sequences beside one another."""
    phantom = render(spec, person)
    found = None
    for name, image in phantom.images.items():
        normal = zscore(replace(image, modality=name), "body", phantom.tumour)
        one = extract(normal, phantom.tumour.on(normal), IMAGE, FEATURES, region="roi")
        found = one if found is None else found.beside(one)
    return found


def cohort(spec: SimulationSpec) -> Cohort:
    """Return the tables and outcomes of a simulated cohort; people without contour or genotype are left out."""
    people = [person for person in draw_people(spec) if person.contour is not None]
    image = as_table({(person.name, "", "", "", ""): measured(spec, person) for person in people})  # type: ignore[misc]
    names = tuple(person.name for person in people)
    columns = (Column("age"), Column("sex", "binary"), Column("grade", "ordinal", levels=("2", "3", "4")))
    rows = [[person.age, float(person.sex == "F"), person.grade - 2.0] for person in people]
    clinical = Table(np.array(rows), names, columns, kind="clinical")
    blocks = {"image": image, "volume": image.select([volume_column(image)]), "clinical": clinical}
    known = [person for person in people if person.profiled]
    outcomes = [
        Outcome.of_classes(
            gene,
            {person.name: "mutant" if person.genotype[gene] else "wild type" for person in known},
            ("wild type", "mutant"),
        )
        for gene in spec.genes
    ]
    return Cohort(blocks, outcomes)


def judged(made: Cohort, seed: int, always: bool) -> list[TargetResult]:
    """Return the results of all targets; permutations are left out where they cannot change a claim."""
    full = plan(made.blocks, made.outcomes, LEARN, seed)
    work = tasks(full)
    parts = [run_task(task) for task in work if task.kind == "repeats"]
    if not always:
        bare = LEARN.model_copy(update={"validation": LEARN.validation.model_copy(update={"permutations": 0})})
        first = merge(plan(made.blocks, made.outcomes, bare, seed), parts)
        if not any(result.gain is not None and result.gain.low > 0 for result in first):
            return first
    return merge(full, [*parts, *(run_task(task) for task in work if task.kind == "worlds")])


def one(arguments: tuple[SimulationSpec, bool]) -> list[tuple[str, str, float, float, float, float]]:
    """Return (target, verdict, AUC, gain, lower bound of the gain, p over all targets) of one cohort."""
    spec, always = arguments
    rows = []
    for result in judged(cohort(spec), spec.seed, always):
        auc = result.primary.interval.estimate if result.primary else float("nan")
        gain = (result.gain.estimate, result.gain.low) if result.gain else (float("nan"), float("nan"))
        rows.append((result.target, result.verdict.word, auc, *gain, result.p_all))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset", choices=("demo", "null"))
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--n", type=int)
    parser.add_argument("--effects", nargs="*")
    parser.add_argument("--no-permutations", action="store_true", help="quick look while tuning")
    args = parser.parse_args()
    changes: dict[str, Any] = {"n": args.n, "effects": args.effects and tuple(args.effects)}
    changes = {name: value for name, value in changes.items() if value}
    specs = [preset(args.preset, seed=seed, **changes) for seed in range(args.first, args.first + args.seeds)]
    always = args.preset == "demo" and not args.no_permutations
    words: dict[str, Counter[str]] = {}
    claims, start = 0, time.time()
    with ProcessPoolExecutor(args.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for spec, rows in zip(specs, pool.map(one, [(spec, always) for spec in specs]), strict=True):
            for target, word, auc, gain, low, p in rows:
                words.setdefault(target, Counter())[word] += 1
                gains = f"gain {gain:+.2f} (above {low:+.2f})"
                print(f"{spec.seed:4d} {target:6s} {word:28s} AUC {auc:.2f} {gains} p {p:.2f}", flush=True)
            claims += any(row[1] == "supported" for row in rows)
    for target, counts in words.items():
        shares = ", ".join(f"{word} {count / len(specs):.2f}" for word, count in counts.most_common())
        print(f"{target}: {shares}")
    print(f"cohorts with at least one claim: {claims} of {len(specs)} ({time.time() - start:.0f} s)")


if __name__ == "__main__":
    main()
