"""Sharp CT kernels brought to a smooth one: noise power in an even tissue tells what a kernel does to each frequency.

The noise of a reconstruction carries the kernel's transfer function. The root of the ratio of two noise power spectra,
set to 1 at the lowest frequencies (where dose alone differs), is the filter that takes one kernel to the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genoxel.core.errors import GeometryError, InputError, MaskError
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


def mean_spectrum(spectra: Sequence[NoiseSpectrum]) -> NoiseSpectrum:
    """Return the geometric mean of several spectra, so that a noisy scan counts no more than a quiet one.

    It stands at the frequencies of the spectrum that reaches least far. Raises `InputError` for none.

    >>> one, other = NoiseSpectrum((0.1, 0.2), (4.0, 1.0), 20), NoiseSpectrum((0.1, 0.3), (1.0, 0.0625), 30)
    >>> mean_spectrum([one, other]).power
    (2.0, 0.7288689868556626)
    """
    if not spectra:
        raise InputError("no spectrum to take the mean of", "one or more", "measure noise_spectrum on some scans")
    places = min((one.frequencies for one in spectra), key=lambda one: one[-1])
    logs = [np.log(np.maximum(np.interp(places, one.frequencies, one.power), 1e-12)) for one in spectra]
    power = np.exp(np.mean(logs, axis=0))
    return NoiseSpectrum(tuple(places), tuple(float(one) for one in power), sum(one.patches for one in spectra))


def match_kernel(image: Image, tissue: Mask, target: NoiseSpectrum) -> Image:
    """Return `image` filtered in its slices so that its noise has the shape of `target`; recorded as the step "kernel".

    `target` is the spectrum of the smooth kernel, measured in the same tissue of other scans. Nothing is amplified:
    where the target is sharper the image stays, and `highest_asked` in the record says how much gain (1: none) was
    refused. Raises as `noise_spectrum` does.
    """
    own = noise_spectrum(image, tissue)
    wanted = np.interp(own.frequencies, target.frequencies, target.power)
    ratio = np.sqrt(wanted / np.maximum(own.power, 1e-12))
    asked = ratio / ratio[0]
    gains = np.clip(asked, 0.0, 1.0)
    params = {
        "frequencies": [float(one) for one in own.frequencies],
        "gains": [float(one) for one in gains],
        "peak_before": own.peak,
        "peak_target": target.peak,
        "patches": own.patches,
        "highest_asked": float(asked.max()),
    }
    return replay_kernel(image, params)


def kernel_measures(before: Image, after: Image, tissue: Mask) -> dict[str, float]:
    """Return how far a CT was from the kernel that it was matched to, of `after` as `match_kernel` returned it.

    `peak_before` and `peak_target` (1/mm), `least_gain` and `highest_asked` (above 1: sharpening, which was refused),
    the deviation (HU) in the tissue before and after, and the `patches` that were measured.
    """
    step = next(one for one in reversed(after.history) if one.name == "kernel")
    inside = tissue.on(before).inside()
    return {
        **{name: float(step.params[name]) for name in ("peak_before", "peak_target", "highest_asked", "patches")},
        "least_gain": float(min(step.params["gains"])),
        "deviation_before_hu": float(before.values()[inside].std()),
        "deviation_after_hu": float(after.values()[inside].std()),
    }


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
