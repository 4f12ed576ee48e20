"""What the links to clinical facts came to in this cohort, on the scale on which they were declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr

from genoxel.core.image import FloatArray
from genoxel.simulate.lines import SCALES, Link
from genoxel.simulate.outcomes import Outcomes, draw_outcomes, sources
from genoxel.simulate.plan import Person, population
from genoxel.simulate.sites import SCANNERS
from genoxel.simulate.spec import SimulationSpec
from genoxel.stats.cox import log_hazard_ratios
from genoxel.stats.logistic import logistic_fit

_SMALLEST = 1e-12


def realised_links(spec: SimulationSpec, people: Sequence[Person]) -> list[dict[str, Any]]:
    """Return each link with its declared and its realised strength over all people, given the other links to its end.

    d of age is the least-squares coefficient in residual SDs, d of grade the coefficient of an ordered probit; odds
    ratios are logistic, hazard ratios Cox's (Efron). None where the cohort allows no finite estimate.
    """
    outcomes = draw_outcomes(spec, people)
    everyone, inside = population(spec)
    told = []
    for link in spec.linked:
        chosen = link.target == "included"
        among = everyone if chosen else people
        known = sources(among)
        others = [known[one.source] for one in spec.linked if one.target == link.target and one != link]
        beside = np.column_stack(others) if others else np.empty((len(among), 0))
        facts = {"included": inside} if chosen else _facts(people, outcomes)
        found = _strength(link, known[link.source], beside, facts)
        told.append({"line": str(link), "declared": link.value, **found, **_counts(link, facts)})
    return told


def _facts(people: Sequence[Person], outcomes: Outcomes) -> dict[str, FloatArray]:
    order = {scanner.site: place for place, scanner in enumerate(SCANNERS)}
    return {
        "age": np.array([person.age for person in people]),
        "grade": np.array([float(person.grade) for person in people]),
        "sex": np.array([float(person.sex == "F") for person in people]),
        "site": np.array([float(order[person.scanner.site] > 0) for person in people]),
        "response": outcomes.response,
        "toxicity": outcomes.toxicity,
        "survival": outcomes.days,
        "died": outcomes.died,
    }


def _strength(link: Link, x: FloatArray, beside: FloatArray, facts: Mapping[str, FloatArray]) -> dict[str, Any]:
    y = facts[link.target]
    if link.target == "survival":
        log, _ = log_hazard_ratios(y, facts["died"], x[:, None], beside)
        return {"realised_hazard_ratio": _told(float(np.exp(log[0])))}
    if link.target == "age":
        return {"realised_d": _told(_shift(y, x, beside))}
    if link.target == "grade":
        return {"realised_d": _told(ordered_probit(y, x, beside))}
    fit = logistic_fit(y, x, beside)
    return {"realised_odds_ratio": None if fit is None else _told(float(np.exp(fit.beta[0])))}


def _shift(y: FloatArray, x: FloatArray, beside: FloatArray) -> float:
    """Return the least-squares coefficient of `x` given `beside`, in SDs of the residuals."""
    design = np.column_stack([np.ones_like(x), x, beside])
    fit, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    if rank < design.shape[1] or len(y) <= rank:
        return float("nan")
    residual = y - design @ fit
    return float(fit[1] / np.sqrt(residual @ residual / (len(y) - rank)))


def _counts(link: Link, facts: Mapping[str, FloatArray]) -> dict[str, int]:
    """Return how many had the event; nothing for what is no event."""
    if SCALES[link.target] == "d":
        return {}
    return {"events": int(facts["died" if link.target == "survival" else link.target].sum())}


def _told(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def ordered_probit(y: FloatArray, x: FloatArray, beside: FloatArray) -> float:
    """Return the coefficient of `x` (n,) in an ordered probit of `y` (n,), given the columns of `beside` (n, k).

    It is the shift, in SDs, of the normal variable whose cuts give the classes of `y`. NaN without two classes or
    where no finite estimate exists.

    >>> ordered_probit(np.array([1.0, 2, 1, 2]), np.array([0.0, 0, 1, 1]), np.empty((4, 0))).__round__(6)
    0.0
    """
    levels, coded = np.unique(y, return_inverse=True)
    design = np.column_stack([x, beside])
    if len(levels) < 2 or np.linalg.matrix_rank(design - design.mean(axis=0)) < design.shape[1]:
        return float("nan")

    def cuts(free: FloatArray) -> FloatArray:
        inner = np.concatenate([free[:1], free[0] + np.cumsum(np.exp(free[1:]))])
        return np.concatenate([[-np.inf], inner, [np.inf]])

    def loss(values: FloatArray) -> float:
        edges, shift = cuts(values[: len(levels) - 1]), design @ values[len(levels) - 1 :]
        chance = ndtr(edges[coded + 1] - shift) - ndtr(edges[coded] - shift)
        return float(-np.log(np.maximum(chance, _SMALLEST)).sum())

    begin = np.concatenate([[-0.5], np.zeros(len(levels) - 2), np.zeros(design.shape[1])])
    best = minimize(loss, begin, method="BFGS", options={"gtol": 1e-5}).x
    found = float(best[len(levels) - 1])
    return found if abs(found) < _FARTHEST else float("nan")


_FARTHEST = 8.0
"""A coefficient beyond this is separation, which has no finite estimate."""
