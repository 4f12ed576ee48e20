"""What becomes of the patients: survival, response and toxicity with links of stated strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.simulate.lines import SCALES, Link
from genoxel.simulate.links import score
from genoxel.simulate.plan import Person, stream, trait_table
from genoxel.simulate.sites import SCANNERS
from genoxel.simulate.spec import SimulationSpec

SHAPE, MEDIAN_DAYS, FOLLOW_UP = 1.2, 700.0, (300.0, 2200.0)
"""Weibull shape and median of survival, and the range of administrative censoring, in days."""

_BASE = {"response": 0.40, "toxicity": 0.25}


@dataclass(frozen=True)
class Outcomes:
    """One value per patient: days followed, whether they died, response and toxicity (0/1)."""

    days: FloatArray
    died: FloatArray
    response: FloatArray
    toxicity: FloatArray


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
        for place, (name, base) in enumerate(_BASE.items())
    ]
    days = np.maximum(np.round(np.minimum(times, ends)), 1.0)
    return Outcomes(days, (times <= ends).astype(np.float64), answers[0], answers[1])


def sources(people: Sequence[Person]) -> dict[str, FloatArray]:
    """Return what links may start from: gene -> 0/1 and trait -> latent value, per person."""
    genes = {gene: np.array([float(person.genotype[gene]) for person in people]) for gene in people[0].genotype}
    return {**genes, **{trait: trait_table(people, trait) for trait in people[0].latent}}


def realised_link(link: Link, people: Sequence[Person]) -> dict[str, Any]:
    """Return the realised strength of a link to age, grade, sex or site: d, or the odds ratio, of two groups.

    A trait counts as above or below its median. Links to outcomes are told by the outcome file.
    """
    values = sources(people)[link.source]
    group = values > (0.5 if set(np.unique(values)) <= {0.0, 1.0} else np.median(values))
    facts: Mapping[str, FloatArray] = {
        "age": np.array([person.age for person in people]),
        "grade": np.array([float(person.grade) for person in people]),
        "sex": np.array([float(person.sex == "F") for person in people]),
        "site": np.array([float(person.scanner.site != _first_site(people)) for person in people]),
    }
    if link.target not in facts or group.all() or not group.any():
        return {}
    one, other = facts[link.target][group], facts[link.target][~group]
    if SCALES[link.target] == "d":
        pooled = np.sqrt((one.var(ddof=1) * (len(one) - 1) + other.var(ddof=1) * (len(other) - 1)) / (len(group) - 2))
        return {"realised_d": round(float((one.mean() - other.mean()) / pooled), 4)}
    odds = ((one.sum() + 0.5) / (len(one) - one.sum() + 0.5)) / ((other.sum() + 0.5) / (len(other) - other.sum() + 0.5))
    return {"realised_odds_ratio": round(float(odds), 4)}


def _first_site(people: Sequence[Person]) -> str:
    present = {person.scanner.site for person in people}
    return next(scanner.site for scanner in SCANNERS if scanner.site in present)
