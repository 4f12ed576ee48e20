"""Running sums of gene set enrichment: where in a ranked list the genes of a set stand (Subramanian et al. 2005)."""

from __future__ import annotations

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.stats.ranks import IndexArray


def enrichment_scores(scores: FloatArray, sets: list[IndexArray]) -> FloatArray:
    """Return the enrichment score of each set (columns) in each list of gene scores (rows), shape (lists, sets).

    A list is sorted from highest to lowest; hits step up by |score|, misses step down; the score is the largest
    distance from zero. `sets` hold the places of genes in a list. A set whose scores are all zero has none (NaN).

    >>> enrichment_scores(np.array([[3.0, 2.0, -1.0, -2.0]]), [np.array([0, 1]), np.array([3])])
    array([[ 1., -1.]])
    """
    from genoxel.associate.kernels import walk

    lists, genes = scores.shape
    order = np.argsort(-scores, axis=1, kind="stable")
    sizes = np.array([len(at) for at in sets], dtype=np.int64)
    member = np.concatenate([*sets, np.empty(0, dtype=np.intp)]).astype(np.int64)
    by_gene = np.argsort(member, kind="stable")
    owners = np.repeat(np.arange(len(sets)), sizes)[by_gene]
    starts = np.searchsorted(member[by_gene], np.arange(genes + 1))
    out = np.empty((lists, len(sets)))
    walk(np.asarray(scores, dtype=np.float64), order, starts, owners, sizes, out)
    return out


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
