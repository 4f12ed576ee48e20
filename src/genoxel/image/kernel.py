"""Sharp CT kernels brought to a smooth one: noise power in an even tissue tells what a kernel does to each frequency.

The noise of a reconstruction carries the kernel's transfer function. The root of the ratio of two noise power spectra,
set to 1 at the lowest frequencies (where dose alone differs), is the filter that takes one kernel to the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genoxel.core.errors import GeometryError, MaskError
from genoxel.core.image import FloatArray, Image
from genoxel.core.mask import Mask
from genoxel.image.itk import finite

_LEAST_PATCHES, _BINS = 20, 8


@dataclass(frozen=True)
class NoiseSpectrum:
    """Noise power in slices (HU^2 mm^2) at `frequencies` (1/mm), from so many `patches` of an even tissue."""

    frequencies: tuple[float, ...]
    power: tuple[float, ...]
    patches: int

    @property
    def peak(self) -> float:
        """The frequency (1/mm) of the highest noise power."""
        return self.frequencies[int(np.argmax(self.power))]


def noise_spectrum(image: Image, tissue: Mask, size: int = 16) -> NoiseSpectrum:
    """Return the radial noise power spectrum of `image` in an even `tissue`, from squares of `size` pixels in slices.

    Each square lies wholly in the tissue and loses its mean and slope; 8 rings up to the Nyquist frequency. Raises
    `MaskError` for fewer than 20 squares (half of one may overlap the next), `GeometryError` for oblong pixels.

    >>> noise = Image(np.random.default_rng(0).normal(0, 5, (64, 64, 8)), np.eye(4), "CT", "HU")
    >>> spectrum = noise_spectrum(noise, Mask(np.ones((64, 64, 8), np.uint8), np.eye(4)))
    >>> 23 < spectrum.power[-1] < 27
    True
    """
    if abs(image.spacing[0] - image.spacing[1]) > 1e-3 * image.spacing[0]:
        raise GeometryError(f"pixels of {image.spacing[:2]} mm", "square pixels", "resample in the slice first")
    inside, values = tissue.on(image).inside(), finite(image, "the noise spectrum")
    step = size // 2
    corners = np.argwhere(np.ones([max(0, (length - size) // step + 1) for length in image.shape[:2]])) * step
    found = [
        _flat(values[i : i + size, j : j + size, k])
        for k in range(image.shape[2])
        for i, j in corners
        if inside[i : i + size, j : j + size, k].all()
    ]
    if len(found) < _LEAST_PATCHES:
        got = f"{len(found)} squares of {size} pixels within the tissue"
        raise MaskError(got, f"{_LEAST_PATCHES} or more", "outline a larger even tissue, or lower size")
    power = np.mean([np.abs(np.fft.fft2(one)) ** 2 for one in found], axis=0) * image.spacing[0] ** 2 / size**2
    frequency = _radial((size, size), image.spacing[0])
    rings = np.rint(frequency * image.spacing[0] * 2 * _BINS).astype(int)
    chosen = [rings == ring for ring in range(1, _BINS + 1)]
    return NoiseSpectrum(
        tuple(float(frequency[one].mean()) for one in chosen),
        tuple(float(power[one].mean()) for one in chosen),
        len(found),
    )


def match_kernel(image: Image, tissue: Mask, target: NoiseSpectrum) -> Image:
    """Return `image` filtered in its slices so that its noise has the shape of `target`; recorded as the step "kernel".

    `target` is the spectrum of the smooth kernel, measured in the same tissue of other scans. Nothing is amplified:
    where the target is sharper the image stays. Raises as `noise_spectrum` does.
    """
    own = noise_spectrum(image, tissue)
    wanted = np.interp(own.frequencies, target.frequencies, target.power)
    ratio = np.sqrt(wanted / np.maximum(own.power, 1e-12))
    gains = np.clip(ratio / ratio[0], 0.0, 1.0)
    params = {
        "frequencies": [float(one) for one in own.frequencies],
        "gains": [float(one) for one in gains],
        "peak_before": own.peak,
        "peak_target": target.peak,
        "patches": own.patches,
    }
    return replay_kernel(image, params)


def replay_kernel(image: Image, params: Mapping[str, Any]) -> Image:
    """Return `image` filtered in its slices by the recorded gains."""
    values = finite(image, "kernel matching")
    margin = 16  # mirrored, so that the far side does not come round
    padded = np.pad(values, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    frequency = _radial((padded.shape[0], padded.shape[1]), image.spacing[0])
    gain = np.interp(frequency, [0.0, *params["frequencies"]], [1.0, *params["gains"]])
    shown = np.fft.ifft2(np.fft.fft2(padded, axes=(0, 1)) * gain[:, :, None], axes=(0, 1)).real
    return image.with_step("kernel", shown[margin:-margin, margin:-margin], {**params})


def _radial(shape: tuple[int, int], spacing: float) -> FloatArray:
    return np.asarray(np.hypot(np.fft.fftfreq(shape[0], spacing)[:, None], np.fft.fftfreq(shape[1], spacing)))


def _flat(square: FloatArray) -> FloatArray:
    """Return a square without its mean and slope."""
    places = np.indices(square.shape).reshape(2, -1).T
    plane = np.column_stack([np.ones(len(places)), places])
    return np.asarray(square - (plane @ np.linalg.lstsq(plane, square.ravel(), rcond=None)[0]).reshape(square.shape))
