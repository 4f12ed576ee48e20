"""Running sums of gene set enrichment: where in a ranked list the genes of a set stand (Subramanian et al. 2005)."""

from __future__ import annotations

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.stats.compiled import compiled
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
    sizes = np.array([len(at) for at in sets], dtype=np.int64)
    member = np.concatenate([*sets, np.empty(0, dtype=np.intp)]).astype(np.int64)
    by_gene = np.argsort(member, kind="stable")
    owners = np.repeat(np.arange(len(sets)), sizes)[by_gene]
    starts = np.searchsorted(member[by_gene], np.arange(genes + 1))
    out = np.empty((lists, len(sets)))
    _walk(np.asarray(scores, dtype=np.float64), order, starts, owners, sizes, out)
    return out


@compiled
def _walk(scores, order, starts, owners, sizes, out):  # type: ignore[no-untyped-def]
    """Walk down each list once, all sets together: `owners` from `starts` of a gene are the sets that hold it."""
    lists, genes = scores.shape
    count = len(sizes)
    for row in range(lists):
        total, up = np.zeros(count), np.zeros(count)
        high, low = np.full(count, -np.inf), np.full(count, np.inf)
        seen = np.zeros(count, np.int64)
        for gene in range(genes):
            for k in range(starts[gene], starts[gene + 1]):
                total[owners[k]] += abs(scores[row, gene])
        for place in range(genes):
            gene = order[row, place]
            weight = abs(scores[row, gene])
            for k in range(starts[gene], starts[gene + 1]):
                one = owners[k]
                down = (place - seen[one]) / (genes - sizes[one])
                low[one] = min(low[one], up[one] / total[one] - down)
                up[one] += weight
                high[one] = max(high[one], up[one] / total[one] - down)
                seen[one] += 1
        for one in range(count):
            best = high[one] if high[one] >= -low[one] else low[one]
            out[row, one] = best if total[one] > 0 else np.nan


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
