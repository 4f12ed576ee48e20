"""The p of Spearman's rho, true also far out in the tails.

The usual t distribution makes small p too small: at n = 44 a p of 1e-6 is 1.7 times too small, at n = 20 2.9 times
(200 million permutations), so that screens of many pairs claim too much. Here the t density is multiplied by a
polynomial (Gegenbauer, orthogonal to it) that gives rho its exact fourth, sixth and eighth moments. These are rational
functions of n, fitted to the moments of all permutations of n = 3 to 16 by exact arithmetic (the fourth is that of
Kendall and Stuart). Ties are ignored, as they are by t.

Measured: share of null cohorts of 90,000 independent pairs in which anything passes 5 % FDR (2,000 cohorts, standard
error 0.5 %), with t in brackets: n = 30 5.5 % (10.9), n = 20 6.4 % (14.9), n = 15 7.6 % (16.5). With fewer than 30
patients and very many pairs the family-wise permutation p is the safer guide.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import exp, factorial, lgamma

import numpy as np
import numpy.typing as npt

from genoxel.stats.pvalues import correlation_p, smallest_rank_p
from genoxel.stats.ranks import FloatArray

_ORDERS = (4, 6, 8)


def _of(*terms: int | tuple[int, int]) -> tuple[Fraction, ...]:
    return tuple(Fraction(*term) if isinstance(term, tuple) else Fraction(term) for term in terms)


_FOURTH = _of((216, 25), (-21, 5), (-114, 25), 3)
_SIXTH = _of(
    (-17280, 49), (26496, 49), (32568, 49), (-150243, 245), (-68349, 245), (71454, 245), (-534, 245), (-267, 5), 15
)
_EIGHTH = _of(
    *((3483648, 25), (-22228992, 125), (-32023296, 125), (332664768, 875), (30802128, 125), (-239069643, 875)),
    *((-16398066, 175), (91208238, 875), (6428574, 875), (-2689704, 125), (3271602, 875), (1355154, 875), (-3738, 5)),
    105,
)


def rho_moment(order: int, n: int) -> Fraction:
    """Return the exact moment of `order` (0, 2, 4, 6 or 8) of rho over all permutations of `n` untied patients.

    >>> rho_moment(2, 10), rho_moment(4, 3)
    (Fraction(1, 9), Fraction(3, 8))
    """
    if order < 4:
        return Fraction(1) if order == 0 else Fraction(1, n - 1)
    terms, power = {4: (_FOURTH, 1), 6: (_SIXTH, 3), 8: (_EIGHTH, 5)}[order]
    top = sum((term * n**place for place, term in enumerate(terms)), Fraction(0))
    return top / (Fraction(n) ** power * Fraction(n + 1) ** power * Fraction(n - 1) ** (order - 1))


def _gegenbauer(order: int, index: Fraction) -> list[Fraction]:
    """Return the coefficients of the Gegenbauer polynomial, lowest power first."""
    out = [Fraction(0)] * (order + 1)
    for j in range(order // 2 + 1):
        rising = Fraction(1)
        for step in range(order - j):
            rising *= index + step
        out[order - 2 * j] = (-1) ** j * rising * 2 ** (order - 2 * j) / (factorial(j) * factorial(order - 2 * j))
    return out


@lru_cache(maxsize=4096)
def _series(n: int) -> tuple[float, ...]:
    """Return a with p = p_t + (1 - r²)^(n/2 - 1) (a0 r + a1 r³ + a2 r⁵ + a3 r⁷)."""
    index = Fraction(n - 3, 2)
    total = [Fraction(0)] * 4
    for order in _ORDERS:
        inner = _gegenbauer(order, index)
        mean = sum((inner[k] * rho_moment(k, n) for k in range(0, order + 1, 2)), Fraction(0))
        size = index / (order + index) * sum(inner, Fraction(0))
        weight = 2 * mean / size * 2 * index / (order * (order + 2 * index))
        for place, term in enumerate(_gegenbauer(order - 1, index + 1)[1::2]):
            total[place] += weight * term
    scale = exp(lgamma(float(index) + 1) - lgamma(0.5) - lgamma(float(index) + 0.5))
    return tuple(float(term) * scale for term in total)


def rank_series(n: int) -> tuple[float, ...]:
    """Return what is added to the t law of rho: (1 - r²)^(n/2 - 1) times a0 |r| + a1 |r|³ + a2 |r|⁵ + a3 |r|⁷.

    >>> len(rank_series(44))
    4
    """
    return _series(n)


def rank_correlation_p(r: npt.ArrayLike, n: npt.ArrayLike, bounded: bool = True) -> FloatArray:
    """Return the two-sided p of Spearman's rho of `n` (5 or more) patients, never below 2 / n! unless not `bounded`.

    >>> float(rank_correlation_p(0.7, 44)) > float(correlation_p(0.7, 42))
    True
    """
    r, n = np.asarray(r, dtype=np.float64), np.asarray(n, dtype=np.float64)
    square = np.minimum(r * r, 1.0)
    size = np.sqrt(square)
    names, inverse = np.unique(n, return_inverse=True)
    a = np.array([_series(int(name)) for name in names])[inverse.reshape(n.shape)]
    polynomial = size * (a[..., 0] + square * (a[..., 1] + square * (a[..., 2] + square * a[..., 3])))
    p = correlation_p(size, n - 2) + (1 - square) ** (n / 2 - 1) * polynomial
    return np.asarray(np.clip(p, smallest_rank_p(n), 1.0) if bounded else p)


def critical_rank_correlation(p: float, n: int) -> float:
    """Return the smallest |rho| of `n` patients whose `rank_correlation_p` is at most `p`; 2 where none is.

    >>> round(critical_rank_correlation(0.05, 44), 3)
    0.298
    """
    if p < float(smallest_rank_p(n)):
        return 2.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if float(rank_correlation_p(middle, n)) <= p else (middle, high)
    return high
