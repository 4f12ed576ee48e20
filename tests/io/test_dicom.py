"""A corpus of right and faulty series, each with the verdict written beside it, and an independent reader."""

from __future__ import annotations

import pickle  # noqa: TID251
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicom_corpus import Change, each, moved, one
from dicom_making import NAME, OBLIQUE, put, save, slices, stored, truth, uid
from genoxel.core.errors import FileFormatError, GenoxelError, GeometryError
from genoxel.io.dicom import read_series
from genoxel.io.dicom_geometry import stack

SHAPE = (14, 12, 8)


def names(image: Any) -> list[str]:
    return [step.name for step in image.history]


@pytest.mark.parametrize("cosines", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (-1, 0, 0, 0, 1, 0), OBLIQUE])
@pytest.mark.parametrize("modality", ["CT", "MR", "PT"])
def test_right_series_gives_values_and_positions_whatever_the_file_order(
    tmp_path: Path, cosines: tuple[float, ...], modality: str
) -> None:
    paths = save(slices(cosines=cosines, modality=modality), tmp_path)
    image = read_series([paths[place] for place in np.random.default_rng(1).permutation(len(paths))])
    assert np.array_equal(image.array, truth(SHAPE))
    assert image.array.dtype == np.int16
    assert image.unit == {"CT": "HU", "MR": "", "PT": "SUV"}[modality]
    assert image.spacing == pytest.approx((1.0, 1.5, 3.0))
    along = np.array(cosines, dtype=float)
    axes = np.column_stack([along[:3], along[3:] * 1.5, np.cross(along[:3], along[3:]) * 3.0])
    assert np.allclose(image.affine[:3, :3], axes)
    assert np.allclose(image.affine[:3, 3], (-20, 10, 30))
    assert image.tags["PatientID"] == "P1"
    assert image.tags["SliceThickness"] == 3.0
    assert NAME not in repr(dict(image.tags))
    assert names(image) == ["read_dicom", "rescale", *(["suv"] if modality == "PT" else [])]


def test_agrees_with_an_independent_reader(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    paths = save(slices(cosines=OBLIQUE), tmp_path)
    image = read_series(paths)
    other = sitk.ReadImage([str(path) for path in sorted(paths)])
    assert np.array_equal(sitk.GetArrayFromImage(other).transpose(2, 1, 0), image.array)
    direction = np.array(other.GetDirection()).reshape(3, 3) * np.array(other.GetSpacing())
    assert np.allclose(direction, image.affine[:3, :3], atol=1e-9)
    assert np.allclose(other.GetOrigin(), image.affine[:3, 3])


def test_exact_copies_are_left_out_and_written_into_the_history(tmp_path: Path) -> None:
    series = slices()
    paths = save(series, tmp_path) + save([series[3]], tmp_path, "copy")
    series[5].SOPInstanceUID = uid("another instance, same pixels")
    image = read_series(paths + save([series[5]], tmp_path, "again"))
    assert np.array_equal(image.array, truth(SHAPE))
    assert "drop_duplicate_slices" in names(image)
    assert list(image.history[1].params["files"]) == ["again000.dcm", "copy000.dcm"]


def test_rescaling_is_done_slice_by_slice(tmp_path: Path) -> None:
    series = slices(modality="PT")
    for k, dataset in enumerate(series):
        dataset.RescaleSlope, dataset.RescaleIntercept = 0.25 * (k + 1), 0
    image = read_series(save(series, tmp_path))
    expected = (truth(SHAPE) + 1024) * 0.25 * np.arange(1, 9)
    assert np.array_equal(image.array, expected)
    assert image.array.dtype == np.float64
    assert image.history[1].params == {"per_slice": 8}


def test_values_beyond_sixteen_bits_keep_their_size(tmp_path: Path) -> None:
    series = each(RescaleSlope=20, RescaleIntercept=0)(slices(modality="MR"))
    image = read_series(save(series, tmp_path))
    assert np.array_equal(image.array, (truth(SHAPE).astype(int) + 1024) * 20)


def test_padding_takes_the_lowest_measured_value_and_is_counted(tmp_path: Path) -> None:
    series = slices()
    for dataset in series:
        pixels = stored(dataset)
        pixels[:2] = 3000
        put(dataset, pixels)
        dataset.PixelPaddingValue = 3000
        dataset["PixelPaddingValue"].VR = "SS"
    image = read_series(save(series, tmp_path))
    expected = truth(SHAPE)
    lowest = expected[2:].min()
    assert np.array_equal(image.array[2:], expected[2:])
    assert (image.array[:2] == lowest).all()
    assert image.history[-1].params == {"voxels": 2 * 12 * 8, "with": float(lowest)}


def test_padding_written_as_unsigned_bits_of_a_signed_value_is_understood(tmp_path: Path) -> None:
    series = slices()
    for dataset in series:
        pixels = stored(dataset)
        pixels[0] = -2000
        put(dataset, pixels)
        dataset.add_new(0x00280120, "US", 65536 - 2000)
    image = read_series(save(series, tmp_path))
    assert "fill_padding" in names(image)
    assert image.array.min() >= -900


@pytest.mark.parametrize(
    ("change", "about"),
    [
        (each(NumberOfSlices=20), "fewer slices than announced"),
        (each(ImagesInAcquisition=9), "fewer slices than announced"),
        (one(0, InstanceNumber=20), "gaps in InstanceNumber"),
        (moved(lambda k: (-20, 10, round(30 + 3 * k + 0.02 * (k % 2), 2))), "slice positions rounded"),
    ],
)
def test_what_the_file_cannot_settle_is_noted(tmp_path: Path, change: Change, about: str) -> None:
    image = read_series(save(change(slices()), tmp_path))
    assert about in [step.params.get("about") for step in image.history if step.name == "notice"]


def test_twelve_bit_pixels_get_their_sign_with_and_without_extension(tmp_path: Path) -> None:
    for extended in (True, False):
        series = slices(values=np.clip(truth(SHAPE), -2000, 900))
        for dataset in series:
            pixels = stored(dataset).astype(np.int64) - 1024
            dataset.BitsStored, dataset.HighBit = 12, 11
            put(dataset, pixels if extended else np.where(pixels < 0, pixels + 4096, pixels))
            dataset.RescaleIntercept = 0
        image = read_series(save(series, tmp_path / str(extended)))
        assert np.array_equal(image.array, np.clip(truth(SHAPE), -2000, 900))


def test_big_endian_and_compressed_series_equal_the_plain_one(tmp_path: Path) -> None:
    from pydicom.uid import RLELossless

    series = slices()
    for dataset in series:
        dataset.compress(RLELossless)
    assert np.array_equal(read_series(save(series, tmp_path / "rle")).array, truth(SHAPE))
    cut = save(series, tmp_path / "cut")
    series[2].file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"
    series[2].save_as(cut[0], enforce_file_format=True)
    with pytest.raises(FileFormatError, match="cannot be unpacked"):
        read_series(cut[:1])
    big = slices()
    for dataset in big:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    folder = tmp_path / "big"
    folder.mkdir()
    for number, dataset in enumerate(big):
        dataset.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    assert np.array_equal(read_series(list(folder.iterdir())).array, truth(SHAPE))


@pytest.mark.parametrize(("units", "unit"), [("GML", "SUV"), ("NONE", ""), ("PROPCNTS", None), ("CNTS", None)])
def test_pet_units_pass_through_or_are_refused(tmp_path: Path, units: str, unit: str | None) -> None:
    paths = save(each(Units=units)(slices(modality="PT")), tmp_path)
    if unit is None:
        with pytest.raises(FileFormatError, match="0054,1001"):
            read_series(paths)
    else:
        assert read_series(paths).unit == unit


def test_single_slice_takes_its_step_from_the_thickness(tmp_path: Path) -> None:
    image = read_series(save(slices()[2:3], tmp_path))
    assert image.shape == (14, 12, 1)
    assert image.spacing[2] == 3.0


def test_files_that_are_no_dicom_are_refused(tmp_path: Path) -> None:
    paths = save(slices(), tmp_path)
    empty = tmp_path / "empty.dcm"
    empty.write_bytes(b"")
    text = tmp_path / "text.dcm"
    text.write_text("no image " * 40)
    deflated = tmp_path / "deflated.dcm"
    deflated.write_bytes(paths[0].read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")[:4000])
    for path, words in ((empty, "empty file"), (text, "no DICOM"), (deflated, "deflated")):
        with pytest.raises(FileFormatError, match=words):
            read_series([path, *paths])
    with pytest.raises(FileFormatError, match="no files"):
        read_series([])


def test_every_truncation_of_a_slice_is_refused(tmp_path: Path) -> None:
    paths = save(slices(), tmp_path)
    content = paths[0].read_bytes()
    for percent in range(1, 100):
        paths[0].write_bytes(content[: len(content) * percent // 100])
        with pytest.raises((FileFormatError, GeometryError)):
            read_series(paths)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(132, 1100), bit=st.integers(0, 7))
def test_a_flipped_bit_never_crashes_and_never_claims_memory(tmp_path: Path, place: int, bit: int) -> None:
    path = save(slices()[:1], tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    try:
        image = read_series([path])
    except GenoxelError:
        return
    assert image.array.nbytes <= 8 * len(content)


def test_the_image_crosses_processes(tmp_path: Path) -> None:
    image = read_series(save(slices(), tmp_path))
    back = pickle.loads(pickle.dumps(image))
    assert np.array_equal(back.array, image.array)
    assert back.tags == image.tags


@settings(max_examples=60, deadline=None)
@given(
    turn=st.tuples(*[st.floats(-3, 3)] * 3),
    steps=st.tuples(st.floats(0.2, 3), st.floats(0.2, 3), st.floats(0.3, 6)),
    seed=st.integers(0, 1000),
)
def test_any_rotated_lattice_comes_back(turn: tuple[float, ...], steps: tuple[float, ...], seed: int) -> None:
    from scipy.spatial.transform import Rotation

    from genoxel.io.dicom_geometry import Plane

    axes = Rotation.from_rotvec(turn).as_matrix()
    origin = np.array([10.0, -30.0, 5.0])
    planes = [Plane(origin + axes[:, 2] * steps[2] * k, axes[:, 0], axes[:, 1], steps[:2], (4, 5)) for k in range(6)]
    order = np.random.default_rng(seed).permutation(6)
    placed = stack([planes[place] for place in order], [str(place) for place in order])
    assert [int(order[place]) for place in placed.order] == list(range(6))
    assert np.allclose(placed.grid.affine[:3, :3], axes * steps, atol=1e-9)
    assert np.allclose(placed.grid.affine[:3, 3], origin)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"])
@pytest.mark.parametrize(("rows", "frames"), [(60_000, 1), (36, 2**31 - 1), (37, 1)])
def test_packed_pixels_that_declare_more_than_they_hold_claim_no_memory(
    tmp_path: Path, syntax: str, rows: int, frames: int
) -> None:
    import tracemalloc

    dataset = slices(shape=(40, 36, 8))[2]
    dataset.compress(syntax)
    dataset.Rows = rows
    if rows > 100:
        dataset.Columns = rows
    if frames > 1:
        dataset.NumberOfFrames = frames
    (path,) = save([dataset], tmp_path)
    tracemalloc.start()
    with pytest.raises(FileFormatError):
        read_series([path])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * 2**20


def test_a_small_stream_that_would_unpack_to_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    """A JPEG 2000 header for 60,000 x 60,000 pixels in a file that says 40 x 36."""
    dataset = slices(shape=(40, 36, 8))[2]
    dataset.compress("1.2.840.10008.1.2.4.90")
    content = bytearray(dataset.PixelData)
    place = content.index(b"\xff\x4f\xff\x51") + 8
    content[place : place + 8] = (60_000).to_bytes(4, "big") * 2
    dataset.PixelData = bytes(content)
    with pytest.raises(FileFormatError, match="cannot be unpacked"):
        read_series(save([dataset], tmp_path))


@pytest.mark.parametrize(
    "name",
    ["MR_small_RLE", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless", "MR_small_bigendian", "MR_small_implicit"],
)
def test_one_slice_packed_by_other_toolkits_is_the_same_slice(name: str) -> None:
    from pydicom.data import get_testdata_file

    plain, packed = (read_series([str(get_testdata_file(f"{one}.dcm"))]) for one in ("MR_small", name))
    assert np.array_equal(plain.array, packed.array)
    assert np.array_equal(plain.affine, packed.affine)
