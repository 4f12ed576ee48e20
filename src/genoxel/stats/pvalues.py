"""Two-sided p values of many tests at once, from their statistics."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv, chdtrc, fdtrc, gammaln, ndtr

from genoxel.core.errors import InputError
from genoxel.stats.ranks import FloatArray

EXACT_GROUP = 8
"""Mann-Whitney is exact when a group is at most this large and nothing is tied (as in SciPy)."""

_CHUNK = 2_000_000


def correlation_p(r: npt.ArrayLike, df: npt.ArrayLike) -> FloatArray:
    """Return the p of correlations by the t distribution with `df` degrees of freedom (n - 2 - covariates).

    Exact for Pearson's r of normal data; for Spearman's rho the usual approximation, see `stats.rankp`.

    >>> correlation_p([0.5, -0.5], 18).round(4)
    array([0.0248, 0.0248])
    """
    size = np.minimum(np.abs(np.asarray(r, dtype=np.float64)), 1.0)
    return np.asarray(betainc(np.asarray(df, dtype=np.float64) / 2, 0.5, (1 - size) * (1 + size)))


def critical_correlation(p: npt.ArrayLike, df: npt.ArrayLike) -> FloatArray:
    """Return the |r| whose `correlation_p` is `p`.

    >>> float(correlation_p(critical_correlation(0.05, 42), 42)).__round__(6)
    0.05
    """
    return np.asarray(np.sqrt(1 - betaincinv(np.asarray(df, dtype=np.float64) / 2, 0.5, p)))


def smallest_rank_p(n: npt.ArrayLike) -> FloatArray:
    """Return 2 / n!: no exact rank correlation test of `n` patients gives less, however close the t value comes.

    >>> float(smallest_rank_p(4)).__round__(6)
    0.083333
    """
    return np.asarray(np.minimum(1.0, 2 * np.exp(-gammaln(np.asarray(n, dtype=np.float64) + 1))))


def mann_whitney_p(
    excess: npt.ArrayLike, n1: npt.ArrayLike, n0: npt.ArrayLike, rank_squares: npt.ArrayLike
) -> FloatArray:
    """Return the Mann-Whitney p from `excess` = U - n1 n0 / 2 and the sum of squared deviations of the ranks.

    Normal with continuity and tie correction; exact when a group has at most 8 and nothing is tied (which the
    rank squares show: then they are (n³ - n) / 12). The same choices as SciPy's "auto".

    >>> float(mann_whitney_p(4.5, 3, 3, 17.5)).__round__(3)
    0.1
    """
    excess, n1, n0, squares = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (excess, n1, n0, rank_squares))
    )
    n = n1 + n0
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(n1 * n0 * squares / (n * (n - 1)))
        p = np.minimum(2 * ndtr(-(np.abs(excess) - 0.5) / spread), 1.0)
    exact = (np.minimum(n1, n0) <= EXACT_GROUP) & (squares >= (n**3 - n) / 12 * (1 - 1e-9)) & (spread > 0)
    if exact.any():
        p = np.array(p)
        p[exact] = _exact_mann_whitney(excess[exact], n1[exact], n0[exact])
    return np.asarray(p)


def _exact_mann_whitney(excess: FloatArray, n1: FloatArray, n0: FloatArray) -> FloatArray:
    p = np.empty_like(excess)
    small, large = np.minimum(n1, n0).astype(np.intp), np.maximum(n1, n0).astype(np.intp)
    for code in np.unique(small * 2**32 + large).tolist():
        a, b = divmod(code, 2**32)
        here = (small == a) & (large == b)
        u = np.rint(np.abs(excess[here]) + a * b / 2).astype(np.intp)
        p[here] = np.minimum(2 * _upper_tail(a, b)[u], 1.0)
    return p


@lru_cache(maxsize=512)
def _upper_tail(n1: int, n0: int) -> FloatArray:
    """Return P(U >= u) for u = 0..n1 n0 without ties, by the recursion of Mann and Whitney (1947)."""
    size = n1 * n0 + 1
    rows = [np.zeros(size) for _ in range(n1 + 1)]  # rows[i]: distribution of U for i against j, j growing
    for row in rows:
        row[0] = 1.0
    for j in range(1, n0 + 1):
        for i in range(1, n1 + 1):
            shifted = np.zeros(size)
            shifted[j:] = rows[i - 1][: size - j]
            rows[i] = (i * shifted + j * rows[i]) / (i + j)
    return np.cumsum(rows[n1][::-1])[::-1]


def kruskal_p(h: npt.ArrayLike, df: npt.ArrayLike) -> FloatArray:
    """Return the chi-squared p of Kruskal-Wallis H (tie-corrected) with `df` = groups - 1."""
    return np.asarray(chdtrc(df, h))


def f_p(share: npt.ArrayLike, df1: npt.ArrayLike, df2: npt.ArrayLike) -> FloatArray:
    """Return the p of an explained share (partial R²) by the F distribution."""
    share = np.minimum(np.asarray(share, dtype=np.float64), 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(fdtrc(df1, df2, share / np.asarray(df1) / ((1 - share) / np.asarray(df2))))


def chi_squared(tables: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (chi², p, smallest expected count) of tables (..., r, c), Pearson's without continuity correction.

    >>> [float(item.round(3)) for item in chi_squared([[10, 20], [20, 10]])]
    [6.667, 0.01, 15.0]
    """
    array = _tables(tables)
    rows, columns = array.sum(axis=-1, keepdims=True), array.sum(axis=-2, keepdims=True)
    total = array.sum(axis=(-2, -1), keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = rows * columns / total
        value = np.asarray(((array - expected) ** 2 / expected).sum(axis=(-2, -1)))
    df = (array.shape[-1] - 1) * (array.shape[-2] - 1)
    return value, np.asarray(chdtrc(df, value)), np.asarray(expected.min(axis=(-2, -1)))


def fisher_exact(tables: npt.ArrayLike) -> FloatArray:
    """Return Fisher's exact two-sided p of tables (..., 2, 2): all tables no more likely than the one seen.

    >>> float(fisher_exact([[8, 2], [1, 5]]).round(4))
    0.035
    """
    array = _tables(tables)
    flat = array.reshape(-1, 4)
    p = np.empty(len(flat))
    for part, log, low in hypergeometric(flat):
        seen = (flat[part, 0] - low).astype(np.intp)
        weights = np.exp(log)
        limit = np.take_along_axis(weights, seen[:, None], axis=1) * (1 + 1e-7)
        p[part] = np.minimum(np.where(weights <= limit, weights, 0).sum(axis=1), 1.0)
    return p.reshape(array.shape[:-2])


def hypergeometric(flat: FloatArray) -> list[tuple[slice, FloatArray, FloatArray]]:
    """Return, in parts of tables (k, 4), the log chance of each first cell and its lowest value.

    Each part is (slice, log chances (part, width) from the lowest possible first cell on, -inf beyond the highest,
    lowest (part,)); margins are fixed.
    """
    row, column, total = flat[:, 0] + flat[:, 1], flat[:, 0] + flat[:, 2], flat.sum(axis=1)
    low, high = np.maximum(0, row + column - total), np.minimum(row, column)
    width = int((high - low).max(initial=0)) + 1
    step = max(1, _CHUNK // width)
    parts = []
    for first in range(0, len(flat), step):
        part = slice(first, first + step)
        a = low[part, None] + np.arange(width)
        r, c, n = row[part, None], column[part, None], total[part, None]
        inside = a <= high[part, None]
        a = np.where(inside, a, low[part, None])
        log = _choose(c, a) + _choose(n - c, r - a) - _choose(n, r)
        parts.append((part, np.where(inside, log, -np.inf), low[part]))
    return parts


def _choose(n: FloatArray, k: FloatArray) -> FloatArray:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _tables(tables: npt.ArrayLike) -> FloatArray:
    array = np.asarray(tables, dtype=np.float64)
    if array.ndim < 2 or (array < 0).any() or not np.isfinite(array).all():
        raise InputError(f"tables of shape {array.shape}", "counts (..., rows, columns) of 0 or more", "count again")
    return array
