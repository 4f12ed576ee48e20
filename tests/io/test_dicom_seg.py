"""Segmentations: voxel-identical round trips, frames in any order, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from dicom_making import OBLIQUE, save, slices, uid
from genoxel.core.errors import FileFormatError, GenoxelError, GeometryError, MaskError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.dicom import read_series
from genoxel.io.dicom_seg import read_seg, segments_of, write_fractions, write_seg

SHAPE = (14, 12, 8)


def labels(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    array = np.zeros(SHAPE, np.uint8)
    array[2:9, 3:9, 2:6] = rng.integers(0, 3, (7, 6, 4))
    return array


def written(tmp_path: Path, cosines: Any = (1, 0, 0, 0, 1, 0)) -> tuple[Path, Image, Mask]:
    series = slices(cosines=cosines)
    image = read_series(save(series, tmp_path / "image"))
    mask = Mask(labels(), image.affine, {1: "GTV", 2: "Ödem"})
    return write_seg(tmp_path / "SEG.dcm", mask, series, uid, "20200103", "101010"), image, mask


@pytest.mark.parametrize("cosines", [(1, 0, 0, 0, 1, 0), OBLIQUE])
def test_round_trip_is_voxel_identical_and_sparse(tmp_path: Path, cosines: Any) -> None:
    path, image, mask = written(tmp_path, cosines)
    back = read_seg(path, image)
    assert np.array_equal(back.array, mask.array)
    assert dict(back.labels) == {1: "GTV", 2: "Ödem"}
    assert back.on(image).tags["PatientID"] == "P1"
    one = read_seg(path, image, ["Ödem"])
    assert np.array_equal(one.array == 2, mask.array == 2)
    assert dict(one.labels) == {2: "Ödem"}
    assert int(pydicom.dcmread(path).NumberOfFrames) < 2 * SHAPE[2]


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    assert written(tmp_path / "a")[0].read_bytes() == written(tmp_path / "b")[0].read_bytes()


def test_an_independent_reader_sees_the_same_voxels(tmp_path: Path) -> None:
    path, _, mask = written(tmp_path)
    other = hd.seg.segread(path)
    volume = other.get_volume(combine_segments=True)
    found = {tuple(np.round(volume.map_indices_to_reference(index[None])[0], 3)) for index in np.argwhere(volume.array)}
    ours = {tuple(np.round(mask.grid.to_patient(index)[0], 3)) for index in np.argwhere(mask.array)}
    assert found == ours


def test_a_label_that_is_not_there_is_left_out_and_numbers_close_up(tmp_path: Path) -> None:
    series = slices()
    image = read_series(save(series, tmp_path / "image"))
    mask = Mask((labels() == 2).astype(np.uint8) * 7, image.affine, {3: "absent", 7: "node"})
    back = read_seg(write_seg(tmp_path / "SEG.dcm", mask, series, uid, "20200103", "101010"), image)
    assert dict(back.labels) == {1: "node"}
    assert np.array_equal(back.array == 1, mask.array == 7)


def test_frames_of_a_reversed_or_turned_grid_land_where_they_belong(tmp_path: Path) -> None:
    path, image, mask = written(tmp_path)
    affine = np.array(image.affine)
    affine[:3, 3] = image.grid.to_patient([(SHAPE[0] - 1, 0, SHAPE[2] - 1)])[0]
    affine[:3, 0] *= -1
    affine[:3, 2] *= -1
    turned = Image(image.array[::-1, :, ::-1], affine, tags=image.tags)
    assert np.array_equal(read_seg(path, turned).array, mask.array[::-1, :, ::-1])


def made(tmp_path: Path, kind: str, pixels: np.ndarray, count: int = 1) -> tuple[Path, Image]:
    series = slices()
    image = read_series(save(series, tmp_path / "image"))
    descriptions = [
        hd.seg.SegmentDescription(
            number,
            f"segment {number}",
            codes.SCT.MorphologicallyAbnormalStructure,
            codes.SCT.Neoplasm,
            hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number in range(1, count + 1)
    ]
    content = hd.seg.Segmentation(
        series,
        pixels,
        kind,
        descriptions,
        uid("s"),
        9,
        uid("i"),
        1,
        "Maker",
        "Model",
        "1",
        "1",
        max_fractional_value=200,
    )
    content.save_as(tmp_path / "SEG.dcm")
    return tmp_path / "SEG.dcm", image


def test_fractions_need_a_threshold(tmp_path: Path) -> None:
    soft = np.zeros((SHAPE[2], SHAPE[1], SHAPE[0]))
    soft[3, 4, 5:9] = (0.2, 0.5, 0.7, 1.0)
    path, image = made(tmp_path, "FRACTIONAL", soft)
    with pytest.raises(MaskError, match="threshold"):
        read_seg(path, image)
    assert [read_seg(path, image, threshold=limit).count() for limit in (0.1, 0.5, 0.6, 1.0)] == [4, 3, 2, 1]
    with pytest.raises(MaskError, match="above 0"):
        read_seg(path, image, threshold=2.0)


def test_overlapping_segments_are_read_one_at_a_time(tmp_path: Path) -> None:
    planes = np.zeros((SHAPE[2], SHAPE[1], SHAPE[0], 2), np.uint8)
    planes[3, 4:8, 4:8, 0] = 1
    planes[3, 6:10, 4:8, 1] = 1
    path, image = made(tmp_path, "BINARY", planes, 2)
    with pytest.raises(MaskError, match="'segment 1' and 'segment 2' overlap"):
        read_seg(path, image)
    assert read_seg(path, image, ["segment 1"]).count() == read_seg(path, image, ["segment 2"]).count() == 16


def test_label_maps_give_their_labels(tmp_path: Path) -> None:
    planes = labels().transpose(2, 1, 0)
    path, image = made(tmp_path, "LABELMAP", np.ascontiguousarray(planes), 2)
    assert np.array_equal(read_seg(path, image).array, labels())
    assert np.array_equal(read_seg(path, image, ["segment 2"]).array, np.where(labels() == 2, 2, 0))


def changed(image: Image, **tags: Any) -> Image:
    return Image(image.array, image.affine, tags={**image.tags, **tags})


def shifted(image: Image, *by: float) -> Image:
    affine = np.array(image.affine)
    affine[:3, 3] += by
    return Image(image.array, affine, tags=image.tags)


def test_foreign_patients_frames_and_grids_are_refused(tmp_path: Path) -> None:
    path, image, _ = written(tmp_path)
    with pytest.raises(MaskError, match="another patient"):
        read_seg(path, changed(image, PatientID="P2"))
    with pytest.raises(GeometryError, match="another frame of reference"):
        read_seg(path, changed(image, FrameOfReferenceUID="1.2.3"))
    with pytest.raises(GeometryError, match="voxels off the grid"):
        read_seg(path, shifted(image, 0, 0, 1.0))
    with pytest.raises(GeometryError, match="outside the image"):
        read_seg(path, shifted(image, 0, 0, 9.0))
    coarse = Image(image.array[::2], image.affine @ np.diag([2, 1, 1, 1]), tags=image.tags)
    with pytest.raises(GeometryError, match="off the grid"):
        read_seg(path, coarse)
    with pytest.raises(MaskError, match="did you mean 'GTV'"):
        read_seg(path, image, ["GTV1"])
    with pytest.raises(FileFormatError, match="segmentation"):
        read_seg(next((tmp_path / "image").iterdir()), image)


def test_empty_and_incomplete_files_are_refused(tmp_path: Path) -> None:
    path, image, _ = written(tmp_path)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.save_as(tmp_path / "empty.dcm")
    with pytest.raises(MaskError, match="without a voxel"):
        read_seg(tmp_path / "empty.dcm", image)
    dataset.NumberOfFrames = 10_000_000
    dataset.save_as(tmp_path / "many.dcm")
    with pytest.raises(FileFormatError, match="frames"):
        read_seg(tmp_path / "many.dcm", image)
    del dataset.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence
    dataset.NumberOfFrames = len(dataset.PerFrameFunctionalGroupsSequence)
    dataset.save_as(tmp_path / "placeless.dcm")
    with pytest.raises(FileFormatError, match="incomplete frames"):
        read_seg(tmp_path / "placeless.dcm", image)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path, image, _ = written(tmp_path)
    content = path.read_bytes()
    for percent in range(1, 100, 3):
        path.write_bytes(content[: len(content) * percent // 100])
        with pytest.raises(GenoxelError):
            read_seg(path, image)


def test_segments_with_one_label_are_told_apart() -> None:
    dataset = pydicom.Dataset()
    items = []
    for number in range(3):
        item = pydicom.Dataset()
        item.SegmentNumber, item.SegmentLabel = number, "lesion"
        items.append(item)
    dataset.SegmentSequence = items
    assert [(one.number, one.name) for one in segments_of(dataset)] == [(1, "lesion"), (2, "lesion #2")]


def test_writing_refuses_another_grid(tmp_path: Path) -> None:
    series = slices()
    with pytest.raises(GeometryError, match="one grid"):
        write_seg(tmp_path / "SEG.dcm", Mask(labels(), np.eye(4)), series, uid, "20200103", "101010")


@pytest.mark.parametrize("cosines", [(1, 0, 0, 0, 1, 0), OBLIQUE])
def test_a_label_map_comes_back_voxel_for_voxel(tmp_path: Path, cosines: Any) -> None:
    series = slices(shape=SHAPE, cosines=cosines)
    image = read_series(save(series, tmp_path / "image"))
    mask = Mask(labels(), image.affine, {1: "core", 2: "rim"})
    path = write_seg(tmp_path / "SEG.dcm", mask, series, uid, "20200103", "101010", kind="LABELMAP")
    assert pydicom.dcmread(path).SegmentationType == "LABELMAP"
    back = read_seg(path, image)
    assert np.array_equal(back.array, mask.array)
    assert dict(back.labels) == dict(mask.labels)


def test_overlapping_segments_are_written_and_each_comes_back(tmp_path: Path) -> None:
    series = slices(shape=SHAPE)
    image = read_series(save(series, tmp_path / "image"))
    first, second = labels(0) > 0, labels(5) > 0
    assert (first & second).any()
    masks = {name: Mask(one, image.affine) for name, one in (("GTV", first), ("PTV", second))}
    path = write_seg(tmp_path / "SEG.dcm", masks, series, uid, "20200103", "101010")
    assert np.array_equal(read_seg(path, image, ["GTV"]).inside(), first)
    assert np.array_equal(read_seg(path, image, ["PTV"]).inside(), second)
    with pytest.raises(MaskError, match="overlap"):
        read_seg(path, image)
    with pytest.raises(MaskError, match="overlap"):
        write_seg(tmp_path / "L.dcm", masks, series, uid, "20200103", "101010", kind="LABELMAP")


def test_fractions_come_back_at_any_threshold(tmp_path: Path) -> None:
    series = slices(shape=SHAPE)
    image = read_series(save(series, tmp_path / "image"))
    shares = np.round(np.random.default_rng(4).random(SHAPE) * 255) / 255
    shares[shares < 0.5] = 0
    other = np.roll(shares, 2, axis=0)
    path = write_fractions(tmp_path / "F.dcm", {"a": shares, "b": other}, series, uid, "20200103", "101010")
    again = write_fractions(tmp_path / "G.dcm", {"a": shares, "b": other}, series, uid, "20200103", "101010")
    assert path.read_bytes() == again.read_bytes()
    for threshold in (0.25, 0.5, 0.75, 1.0):
        assert np.array_equal(read_seg(path, image, ["a"], threshold).inside(), shares >= threshold)
        assert np.array_equal(read_seg(path, image, ["b"], threshold).inside(), other >= threshold)
    for wrong in (shares * 2, shares * 0, shares - 1, shares * np.nan):
        with pytest.raises(MaskError, match="shares"):
            write_fractions(tmp_path / "H.dcm", {"a": wrong}, series, uid, "20200103", "101010")
    with pytest.raises(GeometryError, match="shape"):
        write_fractions(tmp_path / "H.dcm", {"a": shares[1:]}, series, uid, "20200103", "101010")
