"""The p of many correlations of equally many patients: tabulated once, then a logarithm and an exponential each.

p = (1 - r²)^(df/2) G(|r|) with G smooth, for the t law and for the law of rho alike; G is held as a polynomial of
degree 6 on each of many short intervals. Relative error below 1e-11 down to p = 1e-260 (tested against the laws).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from genoxel.stats.pvalues import correlation_p, smallest_rank_p
from genoxel.stats.rankp import rank_correlation_p
from genoxel.stats.ranks import FloatArray

_DEGREE = 6
_FAINTEST = -600.0


@dataclass(frozen=True, eq=False)
class LawTable:
    """`pieces` (intervals, 7) of G, highest power last; `power` = df / 2; no p is below `floor`."""

    pieces: FloatArray
    power: float
    floor: float

    def p(self, r: npt.ArrayLike) -> FloatArray:
        """Return the two-sided p of correlations, NaN for NaN.

        >>> bool(np.isclose(law_table(42).p(0.5), correlation_p(0.5, 42), rtol=1e-11))
        True
        """
        size = np.minimum(np.abs(np.asarray(r, dtype=np.float64)), 1.0)
        known = np.where(np.isnan(size), 0.0, size)
        at = known * len(self.pieces)
        place = np.minimum(at.astype(np.intp), len(self.pieces) - 1)
        inside = 2 * (at - place) - 1
        pieces = self.pieces[place]
        value = pieces[..., _DEGREE]
        for power in range(_DEGREE - 1, -1, -1):
            value = value * inside + pieces[..., power]
        with np.errstate(divide="ignore"):
            p = np.exp(self.power * np.log((1 - size) * (1 + size))) * value
        return np.asarray(np.clip(p, self.floor, 1.0))


@lru_cache(maxsize=64)
def law_table(df: int, ranked: int = 0) -> LawTable:
    """Return the table of the t law with `df` (1 or more), or of the law of rho of `ranked` patients where given.

    With `ranked` = -n the t law of rho: that of t, never below 2 / n!.
    """
    power = (ranked - 2 if ranked > 0 else df) / 2
    count = int(np.clip(96 * np.sqrt(2 * power), 512, 65_536))
    nodes = np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
    r = (np.arange(count)[:, None] + (nodes + 1) / 2) / count
    exponent = power * np.log((1 - r) * (1 + r))
    seen = exponent > _FAINTEST
    exact = _without_floor(r, ranked) if ranked > 0 else correlation_p(r, df)
    g = np.where(seen, exact / np.exp(np.where(seen, exponent, 0.0)), np.nan)
    last = g[seen][np.argmax(r[seen])]
    g = np.where(seen, g, last)
    pieces = g @ np.linalg.inv(np.vander(nodes, increasing=True)).T
    floor = float(smallest_rank_p(abs(ranked))) if ranked else 0.0
    return LawTable(np.ascontiguousarray(pieces), power, floor)


def _without_floor(r: FloatArray, n: int) -> FloatArray:
    return rank_correlation_p(r, n, bounded=False)
