"""Effect sizes of one pair of samples, each with its interval; rows with a missing value are left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError, NotDefinedError
from genoxel.core.results import Interval
from genoxel.stats.auc import delong
from genoxel.stats.intervals import (
    auc_interval,
    cohen_interval,
    cramers_interval,
    explained_interval,
    log_odds_interval,
    rho_interval,
)
from genoxel.stats.pvalues import chi_squared
from genoxel.stats.ranks import FloatArray, ranks


def pearson(x: npt.ArrayLike, y: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return Pearson's r of `x` and `y` (n,) with Fisher's interval. Raises `NotDefinedError` for a constant.

    >>> print(pearson([1, 2, 3, 4, 5, 6], [1, 3, 2, 5, 4, 6]))
    0.89 (0.26 to 0.99)
    """
    a, b = _complete(x, y)
    r = _correlate(a, b)
    low, high = rho_interval(r, len(a), "pearson", level=level)
    return Interval(r, float(low), float(high), level, "Fisher z")


def spearman(x: npt.ArrayLike, y: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return Spearman's rho of `x` and `y` (n,), interval by Bonett and Wright. `NotDefinedError` for a constant.

    >>> print(spearman([1, 2, 3, 4, 5, 6], [1, 3, 2, 5, 4, 6]))
    0.89 (0.07 to 0.99)
    """
    a, b = _complete(x, y)
    r = _correlate(ranks(a), ranks(b))
    low, high = rho_interval(r, len(a), "spearman", level=level)
    return Interval(r, float(low), float(high), level, "Fisher z, Bonett and Wright")


def cohen_d(a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return Cohen's d = (mean of `a` - mean of `b`) / pooled SD, with the noncentral t interval.

    >>> print(cohen_d([2, 3, 4, 5, 6], [1, 2, 3, 4, 5]))
    0.63 (-0.66 to 1.89)
    """
    first, second = _two(a, b)
    n1, n0 = len(first), len(second)
    pooled = np.sqrt((first.var(ddof=1) * (n1 - 1) + second.var(ddof=1) * (n0 - 1)) / (n1 + n0 - 2))
    if pooled <= 1e-12 * max(np.abs(first).max(), np.abs(second).max()):
        raise NotDefinedError("two constant groups", "values that vary", "report both values instead")
    d = float((first.mean() - second.mean()) / pooled)
    low, high = cohen_interval(d, n1, n0, level)
    return Interval(d, float(low), float(high), level, "noncentral t")


def hedges_g(a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return Hedges' g: Cohen's d times 1 - 3 / (4 (n1 + n0 - 2) - 1), its bias in small samples taken out.

    >>> print(hedges_g([2, 3, 4, 5, 6], [1, 2, 3, 4, 5]))
    0.57 (-0.60 to 1.71)
    """
    first, second = _two(a, b)
    d = cohen_d(first, second, level)
    shrink = 1 - 3 / (4 * (len(first) + len(second) - 2) - 1)
    return Interval(d.estimate * shrink, d.low * shrink, d.high * shrink, level, "noncentral t, Hedges")


def auc_of(a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return the chance that a value of `a` exceeds one of `b` (ties half), with DeLong's interval on logits.

    >>> print(auc_of([2, 3, 4, 5, 6], [1, 2, 3, 4, 5]))
    0.68 (0.24 to 0.94)
    """
    first, second = _two(a, b)
    y = np.repeat([1, 0], [len(first), len(second)])
    found = delong(y, np.concatenate([first, second]))
    positive, negative = (found.placements[y == value].var(ddof=1) / np.sum(y == value) for value in (1, 0))
    low, high = auc_interval(found.auc, positive, negative, len(first), len(second), level)
    return Interval(found.auc, float(low), float(high), level, "DeLong, logit, Welch t")


def cliffs_delta(a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return Cliff's delta = 2 AUC - 1, from -1 to 1, with the interval of the AUC.

    >>> print(cliffs_delta([2, 3, 4, 5, 6], [1, 2, 3, 4, 5]))
    0.36 (-0.52 to 0.87)
    """
    auc = auc_of(a, b, level)
    return Interval(2 * auc.estimate - 1, 2 * auc.low - 1, 2 * auc.high - 1, level, auc.method)


def log_odds_ratio(table: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return the log odds ratio of a table (2, 2): Woolf's interval, or the exact one where counts are small.

    Infinite bounds are open sides of the exact interval. Raises `NotDefinedError` for an empty row or column.

    >>> print(log_odds_ratio([[20, 10], [10, 20]]))
    1.39 (0.31 to 2.46)
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.shape != (2, 2):
        raise InputError(f"a table of shape {counts.shape}", "two by two", "use Cramér's V")
    if not (counts.sum(axis=0).all() and counts.sum(axis=1).all()):
        raise NotDefinedError("an empty row or column", "both levels of both", "choose columns that vary")
    exact = chi_squared(counts)[2] < 5 or (counts == 0).any()
    estimate, low, high = log_odds_interval(counts, level)
    return Interval(float(estimate), float(low), float(high), level, "exact conditional" if exact else "Woolf")


def epsilon_squared(values: npt.ArrayLike, groups: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return the share of the ranks of `values` (n,) that `groups` (n,) explain: Kruskal-Wallis H / (n - 1).

    The interval is approximate (noncentral F). Raises `NotDefinedError` for one group or a constant.

    >>> print(epsilon_squared([1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 0, 0, 1, 1, 1, 2, 2, 2]))
    0.90 (0.44 to 0.94)
    """
    a, codes = _complete(values, groups)
    names, inverse, count = np.unique(codes, return_inverse=True, return_counts=True)
    ranked = ranks(a) - (len(a) + 1) / 2
    total = float((ranked**2).sum())
    if len(names) < 2 or total == 0:
        raise NotDefinedError("one group or a constant", "groups and values that vary", "choose other columns")
    between = float((np.bincount(inverse, ranked) ** 2 / count).sum())
    low, high = explained_interval(between / total, len(a), len(names), level=level)
    return Interval(between / total, float(low), float(high), level, "noncentral F, approximate")


def cramers_v(table: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return Cramér's V of a table (r, c) of counts, with an approximate interval (noncentral chi-squared).

    >>> print(cramers_v([[20, 10], [10, 20]]))
    0.33 (0.08 to 0.59)
    """
    counts = np.asarray(table, dtype=np.float64)
    counts = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    rows, columns = counts.shape
    if min(rows, columns) < 2:
        raise NotDefinedError("a table with one row or column", "at least two of each", "choose columns that vary")
    n = counts.sum()
    chi2 = chi_squared(counts)[0]
    low, high = cramers_interval(chi2, n, rows, columns, level)
    v = float(np.sqrt(chi2 / (n * (min(rows, columns) - 1))))
    return Interval(v, float(low), float(high), level, "noncentral chi-squared, approximate")


def standardised_difference(a: npt.ArrayLike, b: npt.ArrayLike, categorical: bool = False) -> float:
    """Return how far two groups differ, in standard deviations: the number beside each line of a Table 1.

    Numbers: difference of means over the root of the mean variance (Austin 2009). Categories (codes): the
    Mahalanobis distance of the shares (Yang and Dalton 2012), never negative. NaN where nothing varies.

    >>> round(standardised_difference([0, 0, 1, 1], [0, 1, 1, 1], categorical=True), 3)
    0.535
    """
    first, second = _two(a, b, least=1)
    if not categorical:
        spread = float(np.sqrt((_variance(first) + _variance(second)) / 2))
        return float(first.mean() - second.mean()) / spread if spread > 0 else float("nan")
    levels = np.unique(np.concatenate([first, second]))[1:]
    shares = np.array([[np.mean(group == level) for level in levels] for group in (first, second)])
    covariance = sum(np.diag(p) - np.outer(p, p) for p in shares) / 2
    gap = shares[0] - shares[1]
    squared = float(gap @ np.linalg.pinv(np.atleast_2d(covariance)) @ gap) if levels.size else 0.0
    return float(np.sqrt(squared)) if levels.size and np.any(covariance) else float("nan")


def _variance(values: FloatArray) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def _correlate(a: FloatArray, b: FloatArray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    if scale <= 1e-300:
        raise NotDefinedError("a constant sample", "values that vary", "report it as constant")
    return float(np.clip(a @ b / scale, -1, 1))


def _complete(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise InputError(f"samples of shape {a.shape} and {b.shape}", "(n,) and (n,)", "align the rows")
    keep = ~(np.isnan(a) | np.isnan(b))
    if keep.sum() < 3:
        raise NotDefinedError(f"{int(keep.sum())} complete rows", "at least 3", "measure more patients")
    return a[keep], b[keep]


def _two(a: npt.ArrayLike, b: npt.ArrayLike, least: int = 2) -> tuple[FloatArray, FloatArray]:
    groups = [np.asarray(group, dtype=np.float64).ravel() for group in (a, b)]
    first, second = (group[~np.isnan(group)] for group in groups)
    if min(len(first), len(second)) < least:
        raise NotDefinedError(f"groups of {len(first)} and {len(second)}", f"at least {least} in each", "pool levels")
    return first, second
