"""Steps of preparation as a study file sets them: grid, rounding, partial volume, range and outliers together."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.image.prepare import Prepared, prepare
from genoxel.image.settings import ImageSettings
from genoxel.study.schema import parse_study

AFFINE = np.diag([3.0, 1.0, 1.0, 1.0])
SHAPE = (10, 6, 6)


def rules(section: str) -> ImageSettings:
    settings, problems = parse_study(f"[image]\n{section}\n")
    assert problems == []
    assert settings is not None
    return settings.image


def ramp() -> Image:
    """Return intensities equal to the place along i in mm, from 0 to 27."""
    places = np.arange(SHAPE[0]) * 3.0
    return Image(np.broadcast_to(places[:, None, None], SHAPE).copy(), AFFINE, modality="MR")


def block(first: int = 2, last: int = 7) -> Mask:
    inside = np.zeros(SHAPE, np.uint8)
    inside[first : last + 1, 1:5, 1:5] = 1
    return Mask(inside, AFFINE)


def profile(prepared: Prepared) -> np.ndarray:
    """Return intensities of the region along i, on its first row."""
    rows = prepared.inside.any(axis=(1, 2))
    middle = np.argwhere(prepared.inside)[0]
    return np.asarray(prepared.image[rows, middle[1], middle[2]])


def test_the_grid_is_aligned_at_the_centre():
    """10 voxels of 3 mm become 15 of 2 mm around the same centre at 13.5 mm: the first lies at -0.5 mm."""
    found = prepare(ramp(), block(), rules("resample_mm = [2, 1, 1]"))
    centres = 13.5 + 2.0 * (np.arange(15) - 7)
    share = np.interp(centres, np.arange(10) * 3.0, np.isin(np.arange(10), range(2, 8)))
    np.testing.assert_allclose(profile(found), centres[share >= 0.5], atol=1e-9)


@pytest.mark.parametrize(("setting", "wanted"), [("true", True), ("false", False)])
def test_rounding_is_set(setting: str, wanted: bool):
    section = f"resample_mm = [1.3, 1, 1]\nround_intensities = {setting}"
    values = profile(prepare(ramp(), block(), rules(section)))
    exact = profile(prepare(ramp(), block(), rules("resample_mm = [1.3, 1, 1]\nround_intensities = false")))
    np.testing.assert_array_equal(values, np.floor(exact + 0.5) if wanted else exact)
    assert not np.array_equal(exact, np.round(exact))


@pytest.mark.parametrize("threshold", [0.05, 0.25, 0.5, 0.75, 1.0])
def test_the_share_of_a_voxel_that_counts_is_set(threshold: float):
    found = prepare(ramp(), block(), rules(f"resample_mm = [1, 1, 1]\nmask_threshold = {threshold}"))
    centres = 13.5 + (np.arange(30) - 14.5)
    share = np.interp(centres, np.arange(10) * 3.0, np.isin(np.arange(10), range(2, 8)))
    assert profile(found).size == np.count_nonzero(share >= threshold - 1e-9)


def test_the_nearest_voxel_can_decide_about_the_mask():
    found = prepare(ramp(), block(), rules('resample_mm = [1, 1, 1]\nmask_interpolate = "nearest"'))
    assert profile(found).size == 18


def test_range_and_outliers_hold_together_in_this_order():
    rng = np.random.default_rng(1)
    array = rng.normal(100, 10, (12, 12, 12))
    array[0, 0, :] = 900  # outside the range: must not widen the deviation
    array[1, 1, :] = 145
    inside = Mask(np.ones(array.shape, np.uint8), np.eye(4))
    image = Image(array, np.eye(4), modality="MR")
    found = prepare(image, inside, rules("range = [70, 200]\noutliers_sigma = 3"))
    ranged = array[(array >= 70) & (array <= 200)]
    kept = ranged[np.abs(ranged - ranged.mean()) <= 3 * ranged.std()]
    np.testing.assert_array_equal(np.sort(found.values), np.sort(kept))
    alone = prepare(image, inside, rules("outliers_sigma = 3"))
    assert alone.values.size != kept.size
    assert 145 in alone.values
    assert 145 not in found.values
    step = next(step for step in found.steps if step.name == "resegment")
    assert step.params["range"] == [70, 200]
    assert step.params["outliers_sigma"] == 3


def test_a_range_in_hu_is_for_images_in_hu():
    both = rules("range_hu = [5, 20]")
    plain = prepare(ramp(), block(), both)
    ct = Image(ramp().values(), AFFINE, modality="CT", unit="HU")
    assert prepare(ct, block(), both).values.size < plain.values.size == block().count()
