"""NRRD against SimpleITK, and headers that lie, point elsewhere or stop early."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genoxel.core.errors import FileFormatError, GenoxelError, GeometryError, MaskError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.nrrd import header_grid, read_nrrd, read_nrrd_mask, write_nrrd


def image(dtype: Any = np.int16) -> Image:
    from scipy.spatial.transform import Rotation

    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_rotvec([0.3, -0.2, 0.5]).as_matrix() * (0.7, 1.2, 3.0)
    affine[:3, 3] = (-30.0, 12.5, 100.0)
    return Image(np.random.default_rng(0).integers(0, 200, (7, 6, 5)).astype(dtype), affine, "MR")


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_round_trip_and_an_independent_reader(tmp_path: Path, dtype: str) -> None:
    first = image(dtype)
    path = write_nrrd(tmp_path / "a.nrrd", first)
    back = read_nrrd(path, "MR")
    assert np.array_equal(back.array, first.array)
    assert back.array.dtype == first.array.dtype
    assert np.allclose(back.affine, first.affine, atol=1e-12)
    other = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(other).transpose(2, 1, 0), first.array)
    assert np.allclose(other.TransformIndexToPhysicalPoint((6, 5, 4)), first.grid.to_patient([(6, 5, 4)])[0])
    assert np.array_equal(header_grid(path)[1], back.affine)
    assert write_nrrd(tmp_path / "b.nrrd", first).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("packed", [True, False])
def test_files_of_another_writer(tmp_path: Path, packed: bool) -> None:
    first = image()
    itk = sitk.GetImageFromArray(first.array.transpose(2, 1, 0))
    itk.SetSpacing(first.spacing)
    itk.SetOrigin(first.affine[:3, 3].tolist())
    itk.SetDirection((first.affine[:3, :3] / first.spacing).ravel().tolist())
    sitk.WriteImage(itk, str(tmp_path / "a.nrrd"), packed)
    back = read_nrrd(tmp_path / "a.nrrd")
    assert np.array_equal(back.array, first.array)
    assert back.grid.same_as(first.grid)


def header(path: Path, old: str, new: str) -> Path:
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode(), 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "kind", "words"),
    [
        ("encoding: gzip", "encoding: gzip\ndata file: /etc/passwd", FileFormatError, "detached"),
        ("encoding: gzip", "encoding: gzip\ndatafile:  other.raw", FileFormatError, "detached"),
        ("encoding: gzip", "encoding: gzip\nData File: LIST", FileFormatError, "detached"),
        ("encoding: gzip", "encoding: bzip2", FileFormatError, "encoding"),
        ("encoding: gzip", "encoding: raw", FileFormatError, "bytes of voxels"),
        ("encoding: gzip", "encoding: gzip\nbyte skip: 4", FileFormatError, "byte skip"),
        ("sizes: 7 6 5", "sizes: 7 6 6", FileFormatError, "bytes of voxels"),
        ("sizes: 7 6 5", "sizes: 7 6 4", FileFormatError, "bytes of voxels"),
        ("sizes: 7 6 5", "sizes: 30000 30000 30000", FileFormatError, "bytes of voxels"),
        ("sizes: 7 6 5", "sizes: 7 6 -5", FileFormatError, "sizes"),
        ("sizes: 7 6 5", "sizes: 7 6 five", FileFormatError, "header field"),
        ("dimension: 3", "dimension: 4", FileFormatError, "dimension 4"),
        ("type: short", "type: block", FileFormatError, "header field"),
        ("endian: little", "endian: middle", FileFormatError, "header field"),
        ("space: left-posterior-superior", "space: scanner-xyz", GeometryError, "space"),
        ("space directions: (", "space directions: none (", GeometryError, "orient|space|NaN|vectors|angles"),
        ("space origin: (-30.0,", "space origin: (x,", GeometryError, "origin"),
        ("NRRD0004", "NRRX0004", FileFormatError, "magic"),
    ],
)
def test_headers_that_lie_are_refused(tmp_path: Path, old: str, new: str, kind: Any, words: str) -> None:
    path = header(write_nrrd(tmp_path / "a.nrrd", image()), old, new)
    if "none (" in new:
        path = header(path, "none (", "none ((")
    with pytest.raises(kind, match=words):
        read_nrrd(path)


@pytest.mark.parametrize(("space", "flip"), [("right-anterior-superior", (-1, -1, 1)), ("LAS", (1, -1, 1))])
def test_other_anatomical_spaces_are_turned_to_lps(tmp_path: Path, space: str, flip: tuple[int, ...]) -> None:
    path = header(write_nrrd(tmp_path / "a.nrrd", image()), "left-posterior-superior", space)
    assert np.allclose(read_nrrd(path).affine, np.diag([*flip, 1]) @ image().affine)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = write_nrrd(tmp_path / "a.nrrd", image())
    content = path.read_bytes()
    for percent in range(100):
        path.write_bytes(content[: len(content) * percent // 100])
        with pytest.raises(FileFormatError):
            read_nrrd(path)
    path.write_bytes(content[:-6] + bytes([content[-6] ^ 1]) + content[-5:])
    with pytest.raises(FileFormatError, match="damaged"):
        read_nrrd(path)


def test_a_small_file_that_unpacks_to_a_large_one_stops_early(tmp_path: Path) -> None:
    path = write_nrrd(tmp_path / "a.nrrd", image())
    head = path.read_bytes().split(b"\n\n")[0]
    path.write_bytes(head + b"\n\n" + gzip.compress(bytes(50_000_000)))
    with pytest.raises(FileFormatError, match="more bytes of voxels"):
        read_nrrd(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 330), bit=st.integers(0, 7))
def test_a_flipped_bit_never_crashes(tmp_path: Path, place: int, bit: int) -> None:
    path = write_nrrd(tmp_path / "a.nrrd", image())
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)
    try:
        found = read_nrrd(path)
    except GenoxelError:
        return
    assert found.array.size == 7 * 6 * 5


def test_label_maps_keep_their_names(tmp_path: Path) -> None:
    array = np.zeros((7, 6, 5), np.uint8)
    array[1:3, 2:4, 1:4] = 1
    array[4, 4, 4] = 4
    mask = Mask(array, image().affine, {1: "core", 4: "enhancing rim"})
    back = read_nrrd_mask(write_nrrd(tmp_path / "a.nrrd", mask))
    assert np.array_equal(back.array, array)
    assert dict(back.labels) == {1: "core", 4: "enhancing rim"}
    assert dict(read_nrrd_mask(tmp_path / "a.nrrd", {4: "x"}).labels) == {4: "x"}
    plain = write_nrrd(tmp_path / "b.nrrd", Image(array, image().affine))
    assert dict(read_nrrd_mask(plain).labels) == {1: "1", 4: "4"}
    soft = write_nrrd(tmp_path / "c.nrrd", Image(array / 8, image().affine))
    with pytest.raises(MaskError, match="soft mask"):
        read_nrrd_mask(soft)


def test_values_that_are_no_number_and_complex_voxels_are_refused(tmp_path: Path) -> None:
    array = np.ones((3, 3, 3), np.float32)
    array[1, 1, 1] = np.nan
    with pytest.raises(FileFormatError, match="no number"):
        read_nrrd(write_nrrd(tmp_path / "a.nrrd", Image(array, np.eye(4))))
    with pytest.raises(FileFormatError, match="complex"):
        write_nrrd(tmp_path / "b.nrrd", Image(array.astype(complex), np.eye(4)))
