"""Survival of groups: the log-rank test and the Kaplan-Meier curve, from arrays alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtri

from genoxel.core.errors import InputError
from genoxel.stats.ranks import FloatArray


class LogRank(NamedTuple):
    """chi², degrees of freedom and p of the log-rank test, with observed and expected events of each group."""

    chi2: float
    df: int
    p: float
    observed: FloatArray
    expected: FloatArray


class Curve(NamedTuple):
    """A Kaplan-Meier curve: at `time` (from 0) the share `alive` with its interval, and how many were `at_risk`."""

    time: FloatArray
    alive: FloatArray
    low: FloatArray
    high: FloatArray
    at_risk: FloatArray


def log_rank(time: npt.ArrayLike, event: npt.ArrayLike, group: npt.ArrayLike) -> LogRank:
    """Return the log-rank test of two or more groups (Mantel 1966); `event` is 1 observed, 0 censored.

    Raises `InputError` for missing values, a single group, or no event.

    >>> log_rank([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 0, 1], [0, 0, 0, 1, 1, 1]).p < 0.05
    True
    """
    t, e, code = _checked(time, event, group)
    names = np.unique(code)
    if len(names) < 2 or not e.any():
        got = "a single group" if len(names) < 2 else "no event"
        raise InputError(got, "two groups or more, and events", "wait for follow-up, or choose other groups")
    moments = np.unique(t[e == 1])
    inside = code[:, None] == names[None, :]
    at_risk = (t[:, None] >= moments[None, :]).astype(np.float64)
    dead = ((t[:, None] == moments[None, :]) & (e[:, None] == 1)).astype(np.float64)
    risk, died = at_risk.T @ inside, dead.T @ inside
    n, d = risk.sum(axis=1), died.sum(axis=1)
    share = risk / n[:, None]
    factor = np.where(n > 1, d * (n - d) / np.maximum(n - 1, 1), 0.0)
    expected, observed = (share * d[:, None]).sum(axis=0), died.sum(axis=0)
    variance = np.diag((factor[:, None] * share).sum(axis=0)) - (share * factor[:, None]).T @ share
    gap = (observed - expected)[:-1]
    chi2 = float(gap @ np.linalg.pinv(variance[:-1, :-1], hermitian=True) @ gap)
    df = len(names) - 1
    return LogRank(chi2, df, float(chdtrc(df, chi2)), observed, expected)


def kaplan_meier(time: npt.ArrayLike, event: npt.ArrayLike, level: float = 0.95) -> Curve:
    """Return the share alive after each time at which something happened, with Greenwood's interval on log(-log).

    >>> kaplan_meier([1, 2, 3, 4], [1, 0, 1, 0]).alive.round(3)
    array([1.   , 0.75 , 0.75 , 0.375, 0.375])
    """
    t, e, _ = _checked(time, event, np.zeros(np.size(time)))
    moments = np.unique(t)
    risk = (t[:, None] >= moments[None, :]).sum(axis=0).astype(np.float64)
    died = ((t[:, None] == moments[None, :]) & (e[:, None] == 1)).sum(axis=0).astype(np.float64)
    alive = np.cumprod(1 - died / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(died / (risk * (risk - died)))) / np.abs(np.log(alive))
        reach = ndtri(0.5 + level / 2) * spread
        low, high = alive ** np.exp(reach), alive ** np.exp(-reach)
    whole = alive == 1
    low, high = np.where(whole, 1.0, low), np.where(whole, 1.0, high)
    first = np.zeros(1), np.ones(1), np.ones(1), np.ones(1), np.array([float(len(t))])
    rest = moments, alive, low, high, risk
    return Curve(*(np.concatenate(pair) for pair in zip(first, rest, strict=True)))


def _checked(
    time: npt.ArrayLike, event: npt.ArrayLike, group: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    t, e, code = (np.asarray(item, dtype=np.float64) for item in (time, event, group))
    known = np.isfinite(t).all() and np.isin(e, (0, 1)).all() and np.isfinite(code).all()
    if not known or not t.size or not (t.shape == e.shape == code.shape):
        raise InputError("missing times, events other than 0 and 1, or other shapes", "known values", "leave rows out")
    return t, e, code
