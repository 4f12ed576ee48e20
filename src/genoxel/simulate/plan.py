"""Who is in the cohort: genotypes, latent traits, sites and clinical facts, decided before any image exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.simulate.genes import DRIVERS
from genoxel.simulate.links import Clinical, confound, pair_up, score
from genoxel.simulate.sites import SCANNERS, Scanner
from genoxel.simulate.spec import CANDIDATES, Effect, SimulationSpec
from genoxel.simulate.traits import NONE, TRAITS

_ODD_NAMES = ("Tumor", "tumour_main", "GTVp 1", "gtv T1 re", "Läsion")
_STREAMS = {"genotype": 1, "latent": 2, "clinical": 3, "faults": 4, "variants": 5, "expression": 6, "image": 7}
_STREAMS |= {"pairs": 8, "links": 9, "outcome": 10, "extra": 11, "repeat": 12, "course": 13, "omics": 14, "faults2": 15}
_STREAMS |= {"clones": 16, "missing": 17, "selection": 18, "messy": 19}
_FIRST_DAY = np.datetime64("2019-01-07")
BACKGROUND_GENES = ("IDH1", "TP53", "EGFR", "PIK3CA", "PTEN", "KRAS", "BRAF")
"""Genes that every cohort's panel covers, whether or not an effect names them."""


@dataclass(frozen=True)
class Person:
    """One simulated patient: everything that is decided about them before their image is drawn.

    `responds` and `ends` (days followed) are there where a course over time and outcomes must agree (see `outcomes`).
    """

    index: int
    name: str
    scanner: Scanner
    genotype: Mapping[str, bool]
    profiled: bool
    has_expression: bool
    latent: Mapping[str, float]
    age: float
    sex: str
    grade: int
    day: str
    contour: str | None
    missing: tuple[str, ...] = ()
    responds: bool | None = None
    ends: int | None = None

    def physical(self, modality: str) -> dict[str, float]:
        """Return what the latent traits set, in the units of `traits`."""
        return {trait: TRAITS[trait].physical(value, modality) for trait, value in self.latent.items()}


def stream(spec: SimulationSpec, use: str, *more: int) -> np.random.Generator:
    """Return the generator for one use; uses, and patients within a use, never share random numbers."""
    # SeedSequence pads with zeros, so that [s, 3] and [s, 3, 0] would be one stream: numbers start at 1.
    return np.random.default_rng(np.random.SeedSequence([spec.seed, _STREAMS[use], *(number + 1 for number in more)]))


def panel(spec: SimulationSpec) -> tuple[str, ...]:
    """Return the genes of the panel: those with an effect first, then the background."""
    return tuple(dict.fromkeys((*spec.genes, *BACKGROUND_GENES)))


def draw_genotypes(spec: SimulationSpec) -> dict[str, FloatArray]:
    """Return gene -> 0/1 per patient (n,); each gene has its exact share, genes are independent of each other."""
    random = stream(spec, "genotype")
    drawn = {}
    for gene in panel(spec):
        count = spec.mutants(gene) if gene in spec.genes else round(DRIVERS[gene].prevalence * spec.n)
        flags = np.zeros(spec.n)
        flags[random.permutation(spec.n)[:count]] = 1
        drawn[gene] = flags
    if spec.exclusive or spec.together:
        pair_up(spec, drawn, stream(spec, "pairs"))
    return drawn


def indicators(
    effect: Effect, genotypes: Mapping[str, FloatArray], drivers: Sequence[str]
) -> list[tuple[float, FloatArray]]:
    """Return (d, who is shifted by it (n,)) for the parts of an effect: all mutants, or the exclusive and the mixed."""
    flags = genotypes[effect.gene]
    if effect.mixed is None:
        return [(effect.d, flags)]
    others = np.zeros_like(flags)
    for gene in drivers:
        if gene != effect.gene:
            others = np.maximum(others, genotypes[gene])
    return [(effect.d, flags * (1 - others)), (effect.mixed, flags * others)]


def subclonal(spec: SimulationSpec) -> tuple[str, ...]:
    """Return the genes whose mutations live in a region of the tumour only: the first genes that differ locally."""
    return spec.genes[: spec.course.clones]


def draw_latents(spec: SimulationSpec, genotypes: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return trait -> latent value per patient (n,): normal with SD 1, shifted by d for mutants, centred overall."""
    latents = {}
    for place, trait in enumerate(TRAITS):
        values = stream(spec, "latent", place).standard_normal(spec.n)
        for effect in spec.planted:
            if effect.trait == trait and effect.gene not in subclonal(spec):
                for d, who in indicators(effect, genotypes, spec.genes):
                    values = values + d * (who - who.sum() / spec.n)
        latents[trait] = values
    return {trait: latents[trait] for trait in spec.traits}


def realised(values: FloatArray, mutant: FloatArray, others: Sequence[FloatArray] = ()) -> float:
    """Return Cohen's d of `values` (n,) between mutant (1) and wild type (0), given `others` planted on this trait.

    With no others this is the difference of means over the pooled SD; otherwise the coefficient over the residual SD
    of the least-squares fit. NaN where a group has fewer than two.

    >>> round(realised(np.array([0.0, 2.0, 3.0, 5.0]), np.array([0.0, 0.0, 1.0, 1.0])), 3)
    2.121
    """
    if min(mutant.sum(), (1 - mutant).sum()) < 2:
        return float("nan")
    design = np.column_stack([np.ones_like(mutant), mutant, *others])
    fit, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    freedom = len(values) - rank
    if freedom < 1 or rank < design.shape[1]:
        return float("nan")
    residual = values - design @ fit
    return float(fit[1] / np.sqrt(residual @ residual / freedom))


def draw_people(spec: SimulationSpec) -> tuple[Person, ...]:
    """Return all patients of a cohort; cheap, no image is drawn.

    With a link to "included" they are the `n` that selection leaves of three times as many candidates, renumbered.
    """
    if not spec.selective:
        return _everyone(spec)
    candidates, inside = population(spec)
    contours, lacking = _contours(spec), _missing(spec)
    width = max(3, len(str(spec.n)))
    chosen = [person for person, enters in zip(candidates, inside, strict=True) if enters]
    return tuple(
        replace(
            person,
            index=index,
            name=f"SIM-{index + 1:0{width}d}",
            contour=contours[index],
            missing=lacking[index],
            profiled=person.profiled and "mutations" not in lacking[index],
            has_expression=person.has_expression and "expression" not in lacking[index],
        )
        for index, person in enumerate(chosen)
    )


def population(spec: SimulationSpec) -> tuple[tuple[Person, ...], FloatArray]:
    """Return the candidates, and who of them entered the cohort (1) or not (0): all of them without selection.

    Chances are logistic in the links to "included": those with the highest score plus logistic noise enter.
    """
    if not spec.selective:
        people = _everyone(spec)
        return people, np.ones(len(people))
    bare = replace(spec.omics, missing={})
    whole = replace(spec, n=CANDIDATES * spec.n, omics=bare, missing_contours=0, odd_names=0)
    candidates = _everyone(whole)
    links = [link for link in spec.linked if link.target == "included"]
    known = {link.source: _source(candidates, link.source) for link in links}
    scores = stream(spec, "selection").logistic(size=whole.n) + score(links, known)
    inside = np.zeros(whole.n)
    inside[np.argsort(-scores)[: spec.n]] = 1
    return candidates, inside


def _source(people: Sequence[Person], name: str) -> FloatArray:
    values = [person.genotype[name] if name in person.genotype else person.latent[name] for person in people]
    return np.array(values, np.float64)


def _everyone(spec: SimulationSpec) -> tuple[Person, ...]:
    genotypes = draw_genotypes(spec)
    latents = draw_latents(spec, genotypes)
    contours = _contours(spec)
    random = stream(spec, "clinical")
    scanners = random.permutation(np.arange(spec.n) % spec.sites)
    unprofiled = set(random.permutation(spec.n)[: round(spec.unknown * spec.n)].tolist())
    silent = set(random.permutation(spec.n)[: round(spec.unknown * spec.n)].tolist())
    ages = np.clip(np.round(random.normal(54.0, 12.0, spec.n), 1), 19.0, 88.0)
    sexes = random.choice(["F", "M"], spec.n)
    grades = random.choice([2, 3, 4], spec.n)
    days = _FIRST_DAY + random.integers(0, 1400, spec.n)
    clinical = Clinical(ages, sexes, grades, scanners)
    if spec.links:
        clinical = confound(spec, clinical, {**genotypes, **latents}, stream(spec, "links"))
    width = max(3, len(str(spec.n)))
    lacking = _missing(spec)
    return tuple(
        Person(
            index=index,
            name=f"SIM-{index + 1:0{width}d}",
            scanner=SCANNERS[int(clinical.sites[index])],
            genotype={gene: bool(flags[index]) for gene, flags in genotypes.items()},
            profiled=index not in unprofiled and "mutations" not in lacking[index],
            has_expression=index not in silent and "expression" not in lacking[index],
            latent={trait: float(values[index]) for trait, values in latents.items()},
            age=float(clinical.ages[index]),
            sex=str(clinical.sexes[index]),
            grade=int(clinical.grades[index]),
            day=str(days[index]),
            contour=contours[index],
            missing=lacking[index],
        )
        for index in range(spec.n)
    )


def _missing(spec: SimulationSpec) -> list[tuple[str, ...]]:
    """Return the blocks that each patient lacks; each block has its exact share of patients."""
    lacking: list[tuple[str, ...]] = [()] * spec.n
    for place, (block, share) in enumerate(sorted(spec.omics.missing.items())):
        for index in stream(spec, "missing", place).permutation(spec.n)[: round(share * spec.n)].tolist():
            lacking[index] = (*lacking[index], block)
    return lacking


def _contours(spec: SimulationSpec) -> list[str | None]:
    """Return the name of each patient's tumour contour, None where it is missing."""
    names: list[str | None] = ["GTV"] * spec.n
    faulty = stream(spec, "faults").permutation(spec.n)[: spec.missing_contours + spec.odd_names]
    for place, index in enumerate(faulty.tolist()):
        late = place - spec.missing_contours
        names[index] = None if late < 0 else _ODD_NAMES[late % len(_ODD_NAMES)]
    return names


def trait_table(people: Sequence[Person], trait: str) -> FloatArray:
    """Return the latent values (n,) of one trait."""
    return np.array([person.latent[trait] for person in people])


def planted_on(spec: SimulationSpec, trait: str) -> tuple[str, ...]:
    """Return the genes whose effect lies on a trait."""
    return tuple(effect.gene for effect in spec.planted if effect.trait == trait and trait != NONE)
