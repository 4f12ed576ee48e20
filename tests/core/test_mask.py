"""The box around what a volume holds."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.mask import held_box


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32, np.bool_])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_held_box_is_that_of_all_voxels_that_are_not_zero(kind: type, axes: tuple[int, int, int]):
    rng = np.random.default_rng(5)
    for shape in ((1, 1, 1), (3, 4, 5), (8, 8, 8), (2, 9, 7)):
        array = np.zeros(shape, kind).transpose(axes)
        assert held_box(array) is None
        for _ in range(3):
            array[tuple(rng.integers(0, size) for size in array.shape)] = 1
            places = np.argwhere(array)
            pairs = zip(places.min(axis=0).tolist(), (places.max(axis=0) + 1).tolist(), strict=True)
            assert held_box(array) == tuple(slice(low, high) for low, high in pairs)
