"""Curves of held-out predictions, always within folds: scores of different folds are never pooled for ranking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray
from genoxel.core.results import Validation

GRID = np.linspace(0, 1, 101)
"""False positive rates at which ROC curves of folds are averaged."""


@dataclass(frozen=True, eq=False)
class Roc:
    """Mean ROC curve of the folds on `GRID` and the same for each repeat (repeats, 101)."""

    mean: FloatArray
    repeats: FloatArray


@dataclass(frozen=True, eq=False)
class Calibration:
    """Patients in groups of equal size by predicted probability: mean predicted, observed share, interval, n."""

    predicted: FloatArray
    observed: FloatArray
    low: FloatArray
    high: FloatArray
    n: npt.NDArray[np.int64]


def _columns(validation: Validation) -> tuple[npt.NDArray[Any], npt.NDArray[Any], FloatArray, FloatArray]:
    held = validation.predictions
    y = np.asarray(held["y"], dtype=np.float64)
    return np.asarray(held["repeat"]), np.asarray(held["fold"]), y, np.asarray(held["score"], dtype=np.float64)


def usable(validation: Validation) -> bool:
    """Return whether the predictions are those of two classes, with repeat, fold, y and score."""
    if not {"repeat", "fold", "y", "score"} <= set(validation.predictions):
        return False
    y = np.asarray(validation.predictions["y"], dtype=np.float64)
    return y.size > 0 and set(np.unique(y).tolist()) == {0.0, 1.0}


def fold_auc(y: FloatArray, score: FloatArray) -> float:
    """Return the area under the ROC curve (ties count half), NaN with one class only.

    >>> fold_auc(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.9]))
    0.75
    """
    positive, negative = score[y == 1], score[y == 0]
    if positive.size == 0 or negative.size == 0:
        return float("nan")
    wins = np.sum(positive[:, None] > negative[None, :]) + 0.5 * np.sum(positive[:, None] == negative[None, :])
    return float(wins / (positive.size * negative.size))


def repeat_aucs(validation: Validation) -> FloatArray:
    """Return the mean within-fold AUC of each repeat (repeats,)."""
    repeat, fold, y, score = _columns(validation)
    found = []
    for number in np.unique(repeat):
        here = repeat == number
        aucs = [fold_auc(y[here & (fold == part)], score[here & (fold == part)]) for part in np.unique(fold[here])]
        known = [auc for auc in aucs if not np.isnan(auc)]
        found.append(float(np.mean(known)) if known else float("nan"))
    return np.array(found)


def roc(validation: Validation) -> Roc:
    """Return the ROC curve averaged over folds at equal false positive rates, overall and per repeat."""
    repeat, fold, y, score = _columns(validation)
    curves = []
    for number in np.unique(repeat):
        here = repeat == number
        parts = [_fold_curve(y[here & (fold == part)], score[here & (fold == part)]) for part in np.unique(fold[here])]
        known = [part for part in parts if part is not None]
        if known:
            curves.append(np.mean(known, axis=0))
    stacked = np.array(curves).reshape(len(curves), GRID.size)
    return Roc(stacked.mean(axis=0) if curves else np.full(GRID.size, np.nan), stacked)


def _fold_curve(y: FloatArray, score: FloatArray) -> FloatArray | None:
    if len(set(y.tolist())) < 2:
        return None
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits, false = np.cumsum(y[order])[ends], np.cumsum(1 - y[order])[ends]
    sensitivity = np.concatenate([[0.0], hits / hits[-1]])
    return np.asarray(np.interp(GRID, np.concatenate([[0.0], false / false[-1]]), sensitivity))


def patient_means(validation: Validation) -> tuple[FloatArray, FloatArray]:
    """Return (y, mean held-out score over repeats) with one entry per patient."""
    _, _, y, score = _columns(validation)
    patients = np.asarray(validation.predictions["patient"]).astype(str)
    _, first, place = np.unique(patients, return_index=True, return_inverse=True)
    return y[first], np.bincount(place, score) / np.bincount(place)


def calibration(validation: Validation, groups: int = 5) -> Calibration | None:
    """Return the calibration in `groups` of equal size, or None when the scores are not probabilities."""
    y, score = patient_means(validation)
    if score.min() < 0 or score.max() > 1 or np.ptp(score) == 0:
        return None
    parts = np.array_split(np.argsort(score, kind="stable"), min(groups, max(score.size // 8, 1)))
    shares = np.array([y[part].mean() for part in parts])
    n = np.array([part.size for part in parts])
    low, high = wilson(shares, n)
    return Calibration(np.array([score[part].mean() for part in parts]), shares, low, high, n)


def wilson(share: FloatArray, n: npt.NDArray[np.int64], z: float = 1.959964) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's interval of a share (Wilson 1927).

    >>> low, high = wilson(np.array([0.5]), np.array([10]))
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.237, 0.763)
    """
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.asarray(np.clip(centre - half, 0, 1)), np.asarray(np.clip(centre + half, 0, 1))
