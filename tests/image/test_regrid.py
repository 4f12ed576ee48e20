"""A mask taken over to another grid, with what changed."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.errors import GeometryError, MaskError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.image import regrid


def test_each_voxel_takes_the_label_of_the_nearest_one():
    rng = np.random.default_rng(0)
    mask = Mask(rng.integers(0, 3, (7, 6, 5)).astype(np.uint8), np.diag([1.0, 2.0, 3.0, 1.0]), {1: "a", 2: "b"})
    turn = np.array([[0.0, -1, 0, 9], [1, 0, 0, 1], [0, 0, 1, 2], [0, 0, 0, 1]])
    image = Image(np.zeros((9, 8, 10)), turn @ np.diag([0.8, 0.9, 1.1, 1.0]))
    found = regrid.onto(mask, image)
    for place in np.ndindex(image.shape):
        index = np.floor(mask.grid.to_voxel(image.grid.to_patient([place]))[0] + 0.5).astype(int)
        inside = np.all((index >= 0) & (index < mask.shape))
        assert found.array[place] == (mask.array[tuple(index)] if inside else 0)
    assert found.on(image).labels == mask.labels


def test_what_changed_is_recorded():
    mask = Mask(np.ones((4, 4, 4), np.uint8), np.eye(4))
    fine = np.diag([1.0, 0.5, 0.5, 1.0])
    fine[1:3, 3] = -0.25
    image = Image(np.zeros((2, 8, 8)), fine)
    params = regrid.onto(mask, image).history[-1].params
    assert params["volume_before_mm3"] == 64
    assert params["volume_after_mm3"] == 32
    assert params["outside_share"] == pytest.approx(0.5)


def test_a_mask_beside_the_image_and_a_grid_beyond_memory_are_refused(monkeypatch: pytest.MonkeyPatch):
    mask = Mask(np.ones((2, 2, 2), np.uint8), np.eye(4))
    away = np.eye(4)
    away[0, 3] = 50
    with pytest.raises(MaskError, match="outside the image"):
        regrid.onto(mask, Image(np.zeros((2, 2, 2)), away))
    monkeypatch.setattr(regrid, "MAX_VOXELS", 7)
    with pytest.raises(GeometryError, match="7 voxels at most"):
        regrid.onto(mask, Image(np.zeros((2, 2, 2)), np.eye(4)))
