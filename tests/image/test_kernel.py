"""CT kernels matched by their noise: known spectra are measured, and features of both kernels come closer together."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.errors import GeometryError, MaskError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features.extract import extract
from genoxel.features.settings import FeatureSettings
from genoxel.image.kernel import match_kernel, noise_spectrum
from genoxel.image.replay import replay
from genoxel.image.settings import ImageSettings
from genoxel.simulate import SimulationSpec, phantom

AFFINE = np.diag([0.8, 0.8, 2.0, 1.0])
ALL = Mask(np.ones((96, 96, 12), np.uint8), AFFINE)


def coloured(transfer, seed: int = 0) -> Image:
    """Noise of SD 10 at each frequency times a known transfer function."""
    white = np.random.default_rng(seed).normal(0, 10, (96, 96, 12))
    frequency = np.hypot(np.fft.fftfreq(96, 0.8)[:, None], np.fft.fftfreq(96, 0.8))
    array = np.fft.ifft2(np.fft.fft2(white, axes=(0, 1)) * transfer(frequency)[:, :, None], axes=(0, 1)).real
    return Image(array, AFFINE, "CT", "HU")


def smooth(frequency):
    return np.exp(-((frequency / 0.35) ** 2))


def sharp(frequency):
    return (1 + 2.2 * (frequency / 0.5) ** 2) * np.exp(-((frequency / 0.55) ** 2))


def test_the_spectrum_is_the_analytic_one():
    """White noise of SD 10, pixels of 0.8 mm: a power of 100 * 0.64 HU^2 mm^2; a filter multiplies by its square."""
    for transfer in (np.ones_like, sharp, smooth):
        found = noise_spectrum(coloured(transfer), ALL)
        wanted = 64 * transfer(np.array(found.frequencies)) ** 2
        middle = slice(1, 5)  # the first ring lost the slope of each square, the last ones hold next to no power
        np.testing.assert_allclose(np.array(found.power)[middle], wanted[middle], rtol=0.2)
    assert noise_spectrum(coloured(sharp), ALL).peak == pytest.approx(0.40, abs=0.08)


def test_the_filter_found_is_the_ratio_of_both_kernels_and_replays():
    image = coloured(sharp)
    done = match_kernel(image, ALL, noise_spectrum(coloured(smooth, 1), ALL))
    told = done.history[-1].params
    frequency = np.array(told["frequencies"])
    wanted = smooth(frequency) / sharp(frequency)
    np.testing.assert_allclose(np.array(told["gains"]), wanted / wanted[0], atol=0.12)
    assert replay(done.history, image).values().tobytes() == done.values().tobytes()
    assert match_kernel(done, ALL, noise_spectrum(image, ALL)).values().std() <= done.values().std() * 1.0001


def test_the_mean_stays_and_what_cannot_be_measured_is_refused():
    image = Image(coloured(sharp).values() + 40, AFFINE, "CT", "HU")
    done = match_kernel(image, ALL, noise_spectrum(coloured(smooth, 1), ALL))
    assert done.values().mean() == pytest.approx(image.values().mean(), abs=0.5)
    few = np.zeros((96, 96, 12), np.uint8)
    few[:20, :20] = 1
    with pytest.raises(MaskError, match="squares"):
        noise_spectrum(image, Mask(few, AFFINE))
    oblong = np.diag([0.8, 0.9, 2.0, 1.0])
    with pytest.raises(GeometryError, match="square pixels"):
        noise_spectrum(Image(image.values(), oblong, "CT", "HU"), Mask(np.asarray(ALL.array), oblong))


def test_most_features_vary_less_between_kernels_after_matching():
    """Chests of a sharp and a smooth kernel; the target is the smooth scan of a patient who is not measured."""
    spec = SimulationSpec(n=10, modality="ct", also=("sharp", "smooth"), seed=8, shape=(320, 320, 14))
    chests = [phantom(spec, place) for place in range(4)]
    target = noise_spectrum(chests[0].images["smooth"], chests[0].others["Heart"])
    rules = ImageSettings.model_validate({"discretise": {"bin_size": 25, "anchor": -1000}})
    before, after = [], []
    for chest in chests[1:]:
        done = match_kernel(chest.images["sharp"], chest.others["Heart"], target)
        three = [measured(one, chest.tumour, rules) for one in (chest.images["smooth"], chest.images["sharp"], done)]
        before.append(variation(three[0], three[1]))
        after.append(variation(three[0], three[2]))
    first, second = (np.nanmedian(np.array(one), axis=0) for one in (before, after))
    moved = first > 1e-6
    less = second[moved] < first[moved]

    told = (less.mean(), moved.sum(), np.median(first[moved]), np.median(second[moved]))
    assert moved.sum() > 60, told
    assert less.mean() > 0.6, told
    assert np.median(second[moved]) < 0.7 * np.median(first[moved])


def measured(image: Image, mask: Mask, rules: ImageSettings) -> np.ndarray:
    families = ("stat", "hist", "glcm", "glrlm", "glszm", "ngtdm")
    found = extract(image, mask.on(image), rules, FeatureSettings.model_validate({"families": families}))
    return np.array(list(found.values.values()))


def variation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one - other) / np.sqrt(2) / np.maximum(np.abs(one + other) / 2, 1e-12)
