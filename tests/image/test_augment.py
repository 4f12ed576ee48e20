"""Copies for training: the same draw gives the same copy, contours move with their image, records replay."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.errors import SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.image.augment import augment
from genoxel.image.replay import replay


def ball() -> tuple[Image, Mask]:
    places = np.indices((32, 32, 24)) - np.array([15.5, 13.5, 11.5])[:, None, None, None]
    inside = (places**2).sum(axis=0) < 36
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    return Image(np.where(inside, 200.0, 50.0), affine, "MR"), Mask((2 * inside).astype(np.uint8), affine, {2: "GTV"})


def test_the_contour_follows_the_image_and_its_label_stays():
    image, mask = ball()
    for seed in range(5):
        copy, moved = augment(image, mask, seed)
        assert moved.labels == {2: "GTV"}
        assert copy.grid.same_as(image.grid)
        bright = copy.values() > 125
        assert 2 * (bright & moved.inside()).sum() / (bright.sum() + moved.inside().sum()) > 0.93
        assert (moved.inside() != mask.inside()).any()


def test_a_copy_is_replayed_bit_for_bit_and_follows_its_seed():
    image, mask = ball()
    copy, _ = augment(image, mask, 3)
    assert replay(copy.history, image).values().tobytes() == copy.values().tobytes()
    assert augment(image, mask, 3)[0].values().tobytes() == copy.values().tobytes()
    assert augment(image, mask, 4)[0].values().tobytes() != copy.values().tobytes()


def test_no_strength_changes_nothing_and_a_wild_one_is_refused():
    image, mask = ball()
    copy, moved = augment(image, mask, 1, strength=0)
    np.testing.assert_allclose(copy.values(), image.values(), atol=1e-9)
    assert (moved.inside() == mask.inside()).all()
    with pytest.raises(SettingsError, match="strength"):
        augment(image, mask, 1, strength=4)
