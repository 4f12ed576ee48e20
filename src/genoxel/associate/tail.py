"""The small p values of one null world: enough to count what passes there, without keeping the rest."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.stats.pvalues import correlation_p, critical_correlation
from genoxel.stats.rankp import critical_rank_correlation, rank_correlation_p
from genoxel.stats.ranks import FloatArray


class Law(NamedTuple):
    """What a correlation is judged by: t with `df` degrees of freedom, or the law of rho of `n` ranked patients.

    `floor` is the smallest p that is possible.
    """

    df: int
    n: int = 0
    floor: float = 0.0

    def p(self, r: npt.ArrayLike) -> FloatArray:
        """Return the p of correlations."""
        return np.maximum(rank_correlation_p(r, self.n) if self.n else correlation_p(r, self.df), self.floor)

    def limit(self, level: float) -> float:
        """Return the |r| that a p of at most `level` needs."""
        if level < self.floor:
            return 2.0
        return critical_rank_correlation(level, self.n) if self.n else float(critical_correlation(level, self.df))


class Tail:
    """Collects what is at most `level` from every block of pairs; correlations stay correlations to save time."""

    def __init__(self, level: float) -> None:
        self.level = level
        self._p: list[FloatArray] = []
        self._r: dict[Law, list[FloatArray]] = {}
        self._top = 1.0

    def add_p(self, p: FloatArray) -> None:
        """Take p values (any shape, NaN not tested)."""
        self._p.append(p[p <= self.level])
        self._top = min(self._top, float(np.min(p, initial=1.0, where=~np.isnan(p))))

    def add_r(self, r: FloatArray, law: Law) -> None:
        """Take correlations that one law judges (NaN not tested)."""
        size = np.abs(r)
        self._top = min(self._top, float(law.p(np.max(size, initial=0.0, where=~np.isnan(size)))))
        self._r.setdefault(law, []).append(size[size >= _limit(law, self.level)])

    def count(self, level: float) -> int:
        """Return how many p values are at most `level` (which is at most the level of this tail)."""
        total = sum(int((p <= level).sum()) for p in self._p)
        for law, parts in self._r.items():
            limit = _limit(law, level)
            total += sum(int((part >= limit).sum()) for part in parts)
        return total

    @property
    def smallest(self) -> float:
        """Return the smallest p of this world (1 where nothing was tested)."""
        return self._top


@lru_cache(maxsize=4096)
def _limit(law: Law, level: float) -> float:
    return law.limit(level)


def passing(tail: Tail, tests: int, factor: float = 1.0) -> int:
    """Return how many of `tests` pairs the step-up procedure passes at the level of `tail`.

    The largest k with k p values at most level k / (tests factor), found from above; `factor` as in
    `stats.multiple.count_passing`.
    """
    k = tail.count(tail.level / factor)
    while k:
        fewer = tail.count(tail.level * k / (tests * factor))
        if fewer == k:
            break
        k = fewer
    return k


def harmonic(tests: int) -> float:
    """Return the harmonic number of `tests`, the price of Benjamini and Yekutieli."""
    return float(np.sum(1 / np.arange(1, tests + 1)))
