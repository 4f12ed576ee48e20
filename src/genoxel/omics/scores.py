"""Scores of gene sets: within one sample (ssGSEA, mean rank), or against the training samples (z-mean, GSVA)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import TableError, nearest
from genoxel.core.image import FloatArray
from genoxel.core.table import Column, Source, Table

Method = Literal["ssgsea", "rank", "zmean", "gsva"]
Sets = Mapping[str, Sequence[str]]
FIXED = ("ssgsea", "rank")
"""Methods that look at one sample at a time; the others learn from samples and belong into the training fold."""

_WORDS = {
    "ssgsea": "ssGSEA, weight {weight:g} on ranks, not normalised (Barbie et al., Nature 2009)",
    "rank": "mean rank of the set's genes among all genes of the sample, 0 to 1 (after Foroutan et al. 2018)",
    "zmean": "mean of the genes' z-scores against the training samples",
    "gsva": "GSVA, Gaussian kernel over the training samples, difference of extremes (Haenzelmann et al. 2013)",
}


@dataclass(frozen=True)
class SetRules:
    """Which sets are scored: at least `smallest` of their genes, and at least the share `known` of them, measured."""

    smallest: int = 5
    known: float = 0.5
    weight: float = 0.25


class SetScorer:
    """Scores gene sets by one method; `fit` keeps what a method needs of the training samples.

    "ssgsea" and "rank" need no fitting, since they look at one sample at a time. Missing expression is refused.

    >>> from genoxel.core.table import Column
    >>> genes = [f"G{place}" for place in range(10)]
    >>> table = Table(np.arange(20.0).reshape(2, 10), ("P1", "P2"), tuple(map(Column, genes)), "expression")
    >>> scorer = SetScorer({"top": genes[7:]}, "rank", SetRules(smallest=2)).fit(table)
    >>> scorer.transform(table)["top"]
    array([0.9, 0.9])
    """

    def __init__(self, sets: Sets, method: Method = "ssgsea", rules: SetRules | None = None) -> None:
        if method not in _WORDS:
            raise TableError(
                f"the method {method!r}", ", ".join(_WORDS), nearest(method, _WORDS) or "choose one of these"
            )
        self.sets, self.method, self.rules = sets, method, rules or SetRules()
        self.left_out: dict[str, str] = {}
        self._genes: tuple[str, ...] = ()
        self._training: FloatArray = np.zeros((0, 0))

    def fit(self, table: Table) -> SetScorer:
        """Keep the training samples (z-mean: mean and spread; GSVA: the values), and return the scorer."""
        self._genes = table.names
        self._training = _complete(table)
        if self.method in ("zmean", "gsva") and len(table) < 3:
            raise TableError(f"{len(table)} samples for {self.method}", "at least 3 training samples", "use ssgsea")
        return self

    def transform(self, table: Table) -> Table:
        """Return one column per set that has enough measured genes; `left_out` says why others have none."""
        if self.method not in FIXED and not self._genes:
            raise TableError(f"{self.method} that was never fitted", "fit(training samples) first", "call fit")
        if self._genes and table.names != self._genes:
            raise TableError("a table with other genes than in training", "the same genes in the same order", "select")
        values = _complete(table)
        places = self._places(table)
        if self.method in FIXED:
            scores = _each_sample(values, places, self.method, self.rules.weight)
        elif self.method == "zmean":
            scores = _z_means(values, self._training, places)
        else:
            scores = _gsva(values, self._training, places)
        words = _WORDS[self.method].format(weight=self.rules.weight)
        source = Source(family="genesets", aggregation=self.method)
        columns = tuple(
            Column(
                name, unit="score", definition=f"{words}; {len(at)} of {len(set(self.sets[name]))} genes", source=source
            )
            for name, at in places.items()
        )
        return Table(scores, table.rows, columns, "genesets")

    def _places(self, table: Table) -> dict[str, npt.NDArray[np.intp]]:
        place = {name: at for at, name in enumerate(table.names)}
        found = {}
        self.left_out = {}
        for name, genes in self.sets.items():
            wanted = tuple(dict.fromkeys(genes))
            at = np.array(sorted(place[gene] for gene in wanted if gene in place), dtype=np.intp)
            if len(at) < self.rules.smallest or len(at) < self.rules.known * len(wanted):
                self.left_out[name] = f"{len(at)} of {len(wanted)} genes measured"
            elif len(at) == len(place):
                self.left_out[name] = "it holds every gene that was measured"
            else:
                found[name] = at
        if not found:
            some = next(iter(self.left_out.items()), ("no set", "none given"))
            raise TableError(
                f"no gene set that can be scored ({some[0]}: {some[1]})",
                f"sets with at least {self.rules.smallest} and {self.rules.known:.0%} of their genes measured",
                "are both written as HGNC symbols?",
            )
        return found


def _complete(table: Table) -> FloatArray:
    values = np.asarray(table.values)
    if np.isnan(values).any():
        row, column = np.argwhere(np.isnan(values))[0].tolist()
        raise TableError(
            f"missing expression of {table.names[column]} in {table.rows[row].text()}",
            "every gene in every sample, since ranks need all",
            "leave that gene out, or impute inside the training fold",
        )
    return values


def _each_sample(
    values: FloatArray, places: Mapping[str, npt.NDArray[np.intp]], method: str, weight: float
) -> FloatArray:
    from scipy.stats import rankdata

    scores = np.empty((len(values), len(places)))
    for row, sample in enumerate(values):
        ranks = rankdata(sample, method="average")
        order = np.argsort(ranks, kind="stable")[::-1]  # equal values: the later gene first, as GSEApy does
        for column, at in enumerate(places.values()):
            if method == "rank":
                scores[row, column] = ranks[at].mean() / len(ranks)
            else:
                scores[row, column] = _walk_sum(ranks, order, at, weight)
    return scores


def _walk_sum(ranks: FloatArray, order: npt.NDArray[np.intp], at: npt.NDArray[np.intp], weight: float) -> float:
    inside = np.zeros(len(ranks), dtype=bool)
    inside[at] = True
    hit = inside[order]
    weights = np.where(hit, ranks[order] ** weight, 0.0)
    missed = ~hit
    return float(np.sum(np.cumsum(weights) / weights.sum() - np.cumsum(missed) / missed.sum()))


def _z_means(values: FloatArray, training: FloatArray, places: Mapping[str, npt.NDArray[np.intp]]) -> FloatArray:
    middle, spread = training.mean(axis=0), training.std(axis=0, ddof=1)
    z = np.where(spread > 0, (values - middle) / np.where(spread > 0, spread, 1.0), np.nan)
    scores = [
        np.nanmean(z[:, at[spread[at] > 0]], axis=1) if (spread[at] > 0).any() else _nothing(z)
        for at in places.values()
    ]
    return np.column_stack(scores)


def _nothing(z: FloatArray) -> FloatArray:
    return np.full(len(z), np.nan)


def _gsva(values: FloatArray, training: FloatArray, places: Mapping[str, npt.NDArray[np.intp]]) -> FloatArray:
    density = _kernel(values, training)
    count = density.shape[1]
    scores = np.empty((len(values), len(places)))
    for row, sample in enumerate(density):
        order = np.argsort(sample, kind="stable")[::-1]
        weights = np.abs(count / 2.0 - np.arange(count, 0, -1.0))
        for column, at in enumerate(places.values()):
            inside = np.zeros(count, dtype=bool)
            inside[at] = True
            hit = inside[order]
            up = np.cumsum(np.where(hit, weights, 0.0)) / weights[hit].sum()
            walk = up - np.cumsum(~hit) / (~hit).sum()
            scores[row, column] = max(0.0, walk.max()) + min(0.0, walk.min())
    return scores


_STEPS = 1000
_FAR = 10.0


def _kernel(values: FloatArray, training: FloatArray) -> FloatArray:
    """Return the log odds of where each value stands in the smoothed distribution of its gene over training.

    The normal distribution is read from a table of 1000 steps per standard deviation, and the sum runs in the order of
    the samples, as in the R package and GSEApy: other roundings would order nearly equal genes otherwise.
    """
    from scipy.special import ndtr

    table = ndtr(np.arange(_STEPS * int(_FAR) + 1) / _STEPS)
    width = training.std(axis=0, ddof=1) / 4.0
    still = width == 0
    density = np.empty(values.shape)
    for row, sample in enumerate(values):
        total = np.zeros(values.shape[1])
        for other in training:
            z = (sample - other) / np.where(still, 1.0, width)
            below = table[(np.minimum(np.abs(z), _FAR) / _FAR * (len(table) - 1)).astype(np.intp)]
            below = np.where(z < 0, 1.0 - below, below)
            total += np.where(z < -_FAR, 0.0, np.where(z > _FAR, 1.0, below))
        share = np.clip(total / len(training), 1e-300, 1.0 - 1e-16)
        density[row] = -np.log((1.0 - share) / share)
    density[:, still] = 0.0
    return density
