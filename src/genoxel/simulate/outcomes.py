"""What becomes of the patients: survival, response and toxicity with links of stated strength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.simulate.links import score
from genoxel.simulate.plan import Person, stream, trait_table
from genoxel.simulate.spec import SimulationSpec

SHAPE, MEDIAN_DAYS, FOLLOW_UP = 1.2, 700.0, (300.0, 2200.0)
"""Weibull shape and median of survival, and the range of administrative censoring, in days."""

RESPONSE, TOXICITY = 0.40, 0.25
"""Shares of those who respond and who have toxicity, where nothing else is said."""


@dataclass(frozen=True)
class Outcomes:
    """One value per patient: days followed, whether they died, response and toxicity (0/1)."""

    days: FloatArray
    died: FloatArray
    response: FloatArray
    toxicity: FloatArray


def delivers_outcomes(spec: SimulationSpec) -> bool:
    """Return whether a cohort comes with outcome.csv: where it is asked for, or a link leads to an outcome."""
    return "outcome" in spec.omics.files or any(
        link.target in ("survival", "response", "toxicity") for link in spec.linked
    )


def _agree(spec: SimulationSpec) -> bool:
    """Return whether who responds is who has the course of that name: the share of the course leaves both kinds."""
    return delivers_outcomes(spec) and spec.course.points > 1 and 0 < spec.course.patterns.get("response", 0.0) < 1


def _responding(spec: SimulationSpec) -> float:
    return spec.course.patterns["response"] if _agree(spec) else RESPONSE


def followed(spec: SimulationSpec, people: Sequence[Person]) -> tuple[Person, ...]:
    """Return the people with what their outcome says of their later scans: none after death or the last day followed.

    Those who respond have the course "response" and the others another one, wherever patients are scanned again and
    outcomes are delivered. The same people otherwise.
    """
    if not delivers_outcomes(spec) or spec.course.points == 1:
        return tuple(people)
    found, agree = draw_outcomes(spec, people), _agree(spec)
    return tuple(
        replace(person, ends=int(days), responds=bool(response) if agree else None)
        for person, days, response in zip(people, found.days, found.response, strict=True)
    )


def draw_outcomes(spec: SimulationSpec, people: Sequence[Person]) -> Outcomes:
    """Return the outcomes of all people: proportional hazards (Weibull) and logistic models of the links."""
    random = stream(spec, "outcome")
    known = sources(people)
    shifts = {}
    for target in ("survival", "response", "toxicity"):
        links = [link for link in spec.linked if link.target == target]
        shifts[target] = score(links, known) if links else np.zeros(len(people))
    scale = MEDIAN_DAYS / np.log(2) ** (1 / SHAPE)
    times = scale * (random.exponential(size=len(people)) / np.exp(shifts["survival"])) ** (1 / SHAPE)
    ends = random.uniform(*FOLLOW_UP, len(people))
    chances = random.random((2, len(people)))
    answers = [
        (chances[place] < 1 / (1 + np.exp(-(np.log(base / (1 - base)) + shifts[name])))).astype(np.float64)
        for place, (name, base) in enumerate((("response", _responding(spec)), ("toxicity", TOXICITY)))
    ]
    days = np.maximum(np.round(np.minimum(times, ends)), 1.0)
    return Outcomes(days, (times <= ends).astype(np.float64), answers[0], answers[1])


def sources(people: Sequence[Person]) -> dict[str, FloatArray]:
    """Return what links may start from: gene -> 0/1 and trait -> latent value, per person."""
    genes = {gene: np.array([float(person.genotype[gene]) for person in people]) for gene in people[0].genotype}
    return {**genes, **{trait: trait_table(people, trait) for trait in people[0].latent}}
