"""What the four bodies share: tissue before any scanner, ellipsoids, and how an MR scanner shows a signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genoxel.simulate.fields import Float32, Millimetres, polynomial
from genoxel.simulate.lesion import Axes, BoolArray
from genoxel.simulate.sites import Scanner
from genoxel.simulate.tissue import Tissue


@dataclass(frozen=True)
class BodyModel:
    """Tissue of one patient before any scanner: signal per sequence (sequences, i, j, k), the true tumour, distractors.

    On CT the only signal is HU. `adc` is the apparent diffusion coefficient in 10^-3 mm²/s where the body has one.
    """

    signal: Float32
    tumour: BoolArray
    others: Mapping[str, BoolArray]
    spacing: Millimetres
    tissue: Tissue
    adc: Float32 | None = None


def ellipsoid(axes: Axes, centre: Millimetres, half: Millimetres) -> Float32:
    """Return an approximate signed distance (i, j, k) in mm to an ellipsoid, positive inside."""
    parts = [
        ((axis - np.float32(place)) / np.float32(size)) for axis, place, size in zip(axes, centre, half, strict=True)
    ]
    ratio = np.sqrt(parts[0] ** 2 + parts[1] ** 2 + parts[2] ** 2)
    return np.asarray((1 - ratio) * np.float32(min(half)), np.float32)


def scan_mr(rng: np.random.Generator, signal: Float32, names: tuple[str, ...], scanner: Scanner) -> dict[str, Float32]:
    """Return what the scanner shows of `signal` (names, i, j, k): whole numbers with coil bias and Rician noise."""
    size = signal.shape[1:]
    coil = np.exp(np.float32(scanner.bias) * polynomial(rng, (size[0], size[1], size[2])))
    gain = scanner.scale * np.exp(0.12 * rng.standard_normal(len(names)))
    images = {}
    for place, name in enumerate(names):
        noise = rng.standard_normal((2, *size), dtype=np.float32) * np.float32(scanner.noise)
        shown = np.hypot(signal[place] * coil + noise[0], noise[1])
        images[name] = np.asarray(np.rint(shown * np.float32(gain[place])), np.float32)
    return images
