"""Sums over texture matrices whose counts are weighted, and neighbourhoods with weights: plain NumPy, seldom used."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray
from genoxel.features._entries import Entries, Ints, entropy
from genoxel.features._sums import Sums, collected
from genoxel.features._weighting import Weighting
from genoxel.features.region import Region


def pair_sums(entries: Entries) -> list[FloatArray]:
    """Return the 23 numbers (groups,) of co-occurrence matrices that `sum_pairs` gives for whole counts."""
    rows = [_pair_sums(*_of_group(entries, group), entries.n_levels) for group in range(entries.groups)]
    return [np.array(column) for column in zip(*rows, strict=True)]


def _of_group(entries: Entries, group: int) -> tuple[Ints, Ints, FloatArray]:
    own = entries.g == group
    n = np.asarray(entries.n[own], dtype=np.float64)
    return entries.i[own], entries.j[own], n / n.sum()


def _pair_sums(i: Ints, j: Ints, p: FloatArray, n_levels: int) -> list[float]:
    """Return the numbers of one matrix; `p` is the probability of (i, j) and (j, i) together, i <= j."""
    cell = np.where(i == j, p, p / 2)
    times = np.where(i == j, 1, 2)
    levels = np.arange(n_levels + 1, dtype=np.float64)
    margin = (_binned(i, p, n_levels + 1) + _binned(j, p, n_levels + 1)) / 2
    gaps, sums = _binned(j - i, p, n_levels), _binned(i + j, p, 2 * n_levels + 1)
    k, total = np.arange(n_levels, dtype=np.float64), np.arange(2 * n_levels + 1, dtype=np.float64)
    mean, gap = float(margin @ levels), float(gaps @ k)
    away = total - 2 * mean
    variance, joint, own = float(margin @ (levels - mean) ** 2), (times * entropy(cell)).sum(), entropy(margin).sum()
    return [
        float(cell.max()),
        mean,
        variance,
        float(joint),
        float(own),
        gap,
        float(gaps @ (k - gap) ** 2),
        float(entropy(gaps).sum()),
        float(gaps @ k**2),
        float(gaps @ (1 / (1 + k))),
        float(gaps @ (1 / (1 + k / n_levels))),
        float(gaps @ (1 / (1 + k**2))),
        float(gaps @ (1 / (1 + (k / n_levels) ** 2))),
        float(gaps[1:] @ k[1:] ** -2.0),
        float(entropy(sums).sum()),
        float(sums @ away**2),
        float((times * cell**2).sum()),
        float((p * i * j).sum()),
        float(sums @ away**3),
        float(sums @ away**4),
        float(sums @ away**2 - gaps @ k**2) / 4 / variance if variance else np.nan,
        float(joint - 2 * own) / own if own else np.nan,
        float(np.sqrt(-np.expm1(-2 * max(2 * own - joint, 0.0)))),
    ]


def _binned(key: Ints, p: FloatArray, size: int) -> FloatArray:
    return np.asarray(np.bincount(key, p, size), dtype=np.float64)


def dense(entries: Entries) -> list[FloatArray]:
    """Return the symmetric matrices of `entries`, whose counts stand at i <= j for both orders; levels that occur."""
    matrices = []
    for group in range(entries.groups):
        own = entries.g == group
        i, j, n = entries.i[own], entries.j[own], entries.n[own] / 2
        levels, place = np.unique(np.concatenate([i, j]), return_inverse=True)
        matrix = np.zeros((levels.size, levels.size))
        np.add.at(matrix, (place[: i.size], place[i.size :]), n)
        matrices.append(matrix + matrix.T)
    return matrices


def entry_sums(entries: Entries) -> Sums:
    """Return the sums of matrices of levels and sizes, as `sum_tables` gives them for whole counts."""
    rows = []
    for group in range(entries.groups):
        i, j, p = _of_group(entries, group)
        whole = float(entries.n[entries.g == group].sum())
        level, size = i.astype(np.float64), j.astype(np.float64)
        powers = ((0, -2), (0, 2), (-2, 0), (2, 0), (-2, -2), (2, -2), (-2, 2), (2, 2))
        means = [float((p * level**a * size**b).sum()) for a, b in powers]
        uneven = [float((_shares(key, p) ** 2).sum()) for key in (i, j)]
        squares = [whole * one for one in uneven]
        spreads = [float(p @ (key - p @ key) ** 2) for key in (level, size)]
        rows.append([whole, *means, *squares, *spreads, float(entropy(p).sum()), float((p**2).sum()), *uneven, 0.0])
    return collected(np.array(rows), entries.voxels)


def _shares(key: npt.NDArray[np.generic], p: FloatArray) -> FloatArray:
    return np.asarray(np.bincount(np.unique(key, return_inverse=True)[1], p))


class Around:
    """The neighbours of every voxel of a region, visited offset by offset: within its slice, or within the volume.

    Neighbours lie at one of the (Chebyshev) `distances`, in voxels.
    """

    def __init__(self, region: Region, three: bool, distances: tuple[int, ...] = (1,)) -> None:
        laid, far = region.laid_out, max(distances)
        self.volume = np.pad(laid.flat.reshape(laid.shape).astype(np.int64), far - 1)
        steps = range(-far, far + 1)
        every = product(steps if three else (0,), steps, steps)
        offsets = [one for one in every if max(map(abs, one)) in distances]
        self.offsets = np.array(offsets, dtype=np.int64)
        self.spacing = region.spacing[::-1]
        self.inside = self.volume > 0
        self.slices = self.inside.nonzero()[0]
        self.levels = self.volume[self.inside]
        self.n_levels = region.n_levels

    def neighbours(self, offsets: Ints | None = None) -> Iterator[Ints]:
        """Yield for each offset the levels (n,) of the neighbours there, 0 outside the region."""
        for offset in self.offsets if offsets is None else offsets:
            yield np.roll(self.volume, tuple(-offset), axis=(0, 1, 2))[self.inside]

    def weights(self, weighting: Weighting | None) -> FloatArray:
        """Return what a neighbour at each offset counts."""
        return np.ones(len(self.offsets)) if weighting is None else weighting.of(self.offsets, self.spacing)

    def groups(self, by_slice: bool) -> Ints:
        """Return the number (n,) of the matrix that each voxel belongs to: its slice, or one for all."""
        if not by_slice:
            return np.zeros(self.levels.size, np.int64)
        return np.asarray(np.unique(self.slices, return_inverse=True)[1])


def weighted_tones(
    region: Region,
    aggregation: str,
    weighting: Weighting | None,
    distances: tuple[int, ...] = (1,),
    alone: bool = False,
) -> FloatArray:
    """Return the 6 numbers (matrices,) that `sum_tones` gives, with means of neighbours weighted by distance.

    Voxels without neighbours have no difference; they count only when `alone`.
    """
    around = Around(region, aggregation == "3d", distances)
    held, total = np.zeros(around.levels.size), np.zeros(around.levels.size)
    for weight, near in zip(around.weights(weighting), around.neighbours(), strict=True):
        held += weight * (near > 0)
        total += weight * near
    known = held > 0
    if not known.any():
        raise NotDefinedError("no voxel with a neighbour", "neighbouring voxels", "draw a larger region")
    mean = np.divide(total, held, out=around.levels.astype(np.float64), where=known)
    counted = np.ones_like(known) if alone else known
    gap = np.abs(around.levels - mean)[counted]
    levels, groups = around.levels[counted], around.groups(aggregation == "2d")[counted]
    rows = [_tone_sums(levels[groups == one], gap[groups == one]) for one in np.unique(groups)]
    return np.array(rows).T


def _tone_sums(levels: Ints, gap: FloatArray) -> list[float]:
    i, place = np.unique(levels, return_inverse=True)
    p, s = np.bincount(place) / levels.size, np.bincount(place, gap)
    apart = np.abs(i[:, None] - i)
    both = p[:, None] + p
    contrast = float((p[:, None] * p * apart**2).sum() * s.sum())
    unlike = float(np.abs((i * p)[:, None] - i * p).sum())
    return [
        float(levels.size),
        float(1 / (p @ s)) if p @ s > 0 else np.nan,
        contrast / (i.size * (i.size - 1) * levels.size) if i.size > 1 else np.nan,
        float(p @ s) / unlike if unlike > 0 else np.nan,
        float((apart * ((p * s)[:, None] + p * s) / both).sum() / levels.size),
        float((both * apart**2).sum() / s.sum()) if s.sum() > 0 else np.nan,
    ]


def weighted_dependence(
    region: Region,
    aggregation: str,
    weighting: Weighting | None,
    reach: float = 0,
    distances: tuple[int, ...] = (1,),
) -> Entries:
    """Return the dependence matrices with neighbours weighted by distance; the voxel itself counts 1.

    A neighbour depends on a voxel when their levels differ by `reach` or less.
    """
    around = Around(region, aggregation == "3d", distances)
    size = np.ones(around.levels.size)
    for weight, near in zip(around.weights(weighting), around.neighbours(), strict=True):
        size += weight * ((near > 0) & (np.abs(near - around.levels) <= reach))
    # sums of equal weights in any order are one size
    sizes, place = np.unique(np.round(size, 12), return_inverse=True)
    groups = around.groups(aggregation == "2d")
    key = np.column_stack([groups, around.levels, place])
    cells, counts = np.unique(key, axis=0, return_counts=True)
    g, i = cells[:, 0], cells[:, 1]
    voxels = np.bincount(groups)
    return Entries(g, i, sizes[cells[:, 2]], counts.astype(np.float64), voxels.size, around.n_levels, voxels)


def far_pairs(region: Region, aggregation: str, distances: tuple[int, ...]) -> Entries:
    """Return the co-occurrences at any of the `distances`: a matrix per direction, or all merged (weighted if asked).

    Slices are always merged where directions do not leave them.
    """
    around = Around(region, aggregation.startswith("3d"), distances)
    half = np.array([one for one in around.offsets if one[np.flatnonzero(one)[0]] > 0])
    rows = []
    for direction, near in enumerate(around.neighbours(half)):
        both = np.sort(np.stack([around.levels, near])[:, near > 0], axis=0)
        pairs, counts = np.unique(both, axis=1, return_counts=True)
        rows.append(np.vstack([np.full(counts.size, direction), pairs, 2 * counts]))
    g, i, j, n = (np.ascontiguousarray(part) for part in np.hstack(rows).astype(np.int64))
    entries = Entries(g, i, j, n, len(half), around.n_levels, np.full(len(half), around.levels.size))
    if region.weighting is not None:
        entries = entries.weighted(region.weighting.of(half, around.spacing))
    if aggregation.endswith("_merged") and "direction" not in aggregation:
        entries = entries.merged(np.zeros(len(half), np.int64))
    return entries.filled()
