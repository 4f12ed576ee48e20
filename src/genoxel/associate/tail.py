"""The small p values of one null world: enough to count what passes there, without keeping the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.stats.lawtable import LawTable, law_table
from genoxel.stats.pvalues import critical_correlation
from genoxel.stats.rankp import critical_rank_correlation
from genoxel.stats.ranks import FloatArray, IndexArray

Float32Array = npt.NDArray[np.float32]

_NEAR = 1e-5
"""Correlations in single precision that are this close to the largest are looked at again in double precision."""


class Law(NamedTuple):
    """What a correlation is judged by: t with `df` degrees of freedom, or the law of rho of `ranked` patients.

    `ranked` is as in `stats.lawtable.law_table`.
    """

    df: int
    ranked: int = 0

    @property
    def table(self) -> LawTable:
        """The tabulated p of this law."""
        return law_table(self.df, self.ranked)

    def p(self, r: npt.ArrayLike) -> FloatArray:
        """Return the p of correlations."""
        return self.table.p(r)

    def limit(self, level: float) -> float:
        """Return the |r| that a p of at most `level` needs."""
        if level < self.table.floor:
            return 2.0
        if self.ranked > 0:
            return critical_rank_correlation(level, self.ranked)
        return float(critical_correlation(level, self.df))


class Tail:
    """Collects what is at most `level` from every block of pairs; correlations stay correlations to save time.

    Correlations are counted at `level` and kept only where p is at most `deep`.
    """

    def __init__(self, level: float, deep: float | None = None, others: int = 0) -> None:
        self.level = level
        self.deep = level if deep is None else min(deep, level)
        self._p: list[FloatArray] = []
        self._r: dict[Law, list[npt.NDArray[np.floating]]] = {}
        self._reach = 0
        self._top = 1.0
        self.best = np.ones(others)
        self._others, self._turned = np.arange(others), False

    def enter(self, others: IndexArray, turned: bool) -> None:
        """Say which columns of the other side the next block holds, and whether these are its rows."""
        self._others, self._turned = others, turned

    def at(self, level: float) -> Tail:
        """Return this tail as one of a lower level; only a tail that kept all correlations tells exactly."""
        lower = Tail(level, self.deep)
        lower.deep, lower._p, lower._r = self.deep, self._p, self._r
        lower._reach = sum(
            int((part >= np.float32(_limit(law, level))).sum()) for law, parts in self._r.items() for part in parts
        )
        lower._top = self._top
        return lower

    def add_p(self, p: FloatArray, rows: IndexArray, columns: IndexArray) -> None:
        """Take p values (rows, columns) of these places of the block, NaN not tested."""
        self._p.append(p[p <= self.level])
        self._top = min(self._top, float(np.min(p, initial=1.0, where=~np.isnan(p))))
        if self.best.size and p.size:
            axis = 1 if self._turned else 0
            self._note(np.fmin.reduce(p, axis=axis), rows if self._turned else columns)

    def _note(self, smallest: FloatArray, places: IndexArray) -> None:
        others = self._others[places]
        self.best[others] = np.fmin(self.best[others], smallest)

    def add_products(
        self,
        r: Float32Array,
        law: Law,
        exact: Callable[[IndexArray, IndexArray], FloatArray],
        columns: IndexArray,
    ) -> None:
        """Take correlations `r` (r, c), 0 where not tested; `exact` gives those of places in double precision."""
        from genoxel.associate.kernels import extremes

        limit = np.float32(_limit(law, self.deep))
        largest, reach, far = extremes(r, np.float32(_limit(law, self.level)), limit)
        self._reach += reach
        if far:
            self._r.setdefault(law, []).append(np.abs(r[np.abs(r) >= limit]))
        if self.best.size:
            self._note(law.p(np.maximum(r.max(axis=0), -r.min(axis=0))), columns)
        if float(law.p(min(float(largest) + _NEAR, 1.0))) < self._top:
            rows, columns = np.nonzero(np.abs(r) >= largest - _NEAR)
            self._top = min(self._top, float(law.p(np.abs(exact(rows, columns)).max(initial=0.0))))

    def count(self, level: float) -> int | None:
        """Return how many p values are at most `level`; None where what was kept does not tell."""
        total = sum(int((p <= level).sum()) for p in self._p)
        if level >= self.level * (1 - 1e-12):
            return total + self._reach
        if level > self.deep and self._r:
            return None
        for law, parts in self._r.items():
            limit = np.float32(_limit(law, level))
            total += sum(int((part >= limit).sum()) for part in parts)
        return total

    @property
    def smallest(self) -> float:
        """Return the smallest p of this world (1 where nothing was tested)."""
        return self._top


@lru_cache(maxsize=4096)
def _limit(law: Law, level: float) -> float:
    return law.limit(level)


def passing(tail: Tail, tests: int) -> int | None:
    """Return how many of `tests` pairs the step-up procedure passes at the level of `tail`; None: keep more.

    The largest k with k p values at most level k / tests, found from above.
    """
    k = tail.count(tail.level)
    while k:
        fewer = tail.count(tail.level * k / tests)
        if fewer == k or fewer is None:
            return fewer
        k = fewer
    return k


def harmonic(tests: int) -> float:
    """Return the harmonic number of `tests`, the price of Benjamini and Yekutieli."""
    return float(np.sum(1 / np.arange(1, tests + 1)))
