"""Logistic regression of one group on another and covariates: the adjusted log odds ratio."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from genoxel.stats.partial import basis, residuals
from genoxel.stats.ranks import FloatArray

_STEPS = 30
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
