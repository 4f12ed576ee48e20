"""CT reconstructions of one chest: kernel, slice thickness and dose, with the noise of counted photons."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import fft

from genoxel.core.image import FloatArray, Image
from genoxel.simulate.fields import Float32, Millimetres

_WATER_PER_MM = 0.019
_NOISE_HU = 14.0
"""Noise of the smooth kernel in the middle of an average chest, 5 mm slices, full dose."""

_TYPICAL = math.exp(0.5 * 3.2)


@dataclass(frozen=True)
class Reconstruction:
    """How a scan is turned into slices: kernel, thickness in mm (0: as drawn), share of the dose.

    `iodine` is what contrast adds in blood and in the tumour, relative to the scan that everybody has.
    """

    name: str
    sharp: bool
    thickness: float = 0.0
    dose: float = 1.0
    iodine: tuple[float, float] = (1.0, 1.0)


RECONSTRUCTIONS = {
    "native": Reconstruction("native", False, iodine=(0.0, 0.0)),
    "arterial": Reconstruction("arterial", False, iodine=(2.2, 0.45)),
    "delayed": Reconstruction("delayed", False, iodine=(0.55, 0.8)),
    "low-energy": Reconstruction("low-energy", False, iodine=(1.8, 1.8)),
    "sharp": Reconstruction("sharp", True),
    "smooth": Reconstruction("smooth", False),
    "thick-2.5": Reconstruction("thick-2.5", False, 2.5),
    "thick-5": Reconstruction("thick-5", False, 5.0),
    "thick-2.5-sharp": Reconstruction("thick-2.5-sharp", True, 2.5),
    "thick-5-sharp": Reconstruction("thick-5-sharp", True, 5.0),
    "low-dose": Reconstruction("low-dose", False, dose=0.1),
}


def reconstruct(
    random: np.random.Generator, hounsfield: Float32, spacing: Millimetres, affine: FloatArray, how: Reconstruction
) -> Image:
    """Return the image of `hounsfield` (i, j, k) by a reconstruction, on its own slices where they are thicker.

    In plane the kernel is a transfer function; the noise has the spectrum of filtered back projection (frequency times
    the kernel) and the variance of counted photons: inverse to dose and thickness, growing with the path through the
    body. There are no streaks and no beam hardening.
    """
    values, thick, moved = slab(hounsfield, spacing[2], affine, how.thickness)
    frequency = np.hypot(fft.fftfreq(values.shape[0], spacing[0])[:, None], fft.fftfreq(values.shape[1], spacing[1]))
    transfer = _transfer(frequency, how.sharp)[:, :, None]
    shown = fft.ifftn(fft.fftn(values, axes=(0, 1)) * transfer, axes=(0, 1)).real
    noise = random.standard_normal(values.shape)
    spectrum = frequency[:, :, None] * transfer
    grain = fft.ifftn(fft.fftn(noise, axes=(0, 1)) * spectrum, axes=(0, 1)).real
    reference = frequency * _transfer(frequency, False)
    grain /= np.sqrt(np.mean(reference**2))
    level = _NOISE_HU * _paths(values, spacing) * math.sqrt(5.0 / (max(thick, 0.5) * how.dose))
    result = np.clip(np.rint(shown + level * grain), -1024, 3071)
    return Image(np.asarray(result, np.float32), moved, "CT", "HU")


def _transfer(frequency: FloatArray, sharp: bool) -> FloatArray:
    """Return the transfer function at spatial frequencies in 1/mm; the sharp kernel lifts the middle ones."""
    if sharp:
        return np.asarray((1 + 2.2 * (frequency / 0.5) ** 2) * np.exp(-((frequency / 0.55) ** 2)), np.float64)
    return np.asarray(np.exp(-((frequency / 0.35) ** 2)), np.float64)


def slab(values: Float32, step: float, affine: FloatArray, thickness: float) -> tuple[Float32, float, FloatArray]:
    """Return (means over slices of `thickness` mm, thickness, affine of them); 0 leaves everything as it is."""
    if thickness == 0 or math.isclose(thickness, step):
        return values, step, affine
    total = values.shape[2] * step
    count = int(total / thickness + 1e-9)
    summed = np.concatenate([np.zeros((*values.shape[:2], 1)), np.cumsum(values, axis=2, dtype=np.float64)], axis=2)
    edges = np.arange(count + 1) * thickness / step
    low = np.minimum(edges.astype(int), values.shape[2] - 1)
    part = edges - low
    at = summed[:, :, low] + part * (summed[:, :, low + 1] - summed[:, :, low])
    moved = affine.copy()
    moved[:3, 3] += affine[:3, 2] / step * (thickness - step) / 2
    moved[:3, 2] *= thickness / step
    return np.asarray(np.diff(at, axis=2) * step / thickness, np.float32), thickness, moved


def _paths(values: Float32, spacing: Millimetres) -> FloatArray:
    """Return the noise relative to an average chest: the root mean of exp(path) over two directions."""
    attenuation = _WATER_PER_MM * np.maximum(1 + values / 1000, 0)
    across = np.exp(attenuation.sum(axis=0, keepdims=True) * spacing[0])
    down = np.exp(attenuation.sum(axis=1, keepdims=True) * spacing[1])
    return np.asarray(np.sqrt((across + down) / 2) / _TYPICAL, np.float64)
