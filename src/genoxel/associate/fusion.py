"""Similarity network fusion: patients who are alike in several blocks at once (Wang et al., Nature Methods 2014)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genoxel.core.errors import InputError
from genoxel.stats.ranks import FloatArray

STEPS = 20
WIDTH = 0.5


def neighbours(n: int) -> int:
    """Return how many neighbours of `n` patients count: a third, 3 to 20.

    >>> neighbours(12), neighbours(60), neighbours(500)
    (4, 20, 20)
    """
    return int(np.clip(round(n / 3), 3, 20))


def affinity(distance: FloatArray, near: int) -> FloatArray:
    """Return similarities (n, n): a normal density of the distance, as wide as both neighbourhoods are.

    The standard deviation is half the mean of the distance itself and the mean distances of both patients to their
    `near` nearest.
    """
    local = np.sort(distance, axis=1)[:, 1 : near + 1].mean(axis=1)
    spread = WIDTH * (local[:, None] + local[None, :] + distance) / 3
    spread = np.maximum(spread, 1e-12)
    similar = np.exp(-((distance / spread) ** 2) / 2) / (np.sqrt(2 * np.pi) * spread)
    return np.asarray((similar + similar.T) / 2)


def fuse(similar: Sequence[FloatArray], near: int, steps: int = STEPS) -> FloatArray:
    """Return one network (n, n) of the similarities of two blocks or more.

    Each block's network is smoothed over its own nearest neighbours and over the networks of the others, `steps`
    times. Raises `InputError` for a single block, or blocks of other patients.

    >>> rng = np.random.default_rng(0)
    >>> points = np.repeat([0.0, 9.0], 8)[:, None] + rng.normal(size=(16, 2))
    >>> both = [affinity(np.abs(points[:, [k]] - points[:, k]), 4) for k in (0, 1)]
    >>> fused = fuse(both, 4)
    >>> bool(fused[0, 1:8].min() > fused[0, 8:].max())
    True
    """
    if len(similar) < 2 or len({block.shape for block in similar}) != 1:
        raise InputError(f"{len(similar)} networks", "two or more, of the same patients", "align the blocks")
    whole = [_stable(block) for block in similar]
    local = [_nearest(block, near) for block in similar]
    for _ in range(steps):
        total = np.sum(whole, axis=0)
        whole = [
            _stable(near_by @ ((total - own) / (len(whole) - 1)) @ near_by.T)
            for near_by, own in zip(local, whole, strict=True)
        ]
    mean = np.mean(whole, axis=0)
    return np.asarray((mean + mean.T) / 2)


def _stable(similar: FloatArray) -> FloatArray:
    """Return rows that sum to 1, half of it on the diagonal."""
    off = similar - np.diag(np.diag(similar))
    total = off.sum(axis=1, keepdims=True)
    return np.asarray(off / (2 * np.where(total > 0, total, 1.0)) + 0.5 * np.eye(len(off)))


def _nearest(similar: FloatArray, near: int) -> FloatArray:
    """Return rows that sum to 1 over the `near` most similar patients, oneself among them; 0 elsewhere."""
    least = np.partition(similar, -near, axis=1)[:, -near][:, None]
    kept = np.where(similar >= least, similar, 0.0)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True))


def embedding(network: FloatArray, most: int) -> FloatArray:
    """Return coordinates (n, most) of a network: leading axes of its normalised similarities, strongest first."""
    degree = network.sum(axis=1)
    scaled = network / np.sqrt(degree[:, None] * degree[None, :])
    _, axes = np.linalg.eigh((scaled + scaled.T) / 2)
    return np.asarray(axes[:, ::-1][:, :most])
