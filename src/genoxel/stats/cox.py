"""Cox regression of one survival outcome on many columns at once, ties by Efron.

p is that of the score test, which needs no iterations and holds under separation: with the martingale residuals M and
the information matrix V (n, n) of the model without the column, chi² = (x'M)² / (x'Vx). The estimate is maximum
likelihood by Newton steps on all columns together. Source: Cox (JRSS-B 1972), Efron (JASA 1977).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from genoxel.core.errors import InputError
from genoxel.stats.partial import COLLINEAR
from genoxel.stats.ranks import FloatArray, IndexArray

_STEPS = 40
_FARTHEST = 12.0
_BLOCK = 4_000_000


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Times and events, sorted from late to early: who is at risk at each event, and Efron's share of tied events."""

    order: IndexArray
    rows: IndexArray
    last: IndexArray
    first_of_tie: IndexArray
    tie: IndexArray
    share: FloatArray

    @classmethod
    def of(cls, time: FloatArray, event: FloatArray) -> RiskSets:
        """Return the risk sets of `time` (n,) and `event` (n,) of 0 and 1; an event comes before a loss of that time.

        Raises `InputError` for missing values or where nothing happened.
        """
        if np.isnan(time).any() or np.isnan(event).any() or not np.isin(event, (0, 1)).all():
            raise InputError("missing times or events other than 0 and 1", "known times and events", "leave rows out")
        order = np.argsort(-time, kind="stable")
        ordered = time[order]
        rows = np.flatnonzero(event[order] == 1)
        if not rows.size:
            raise InputError("no event", "at least one event", "wait for follow-up")
        last = np.searchsorted(-ordered, -ordered[rows], side="right") - 1
        _, first, tie, count = np.unique(last, return_index=True, return_inverse=True, return_counts=True)
        share = (np.arange(len(rows)) - first[tie]) / count[tie]
        return cls(order, rows, last, first, tie, share)

    def at_risk(self, weighted: FloatArray) -> FloatArray:
        """Return the sums of `weighted` (n, ...) over those at risk at each event (events, ...), in sorted order."""
        total = np.cumsum(weighted, axis=0)[self.last]
        tied = np.add.reduceat(weighted[self.rows], self.first_of_tie, axis=0)[self.tie]
        return np.asarray(total - self.share.reshape(-1, *[1] * (weighted.ndim - 1)) * tied)


@dataclass(frozen=True, eq=False)
class Score:
    """The score test of many columns beside covariates `z` (n, k): `slope` (n,) and `curve` (n, n) of the null model.

    The rows keep the order in which they were given.
    """

    slope: FloatArray
    curve: FloatArray

    @classmethod
    def of(cls, time: FloatArray, event: FloatArray, z: FloatArray | None = None) -> Score:
        """Return the test for `time` and `event` (n,)."""
        sets = RiskSets.of(time, event)
        ordered = None if z is None or not z.shape[1] else z[sets.order]
        weight = np.ones(len(time))
        if ordered is not None:
            beta, _, _ = newton(sets, ordered[:, None, :])
            weight = np.exp(ordered @ np.nan_to_num(beta[0]))
        chance = chances(sets, weight)
        slope = -chance.sum(axis=0)
        slope[sets.rows] += 1
        curve = np.diag(chance.sum(axis=0)) - chance.T @ chance
        if ordered is not None:
            across = curve @ ordered
            curve = curve - across @ np.linalg.pinv(ordered.T @ across, hermitian=True) @ across.T
        back = np.argsort(sets.order)
        return cls(slope[back], curve[np.ix_(back, back)])

    def p(self, x: FloatArray) -> FloatArray:
        """Return the p of the columns of `x` (n, m); NaN where nothing is left of a column."""
        mean = x.mean(axis=0)
        x = np.where(np.abs(x - mean) > 1e-12 * np.abs(mean), x - mean, 0.0)
        spread = np.einsum("nm,nm->m", x, self.curve @ x)
        total = (x**2).sum(axis=0) * np.trace(self.curve) / len(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            chi2 = (self.slope @ x) ** 2 / spread
        return np.where(spread > COLLINEAR * total, chdtrc(1, chi2), np.nan)


def chances(sets: RiskSets, weight: FloatArray) -> FloatArray:
    """Return, per event, each patient's chance (events, n) to be the one it happens to, of those at risk."""
    n = len(weight)
    inside = np.arange(n)[None] <= sets.last[:, None]
    tied = np.zeros((len(sets.rows), n), dtype=np.bool_)
    tied[:, sets.rows] = sets.tie[:, None] == sets.tie[None]
    share = weight * (inside - sets.share[:, None] * tied)
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def log_hazard_ratios(
    time: npt.ArrayLike, event: npt.ArrayLike, x: npt.ArrayLike, covariates: npt.ArrayLike | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return (log hazard ratio per unit, its standard error) of each column of `x` (n, m), beside `covariates` (n, k).

    NaN where there is no finite estimate: a constant column, or one that separates (a monotone likelihood).
    Raises `InputError` for missing values.

    >>> b, se = log_hazard_ratios([5, 8, 3, 9, 1, 7], [1, 0, 1, 1, 1, 1], [[1.0], [0], [2], [1], [1], [0]])
    >>> b.round(3), se.round(3)
    (array([1.016]), array([0.853]))
    """
    t, e, columns = (np.asarray(item, dtype=np.float64) for item in (time, event, x))
    if np.isnan(columns).any():
        raise InputError("missing values", "known values", "leave those rows out, and say how many")
    sets = RiskSets.of(t, e)
    z = np.empty((len(t), 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
    z = z[:, np.ptp(z, axis=0) > 0] if z.size else np.empty((len(t), 0))
    z = (z - z.mean(axis=0)) / z.std(axis=0) if z.size else z
    mean, spread = columns.mean(axis=0), columns.std(axis=0)
    usable = spread > 1e-12 * (1 + np.abs(mean))
    scaled = (columns - mean) / np.where(usable, spread, 1.0)
    beta, error = np.full(columns.shape[1], np.nan), np.full(columns.shape[1], np.nan)
    width = z.shape[1] + 1
    step = max(1, _BLOCK // (len(t) * width * width))
    for first in range(0, columns.shape[1], step):
        part = np.flatnonzero(usable[first : first + step]) + first
        if part.size:
            design = np.empty((len(t), len(part), width))
            design[:, :, 0], design[:, :, 1:] = scaled[:, part], z[:, None]
            found, variance, done = newton(sets, design[sets.order])
            beta[part] = np.where(done, found[:, 0], np.nan) / spread[part]
            error[part] = np.where(done, np.sqrt(variance), np.nan) / spread[part]
    return beta, error


def hazard_fit(time: FloatArray, event: FloatArray, design: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Return the log hazard ratios (k,) per unit of the columns of `design` (n, k), and their covariance (k, k).

    None where there is no finite estimate: a constant or redundant column, or a monotone likelihood.
    """
    sets = RiskSets.of(time, event)
    spread = design.std(axis=0)
    if not (spread > 0).all():
        return None
    scaled = ((design - design.mean(axis=0)) / spread)[sets.order]
    beta, _, done = newton(sets, scaled[:, None, :])
    if not done[0]:
        return None
    linear = scaled @ beta[0]
    information = _derivatives(sets, scaled[:, None, :], linear[:, None])[1][0]
    return beta[0] / spread, np.linalg.inv(information) / np.outer(spread, spread)


def newton(sets: RiskSets, design: FloatArray) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Return estimates (m, k), variance of the first (m,) and whether it converged (m,); `design` (n, m, k) sorted."""
    m, k = design.shape[1:]
    beta, variance, done = np.zeros((m, k)), np.full(m, np.nan), np.zeros(m, dtype=np.bool_)
    active = np.arange(m)
    for _ in range(_STEPS):
        if not active.size:
            break
        x = design[:, active]
        score, information = _derivatives(sets, x, np.einsum("nmk,mk->nm", x, beta[active]))
        good = np.isfinite(information).all(axis=(1, 2)) & (np.linalg.cond(np.nan_to_num(information)) < 1e10)
        active, score, information = active[good], score[good], information[good]
        change = np.linalg.solve(information, score[..., None])[..., 0] if active.size else score
        beta[active] += np.clip(change, -2, 2)
        near = np.abs(change).max(axis=1, initial=0.0) < 1e-9
        variance[active[near]] = np.linalg.inv(information[near])[:, 0, 0] if near.any() else 0.0
        done[active[near]] = True
        active = active[~near & (np.abs(beta[active]).max(axis=1, initial=0.0) < _FARTHEST)]
    return beta, variance, done


def _derivatives(sets: RiskSets, x: FloatArray, linear: FloatArray) -> tuple[FloatArray, FloatArray]:
    weight = np.exp(linear - linear.max(axis=0))
    total = sets.at_risk(weight)
    first = sets.at_risk(weight[..., None] * x) / total[..., None]
    second = sets.at_risk(weight[..., None, None] * x[..., :, None] * x[..., None, :]) / total[..., None, None]
    score = (x[sets.rows] - first).sum(axis=0)
    return score, np.asarray((second - first[..., :, None] * first[..., None, :]).sum(axis=0))
