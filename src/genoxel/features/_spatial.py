"""Sums over all pairs of voxels weighted by inverse distance, exact, by Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray

MAX_CELLS = 2**26
"""Transforms of more cells (2 GB in all) are not made; the feature is then said to be not defined for this region."""


def pair_sums(inside: npt.NDArray[np.bool_], centred: FloatArray, matrix: FloatArray) -> tuple[float, float, float]:
    """Return the sums over ordered pairs of w, w x_i x_j and w x_i², with w = 1 / distance in mm.

    `centred` (n,) are the values x inside (i, j, k), in array order; `matrix` (3, 3) maps voxels to mm. By Parseval's
    theorem no inverse transform is needed.
    """
    from scipy.fft import next_fast_len

    from genoxel.features._kernels.spectra import weighted_products

    # even lengths of at least 2 n - 1, so that offsets fold onto half of each axis
    shape = tuple(2 * next_fast_len(size, real=True) for size in inside.shape)
    if float(np.prod([float(size) for size in shape])) > MAX_CELLS:
        raise NotDefinedError(f"a region box of {inside.shape} voxels", "a smaller box", "resample to larger voxels")
    volume = np.zeros(inside.shape)
    volume[inside] = centred
    weight = _weights(shape, matrix.T @ matrix)
    spectra = [_transform(part, shape) for part in (inside.astype(np.float64), volume, volume**2)]
    sums = np.array(weighted_products(weight, *spectra)) / float(np.prod(shape))
    return float(sums[0]), float(sums[1]), float(sums[2])


def _transform(part: FloatArray, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    from scipy.fft import fft, rfft

    # axis by axis, so that the zeros around the region are never transformed
    lines = fft(rfft(part, shape[2], axis=2), shape[1], axis=1, overwrite_x=True)
    return np.ascontiguousarray(fft(lines, shape[0], axis=0, overwrite_x=True))


def _weights(shape: tuple[int, ...], metric: FloatArray) -> FloatArray:
    """Return the spectrum of 1 / distance, its last axis halved, cells that stand for two counted twice."""
    from scipy.fft import dctn, rfftn

    square = bool(np.abs(metric - np.diag(np.diag(metric))).max() <= 1e-12 * metric.max())
    if square:
        # even along every axis: the transform of one octant tells all
        octant = dctn(_inverse_distance([np.arange(n // 2 + 1.0) for n in shape], metric), type=1)
        half = [np.minimum(np.arange(n), n - np.arange(n)) for n in shape[:2]]
        weight = octant[half[0]][:, half[1]]
    else:
        folded = [np.where(np.arange(n) <= n // 2, np.arange(n), np.arange(n) - n).astype(float) for n in shape]
        weight = rfftn(_inverse_distance(folded, metric)).real
    weight[:, :, 1:-1] *= 2
    return np.ascontiguousarray(weight)


def _inverse_distance(steps: list[FloatArray], metric: FloatArray) -> FloatArray:
    i, j, k = np.ix_(*steps)
    squared = metric[0, 0] * i**2 + metric[1, 1] * j**2 + metric[2, 2] * k**2
    if np.abs(metric - np.diag(np.diag(metric))).max() > 0:
        squared = squared + 2 * (metric[0, 1] * i * j + metric[0, 2] * i * k + metric[1, 2] * j * k)
    squared[0, 0, 0] = np.inf
    return np.asarray(1 / np.sqrt(squared))
