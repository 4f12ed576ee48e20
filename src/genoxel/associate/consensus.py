"""Consensus clustering: which patients stay together when four fifths of them are clustered again and again.

How sharp the consensus is says nothing by itself, since any cloud can be cut. The same is done to clouds of one group
with the same correlations, and only a consensus that is sharper than theirs is one.
Sources: Monti et al. (Machine Learning 2003), PAC by Senbabaoglu et al. (Scientific Reports 2014); reference clouds
after John et al. (Scientific Reports 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from genoxel.associate.fusion import affinity, embedding, fuse, neighbours
from genoxel.stats.ranks import FloatArray, IndexArray, ranks

SHARE = 0.8
AMBIGUOUS = (0.1, 0.9)
GRID = np.linspace(0, 1, 101)


def normal_scores(values: FloatArray) -> FloatArray:
    """Return columns (n, p) as normal scores of their ranks, of equal spread; a missing value takes the middle.

    Skewed features and single outliers then make no cluster of their own.

    >>> normal_scores(np.array([[1.0], [2.0], [1000.0]])).round(2).ravel().tolist()
    [-1.22, 0.0, 1.22]
    """
    known = (~np.isnan(values)).sum(axis=0)
    scores = np.nan_to_num(ndtri((ranks(values) - 0.5) / np.maximum(known, 1)))
    spread = scores.std(axis=0)
    return np.asarray(scores / np.where(spread > 1e-12, spread, np.inf))


@dataclass(frozen=True, eq=False)
class Cloud:
    """Patients as points: one set of coordinates (n, r) per block, each block of the same total spread."""

    blocks: tuple[FloatArray, ...]

    @classmethod
    def of(cls, blocks: Sequence[FloatArray]) -> Cloud:
        """Return the cloud of blocks (n, p) of normal scores."""
        return cls(
            tuple(_coordinates(block) / np.sqrt(max(float((block**2).mean(axis=0).sum()), 1e-12)) for block in blocks)
        )

    def one_group(self, rng: np.random.Generator) -> Cloud:
        """Return a cloud without groups that has the very correlations of this one, within and between blocks.

        The patients are turned by a random rotation. Of normal clouds without groups a turned one cannot be told from
        the one that was measured, for any number of patients and columns (Langsrud, Statistics and Computing 2005).
        """
        whole = np.hstack(self.blocks)
        _, s, vt = np.linalg.svd(whole - whole.mean(axis=0), full_matrices=False)
        kept = s > 1e-10 * s.max(initial=0.0)
        drawn = rng.normal(size=(len(whole), int(kept.sum())))
        turned, triangle = np.linalg.qr(drawn - drawn.mean(axis=0))
        turned = turned * np.sign(np.diag(triangle)) * s[kept] @ vt[kept]
        sides = np.cumsum([block.shape[1] for block in self.blocks])[:-1]
        return Cloud(tuple(np.split(turned, sides, axis=1)))

    def distances(self) -> list[FloatArray]:
        """Return the distances (n, n) of each block."""
        return [_distances(block) for block in self.blocks]


def _coordinates(values: FloatArray) -> FloatArray:
    """Return the coordinates of rows on their principal axes: all distances, in at most n numbers."""
    if values.shape[1] < len(values):
        return values
    u, s, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    kept = s > 1e-10 * s.max(initial=0.0)
    return np.asarray(u[:, kept] * s[kept])


def _distances(points: FloatArray) -> FloatArray:
    square = (points**2).sum(axis=1)
    out = np.sqrt(np.maximum(square[:, None] + square[None, :] - 2 * points @ points.T, 0.0))
    np.fill_diagonal(out, 0.0)
    return np.asarray(out)


def cut(distances: Sequence[FloatArray], counts: Sequence[int]) -> list[IndexArray]:
    """Return a grouping (n,) of codes from 0 for each number of groups in `counts`.

    One block is cut by Ward's tree; of several the fused network is, on its leading axes (as many as groups).
    """
    if len(distances) == 1:
        tree = _tree(distances[0])
        return [_codes(tree, count) for count in counts]
    near = neighbours(len(distances[0]))
    axes = embedding(fuse([affinity(one, near) for one in distances], near), max(counts))
    found = []
    for count in counts:
        part = axes[:, :count]
        length = np.sqrt((part**2).sum(axis=1, keepdims=True))
        found.append(_codes(_tree(_distances(part / np.maximum(length, 1e-12))), count))
    return found


def _tree(distance: FloatArray) -> FloatArray:
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    return np.asarray(linkage(squareform(distance, checks=False), "ward"))


def _codes(tree: FloatArray, count: int) -> IndexArray:
    from scipy.cluster.hierarchy import fcluster

    return np.asarray(fcluster(tree, count, "maxclust"), dtype=np.intp) - 1


def spread_within(distances: Sequence[FloatArray], codes: IndexArray) -> float:
    """Return the share of the spread (squared distances) that is left within groups, mean over blocks.

    >>> points = np.array([0.0, 0.0, 1.0, 1.0])
    >>> spread_within([np.abs(points[:, None] - points)], np.array([0, 0, 1, 1]))
    0.0
    """
    inside = (codes[:, None] == codes[None, :]) / np.bincount(codes)[codes][:, None]
    return float(np.mean([(one**2 * inside).sum() * len(one) / (one**2).sum() for one in distances]))


@dataclass(frozen=True, eq=False)
class Consensus:
    """For each number of groups in `counts`: how often two patients fell together, (counts, n, n)."""

    counts: tuple[int, ...]
    together: FloatArray

    @property
    def cdf(self) -> FloatArray:
        """Share of pairs that fall together at most as often as `GRID` says, (counts, 101)."""
        pairs = self._pairs()
        return np.array([np.searchsorted(row, GRID + 1e-9, side="right") / len(row) for row in pairs])

    @property
    def pac(self) -> FloatArray:
        """Share of ambiguous pairs: together in more than 10 % and at most 90 % of resamples, (counts,)."""
        low, high = AMBIGUOUS
        pairs = self._pairs()
        return np.array([((row > low + 1e-9) & (row <= high + 1e-9)).mean() for row in pairs])

    def _pairs(self) -> FloatArray:
        n = self.together.shape[1]
        return np.sort(self.together[:, *np.triu_indices(n, 1)], axis=1)

    def groups(self, count: int) -> IndexArray:
        """Return the grouping of the consensus itself (average linkage), largest group first, codes from 0."""
        from scipy.cluster.hierarchy import linkage
        from scipy.spatial.distance import squareform

        apart = 1 - self.together[self.counts.index(count)]
        np.fill_diagonal(apart, 0.0)
        codes = _codes(np.asarray(linkage(squareform(apart, checks=False), "average")), count)
        names, first, sizes = np.unique(codes, return_index=True, return_counts=True)
        order = sorted(range(len(names)), key=lambda at: (-sizes[at], first[at]))
        place = {int(names[at]): rank for rank, at in enumerate(order)}
        return np.array([place[int(code)] for code in codes], dtype=np.intp)


def consensus(cloud: Cloud, counts: Sequence[int], resamples: int, seed: Sequence[int]) -> Consensus:
    """Return the consensus over `resamples` draws of four fifths of the patients, without replacement."""
    distances = cloud.distances()
    n = len(distances[0])
    size = max(round(SHARE * n), max(counts) + 1)
    rng = np.random.default_rng(np.random.SeedSequence(list(seed)))
    together, drawn = np.zeros((len(counts), n, n)), np.zeros((n, n))
    for _ in range(resamples):
        index = np.sort(rng.choice(n, size, replace=False))
        square = np.ix_(index, index)
        drawn[square] += 1
        for place, codes in enumerate(cut([one[square] for one in distances], counts)):
            together[place][square] += codes[:, None] == codes[None, :]
    together /= np.maximum(drawn, 1)
    return Consensus(tuple(counts), together)
