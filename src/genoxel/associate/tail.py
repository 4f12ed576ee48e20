"""The small p values of one null world: enough to count what passes there, without keeping the rest."""

from __future__ import annotations

import numpy as np

from genoxel.stats.pvalues import correlation_p, critical_correlation, smallest_rank_p
from genoxel.stats.ranks import FloatArray


class Tail:
    """Collects what is at most `level` from every block of pairs; correlations stay correlations to save time."""

    def __init__(self, level: float) -> None:
        self.level = level
        self._p: list[FloatArray] = []
        self._r: dict[tuple[float, int], list[FloatArray]] = {}
        self._critical: dict[tuple[float, float], float] = {}
        self._top = 1.0

    def add_p(self, p: FloatArray) -> None:
        """Take p values (any shape, NaN not tested)."""
        self._p.append(p[p <= self.level])
        self._top = min(self._top, float(np.min(p, initial=1.0, where=~np.isnan(p))))

    def add_r(self, r: FloatArray, df: float, n_ranked: int = 0) -> None:
        """Take correlations of one number of degrees of freedom; `n_ranked` > 0 says that p cannot be below 2/n!."""
        size = np.abs(r)
        floor = float(smallest_rank_p(n_ranked)) if n_ranked else 0.0
        self._top = min(self._top, max(floor, float(correlation_p(size.max(initial=0.0), df))))
        if floor <= self.level:
            kept = size[size >= self._limit(df, self.level)]
            self._r.setdefault((df, n_ranked), []).append(kept)

    def _limit(self, df: float, level: float) -> float:
        key = (df, level)
        if key not in self._critical:
            self._critical[key] = float(critical_correlation(level, df))
        return self._critical[key]

    def count(self, level: float) -> int:
        """Return how many p values are at most `level` (which is at most the level of this tail)."""
        total = sum(int((p <= level).sum()) for p in self._p)
        for (df, n_ranked), parts in self._r.items():
            if not n_ranked or float(smallest_rank_p(n_ranked)) <= level:
                limit = self._limit(df, level)
                total += sum(int((part >= limit).sum()) for part in parts)
        return total

    @property
    def smallest(self) -> float:
        """Return the smallest p of this world (1 where nothing was tested)."""
        return self._top


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
