"""The three hot loops of prediction, compiled: logistic elastic net, redundancy walk, AUC of many scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from genoxel.core.image import FloatArray

_SUMS = {"reassoc", "contract"}
"""Sums may be taken in the order that is fastest on this processor: equal numbers on one machine, 1e-12 elsewhere."""


def _compiled(kernel: Callable[..., Any]) -> Any:
    """Compile `kernel` at its first call and keep the code beside the package or in the user's cache, if writable."""
    try:
        return njit(kernel, cache=True, fastmath=_SUMS)
    except RuntimeError:  # numba finds no folder to keep compiled code in: every process compiles for itself
        return njit(kernel, fastmath=_SUMS)


@_compiled
def _shrink(value, by):  # type: ignore[no-untyped-def]
    if value > by:
        return value - by
    if value < -by:
        return value + by
    return 0.0


@_compiled
def _sweep(XT, weight, residual, beta, curve, penalty, active):  # type: ignore[no-untyped-def]
    """Update every coefficient once (those in use only, when `active`); return the largest weighted squared change."""
    n = XT.shape[1]
    worst = 0.0
    for j in range(XT.shape[0]):
        if curve[j] <= 0.0 or (active and beta[j] == 0.0):
            continue
        slope = 0.0
        for i in range(n):
            slope += weight[i] * XT[j, i] * residual[i]
        step = _shrink(slope / n + curve[j] * beta[j], penalty[0]) / (curve[j] + penalty[1]) - beta[j]
        if step != 0.0:
            beta[j] += step
            for i in range(n):
                residual[i] -= step * XT[j, i]
            worst = max(worst, curve[j] * step * step)
    return worst


@_compiled
def _descend(XT, weight, residual, beta, penalty, tol):  # type: ignore[no-untyped-def]
    """Solve one weighted least-squares step by coordinate descent, in place; return the change of the intercept.

    Sweeps over the coefficients in use until they rest, then over all; ends when a sweep over all moves nothing.
    """
    k, n = XT.shape
    curve = np.empty(k)
    for j in range(k):
        total = 0.0
        for i in range(n):
            total += weight[i] * XT[j, i] * XT[j, i]
        curve[j] = total / n
    total_weight = weight.sum()
    intercept = 0.0
    active = False
    for _ in range(1000):
        worst = _sweep(XT, weight, residual, beta, curve, penalty, active)
        step = (weight * residual).sum() / total_weight
        intercept += step
        residual -= step
        rests = max(worst, step * step) < tol
        if rests and not active:
            break
        active = not rests
    return intercept


@_compiled
def logistic_path(XT, y, penalties, l1_ratio, tol):  # type: ignore[no-untyped-def]
    """Return coefficients (penalties, k + 1), the intercept last, of logistic regressions with an elastic-net penalty.

    Minimises mean log loss + penalty * (l1_ratio * |b|_1 + (1 - l1_ratio) / 2 * |b|_2^2), the intercept free, by
    Newton steps with coordinate descent (Friedman, Hastie, Tibshirani 2010), each penalty starting from the one before.
    `XT` is (k, n), columns as rows; `y` (n,) is 0 or 1 with both present.
    """
    k, n = XT.shape
    out = np.zeros((penalties.size, k + 1))
    beta = np.zeros(k)
    mean = y.mean()
    intercept = np.log(mean / (1.0 - mean))
    eta = np.full(n, intercept)
    for place in range(penalties.size):
        penalty = (penalties[place] * l1_ratio, penalties[place] * (1.0 - l1_ratio))
        for _ in range(50):
            risk = 1.0 / (1.0 + np.exp(-eta))
            weight = np.maximum(risk * (1.0 - risk), 1e-5)
            residual = (y - risk) / weight
            working = eta + residual
            intercept += _descend(XT, weight, residual, beta, penalty, tol * 0.1)
            change = np.abs(working - residual - eta).max()
            eta = working - residual
            if change * change < tol:
                break
        out[place, :k] = beta
        out[place, k] = intercept
    return out


@_compiled
def redundancy_walk(XT, order, limit, most, always):  # type: ignore[no-untyped-def]
    """Return the columns kept when walking down `order`, passing over those that repeat a kept one.

    `XT` (p, n) holds standardised columns as rows; a column whose absolute correlation with one already kept exceeds
    `limit` is passed over, the first `always` in order are kept in any case; ends with `most` columns.
    """
    n = XT.shape[1]
    kept = np.empty(min(most, order.size), dtype=np.int64)
    norm = np.empty(kept.size)
    count = 0
    for place in range(order.size):
        if count == kept.size:
            break
        column = XT[order[place]]
        size = np.sqrt((column * column).sum())
        if size <= 0.0:
            continue
        repeats = False
        for before in range(count):
            product = 0.0
            other = XT[kept[before]]
            for i in range(n):
                product += column[i] * other[i]
            if abs(product) > limit * size * norm[before]:
                repeats = True
                break
        if place < always or not repeats:
            kept[count] = order[place]
            norm[count] = size
            count += 1
    return kept[:count]


@_compiled
def auc_columns(y, scores):  # type: ignore[no-untyped-def]
    """Return the AUC (g,) of each column of `scores` (n, g); NaN where a class is absent."""
    out = np.empty(scores.shape[1])
    for g in range(scores.shape[1]):
        wins = 0.0
        pairs = 0
        for i in range(y.size):
            if y[i] <= 0.5:
                continue
            for j in range(y.size):
                if y[j] <= 0.5:
                    pairs += 1
                    wins += 1.0 if scores[i, g] > scores[j, g] else (0.5 if scores[i, g] == scores[j, g] else 0.0)
        out[g] = wins / pairs if pairs else np.nan
    return out


def auc(y: FloatArray, score: FloatArray) -> float:
    """Return the area under the ROC curve of `score` for 0/1 `y`, ties one half; NaN where a class is absent.

    >>> auc(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.7]))
    0.75
    """
    return float(auc_columns(np.asarray(y, dtype=float), np.asarray(score, dtype=float)[:, None])[0])
