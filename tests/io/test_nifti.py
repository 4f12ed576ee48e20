"""NIfTI against nibabel and SimpleITK, and every way a file can be cut, contradict itself or promise too much."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genoxel.core.errors import FileFormatError, GenoxelError, GeometryError, MaskError, MissingFileError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.nifti import header_grid, read_nifti, read_nifti_mask, write_nifti
from genoxel.io.settings import ReadingSettings

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def turned() -> np.ndarray:
    from scipy.spatial.transform import Rotation

    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_rotvec([0.3, -0.2, 0.5]).as_matrix() * (0.7, 1.2, 3.0)
    affine[:3, 3] = (-30.0, 12.5, 100.0)
    return affine


def image(dtype: Any = np.int16) -> Image:
    values = np.random.default_rng(0).integers(-1000, 1000, (7, 6, 5))
    return Image(values.astype(dtype), turned(), "CT", "HU")


def save(path: Path, array: np.ndarray, affine: np.ndarray | None = None, **header: Any) -> Path:
    content = nib.Nifti1Image(array, np.eye(4) if affine is None else affine)
    content.set_sform(content.affine, 1)
    for key, value in header.items():
        content.header[key] = value
    nib.save(content, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64])
def test_round_trip_and_two_independent_readers(tmp_path: Path, name: str, dtype: Any) -> None:
    first = image(dtype)
    path = write_nifti(tmp_path / name, first)
    back = read_nifti(path, "CT")
    assert np.array_equal(back.array, first.array)
    assert np.allclose(back.affine, first.affine, atol=1e-5)
    assert (back.modality, back.unit) == ("CT", "HU")
    other = nib.load(path)
    assert np.array_equal(np.asarray(other.dataobj), first.array)
    assert np.allclose(LPS @ other.affine, first.affine, atol=1e-5)
    itk = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(itk).transpose(2, 1, 0), first.array)
    assert np.allclose(itk.GetOrigin(), first.affine[:3, 3], atol=1e-4)
    assert np.allclose(itk.TransformIndexToPhysicalPoint((6, 5, 4)), first.grid.to_patient([(6, 5, 4)])[0], atol=1e-4)
    shape, affine = header_grid(path)
    assert shape == (7, 6, 5)
    assert np.array_equal(affine, back.affine)


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_nifti(tmp_path / "a.nii.gz", image()).read_bytes()
    assert first == write_nifti(tmp_path / "b.nii.gz", image()).read_bytes()


def test_scaled_files_and_nifti_2_and_big_endian(tmp_path: Path) -> None:
    values = image().array
    scaled = patched(save(tmp_path / "scaled.nii", values), 112, "<2f", 0.5, 3.0)
    assert np.array_equal(read_nifti(scaled).array, values * 0.5 + 3)
    assert np.array_equal(read_nifti(scaled).array, np.asarray(nib.load(scaled).dataobj))
    two = nib.Nifti2Image(values, turned())
    two.set_sform(turned(), 1)
    nib.save(two, tmp_path / "two.nii.gz")
    assert np.array_equal(read_nifti(tmp_path / "two.nii.gz").array, values)
    assert header_grid(tmp_path / "two.nii.gz")[0] == (7, 6, 5)
    big = nib.Nifti1Image(values.astype(">i2"), turned(), nib.Nifti1Header(endianness=">"))
    big.set_sform(turned(), 1)
    nib.save(big, tmp_path / "big.nii")
    back = read_nifti(tmp_path / "big.nii")
    assert np.array_equal(back.array, values)
    assert back.array.dtype.isnative


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_every_truncation_and_every_surplus_is_refused(tmp_path: Path, name: str) -> None:
    path = write_nifti(tmp_path / name, image())
    content = path.read_bytes()
    for percent in range(100):
        path.write_bytes(content[: len(content) * percent // 100])
        with pytest.raises(FileFormatError):
            read_nifti(path)
    plain = gzip.decompress(content) if name.endswith("gz") else content
    for more in (b"\0", b"\0" * 5000):
        path.write_bytes(gzip.compress(plain + more) if name.endswith("gz") else plain + more)
        with pytest.raises(FileFormatError, match=r"more bytes|declares"):
            read_nifti(path)


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "a.nii.gz", image())
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="CRC"):
        read_nifti(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 400), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_read_as_an_independent_reader_does(tmp_path: Path, place: int, bit: int) -> None:
    path = write_nifti(tmp_path / "a.nii", image())
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)
    try:
        found = read_nifti(path)
    except GenoxelError:
        return
    other = nib.load(path)
    assert np.array_equal(found.array, np.asarray(other.dataobj).reshape(found.shape), equal_nan=True)


def patched(path: Path, offset: int, kind: str, *values: float) -> Path:
    content = bytearray(path.read_bytes())
    struct.pack_into(kind, content, offset, *values)
    path.write_bytes(content)
    return path


def test_headers_that_promise_too_much_are_refused_by_arithmetic(tmp_path: Path) -> None:
    path = patched(write_nifti(tmp_path / "a.nii", image()), 40, "<8h", 3, 32767, 32767, 32767, 1, 1, 1, 1)
    with pytest.raises(FileFormatError, match="declares"):
        read_nifti(path)
    small = gzip.compress(patched(write_nifti(tmp_path / "b.nii", image()), 42, "<3h", 2000, 2000, 400).read_bytes())
    (tmp_path / "b.nii.gz").write_bytes(small)
    with pytest.raises(FileFormatError, match="declares"):
        read_nifti(tmp_path / "b.nii.gz")


@pytest.mark.parametrize(
    ("offset", "kind", "values", "words"),
    [
        (344, "<4s", (b"ni1\0",), "another file"),
        (0, "<i", (1234,), "no NIfTI header"),
        (40, "<h", (0,), "dimensions"),
        (42, "<h", (-4,), "dimensions"),
        (70, "<h", (3,), "datatype"),
        (72, "<h", (7,), "datatype"),
        (108, "<f", (10.0,), "from byte"),
    ],
)
def test_senseless_headers_are_refused(
    tmp_path: Path, offset: int, kind: str, values: tuple[Any, ...], words: str
) -> None:
    path = patched(write_nifti(tmp_path / "a.nii", image()), offset, kind, *values)
    with pytest.raises(FileFormatError, match=words):
        read_nifti(path)
    with pytest.raises(GenoxelError):
        header_grid(path)


def test_orientation_is_one_or_refused(tmp_path: Path) -> None:
    array = np.zeros((4, 5, 6), np.int16)
    content = nib.Nifti1Image(array, np.eye(4))
    content.set_sform(np.eye(4), 1)
    off = np.eye(4)
    off[0, 3] = 0.01
    content.set_qform(off, 1)
    nib.save(content, tmp_path / "two.nii")
    with pytest.raises(GeometryError, match="sform and qform"):
        read_nifti(tmp_path / "two.nii")
    content.set_qform(np.eye(4), 1)
    content.set_sform(None, 0)
    nib.save(content, tmp_path / "q.nii")
    assert np.array_equal(read_nifti(tmp_path / "q.nii").affine, LPS)
    content.set_qform(None, 0)
    nib.save(content, tmp_path / "none.nii")
    with pytest.raises(GeometryError, match="without orientation"):
        read_nifti(tmp_path / "none.nii")
    sheared = np.eye(4)
    sheared[1, 2] = 0.3
    content.set_sform(sheared, 1)
    nib.save(content, tmp_path / "shear.nii")
    with pytest.raises(GeometryError, match="right angles"):
        read_nifti(tmp_path / "shear.nii")
    content.set_sform(np.diag([1, 0, 1, 1]), 1)
    nib.save(content, tmp_path / "flat.nii")
    with pytest.raises(GeometryError, match="spacing"):
        read_nifti(tmp_path / "flat.nii")


def test_four_dimensions_need_a_choice(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 9, (4, 5, 6, 3)).astype(np.int16)
    path = save(tmp_path / "a.nii.gz", array)
    with pytest.raises(FileFormatError, match="volume=0 to 2"):
        read_nifti(path)
    with pytest.raises(FileFormatError, match="volume 3"):
        read_nifti(path, volume=3)
    chosen = read_nifti(path, volume=1)
    assert np.array_equal(chosen.array, array[..., 1])
    assert chosen.history[0].params == {"volume": 1}
    assert read_nifti(save(tmp_path / "b.nii", array[..., :1])).shape == (4, 5, 6)
    assert read_nifti(save(tmp_path / "c.nii", array[..., 0, 0])).shape == (4, 5, 1)
    with pytest.raises(FileFormatError, match="5 dimensions"):
        read_nifti(save(tmp_path / "d.nii", np.stack([array, array], -1)))


def test_voxels_that_are_no_number_are_refused_or_filled_on_record(tmp_path: Path) -> None:
    array = np.ones((4, 5, 6), np.float32)
    array[1, 2, 3] = np.nan
    array[3, 4, 5] = np.inf
    path = save(tmp_path / "a.nii", array)
    with pytest.raises(FileFormatError, match=r"2 voxel\(s\) that are no number, the first at \(1, 2, 3\)"):
        read_nifti(path)
    filled = read_nifti(path, nan=0.0)
    assert filled.array[1, 2, 3] == 0
    assert filled.history[-1].params == {"voxels": 2, "with": 0.0}


def test_masks_are_labels_or_refused(tmp_path: Path) -> None:
    array = np.zeros((4, 5, 6))
    array[1:3, 1:3, 1:3] = 4
    array[0, 0, 0] = 300
    found = read_nifti_mask(save(tmp_path / "a.nii.gz", array))
    assert np.array_equal(found.array, array)
    assert dict(found.labels) == {4: "4", 300: "300"}
    assert read_nifti_mask(tmp_path / "a.nii.gz", {4: "core"}).count("core") == 8
    soft = save(tmp_path / "soft.nii", array / 5)
    with pytest.raises(MaskError, match="soft mask"):
        read_nifti_mask(soft)
    assert read_nifti_mask(soft, threshold=0.5).count() == 9
    with pytest.raises(MaskError, match="from -1"):
        read_nifti_mask(save(tmp_path / "minus.nii", (array > 0) * np.int16(-1)))
    mask = Mask((array == 4).astype(np.uint8), turned(), {1: "GTV"})
    back = read_nifti_mask(write_nifti(tmp_path / "m.nii.gz", mask))
    assert np.array_equal(back.array, mask.array)
    assert back.grid.same_as(mask.grid)


def test_no_file_and_no_nifti(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_nifti(tmp_path / "a.nii")
    (tmp_path / "b.nii").write_bytes(b"")
    with pytest.raises(FileFormatError):
        read_nifti(tmp_path / "b.nii")
    (tmp_path / "c.nii.gz").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(FileFormatError):
        header_grid(tmp_path / "c.nii.gz")


def sheared(tmp_path: Path) -> Path:
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[1, 2] = 0.5
    content = nib.Nifti1Image(np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6), affine)
    content.set_qform(None, code=0)
    nib.save(content, tmp_path / "sheared.nii")
    return tmp_path / "sheared.nii"


def test_shear_is_resampled_only_on_request_and_image_and_mask_alike(tmp_path: Path) -> None:
    path = sheared(tmp_path)
    with pytest.raises(GeometryError, match=r"resample = \[\"shear\"\]"):
        read_nifti(path)
    asked = ReadingSettings(resample=("shear",))
    image, mask = read_nifti(path, reading=asked), read_nifti_mask(path, reading=asked)
    assert image.history[-1].name == mask.history[-1].name == "unshear"
    assert mask.on(image).shape == image.shape
    axes = image.affine[:3, :3] / np.array(image.spacing)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    truth = np.arange(120).reshape(4, 5, 6)
    affine = LPS @ nib.load(path).affine
    for k in (0, 2, 4):  # every other slice lies on whole voxels of the new grid
        indices = np.array([(i, j, k) for i in range(4) for j in range(5)])
        there = np.rint(image.grid.to_voxel(indices @ affine[:3, :3].T + affine[:3, 3])).astype(int)
        np.testing.assert_allclose(image.values()[tuple(there.T)], truth[:, :, k].ravel())


@pytest.mark.parametrize(("believe", "first"), [("sform", (0, 0, 0)), ("qform", (-4, 0, 0))])
def test_of_two_orientations_the_one_believed_counts(tmp_path: Path, believe: Any, first: Any) -> None:
    content = nib.Nifti1Image(np.zeros((3, 3, 3), np.int16), np.eye(4))
    content.set_sform(np.eye(4), code=1)
    moved = np.eye(4)
    moved[0, 3] = 4
    content.set_qform(moved, code=1)
    nib.save(content, tmp_path / "two.nii")
    with pytest.raises(GeometryError, match="believe"):
        read_nifti(tmp_path / "two.nii")
    image = read_nifti(tmp_path / "two.nii", reading=ReadingSettings(believe=believe))
    assert tuple(image.affine[:3, 3]) == first
    assert image.history[-1].params == {"orientation": believe, "apart_mm": 4.0}


@pytest.mark.parametrize(("place", "value"), [(254, 7), (252, 200), (347, 9), (83, 0xBF)])
def test_header_bytes_that_a_library_would_set_right_in_silence_are_refused(
    tmp_path: Path, place: int, value: int
) -> None:
    path = write_nifti(tmp_path / "a.nii", Image(np.zeros((3, 3, 3), np.int16), np.eye(4)))
    content = bytearray(path.read_bytes())
    content[place] = value
    path.write_bytes(content)
    with pytest.raises(FileFormatError):
        read_nifti(path)
