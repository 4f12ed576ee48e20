"""Sheared and uneven lattices: functions of place that are linear are known exactly anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genoxel.core.errors import GeometryError
from genoxel.core.image import Grid
from genoxel.image.straighten import even_steps, straighten


@given(st.tuples(*[st.floats(-0.4, 0.4)] * 3), st.tuples(*[st.floats(0.5, 3)] * 3), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_a_linear_function_of_place_survives_any_shear(
    shear: tuple[float, ...], steps: tuple[float, ...], seed: int
) -> None:
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(np.random.default_rng(seed).normal(size=3)).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turn @ (np.diag(steps) @ np.array([[1, shear[0], shear[1]], [0, 1, shear[2]], [0, 0, 1]]))
    affine[:3, 3] = (5, -7, 11)
    weights = np.array([0.3, -1.1, 0.7])
    shape = (9, 8, 7)
    grid = Grid(shape, affine)
    values = (grid.to_patient(np.indices(shape).reshape(3, -1).T) @ weights + 200).reshape(shape)
    straight, placed = straighten(values, affine)
    axes = placed[:3, :3] / np.linalg.norm(placed[:3, :3], axis=0)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    there = Grid(straight.shape, placed)
    places = there.to_patient(np.indices(straight.shape).reshape(3, -1).T)
    inside = grid.to_voxel(places)
    held = ((inside >= -1e-9) & (inside <= np.array(shape) - 1 + 1e-9)).all(axis=1)
    np.testing.assert_allclose(straight.ravel()[held], (places @ weights + 200)[held], rtol=1e-6)
    assert held.sum() > 50
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in shape])).reshape(3, -1).T
    back = there.to_voxel(grid.to_patient(corners))
    assert (back >= -1e-5).all()
    assert (back <= np.array(straight.shape) - 1 + 1e-5).all()


def test_labels_stay_labels_and_keep_their_volume() -> None:
    affine = np.eye(4)
    affine[1, 2] = 0.25
    labels = np.zeros((10, 12, 9), np.uint8)
    labels[2:8, 3:9, 1:8] = 3
    moved, placed = straighten(labels, affine, nearest=True)
    assert set(np.unique(moved)) == {0, 3}
    volume = np.count_nonzero(moved) * abs(np.linalg.det(placed[:3, :3]))
    assert volume == pytest.approx(np.count_nonzero(labels), rel=0.02)


def test_a_shear_beyond_memory_is_refused() -> None:
    affine = np.eye(4)
    affine[0, 2] = 1e9
    with pytest.raises(GeometryError, match="at most"):
        straighten(np.zeros((4, 4, 4)), affine)


@given(st.lists(st.floats(0.5, 4), min_size=2, max_size=9), st.floats(-3, 3))
@settings(max_examples=60, deadline=None)
def test_values_linear_in_height_survive_uneven_steps(gaps: list[float], slope: float) -> None:
    depths = np.concatenate([[10.0], 10 + np.cumsum(gaps)])
    values = np.broadcast_to(slope * depths, (2, 3, len(depths)))
    even, step = even_steps(values, depths)
    assert step == pytest.approx(float(np.median(gaps)))
    heights = 10 + step * np.arange(even.shape[2])
    assert heights[-1] <= depths[-1] + 1e-6 * step
    np.testing.assert_allclose(even[1, 2], slope * heights, atol=1e-9)
