"""Intervals for cross-validated metrics: within-fold DeLong variance, widened because patients also train."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.core.outcome import SMALLEST_CLASS
from genoxel.core.results import Interval
from genoxel.learn.splits import IntArray
from genoxel.stats.auc import delong_within_folds, placement_covariance

Z = 1.959963984540054
WIDENING = 2.0
"""Factor on the DeLong variance: a patient moves a cross-validated AUC as a test case and again as a training case."""

METHOD = "within-fold DeLong, width times sqrt 2"
COVERAGE = (
    "Such 95 % intervals covered 0.93 to 0.99 in simulations with n = 60 to 500 and balanced classes, 0.91 in the "
    "worst run (n = 60, one in five positive); see the page on validation."
)


NOT_MEASURED = "not measured"
SHARE_COVERAGE = "Such 95 % intervals covered 0.98 to 1.00 in simulations with n = 60: wider than need be."
MEAN_COVERAGE = "Such 95 % intervals covered 0.96 to 1.00 in simulations with n = 60."


@dataclass(frozen=True, eq=False)
class Placed:
    """AUC of each repeat (repeats,) and within-fold placements (repeats, n) of patients with class `y` (n,)."""

    aucs: FloatArray
    values: FloatArray
    y: FloatArray

    @property
    def auc(self) -> float:
        """Mean over repeats of the mean within-fold AUC."""
        return float(self.aucs.mean())

    def variance(self) -> float:
        """Mean over repeats of the DeLong variance of the within-fold placements (not widened)."""
        return float(np.mean([placement_covariance(self.y, row[None])[0, 0] for row in self.values]))

    def minus(self, other: Placed) -> Placed:
        """Return the paired difference of two models on the same folds."""
        return Placed(self.aucs - other.aucs, self.values - other.values, self.y)


def place(y: FloatArray, score: FloatArray, fold: IntArray) -> Placed:
    """Return the within-fold placements of `score` (repeats, n) for 0/1 `y` (n,) in the folds (repeats, n).

    Folds in which a class is absent have no AUC and are passed over.
    """
    parts = [delong_within_folds(y, *row) for row in zip(score, fold, strict=True)]
    return Placed(np.array([part.auc for part in parts]), np.array([part.placements for part in parts]), y)


def auc_interval(
    placed: Placed, target: str, coverage: str = COVERAGE, limits: tuple[float, float] = (0.0, 1.0)
) -> Interval:
    """Return the 95 % interval of a cross-validated AUC (or of a difference, with limits -1 to 1).

    The variance has a floor, that of one patient of the smaller class misplaced by one half, so that a perfect ranking
    does not look certain. No interval with fewer than 10 in the smaller class.
    """
    estimate = placed.auc
    smaller = int(min(np.sum(placed.y == 0), np.sum(placed.y == 1)))
    if smaller < SMALLEST_CLASS:
        return Interval(estimate, np.nan, np.nan, method="none: fewer than 10 in the smaller class", target=target)
    variance = max(placed.variance(), (0.5 / smaller) ** 2)
    half = Z * np.sqrt(WIDENING * variance)
    low, high = limits
    return Interval(
        estimate, float(max(low, estimate - half)), float(min(high, estimate + half)), 0.95, METHOD, target, coverage
    )


def by_definition(estimate: float) -> Interval:
    """Return the interval of a quantity that is known without data, such as the AUC of one score for everyone."""
    return Interval(estimate, estimate, estimate, method="by definition")


def share_interval(share: float, n: float, target: str) -> Interval:
    """Return the Wilson interval of a share of `n` patients, with n halved (width times sqrt 2).

    >>> print(share_interval(1.0, 40, ""))
    1.00 (0.84 to 1.00)
    """
    if np.isnan(share) or n <= 0:
        return Interval(share, np.nan, np.nan, method="none: no patient to count", target=target)
    half_n = n / WIDENING
    middle = (share + Z**2 / (2 * half_n)) / (1 + Z**2 / half_n)
    half = Z / (1 + Z**2 / half_n) * np.sqrt(share * (1 - share) / half_n + Z**2 / (4 * half_n**2))
    method = "Wilson with n halved (width times sqrt 2)"
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Interval(
        share, float(min(low, share)), float(max(high, share)), method=method, target=target, coverage=SHARE_COVERAGE
    )


def mean_interval(values: FloatArray, target: str) -> Interval:
    """Return the interval of a mean over patients of `values` (repeats, n) between 0 and 1, width times sqrt 2."""
    estimate = float(values.mean())
    variance = float(np.mean(values.var(axis=1, ddof=1))) / values.shape[1]
    half = Z * np.sqrt(WIDENING * variance)
    low, high = float(max(0.0, estimate - half)), float(min(1.0, estimate + half))
    method = "normal, width times sqrt 2"
    return Interval(estimate, low, high, method=method, target=target, coverage=MEAN_COVERAGE)


DRAWS = 200


def average_precision(y: FloatArray, score: FloatArray) -> float:
    """Return the area under the precision-recall curve as a mean of precisions at each positive; ties share a cut.

    Without predictive value it is the share of positives. NaN where there is no positive.

    >>> average_precision(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.9]))
    1.0
    """
    order = np.argsort(-score, kind="stable")
    hits, counts = np.cumsum(y[order]), np.arange(1, y.size + 1)
    ends = np.append(np.flatnonzero(np.diff(score[order])), y.size - 1)
    if hits[-1] == 0:
        return float("nan")
    gained = np.diff(hits[ends], prepend=0.0)
    return float(np.sum(gained * hits[ends] / counts[ends]) / hits[-1])


def average_precision_interval(y: FloatArray, score: FloatArray, target: str) -> Interval:
    """Return the mean average precision of held-out scores (repeats, n), with a bootstrap over patients."""
    estimate = float(np.mean([average_precision(y, one) for one in score]))
    random = np.random.default_rng(np.random.SeedSequence([y.size, 11]))
    drawn = []
    for _ in range(DRAWS):
        rows = random.integers(y.size, size=y.size)
        if y[rows].any():
            drawn.append(np.mean([average_precision(y[rows], one[rows]) for one in score[:5]]))
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn else (np.nan, np.nan)
    method = f"bootstrap over patients, {DRAWS} draws"
    low, high = min(float(low), estimate), max(float(high), estimate)
    return Interval(estimate, low, high, method=method, target=target, coverage=NOT_MEASURED)
