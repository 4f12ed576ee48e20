"""Running sums of gene set enrichment: where in a ranked list the genes of a set stand (Subramanian et al. 2005)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray
from genoxel.stats.ranks import IndexArray


def enrichment_scores(scores: FloatArray, sets: list[IndexArray]) -> FloatArray:
    """Return the enrichment score of each set (columns) in each list of gene scores (rows), shape (lists, sets).

    A list is sorted from highest to lowest; hits step up by |score|, misses step down; the score is the largest
    distance from zero. `sets` hold the places of genes in a list. A set whose scores are all zero has none (NaN).

    >>> enrichment_scores(np.array([[3.0, 2.0, -1.0, -2.0]]), [np.array([0, 1]), np.array([3])])
    array([[ 1., -1.]])
    """
    lists, genes = scores.shape
    order = np.argsort(-scores, axis=1, kind="stable")
    position = np.empty_like(order)
    np.put_along_axis(position, order, np.broadcast_to(np.arange(genes), order.shape), axis=1)
    out = np.empty((lists, len(sets)))
    for column, at in enumerate(sets):
        places = np.sort(position[:, at], axis=1)
        weights = np.abs(np.take_along_axis(scores, np.take_along_axis(order, places, axis=1), axis=1))
        out[:, column] = _extremes(weights, places, genes)
    return out


def _extremes(weights: FloatArray, places: npt.NDArray[np.intp], genes: int) -> FloatArray:
    size = weights.shape[1]
    total = weights.sum(axis=1, keepdims=True)
    up = np.cumsum(weights, axis=1) / np.where(total > 0, total, np.nan)
    down = (places - np.arange(size)) / (genes - size)
    high = (up - down).max(axis=1)
    low = (np.c_[np.zeros(len(up)), up[:, :-1]] - down).min(axis=1)
    return np.asarray(np.where(high >= -low, high, low))


def leading_edge(scores: FloatArray, at: IndexArray) -> IndexArray:
    """Return the genes of a set, among places `at`, that stand before (or after, if low) the peak of the sum.

    >>> leading_edge(np.array([3.0, 2.0, -1.0, -2.0]), np.array([0, 1, 3])).tolist()
    [0, 1]
    """
    order = np.argsort(-scores, kind="stable")
    position = np.empty(len(scores), dtype=np.intp)
    position[order] = np.arange(len(scores))
    inside = at[np.argsort(position[at], kind="stable")]
    places, weights = position[inside], np.abs(scores[inside])
    up = np.cumsum(weights) / max(float(weights.sum()), 1e-300)
    down = (places - np.arange(len(places))) / max(len(scores) - len(places), 1)
    before = np.r_[0.0, up[:-1]] - down
    if (up - down).max() >= -before.min():
        return inside[: int(np.argmax(up - down)) + 1]
    return inside[int(np.argmin(before)) :][::-1]
