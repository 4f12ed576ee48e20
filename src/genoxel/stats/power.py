"""What a study of this size can see: detectable effects, expected interval widths, patients needed.

All by the normal approximation, stated with each function; two-sided tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from genoxel.core.errors import InputError
from genoxel.stats.ranks import FloatArray

CV_FACTOR = math.sqrt(2.0)
"""Widening of a DeLong interval for a cross-validated AUC, whose patients also serve for training."""


def hanley_mcneil(auc: npt.ArrayLike, n1: npt.ArrayLike, n0: npt.ArrayLike) -> FloatArray:
    """Return the variance of an AUC with `n1` positives and `n0` negatives (Hanley and McNeil, Radiology 1982).

    >>> round(float(hanley_mcneil(0.5, 20, 20)), 4) == round(41 / (12 * 20 * 20), 4)
    True
    """
    a, n1, n0 = (np.asarray(item, dtype=np.float64) for item in (auc, n1, n0))
    q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
    return np.asarray((a * (1 - a) + (n1 - 1) * (q1 - a**2) + (n0 - 1) * (q2 - a**2)) / (n1 * n0))


def auc_power(auc: float, n1: int, n0: int, alpha: float = 0.05) -> float:
    """Return the power of the two-sided Mann-Whitney test when the true AUC is `auc` (>= 0.5).

    Null variance (n1 + n0 + 1) / (12 n1 n0), alternative variance by Hanley and McNeil.

    >>> round(auc_power(0.70, 27, 44), 2)
    0.82
    """
    _two_groups(n1, n0)
    null = math.sqrt((n1 + n0 + 1) / (12 * n1 * n0))
    spread = math.sqrt(max(float(hanley_mcneil(auc, n1, n0)), 1e-300))
    critical = float(ndtri(1 - alpha / 2)) * null
    upper, lower = (auc - 0.5 - critical) / spread, (auc - 0.5 + critical) / spread
    return float(ndtr(upper) + 1 - ndtr(lower))


def detectable_auc(n1: int, n0: int, power: float = 0.80, alpha: float = 0.05) -> float:
    """Return the smallest AUC that a two-sided Mann-Whitney test detects with `power`; NaN when not even 1 is.

    Raises `InputError` for an empty group. Variances as in `auc_power`.

    >>> round(detectable_auc(27, 44), 2)
    0.7
    """
    _two_groups(n1, n0)
    return _smallest(lambda auc: auc_power(auc, n1, n0, alpha) - power, 0.5, 1.0)


def detectable_rho(
    n: int,
    tests: int = 1,
    power: float = 0.80,
    alpha: float = 0.05,
    method: Literal["spearman", "pearson"] = "spearman",
    expected_hits: int = 1,
) -> float:
    """Return the smallest |rho| found with `power` among `tests` pairs of `n` patients; NaN below 5 patients.

    The level of one pair is alpha x expected_hits / tests: Bonferroni for one true link, the level that
    Benjamini-Hochberg grants each of `expected_hits` links found. Fisher z with variance 1/(n - 3) under no
    link; under the alternative 1/(n - 3) (Pearson) or (1 + rho²/2)/(n - 3) (Spearman, Bonett and Wright 2000).

    >>> round(detectable_rho(44, tests=7_851_998), 2)
    0.78
    """
    if n < 5:
        return math.nan
    scale = 1 / math.sqrt(n - 3)
    level = min(1.0, alpha * expected_hits / max(tests, 1))
    critical = -float(ndtri(level / 2)) * scale
    bend = 0.5 if method == "spearman" else 0.0

    def gap(rho: float) -> float:
        return math.atanh(rho) - critical - float(ndtri(power)) * scale * math.sqrt(1 + bend * rho**2)

    return _smallest(gap, 0.0, 1 - 1e-9)


def auc_half_width(n1: int, n0: int, auc: float = 0.70, level: float = 0.95, factor: float = CV_FACTOR) -> float:
    """Return the expected half width of an AUC interval: normal quantile x DeLong-sized standard error x `factor`.

    The standard error is Hanley and McNeil's at `auc`; `factor` sqrt 2 speaks of a cross-validated AUC, 1 of a
    fixed score.

    >>> round(auc_half_width(27, 44, factor=1.0), 2)
    0.13
    """
    _two_groups(n1, n0)
    return float(ndtri(0.5 + level / 2)) * factor * math.sqrt(float(hanley_mcneil(auc, n1, n0)))


def patients_for_half_width(
    half_width: float, share: float, auc: float = 0.70, level: float = 0.95, factor: float = CV_FACTOR
) -> int:
    """Return how many patients, a `share` of them positive, bring `auc_half_width` down to `half_width`.

    Raises `InputError` for a half width or share outside (0, 1).

    >>> patients_for_half_width(0.08, share=27 / 71, factor=1.0)
    185
    """
    if not (0 < share < 1 and 0 < half_width < 1):
        raise InputError(f"half width {half_width} and share {share}", "both above 0 and below 1", "correct them")

    def enough(n: int) -> bool:
        n1 = min(max(round(n * share), 1), n - 1)
        return auc_half_width(n1, n - n1, auc, level, factor) <= half_width

    high = 4
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _two_groups(n1: int, n0: int) -> None:
    if n1 < 1 or n0 < 1:
        raise InputError(f"groups of {n1} and {n0}", "at least one patient in each", "choose a target that varies")


def _smallest(gap: Callable[[float], float], low: float, high: float) -> float:
    if gap(high) < 0:
        return math.nan
    if gap(low) >= 0:
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if gap(middle) >= 0 else (middle, high)
    return high
