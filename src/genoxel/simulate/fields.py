"""Random fields with a stated correlation length, on any voxel size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

Float32 = npt.NDArray[np.float32]
Size = tuple[int, int, int]
Millimetres = tuple[float, float, float]


def field_pair(rng: np.random.Generator, size: Size, spacing: Millimetres, length: float) -> tuple[Float32, Float32]:
    """Return two independent Gaussian fields (i, j, k) of mean 0 and SD 1 whose correlation is exp(-r²/(2 length²)).

    `length` and `spacing` are in mm; the correlation is exact at the voxel centres also where voxels are longer than
    `length`. Source: circulant embedding (Dietrich and Newsam 1997), axis by axis.

    >>> a, b = field_pair(np.random.default_rng(0), (16, 16, 16), (1.0, 1.0, 1.0), 2.0)
    >>> a.shape
    (16, 16, 16)
    """
    white = rng.standard_normal((2, *size), dtype=np.float32)
    spectrum = fft.fftn(white[0] + 1j * white[1], workers=1)
    power = 1.0
    for axis, (count, step) in enumerate(zip(size, spacing, strict=True)):
        away = np.minimum(np.arange(count), count - np.arange(count)) * step
        gain = np.sqrt(np.maximum(fft.fft(np.exp(-(away**2) / (2 * length**2))).real, 0))
        power *= float(np.mean(gain**2))
        shape = [1, 1, 1]
        shape[axis] = count
        spectrum *= gain.reshape(shape).astype(np.float32)
    fields = fft.ifftn(spectrum, workers=1)
    scale = np.float32(1 / np.sqrt(power))
    return np.asarray(fields.real * scale, np.float32), np.asarray(fields.imag * scale, np.float32)


def ramp(distance: npt.NDArray[np.floating[Any]], width: float) -> Float32:
    """Return a soft step, 0 far below and 1 far above distance 0, `width` mm from 12 % to 88 %."""
    steep = np.asarray(distance, np.float32) * np.float32(-4 / width)
    return np.asarray(1 / (1 + np.exp(np.clip(steep, -30, 30))), np.float32)


def bumps(rng: np.random.Generator, unit: tuple[Float32, Float32, Float32], lowest: float, highest: float) -> Float32:
    """Return a smooth function of direction with mean about 0 and SD about 1 (a sum of 12 random plane waves).

    `unit` holds the three components of unit vectors; `lowest` and `highest` bound the waves' angular frequency.
    """
    waves = 12
    total = np.zeros_like(unit[0])
    for _ in range(waves):
        way = rng.standard_normal(3)
        way *= rng.uniform(lowest, highest) / np.linalg.norm(way)
        phase = rng.uniform(0, 2 * np.pi)
        total += np.cos(way[0] * unit[0] + way[1] * unit[1] + way[2] * unit[2] + phase, dtype=np.float32)
    return np.asarray(total * np.float32(np.sqrt(2 / waves)), np.float32)


def polynomial(rng: np.random.Generator, size: Size) -> Float32:
    """Return a smooth random field of second order with SD 1 over the volume (a coil's sensitivity)."""
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, count, dtype=np.float32) for count in size], indexing="ij", sparse=True)
    weights = rng.standard_normal(8).astype(np.float32)
    terms = (x, y, z, x * y, y * z, x * x, y * y, z * z)
    total = sum((weight * term for weight, term in zip(weights, terms, strict=True)), np.zeros(size, np.float32))
    return np.asarray((total - total.mean()) / max(float(total.std()), 1e-6), np.float32)
