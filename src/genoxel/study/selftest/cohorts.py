"""Simulated cohorts through the installed pipeline: rendered, normalised, measured and judged as `genoxel demo` does.

Only the files between the steps are left out. Each body is measured as `genoxel init` proposes for it: MR as z-scores
in 32 bins, CT in HU from -1000 to 400 in steps of 25; PET as SUV in steps of 0.5. Series of several volumes (diffusion,
bolus, exchange) are not measured, since the pipeline fits no kinetics, nor are later scans. Where no target shows a
gain over the simpler models, nothing can be called supported whatever the permutations say; in null cohorts they are
then not run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from genoxel.core.image import Image
from genoxel.core.keys import as_keys
from genoxel.core.outcome import Outcome
from genoxel.core.results import TargetResult
from genoxel.core.table import Column, Table
from genoxel.features.extract import as_table, extract, volume_column
from genoxel.features.settings import FeatureSettings
from genoxel.image.intensity import zscore
from genoxel.image.settings import Discretise, ImageSettings
from genoxel.learn.settings import LearnSettings, ValidateSettings
from genoxel.learn.targets import merge, plan, run_task, tasks
from genoxel.simulate.acquire import DELAY_S, DOSE_BQ, HALF_LIFE
from genoxel.simulate.outcomes import draw_outcomes
from genoxel.simulate.plan import Person, draw_people
from genoxel.simulate.render import Phantom, render, weight_of
from genoxel.simulate.spec import SimulationSpec

# What `genoxel init` proposes for the demo, and for CT.
MR = ImageSettings(discretise=Discretise(bins=32))
CT = ImageSettings(range_hu=(-1000, 400), discretise=Discretise(bin_size=25, anchor=-1000))
PET = ImageSettings(discretise=Discretise(bin_size=0.5, anchor=0))
FEATURES = FeatureSettings()
LEARN = LearnSettings(validation=ValidateSettings(outer=5, inner=5, repeats=5, permutations=99, permutation_repeats=1))


@dataclass(frozen=True)
class Measured:
    """What the learning needs of one simulated cohort."""

    blocks: dict[str, Table]
    outcomes: list[Outcome]


class Judged(NamedTuple):
    """What was said of one target of one cohort; `low` is the lower bound of the gain over the simpler models."""

    target: str
    word: str
    auc: float
    gain: float
    low: float
    p: float


def features_of(spec: SimulationSpec, person: Person) -> Any:
    """Return all features of one person, all images beside one another."""
    phantom = render(spec, person)
    size = round(spec.voxel_mm[0], 2)
    found = None
    for image, settings in _shown(spec, person, phantom):
        cubes = settings.model_copy(update={"resample_mm": (size, size, size)})
        one = extract(image, phantom.tumour.on(image), cubes, FEATURES, region="roi")
        found = one if found is None else found.beside(one)
    return found


def _shown(spec: SimulationSpec, person: Person, phantom: Phantom) -> Iterator[tuple[Image, ImageSettings]]:
    """Yield what is measured of one patient, ready for it, and how."""
    for name, image in phantom.images.items():
        named = replace(image, modality=name)
        yield (named, CT) if image.unit == "HU" else (zscore(named, "body", phantom.tumour), MR)
    left = DOSE_BQ * 2 ** (-DELAY_S / HALF_LIFE)
    for one in phantom.series:
        if one.name == "PT":
            volume = one.volumes[0]
            suv = volume.values() * 1000 * weight_of(spec, person) / left
            yield replace(volume, array=suv, modality="PT", unit="SUV"), PET


def measure(spec: SimulationSpec) -> Measured:
    """Return the tables and outcomes of a simulated cohort; people without contour or genotype are left out."""
    people = [person for person in draw_people(spec) if person.contour is not None]
    image = as_table({(person.name, "", "", "", ""): features_of(spec, person) for person in people})  # type: ignore[misc]
    names = tuple(person.name for person in people)
    columns = (Column("age"), Column("sex", "binary"), Column("grade", "ordinal", levels=("2", "3", "4")))
    rows = [[person.age, float(person.sex == "F"), person.grade - 2.0] for person in people]
    clinical = Table(np.array(rows), as_keys(names), columns, kind="clinical")
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
    if any(link.target == "response" for link in spec.linked):
        outcomes.append(_response(spec, people))
    return Measured(blocks, outcomes)


def _response(spec: SimulationSpec, people: list[Person]) -> Outcome:
    answers = draw_outcomes(spec, draw_people(spec)).response
    said = {person.name: "yes" if answers[person.index] else "no" for person in people}
    return Outcome.of_classes("response", said, ("no", "yes"))


def judge(made: Measured, seed: int, always: bool) -> list[TargetResult]:
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


def judged(arguments: tuple[SimulationSpec, bool]) -> list[Judged]:
    """Return what is said of each target of one cohort: (spec, whether permutations are always run)."""
    spec, always = arguments
    rows = []
    for result in judge(measure(spec), spec.seed, always):
        auc = result.primary.interval.estimate if result.primary else float("nan")
        gain = (result.gain.estimate, result.gain.low) if result.gain else (float("nan"), float("nan"))
        rows.append(Judged(result.target, result.verdict.word, auc, *gain, result.p_all))
    return rows
