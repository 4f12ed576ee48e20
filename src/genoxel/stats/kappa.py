"""Agreement of readers on categories beyond chance: Cohen's kappa of two, Fleiss' kappa of several.

Sources: Cohen (Educ Psychol Meas 1960; weights, Psychol Bull 1968), Fleiss (Psychol Bull 1971), its standard error by
leaving one case out (jackknife).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from genoxel.core.errors import InputError, NotDefinedError
from genoxel.core.results import Interval
from genoxel.stats.ranks import FloatArray

Weights = Literal["none", "linear", "quadratic"]


def cohen_kappa(a: npt.ArrayLike, b: npt.ArrayLike, weights: Weights = "none", level: float = 0.95) -> Interval:
    """Return Cohen's kappa of two readers' codes `a` and `b` (n,), NaN unknown; t interval by leaving one case out.

    `weights` punish distant codes of ordered classes more, by their difference. Raises `NotDefinedError` where all is
    one class.

    >>> print(cohen_kappa([0, 0, 0, 1, 1, 1, 0, 1, 0, 1], [0, 0, 1, 1, 1, 1, 0, 0, 0, 1]))
    0.60 (-0.03 to 1.00)
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise InputError(f"readings of shape {first.shape} and {second.shape}", "(n,) and (n,)", "align the cases")
    keep = ~(np.isnan(first) | np.isnan(second))
    levels = np.unique(np.concatenate([first[keep], second[keep]]))
    if keep.sum() < 3 or len(levels) < 2:
        raise NotDefinedError("fewer than 3 cases or one class", "classes that vary", "report the raw agreement")
    gap = np.abs(np.subtract.outer(levels, levels))
    cost = {"none": (gap > 0).astype(np.float64), "linear": gap, "quadratic": gap**2}[weights]
    codes = [np.searchsorted(levels, side[keep]) for side in (first, second)]
    counts = np.zeros((len(levels), len(levels)))
    np.add.at(counts, tuple(codes), 1)

    def kappa(table: FloatArray) -> float:
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
        chance = float((cost * expected).sum())
        return 1 - float((cost * table).sum()) / chance if chance > 0 else float("nan")

    left = []
    for i, j in zip(*codes, strict=True):
        fewer = counts.copy()
        fewer[i, j] -= 1
        left.append(kappa(fewer))
    return _jackknifed(kappa(counts), np.array(left), level)


def fleiss_kappa(codes: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return Fleiss' kappa of `codes` (cases, readers), NaN unknown; t interval by leaving one case out.

    Cases read by fewer than two readers are left out; where their numbers differ, agreement is averaged over cases
    (Gwet 2014). Raises `NotDefinedError` for fewer than 3 cases or one class.

    >>> print(fleiss_kappa([[0, 0, 0], [1, 1, 1], [0, 0, 1], [1, 1, 1], [0, 1, 0], [0, 0, 0]]))
    0.55 (-0.28 to 1.00)
    """
    array = np.asarray(codes, dtype=np.float64)
    if array.ndim != 2:
        raise InputError(f"codes of shape {array.shape}", "(cases, readers)", "one column per reader")
    levels = np.unique(array[~np.isnan(array)])
    counts = (array[:, :, None] == levels).sum(axis=1).astype(np.float64)
    counts = counts[counts.sum(axis=1) > 1]
    if len(counts) < 3 or len(levels) < 2:
        raise NotDefinedError("fewer than 3 cases or one class", "classes that vary", "report the raw agreement")
    readers = counts.sum(axis=1)
    agreement = (counts * (counts - 1)).sum(axis=1) / (readers * (readers - 1))
    shares = counts / readers[:, None]

    def kappa(keep: npt.NDArray[np.bool_]) -> float:
        chance = float((shares[keep].mean(axis=0) ** 2).sum())
        return (float(agreement[keep].mean()) - chance) / (1 - chance) if chance < 1 else float("nan")

    everyone = np.ones(len(counts), dtype=np.bool_)
    left = [kappa(np.arange(len(counts)) != place) for place in range(len(counts))]
    return _jackknifed(kappa(everyone), np.array(left), level)


def observed_agreement(codes: npt.ArrayLike) -> float:
    """Return how often two readers of one case agree: the mean share of equal pairs of `codes` (cases, readers).

    NaN where no case was read twice.

    >>> round(observed_agreement([[0, 0, 0], [1, 1, 0], [2, np.nan, np.nan]]), 3)
    0.667
    """
    array = np.asarray(codes, dtype=np.float64)
    counts = (array[:, :, None] == np.unique(array[~np.isnan(array)])).sum(axis=1).astype(np.float64)
    readers = counts.sum(axis=1)
    twice = readers > 1
    shares = (counts * (counts - 1)).sum(axis=1)[twice] / (readers * (readers - 1))[twice]
    return float(shares.mean()) if twice.any() else float("nan")


def _jackknifed(estimate: float, left: FloatArray, level: float) -> Interval:
    n = len(left)
    error = float(np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum()))
    half = float(stdtrit(n - 1, 0.5 + level / 2)) * error
    return Interval(estimate, max(estimate - half, -1.0), min(estimate + half, 1.0), level, "jackknife")
