"""Series out: what pydicom and SimpleITK read is what was given, oblique grids included."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813

from genoxel.core.errors import FileFormatError, GeometryError, OutputError
from genoxel.core.image import Image
from genoxel.io.dicom import read_series
from genoxel.io.dicom_series import derived_uid, write_series

TAGS = {
    "PatientID": "007",
    "PatientName": "Läsion^Ä",
    "StudyInstanceUID": derived_uid("study"),
    "SeriesInstanceUID": derived_uid("series"),
    "FrameOfReferenceUID": derived_uid("frame"),
    "StudyDate": "20200102",
}


def oblique() -> np.ndarray:
    turn = np.linalg.qr(np.random.default_rng(4).standard_normal((3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([0.7, 0.9, 3.0])
    affine[:3, 3] = (-31.25, 17.5, 1 / 3)
    return affine


def image(modality: str, affine: np.ndarray | None = None) -> Image:
    random = np.random.default_rng(5)
    low, high = (-1024, 3000) if modality == "CT" else (0, 4000)
    array = random.integers(low, high, (5, 7, 4)).astype(np.float32)
    return Image(array, oblique() if affine is None else affine, modality, tags={"Manufacturer": "X", "EchoTime": 9.5})


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_values_and_geometry_come_back(tmp_path, modality):
    given = image(modality)
    headers = write_series(given, tmp_path / "s", TAGS)
    files = sorted((tmp_path / "s").iterdir())
    ours = read_series(files)
    assert np.array_equal(ours.array, given.array)
    assert ours.grid.difference(given.grid) < 1e-6
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    seen = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(seen).T, given.array)
    corner = seen.TransformIndexToPhysicalPoint((4, 6, 3))
    assert corner == pytest.approx(given.grid.to_patient([[4, 6, 3]])[0], abs=1e-4)
    for header, file in zip(headers, files, strict=True):
        whole = pydicom.dcmread(file)
        assert str(whole.PatientName) == "Läsion^Ä"
        assert whole.file_meta.MediaStorageSOPInstanceUID == whole.SOPInstanceUID == header.SOPInstanceUID
        assert list(header.ImagePositionPatient) == list(whole.ImagePositionPatient)
        assert [element.tag for element in header] == [element.tag for element in whole if element.tag != 0x7FE00010]
        assert whole.EchoTime == 9.5
        assert whole.Manufacturer == "X"


def test_each_file_is_what_pydicom_would_write(tmp_path):
    write_series(image("CT"), tmp_path / "s", TAGS)
    file = sorted((tmp_path / "s").iterdir())[0]
    whole = pydicom.dcmread(file)
    for element in whole.iterall():
        assert element.value is not None
    whole.save_as(tmp_path / "again.dcm", enforce_file_format=True)
    again = pydicom.dcmread(tmp_path / "again.dcm")
    assert again == whole
    assert file.read_bytes()[-5 * 7 * 2 :] == (tmp_path / "again.dcm").read_bytes()[-5 * 7 * 2 :]


def test_odd_numbers_of_bytes_are_padded(tmp_path):
    affine = np.diag([1.0, 1, 2, 1])
    odd = Image(np.full((3, 3, 2), 7.0), affine, "MR")
    write_series(odd, tmp_path / "s", {**TAGS, "PatientID": "odd"})
    assert np.array_equal(read_series(sorted((tmp_path / "s").iterdir())).array, odd.array)


def test_same_content_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_series(image("MR"), tmp_path / name, TAGS)
    for one, other in zip(sorted((tmp_path / "a").iterdir()), sorted((tmp_path / "b").iterdir()), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_uids_are_legal_and_differ():
    many = {derived_uid("x", number) for number in range(500)}
    assert len(many) == 500
    assert all(pydicom.uid.UID(uid).is_valid for uid in many)
    assert derived_uid("a", "bc") != derived_uid("ab", "c")


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"modality": "US"}, FileFormatError, "CT, MR, PT"),
        ({"array": np.full((5, 7, 4), -3.0)}, FileFormatError, "16 bits"),
        ({"array": np.full((5, 7, 4), 1e6)}, FileFormatError, "16 bits"),
        ({"array": np.full((5, 7, 4), np.nan)}, FileFormatError, "16 bits"),
        ({"affine": np.diag([1.0, 1, -1, 1])}, GeometryError, "right-handed"),
        ({"affine": np.array([[1.0, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])}, GeometryError, "sheared"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, change, error, said):
    fields = {"array": np.ones((5, 7, 4)), "affine": np.eye(4), "modality": "MR"}
    with pytest.raises(error, match=said):
        write_series(Image(**{**fields, **change}), tmp_path / "s", TAGS)
    assert not (tmp_path / "s").exists()


def test_missing_tags_and_taken_folders_are_named(tmp_path):
    with pytest.raises(FileFormatError, match="StudyInstanceUID"):
        write_series(image("MR"), tmp_path / "s", {"PatientID": "1"})
    (tmp_path / "s").mkdir()
    with pytest.raises(OutputError):
        write_series(image("MR"), tmp_path / "s", TAGS)
