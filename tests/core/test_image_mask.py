"""Image, Grid and Mask: one convention, one gate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genoxel.core.errors import GeometryError, MaskError
from genoxel.core.image import Grid, Image, Step
from genoxel.core.mask import Mask

AFFINE = np.array([[0.5, 0, 0, -10], [0, 0.5, 0, 20], [0, 0, 3, 5], [0, 0, 0, 1.0]])


def _mask(affine: np.ndarray = AFFINE) -> Mask:
    array = np.zeros((4, 5, 3), np.uint8)
    array[1:3, 1:3, 1] = 1
    array[0, 0, 0] = 2
    return Mask(array, affine, {1: "core", 2: "oedema"})


@pytest.mark.parametrize(
    ("shape", "affine", "words"),
    [
        ((2, 3), np.eye(4), "three sizes"),
        ((2, 0, 3), np.eye(4), "three sizes"),
        ((2, 2, 2), np.eye(3), "4 x 4"),
        ((2, 2, 2), np.full((4, 4), np.nan), "4 x 4 finite"),
        ((2, 2, 2), np.diag([1, 0, 1, 1.0]), "without volume"),
    ],
)
def test_grids_that_cannot_be(shape: tuple[int, ...], affine: np.ndarray, words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        Grid(shape, affine)  # type: ignore[arg-type]


def test_spacing_volume_and_places_by_hand() -> None:
    grid = Grid((4, 5, 3), AFFINE)
    assert grid.spacing == (0.5, 0.5, 3.0)
    assert grid.voxel_volume == pytest.approx(0.75)
    assert grid.to_patient([1, 2, 1]).tolist() == [[-9.5, 21.0, 8.0]]
    assert grid.to_voxel([-9.5, 21, 8]) == pytest.approx(np.array([[1, 2, 1]]))
    assert grid.describe() == "4 x 5 x 3 voxels of 0.5 x 0.5 x 3 mm, first voxel at (-10, 20, 5) mm"


@given(
    st.lists(st.floats(-1, 1), min_size=9, max_size=9).map(lambda v: np.array(v).reshape(3, 3) + 3 * np.eye(3)),
    st.lists(st.floats(-100, 100), min_size=3, max_size=3),
    st.lists(st.floats(-50, 50), min_size=3, max_size=3),
)
def test_there_and_back_is_the_same_place(linear: np.ndarray, origin: list[float], point: list[float]) -> None:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = linear, origin
    grid = Grid((3, 3, 3), affine)
    assert grid.to_voxel(grid.to_patient(point)) == pytest.approx(np.array([point]), abs=1e-9)


def test_steps_are_recorded_and_nothing_is_shared() -> None:
    image = Image(np.zeros((2, 3, 4)), AFFINE, "CT", "HU", tags={"KVP": 120})
    moved = image.with_step("shift", image.values() + 1, {"by": 1}, unit="")
    assert moved.history == (Step("shift", {"by": 1}),)
    assert image.history == ()
    assert (moved.unit, moved.modality, moved.tags["KVP"]) == ("", "CT", 120)
    assert repr(moved.history[0]) == "shift(by=1)"
    assert "shift(by=1)" in moved._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        image.affine[0, 0] = 2
    with pytest.raises(TypeError):
        image.tags["KVP"] = 80  # type: ignore[index]


class _Lazy:
    shape, dtype = (2, 3, 4), np.dtype(np.float32)

    def __init__(self) -> None:
        self.loaded = 0

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        self.loaded += 1
        return np.ones(self.shape, np.float32)


def test_lazy_arrays_are_loaded_only_when_looked_at() -> None:
    lazy = _Lazy()
    image = Image(lazy, AFFINE)  # type: ignore[arg-type]
    assert repr(image) == "Image volume 2 x 3 x 4 voxels of 0.5 x 0.5 x 3 mm"
    assert lazy.loaded == 0
    assert image.values().sum() == 24
    assert lazy.loaded == 1


def test_regions_by_name_and_number() -> None:
    mask = _mask()
    assert (mask.count(), mask.count("core"), mask.count(2)) == (5, 4, 1)
    core = mask.region("core")
    assert (core.count(), dict(core.labels)) == (4, {1: "core"})
    assert core.history[-1].params == {"name": "core"}
    for wrong in ("cor", 7):
        with pytest.raises(MaskError, match="1 = core, 2 = oedema"):
            mask.inside(wrong)
    assert "core: 4 voxels" in mask._repr_html_()
    assert repr(mask) == "Mask core, oedema: 5 voxels of 0.5 x 0.5 x 3 mm"
    assert Mask(np.ones((1, 1, 1), bool), np.eye(4)).count() == 1
    with pytest.raises(MaskError, match="whole-number labels"):
        Mask(np.full((1, 1, 1), 0.5), np.eye(4))


def test_the_gate_accepts_rounding_and_refuses_everything_else() -> None:
    image = Image(np.zeros((4, 5, 3)), AFFINE)
    near = AFFINE + np.array([[0, 0, 0, 0.0004]] + [[0, 0, 0, 0]] * 3)
    assert np.array_equal(_mask(near).on(image).affine, AFFINE)
    for change in ("shift", "flip", "spacing"):
        affine = AFFINE.copy()
        if change == "shift":
            affine[0, 3] += 0.01
        elif change == "flip":
            affine[2] *= -1
        else:
            affine[2, 2] = 3.01
        with pytest.raises(GeometryError, match="off by") as caught:
            _mask(affine).on(image)
        assert "4 x 5 x 3 voxels" in str(caught.value)
    with pytest.raises(GeometryError):
        _mask().on(Image(np.zeros((4, 5, 4)), AFFINE))
    empty = Mask(np.zeros((4, 5, 3), np.uint8), AFFINE)
    with pytest.raises(MaskError, match="empty mask"):
        empty.on(image)
