"""Sums over all pairs of voxels weighted by inverse distance, exact, by Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray

MAX_CELLS = 2**26
"""Transforms of more cells (1 GB in all) are not made; the feature is then said to be not defined for this region."""

_SLAB = 2**21
"""Cells of a spectrum that are held at a time."""


def pair_sums(inside: npt.NDArray[np.bool_], centred: FloatArray, matrix: FloatArray) -> tuple[float, float, float]:
    """Return the sums over ordered pairs of w, w x_i x_j and w x_i², with w = 1 / distance in mm.

    `centred` (n,) are the values x inside (i, j, k), in array order; `matrix` (3, 3) maps voxels to mm. By Parseval's
    theorem no inverse transform is needed.
    """
    from scipy.fft import next_fast_len, rfft

    from genoxel.features._kernels.spectra import weighted_products

    # even lengths of at least 2 n - 1, so that offsets fold onto half of each axis
    shape = tuple(2 * next_fast_len(size, real=True) for size in inside.shape)
    if float(np.prod([float(size) for size in shape])) > MAX_CELLS:
        raise NotDefinedError(f"a region box of {inside.shape} voxels", "a smaller box", "resample to larger voxels")
    volume = np.zeros(inside.shape)
    volume[inside] = centred
    # the zeros around the region are never transformed, and along i and j a few planes of the spectrum at a time
    lines = [rfft(part, shape[2], axis=2) for part in (inside.astype(np.float64), volume, volume**2)]
    weights = _weights(shape, matrix.T @ matrix)
    depth, planes = lines[0].shape[2], max(1, _SLAB // (shape[0] * shape[1]))
    sums: FloatArray = np.zeros(3)
    for start in range(0, depth, planes):
        slab = slice(start, min(start + planes, depth))
        spectra = [_transform(part[:, :, slab], shape) for part in lines]
        sums += np.array(weighted_products(_both_halves(weights, slab, shape), *spectra))
    sums /= float(np.prod(shape))
    return float(sums[0]), float(sums[1]), float(sums[2])


def _transform(part: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    from scipy.fft import fft

    return np.ascontiguousarray(fft(fft(part, shape[1], axis=1), shape[0], axis=0, overwrite_x=True))


def _weights(shape: tuple[int, ...], metric: FloatArray) -> FloatArray:
    """Return the spectrum of 1 / distance with its last axis halved; where axes are square, one octant of it."""
    from scipy.fft import dctn, rfftn

    square = bool(np.abs(metric - np.diag(np.diag(metric))).max() <= 1e-12 * metric.max())
    if square:
        # even along every axis: the transform of one octant tells all
        steps = [np.arange(n // 2 + 1.0) for n in shape]
        return np.asarray(dctn(_inverse_distance(steps, metric), type=1, overwrite_x=True))
    folded = [np.where(np.arange(n) <= n // 2, np.arange(n), np.arange(n) - n).astype(float) for n in shape]
    return np.asarray(rfftn(_inverse_distance(folded, metric)).real)


def _both_halves(weights: FloatArray, slab: slice, shape: tuple[int, ...]) -> FloatArray:
    """Return a slab of what `_weights` gave for every cell of i and j, cells that stand for two counted twice."""
    own = weights[:, :, slab]
    if own.shape[:2] != shape[:2]:
        half = [np.minimum(np.arange(n), n - np.arange(n)) for n in shape[:2]]
        own = own[half[0]][:, half[1]]
    places = np.arange(slab.start, slab.stop)
    return np.ascontiguousarray(own * np.where((places == 0) | (places == weights.shape[2] - 1), 1.0, 2.0))


def _inverse_distance(steps: list[FloatArray], metric: FloatArray) -> FloatArray:
    i, j, k = np.ix_(*steps)
    squared = metric[0, 0] * i**2 + metric[1, 1] * j**2 + metric[2, 2] * k**2
    if np.abs(metric - np.diag(np.diag(metric))).max() > 0:
        squared = squared + 2 * (metric[0, 1] * i * j + metric[0, 2] * i * k + metric[1, 2] * j * k)
    squared[0, 0, 0] = np.inf
    return np.asarray(1 / np.sqrt(squared))
