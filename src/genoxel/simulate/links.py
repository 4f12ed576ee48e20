"""Ties between genes, and from genes and traits to clinical facts, of stated strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray
from genoxel.simulate.lines import Link
from genoxel.simulate.spec import SimulationSpec, pair_of

IntArray = npt.NDArray[np.int64]
AGE_MEAN, AGE_SD = 54.0, 12.0


@dataclass(frozen=True)
class Clinical:
    """Clinical facts, one per patient: ages in years, sexes (F, M), grades 2 to 4, numbers of sites."""

    ages: FloatArray
    sexes: npt.NDArray[np.str_]
    grades: IntArray
    sites: IntArray


def pair_up(spec: SimulationSpec, drawn: dict[str, FloatArray], random: np.random.Generator) -> None:
    """Move mutations (in place) until exclusive pairs never meet and the others overlap by their odds ratio.

    The number of mutants of each gene stays what it was. The overlap of a pair is the mean of Fisher's noncentral
    hypergeometric law, rounded. A gene that is tied already is moved only where its earlier ties stay as they are.
    """
    apart: dict[str, set[str]] = {}
    tied: dict[str, set[str]] = {}
    for one, other in map(pair_of, spec.exclusive):
        _lay(drawn, (one, other), 0.0, apart.get(other, set()), random)
        apart.setdefault(other, set()).add(one)
        apart.setdefault(one, set()).add(other)
    for text, odds in spec.together.items():
        one, other = pair_of(text)
        if other not in tied:
            _lay(drawn, (one, other), odds, apart.get(other, set()), random)
        elif one not in tied:
            _lay(drawn, (other, one), odds, apart.get(one, set()), random)
        else:
            _swap(drawn, (one, other), odds, [*sorted(tied[other]), *sorted(apart.get(other, set()))], random)
        tied.setdefault(other, set()).add(one)
        tied.setdefault(one, set()).add(other)


def _lay(
    drawn: Mapping[str, FloatArray],
    pair: tuple[str, str],
    odds: float,
    apart: set[str],
    random: np.random.Generator,
) -> None:
    """Draw the second gene of a pair anew beside the first (odds 0: exclusive), never in mutants of `apart`."""
    first, second = drawn[pair[0]], drawn[pair[1]]
    wanted = 0 if odds == 0 else _overlap(len(first), int(first.sum()), int(second.sum()), odds)
    banned = np.zeros(len(first))
    for gene in apart:
        banned = np.maximum(banned, drawn[gene])
    inside = random.permutation(np.flatnonzero((first == 1) & (banned == 0)))
    outside = random.permutation(np.flatnonzero((first == 0) & (banned == 0)))
    count = int(second.sum())
    if wanted > len(inside) or count - wanted > len(outside):
        raise_pairs(*pair)
    second[:] = 0
    second[inside[:wanted]] = 1
    second[outside[: count - wanted]] = 1


def _swap(
    drawn: Mapping[str, FloatArray],
    pair: tuple[str, str],
    odds: float,
    kept: Sequence[str],
    random: np.random.Generator,
) -> None:
    """Move the second gene of a pair between patients who are alike in the genes `kept` until the overlap is right."""
    first, second = drawn[pair[0]], drawn[pair[1]]
    missing = _overlap(len(first), int(first.sum()), int(second.sum()), odds) - int((first * second).sum())
    gains = 1.0 if missing > 0 else 0.0
    alike = np.array([drawn[gene] for gene in kept]).T @ (2.0 ** np.arange(len(kept)))
    givers = random.permutation(np.flatnonzero((second == 1) & (first == 1 - gains))).tolist()
    takers = random.permutation(np.flatnonzero((second == 0) & (first == gains))).tolist()
    for giver in givers:
        if missing == 0:
            return
        taker = next((one for one in takers if alike[one] == alike[giver]), None)
        if taker is not None:
            takers.remove(taker)
            second[[giver, taker]] = 0.0, 1.0
            missing -= 1 if gains else -1
    if missing:
        raise_pairs(*pair)


def raise_pairs(one: str, other: str) -> None:
    """Refuse genes whose ties cannot all hold."""
    from genoxel.core.errors import SettingsError

    raise SettingsError(
        f"{one} and {other}, whose overlap cannot be met beside the other pairs",
        "ties that leave room for each gene's prevalence",
        "lower a prevalence or drop a pair",
    )


def _overlap(n: int, first: int, second: int, odds: float) -> int:
    from scipy.stats import nchypergeom_fisher

    return round(float(nchypergeom_fisher.mean(n, first, second, odds)))


def confound(
    spec: SimulationSpec, plain: Clinical, known: Mapping[str, FloatArray], random: np.random.Generator
) -> Clinical:
    """Return the clinical facts with the links of the spec in them; what no link names stays as it was."""
    found = plain
    for target in ("age", "grade", "sex", "site"):
        links = [link for link in spec.linked if link.target == target]
        if links:
            found = _APPLY[target](found, score(links, known), random, spec)
    return found


def score(links: list[Link], known: Mapping[str, FloatArray]) -> FloatArray:
    """Return the sum of the links per patient, centred: d x source, or log ratio x source."""
    total = np.zeros(len(next(iter(known.values()))))
    for link in links:
        source = known[link.source]
        weight = link.value if link.target in ("age", "grade") else np.log(link.value)
        total = total + weight * (source - source.mean())
    return np.asarray(total, np.float64)


def _age(plain: Clinical, shift: FloatArray, _random: np.random.Generator, _spec: SimulationSpec) -> Clinical:
    return replace(plain, ages=np.clip(np.round(plain.ages + AGE_SD * shift, 1), 18.0, 95.0))


def _grade(plain: Clinical, shift: FloatArray, random: np.random.Generator, _spec: SimulationSpec) -> Clinical:
    values = random.standard_normal(len(shift)) + shift
    return replace(plain, grades=2 + (3 * np.argsort(np.argsort(values)) // len(values)))


def _sex(plain: Clinical, shift: FloatArray, random: np.random.Generator, _spec: SimulationSpec) -> Clinical:
    female = random.random(len(shift)) < 1 / (1 + np.exp(-shift))
    return replace(plain, sexes=np.where(female, "F", "M"))


def _site(plain: Clinical, shift: FloatArray, random: np.random.Generator, spec: SimulationSpec) -> Clinical:
    """Later sites take those with the higher score: a logistic threshold, so that the ratio is one of odds."""
    values = random.logistic(size=len(shift)) + shift
    return replace(plain, sites=spec.sites * np.argsort(np.argsort(values)) // len(values))


_APPLY = {"age": _age, "grade": _grade, "sex": _sex, "site": _site}
