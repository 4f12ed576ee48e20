"""MetaImage: round trips, an independent reader, and every lie of a header refused."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from genoxel.core.errors import FileFormatError, GenoxelError, GeometryError, MaskError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.mha import header_grid, read_mha, read_mha_mask, write_mha

AFFINE = np.array([[0.0, -1.2, 0, 5], [0.7, 0, 0, -8], [0, 0, 2.5, 30], [0, 0, 0, 1]])


def volume(kind: str = "<i2") -> Image:
    return Image(np.arange(4 * 5 * 6).reshape(4, 5, 6).astype(kind), AFFINE, "CT")


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_writing_and_reading_gives_the_same_voxels_and_place(tmp_path: Path, kind: str) -> None:
    image = read_mha(write_mha(tmp_path / "a.mha", volume(kind)), "CT")
    assert image.array.dtype == np.dtype(kind)
    assert np.array_equal(image.array, volume(kind).array)
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-12)
    assert image.unit == "HU"
    shape, affine = header_grid(tmp_path / "a.mha")
    assert shape == (4, 5, 6)
    np.testing.assert_allclose(affine, AFFINE, atol=1e-12)


@pytest.mark.parametrize("packed", [True, False])
def test_agrees_with_simpleitk_both_ways(tmp_path: Path, packed: bool) -> None:
    sitk = pytest.importorskip("SimpleITK")
    ours = sitk.ReadImage(str(write_mha(tmp_path / "ours.mha", volume())))
    assert np.array_equal(sitk.GetArrayFromImage(ours).transpose(2, 1, 0), volume().array)
    for corner in ((0, 0, 0), (3, 4, 5)):
        there = AFFINE @ [*corner, 1]
        np.testing.assert_allclose(ours.TransformIndexToPhysicalPoint(corner), there[:3], atol=1e-9)
    sitk.WriteImage(ours, str(tmp_path / "theirs.mha"), packed)
    back = read_mha(tmp_path / "theirs.mha")
    assert np.array_equal(back.array, volume().array)
    np.testing.assert_allclose(back.affine, AFFINE, atol=1e-9)


def test_masks_keep_their_labels_and_soft_ones_are_refused(tmp_path: Path) -> None:
    labels = (np.arange(120).reshape(4, 5, 6) % 3).astype(np.uint8)
    mask = read_mha_mask(write_mha(tmp_path / "m.mha", Mask(labels, AFFINE, {1: "a", 2: "b"})), {1: "a", 2: "b"})
    assert np.array_equal(mask.array, labels)
    assert dict(mask.labels) == {1: "a", 2: "b"}
    write_mha(tmp_path / "soft.mha", Image(np.full((2, 2, 2), 0.5), AFFINE))
    with pytest.raises(MaskError, match="soft"):
        read_mha_mask(tmp_path / "soft.mha")


def edit(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    return path


LIES = {
    "voxels in another file": (b"ElementDataFile = LOCAL", b"ElementDataFile = /etc/passwd", "another file"),
    "a list of files": (b"ElementDataFile = LOCAL", b"ElementDataFile = LIST", "another file"),
    "more voxels than bytes": (b"DimSize = 4 5 6", b"DimSize = 4 5 7", "declares"),
    "fewer voxels than bytes": (b"DimSize = 4 5 6", b"DimSize = 4 5 5", "declares"),
    "a volume of terabytes": (b"DimSize = 4 5 6", b"DimSize = 40000 50000 60000", "declares"),
    "another type": (b"MET_SHORT", b"MET_FLOAT", "declares"),
    "no type": (b"MET_SHORT", b"MET_OTHER", "illegal header field"),
    "colour": (b"ElementType", b"ElementNumberOfChannels = 3\nElementType", "3 channel"),
    "four dimensions": (b"NDims = 3", b"NDims = 4", "dimension 4"),
    "two headers": (b"NDims = 3", b"NDims = 3\nNDims = 3", "cut off in its header"),
    "text for true": (b"CompressedData = True", b"CompressedData = Trug", "illegal header field"),
    "no MetaImage": (b"ObjectType", b"OtherTypes", "no MetaImage"),
    "no spacing": (b"ElementSpacing", b"ElementSpaces_", "ElementSpacing"),
    "no unit directions": (b"TransformMatrix = -", b"TransformMatrix = -3", "unit directions"),
}


@pytest.mark.parametrize("case", LIES)
def test_a_header_that_lies_is_refused(tmp_path: Path, case: str) -> None:
    old, new, words = LIES[case]
    image = Image(volume().array, np.diag([-1.0, 1, 1, 1]))
    path = edit(write_mha(tmp_path / "a.mha", image), old, new)
    with pytest.raises((FileFormatError, GeometryError), match=words):
        read_mha(path)


def test_a_bomb_is_refused_without_unpacking_it(tmp_path: Path) -> None:
    packed = zlib.compress(bytes(2**26), 9)
    path = write_mha(tmp_path / "a.mha", volume())
    head = path.read_bytes().split(b"LOCAL\n")[0]
    path.write_bytes(head + b"LOCAL\n" + packed)
    with pytest.raises(GenoxelError):
        read_mha(path)


def test_values_that_are_no_number_are_counted(tmp_path: Path) -> None:
    array = np.ones((3, 3, 3), np.float32)
    array[1, 1, 1] = np.nan
    with pytest.raises(FileFormatError, match="1 voxel"):
        read_mha(write_mha(tmp_path / "a.mha", Image(array, AFFINE)))
