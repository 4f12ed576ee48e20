"""Logistic regression of one group on another and covariates: the adjusted log odds ratio."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, expit

from genoxel.stats.partial import COLLINEAR, basis, residuals
from genoxel.stats.ranks import FloatArray

_STEPS = 30
_BLOCK = 4_000_000
_FARTHEST = 15.0
"""A log odds ratio beyond this is perfect separation, which has no finite estimate."""


class Fit(NamedTuple):
    """Coefficients (k,), the first those of x; information (k, k); `design` (n, k); fitted chances (n,)."""

    beta: FloatArray
    information: FloatArray
    design: FloatArray
    fitted: FloatArray


def logistic_fit(y: npt.ArrayLike, x: npt.ArrayLike, covariates: npt.ArrayLike) -> Fit | None:
    """Return the maximum likelihood fit of `y` (n,) of 0 and 1 on `x` (n, or n, m), an intercept, `covariates` (n, k).

    None where it does not exist: separation, or x explained by the covariates.

    >>> logistic_fit([0, 0, 1, 1], [0, 0, 1, 1], np.empty((4, 0))) is None
    True
    """
    truth, group = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)
    q = basis(covariates, len(truth)) * np.sqrt(len(truth))
    group = group.reshape(len(truth), -1)
    left = residuals(group, q / np.sqrt(len(truth)))
    if ((left**2).sum(axis=0) <= 1e-9 * len(truth)).any():
        return None
    design = np.hstack([group, q])
    beta = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        fitted = expit(design @ beta)
        weight = fitted * (1 - fitted)
        information = design.T @ (design * weight[:, None])
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (truth - fitted))
        beta = beta + np.clip(step, -4, 4)
        if np.abs(beta).max() > _FARTHEST:
            return None
        if np.abs(step).max() < 1e-9:
            return Fit(beta, information, design, fitted)
    return None


def adjusted_log_odds(y: npt.ArrayLike, x: npt.ArrayLike, covariates: npt.ArrayLike) -> tuple[float, float]:
    """Return the log odds ratio of `x` for `y` (both (n,) of 0 and 1) given `covariates` (n, k), and its Wald SE.

    Maximum likelihood by Newton steps; (NaN, NaN) where it does not exist: separation, or x explained by covariates.

    >>> y, x = [1] * 20 + [0] * 10 + [1] * 10 + [0] * 20, [1] * 30 + [0] * 30
    >>> [round(value, 3) for value in adjusted_log_odds(y, x, np.empty((60, 0)))]
    [1.386, 0.548]
    """
    fit = logistic_fit(y, x, covariates)
    if fit is None:
        return float("nan"), float("nan")
    return float(fit.beta[0]), float(np.sqrt(np.linalg.inv(fit.information)[0, 0]))


class LogisticScore(NamedTuple):
    """Rao's score test of many columns beside covariates: what the null model leaves, its weights, and its design."""

    left: FloatArray
    weight: FloatArray
    design: FloatArray

    @classmethod
    def of(cls, y: FloatArray, covariates: FloatArray) -> LogisticScore | None:
        """Return the test for `y` (n,) of 0 and 1 beside `covariates` (n, k); None where these separate it."""
        if not covariates.shape[1]:
            fitted = np.full(len(y), y.mean())
        else:
            fit = logistic_fit(y, covariates / covariates.std(axis=0), np.empty((len(y), 0)))
            if fit is None:
                return None
            fitted = fit.fitted
        weight = fitted * (1 - fitted)
        return cls(y - fitted, weight, np.column_stack([np.ones(len(y)), covariates]))

    def p(self, x: FloatArray) -> FloatArray:
        """Return the p of the columns of `x` (n, m), chi-squared; NaN where nothing is left of a column.

        >>> test = LogisticScore.of(np.array([0.0, 0, 1, 1]), np.empty((4, 0)))
        >>> test.p(np.array([[0.0], [0], [1], [1]])).round(4)
        array([0.0455])
        """
        weighted = self.design * self.weight[:, None]
        left = x - self.design @ np.linalg.solve(self.design.T @ weighted, weighted.T @ x)
        squares = (left**2 * self.weight[:, None]).sum(axis=0)
        total = ((x - x.mean(axis=0)) ** 2 * self.weight[:, None]).sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = chdtrc(1, (self.left @ left) ** 2 / squares)
        return np.where((total > 1e-12) & (squares > COLLINEAR * total), p, np.nan)


def log_odds_ratios(y: FloatArray, x: FloatArray, covariates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (log odds ratio per unit, Wald SE) of each column of `x` (n, m) for `y` (n,), beside `covariates` (n, k).

    NaN where there is no finite estimate (separation, a constant column).
    """
    n, m = x.shape
    q = basis(covariates, n) * np.sqrt(n)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    usable = spread > 1e-12 * (1 + np.abs(mean))
    beta, error = np.full(m, np.nan), np.full(m, np.nan)
    width = q.shape[1] + 1
    step = max(1, _BLOCK // (n * width * width))
    for first in range(0, m, step):
        part = np.flatnonzero(usable[first : first + step]) + first
        if part.size:
            design = np.empty((len(part), n, width))
            design[:, :, 0], design[:, :, 1:] = ((x[:, part] - mean[part]) / spread[part]).T, q
            found = _newton(y, design)
            beta[part], error[part] = (item / spread[part] for item in found)
    return beta, error


def _newton(y: FloatArray, design: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return estimate and error (m,) of the first column of every `design` (m, n, k)."""
    m, _, k = design.shape
    beta, estimate, error = np.zeros((m, k)), np.full(m, np.nan), np.full(m, np.nan)
    active = np.arange(m)
    for _ in range(_STEPS):
        if not active.size:
            break
        part = design[active]
        fitted = expit(np.einsum("mnk,mk->mn", part, beta[active]))
        information = np.swapaxes(part * (fitted * (1 - fitted))[:, :, None], 1, 2) @ part
        good = np.linalg.cond(information) < 1e12
        active, part, fitted, information = active[good], part[good], fitted[good], information[good]
        change = np.linalg.solve(information, np.einsum("mnk,mn->mk", part, y - fitted)[..., None])[..., 0]
        beta[active] += np.clip(change, -4, 4)
        near = np.abs(change).max(axis=1, initial=0.0) < 1e-9
        estimate[active[near]] = beta[active[near], 0]
        error[active[near]] = np.sqrt(np.linalg.inv(information[near])[:, 0, 0]) if near.any() else 0.0
        active = active[~near & (np.abs(beta[active]).max(axis=1, initial=0.0) < _FARTHEST)]
    return estimate, error
