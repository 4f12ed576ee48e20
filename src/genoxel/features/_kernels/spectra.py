"""Sums over the cells of Fourier transforms, in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled

Spectrum = npt.NDArray[np.complex128]


@compiled
def weighted_products(weight: npt.NDArray[np.float64], mask: Spectrum, values: Spectrum, squares: Spectrum) -> Any:
    """Return the sums over all cells of w |mask|², w |values|² and w Re(squares mask*).

    The last axis holds half of a spectrum of real numbers; `weight` counts its cells once or twice already.
    """
    first, second, third = 0.0, 0.0, 0.0
    for i in range(mask.shape[0]):
        a, b, c = 0.0, 0.0, 0.0
        for j in range(mask.shape[1]):
            for k in range(mask.shape[2]):
                w = weight[i, j, k]
                m, x, s = mask[i, j, k], values[i, j, k], squares[i, j, k]
                a += w * (m.real * m.real + m.imag * m.imag)
                b += w * (x.real * x.real + x.imag * x.imag)
                c += w * (s.real * m.real + s.imag * m.imag)
        first += a
        second += b
        third += c
    return first, second, third
