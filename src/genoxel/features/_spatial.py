"""Sums over all pairs of voxels weighted by inverse distance, exact, by Fourier transforms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray

MAX_CELLS = 2**27
"""Transforms of more cells (2 GB) are not made; the feature is then said to be not defined for this region."""


def pair_sums(inside: npt.NDArray[np.bool_], centred: FloatArray, matrix: FloatArray) -> tuple[float, float, float]:
    """Return the sums over ordered pairs of w, w x_i x_j and w x_i², with w = 1 / distance in mm.

    `centred` (n,) are the values x inside (i, j, k), in array order; `matrix` (3, 3) maps voxels to mm. By Parseval's
    theorem no inverse transform is needed.
    """
    from scipy.fft import next_fast_len, rfftn

    shape = tuple(next_fast_len(2 * size - 1, real=True) for size in inside.shape)
    if float(np.prod([float(size) for size in shape])) > MAX_CELLS:
        raise NotDefinedError(f"a region box of {inside.shape} voxels", "a smaller box", "resample to larger voxels")
    steps = np.meshgrid(*[_wrapped(n, size) for n, size in zip(shape, inside.shape, strict=True)], indexing="ij")
    offsets = np.stack(steps, axis=-1) @ matrix.T
    squared = np.einsum("...i,...i->...", offsets, offsets)
    squared[0, 0, 0] = np.inf
    volume = np.zeros(inside.shape)
    volume[inside] = centred
    weight = rfftn(1 / np.sqrt(squared)).real * _halves(shape)
    mask, values, squares = (rfftn(part, shape) for part in (inside.astype(float), volume, volume**2))
    cells = float(np.prod(shape))
    return (
        float((weight * np.abs(mask) ** 2).sum() / cells),
        float((weight * np.abs(values) ** 2).sum() / cells),
        float((weight * (squares * mask.conj()).real).sum() / cells),
    )


def _wrapped(cells: int, size: int) -> FloatArray:
    place = np.arange(cells, dtype=np.float64)
    return np.where(place < size, place, place - cells)


def _halves(shape: tuple[int, ...]) -> FloatArray:
    weights = np.full(shape[-1] // 2 + 1, 2.0)
    weights[0] = 1.0
    if shape[-1] % 2 == 0:
        weights[-1] = 1.0
    return weights
