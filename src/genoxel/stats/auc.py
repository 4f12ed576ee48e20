"""The area under the ROC curve with DeLong's variance: single, paired, and within the folds of a cross-validation.

Source: DeLong, DeLong, Clarke-Pearson (Biometrics 1988); fast form by ranks: Sun and Xu (IEEE SPL 2014).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError, NotDefinedError
from genoxel.stats.ranks import FloatArray, ranks


class Auc(NamedTuple):
    """AUC, its DeLong variance, and the placement of every row (n,).

    The placement of a positive is the share of negatives below it, of a negative the share of positives above it
    (ties count half); both average to the AUC. The variance is NaN with fewer than two rows in a class.
    """

    auc: float
    variance: float
    placements: FloatArray


class FoldAuc(NamedTuple):
    """Mean AUC within folds, DeLong variance of the within-fold placements, the placements (n,) and each fold's AUC.

    Rows of a fold that lacks a class have no placement (NaN), such a fold has no AUC (NaN), and neither counts.
    """

    auc: float
    variance: float
    placements: FloatArray
    folds: FloatArray


def placements(y: npt.ArrayLike, scores: npt.ArrayLike) -> FloatArray:
    """Return the placements of `scores` (n,) or (k, n) for classes `y` (n,) of 0 and 1, in the shape of `scores`.

    Raises `InputError` for missing scores or other classes, `NotDefinedError` when a class is empty.

    >>> placements([0, 0, 1, 1], [0.1, 0.6, 0.6, 0.9])
    array([1.  , 0.75, 0.75, 1.  ])
    """
    truth, array = _checked(y, scores)
    positive = truth == 1
    columns = array.reshape(-1, len(truth)).T
    overall = ranks(columns)
    out = np.empty_like(columns)
    n1, n0 = int(positive.sum()), int((~positive).sum())
    out[positive] = (overall[positive] - ranks(columns[positive])) / n0
    out[~positive] = 1 - (overall[~positive] - ranks(columns[~positive])) / n1
    return out.T.reshape(array.shape)


def delong(y: npt.ArrayLike, score: npt.ArrayLike) -> Auc:
    """Return the AUC of `score` (n,) for classes `y` (n,) of 0 and 1, with DeLong variance and placements.

    >>> result = delong([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.35, 0.8, 0.65, 0.3])
    >>> round(result.auc, 4), round(result.variance, 4)
    (0.7778, 0.0617)
    """
    places = placements(y, score)
    truth = np.asarray(y, dtype=np.float64)
    return Auc(float(places[truth == 1].mean()), float(placement_covariance(y, places[None])[0, 0]), places)


def delong_covariance(y: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the AUCs (k,) of `scores` (k, n) on the same rows and their DeLong covariance (k, k)."""
    places = placements(y, scores)
    truth = np.asarray(y, dtype=np.float64)
    return places[:, truth == 1].mean(axis=1), placement_covariance(y, places)


def placement_covariance(y: npt.ArrayLike, places: npt.ArrayLike) -> FloatArray:
    """Return the covariance (k, k) of AUCs from their placements (k, n), of whole samples or made within folds.

    Rows without placement in any of the k are left out. NaN with fewer than two rows in a class.
    """
    truth = np.asarray(y, dtype=np.float64)
    array = np.atleast_2d(np.asarray(places, dtype=np.float64))
    used = ~np.isnan(array).any(axis=0)
    total = np.zeros((len(array), len(array)))
    for value in (0, 1):
        part = array[:, used & (truth == value)]
        count = part.shape[1]
        if count < 2:
            return np.full_like(total, np.nan)
        total += np.cov(part, ddof=1).reshape(total.shape) / count
    return total


def delong_within_folds(y: npt.ArrayLike, score: npt.ArrayLike, fold: npt.ArrayLike) -> FoldAuc:
    """Return the mean of within-fold AUCs with the DeLong variance of within-fold placements.

    `fold` (n,) names the fold in which a row was held out; scores of different folds are never compared. For two
    models on the same folds, `placement_covariance(y, [a.placements, b.placements])` gives the covariance.
    Raises `NotDefinedError` when no fold holds both classes.

    >>> result = delong_within_folds([0, 1, 0, 1], [0.2, 0.3, 5.0, 4.0], [0, 0, 1, 1])
    >>> result.auc, result.folds
    (0.5, array([1., 0.]))
    """
    truth, scores = _checked(y, score)
    names = np.asarray(fold)
    places = np.full(len(truth), np.nan)
    each = []
    for name in np.unique(names):
        inside = names == name
        if len(np.unique(truth[inside])) < 2:
            each.append(np.nan)
            continue
        part = delong(truth[inside], scores[inside])
        places[inside] = part.placements
        each.append(part.auc)
    folds = np.array(each)
    if np.isnan(folds).all():
        raise NotDefinedError("no fold with both classes", "folds stratified by class", "use fewer folds")
    variance = float(placement_covariance(truth, places[None])[0, 0])
    return FoldAuc(float(np.nanmean(folds)), variance, places, folds)


def _checked(y: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    truth, array = np.asarray(y, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or array.shape[-1:] != truth.shape or array.ndim > 2:
        raise InputError(f"classes {truth.shape} and scores {array.shape}", "(n,) and (n,) or (k, n)", "align the rows")
    if not np.isin(truth, (0, 1)).all():
        raise InputError("classes other than 0 and 1", "0 and 1, none missing", "leave out rows of unknown class")
    if np.isnan(array).any():
        raise InputError("missing scores", "a score for every row", "leave those rows out, and say how many")
    if len(np.unique(truth)) < 2:
        raise NotDefinedError("an AUC with one class only", "both classes", "report it as not defined")
    return truth, array
