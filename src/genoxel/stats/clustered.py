"""Several rows per patient: errors that count patients, not rows (cluster-robust sandwich, small-sample corrected).

Sources: Liang and Zeger (Biometrika 1986) for regression, Obuchowski (Biometrics 1997) for the AUC, Lin and Wei
(JASA 1989) for Cox regression. Rows of one patient stand together; `start` holds where each patient begins.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, fdtrc, stdtr

from genoxel.core.errors import InputError
from genoxel.stats.cox import RiskSets, chances, newton
from genoxel.stats.logistic import logistic_fit
from genoxel.stats.ranks import FloatArray, IndexArray

NO_ERROR = 1e-10
"""Robust variances below this share of the total are rounding: a perfect fit has no error to speak of."""


class Slopes(NamedTuple):
    """Slopes (p, m) of x on y, their robust errors, the correlations, their robust errors, and p by t."""

    slope: FloatArray
    error: FloatArray
    r: FloatArray
    r_error: FloatArray
    p: FloatArray


class Robust(NamedTuple):
    """One estimate with its robust standard error."""

    estimate: float
    error: float


def starts_of(patients: npt.ArrayLike) -> IndexArray:
    """Return where each patient begins in `patients` (n,), whose rows stand together.

    Raises `InputError` when the rows of a patient are scattered.

    >>> starts_of([0, 0, 1, 2, 2])
    array([0, 2, 3])
    """
    codes = np.asarray(patients)
    start = np.r_[np.zeros(min(len(codes), 1), dtype=np.intp), np.flatnonzero(codes[1:] != codes[:-1]) + 1]
    if len(np.unique(codes)) != len(start):
        raise InputError("rows of one patient apart", "rows sorted by patient", "sort them")
    return np.asarray(start, dtype=np.intp)


def _correction(patients: int, rows: int, fitted: int) -> float:
    return patients / (patients - 1) * (rows - 1) / max(rows - fitted, 1)


def robust_slopes(x: FloatArray, y: FloatArray, start: IndexArray, fitted: int) -> Slopes:
    """Return the regressions of each column of `x` (n, p) on each of `y` (n, m), both centred and less covariates.

    `fitted` counts intercept, slope and covariates. p by t with patients - 1 degrees of freedom; NaN where the
    robust error vanishes.

    >>> y = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    >>> found = robust_slopes(np.array([[-1.5], [-0.5], [0.5], [1.5]]), y, np.array([0, 1, 2, 3]), 2)
    >>> round(float(found.slope[0, 0]), 3), round(float(found.error[0, 0]), 3)
    (1.0, 0.354)
    """
    n, patients = len(x), len(start)
    length_x, length_y = np.sqrt((x**2).sum(axis=0)), np.sqrt((y**2).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = x / length_x, y / length_y
        r = np.clip(x.T @ y, -1, 1)
        own_x, own_y = (np.add.reduceat(side**2, start, axis=0) for side in (x, y))
        slope_error, r_error = np.empty_like(r), np.empty_like(r)
        for column in range(y.shape[1]):
            both = np.add.reduceat(x * y[:, column, None], start, axis=0)
            at_y = own_y[:, column, None]
            slope_error[:, column] = ((both - r[:, column] * at_y) ** 2).sum(axis=0)
            r_error[:, column] = ((both - r[:, column] * (own_x + at_y) / 2) ** 2).sum(axis=0)
        slope_error = np.sqrt(slope_error * _correction(patients, n, fitted))
        slope_error[slope_error < NO_ERROR] = np.nan
        p = 2 * stdtr(patients - 1, -np.abs(r / slope_error))
        scale = length_x[:, None] / length_y
        return Slopes(r * scale, slope_error * scale, r, np.sqrt(r_error * patients / (patients - 1)), p)


def robust_levels(x: FloatArray, levels: FloatArray, start: IndexArray, fitted: int) -> FloatArray:
    """Return p (p,) of x (n, p) against `levels` (n, k), orthonormal and less covariates: robust Wald F test.

    k and patients - 1 degrees of freedom.
    """
    n, patients, k = len(x), len(start), levels.shape[1]
    slope = levels.T @ x
    left = x - levels @ slope
    p = np.full(x.shape[1], np.nan)
    for column in range(x.shape[1]):
        scores = np.add.reduceat(levels * left[:, column, None], start, axis=0)
        meat = scores.T @ scores * _correction(patients, n, fitted)
        if k and np.linalg.cond(meat) < 1e10:
            wald = float(slope[:, column] @ np.linalg.solve(meat, slope[:, column]))
            p[column] = float(fdtrc(k, max(patients - 1, 1), wald / k))
    return p


def robust_log_odds(y: FloatArray, x: FloatArray, covariates: FloatArray, start: IndexArray) -> Robust:
    """Return the log odds ratio of `x` for `y` (n,) beside `covariates` (n, k), with its robust error.

    NaN where there is no finite estimate.

    >>> y, x = np.array([1.0, 1, 0, 1, 0, 0, 1, 0]), np.array([1.0, 1, 1, 1, 0, 0, 0, 0])
    >>> found = robust_log_odds(y, x, np.empty((8, 0)), np.arange(8))
    >>> round(found.estimate, 3), round(found.error, 3)
    (2.197, 1.886)
    """
    fit = logistic_fit(y, x, covariates)
    if fit is None:
        return Robust(float("nan"), float("nan"))
    scores = np.add.reduceat(fit.design * (y - fit.fitted)[:, None], start, axis=0)
    bread = np.linalg.inv(fit.information)
    variance = bread @ (scores.T @ scores) @ bread * _correction(len(start), len(y), len(bread))
    return Robust(float(fit.beta[0]), float(np.sqrt(variance[0, 0])))


class RobustScore(NamedTuple):
    """The robust score test of Cox regression: `weights` (n, n) give each row's share of the score of a column."""

    weights: FloatArray
    across: FloatArray
    covariates: FloatArray

    @classmethod
    def of(cls, time: FloatArray, event: FloatArray, covariates: FloatArray) -> RobustScore:
        """Return the test beside `covariates` (n, k, may be none)."""
        sets = RiskSets.of(time, event)
        z = covariates[sets.order]
        weight = np.ones(len(time))
        if z.shape[1]:
            weight = np.exp(z @ np.nan_to_num(newton(sets, z[:, None, :])[0][0]))
        chance, gap = _gaps(sets, weight)
        shares = np.diag(gap.sum(axis=0)) - gap.T @ chance
        back = np.argsort(sets.order)
        curve = np.diag(chance.sum(axis=0)) - chance.T @ chance
        across = np.linalg.pinv(z.T @ curve @ z, hermitian=True) @ z.T @ curve if z.shape[1] else z.T
        return cls(shares[np.ix_(back, back)], across[:, back], covariates)

    def p(self, x: FloatArray, start: IndexArray) -> FloatArray:
        """Return the p of the columns of `x` (n, m), chi-squared; NaN where nothing is left of a column."""
        left = x - self.covariates @ (self.across @ x) if self.covariates.shape[1] else x - x.mean(axis=0)
        shares = np.add.reduceat(self.weights @ left, start, axis=0)
        squares = (shares**2).sum(axis=0)
        scale = (left**2).sum(axis=0)
        some = (squares > NO_ERROR * scale) & (scale > NO_ERROR * np.maximum((x**2).sum(axis=0), NO_ERROR))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(some, chdtrc(1, shares.sum(axis=0) ** 2 / squares), np.nan)


def _gaps(sets: RiskSets, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the chances (events, n) of each patient, and what happened less these; tied events share."""
    chance = chances(sets, weight)
    gap = -chance
    size = np.bincount(sets.tie)
    happened = (sets.tie[:, None] == sets.tie[None]) / size[sets.tie][:, None]
    gap[:, sets.rows] += happened
    return chance, gap


def robust_log_hazard(
    time: FloatArray, event: FloatArray, x: FloatArray, covariates: FloatArray, start: IndexArray
) -> Robust:
    """Return the log hazard ratio per unit of `x` (n,) beside `covariates` (n, k), with the error of Lin and Wei.

    NaN where there is no finite estimate.

    >>> time, event = np.array([5.0, 8, 3, 9, 1, 7]), np.array([1.0, 0, 1, 1, 1, 1])
    >>> x = np.array([1.0, 0, 2, 1, 1, 0])
    >>> found = robust_log_hazard(time, event, x, np.empty((6, 0)), np.arange(6))
    >>> round(found.estimate, 3), round(found.error, 3)
    (1.016, 0.453)
    """
    sets = RiskSets.of(time, event)
    design = np.column_stack([x, covariates])[sets.order]
    spread = design.std(axis=0)
    if not (spread > 0).all():
        return Robust(float("nan"), float("nan"))
    design = (design - design.mean(axis=0)) / spread
    beta, _, done = newton(sets, design[:, None, :])
    if not done[0]:
        return Robust(float("nan"), float("nan"))
    chance, gap = _gaps(sets, np.exp(design @ beta[0]))
    means = chance @ design
    residuals = gap.sum(axis=0)[:, None] * design - gap.T @ means
    information = design.T @ (chance.sum(axis=0)[:, None] * design) - means.T @ means
    shares = np.add.reduceat(residuals[np.argsort(sets.order)], start, axis=0) @ np.linalg.inv(information)
    return Robust(float(beta[0, 0] / spread[0]), float(np.sqrt((shares[:, 0] ** 2).sum()) / spread[0]))
