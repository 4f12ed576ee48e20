"""DICOM slices with known content, made for tests; every faulty series starts from a right one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset

NAME = "Planted^Person"
EXPLICIT = "1.2.840.10008.1.2.1"
CLASSES = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4", "PT": "1.2.840.10008.5.1.4.1.1.128"}
OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)


def uid(*words: object) -> str:
    """Return a UID that follows from the words."""
    return f"2.25.{int(hashlib.sha256(repr(words).encode()).hexdigest()[:28], 16)}"


def truth(shape: tuple[int, int, int]) -> np.ndarray:
    """Return the values in physical units: a different one in every voxel."""
    i, j, k = np.indices(shape)
    return (i + 20 * j + 300 * k - 900).astype(np.int16)


def slices(
    shape: tuple[int, int, int] = (14, 12, 8),
    spacing: tuple[float, float, float] = (1.0, 1.5, 3.0),
    origin: Sequence[float] = (-20.0, 10.0, 30.0),
    cosines: Sequence[float] = (1, 0, 0, 0, 1, 0),
    modality: str = "CT",
    values: np.ndarray | None = None,
    patient: str = "P1",
    series: str = "series",
) -> list[Any]:
    """Return the datasets of a right series, first slice first; stored = value + 1024, signed 16 bit."""
    values = truth(shape) if values is None else values
    along = np.array(cosines, dtype=float)
    normal = np.cross(along[:3], along[3:])
    return [
        _slice(
            values[:, :, k], np.array(origin) + normal * k * spacing[2], along, spacing, k, (modality, patient, series)
        )
        for k in range(values.shape[2])
    ]


def _slice(
    plane: np.ndarray,
    position: np.ndarray,
    along: np.ndarray,
    spacing: tuple[float, float, float],
    k: int,
    who: tuple[str, str, str],
) -> Any:
    modality, patient, series = who
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = EXPLICIT
    one.SOPClassUID, one.SOPInstanceUID = CLASSES[modality], uid(patient, series, k)
    one.PatientID, one.PatientName, one.PatientBirthDate, one.PatientSex = patient, NAME, "", "O"
    one.StudyInstanceUID, one.SeriesInstanceUID = uid(patient, "study"), uid(patient, series)
    one.FrameOfReferenceUID = uid(patient, "frame")
    one.StudyDate, one.StudyTime, one.StudyID, one.AccessionNumber = "20200102", "101112", "1", ""
    one.ReferringPhysicianName = NAME
    one.SeriesNumber, one.InstanceNumber, one.Modality, one.Manufacturer = 3, k + 1, modality, "Maker"
    one.SeriesDescription, one.KVP = f"{modality} thorax", 120
    one.Rows, one.Columns = plane.shape[1], plane.shape[0]
    one.PixelSpacing, one.SliceThickness = [spacing[1], spacing[0]], spacing[2]
    one.ImageOrientationPatient = [float(value) for value in along]
    one.ImagePositionPatient = [float(value) for value in position]
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated = one.BitsStored = 16
    one.HighBit, one.PixelRepresentation = 15, 1
    one.RescaleSlope, one.RescaleIntercept = 1, -1024
    if modality == "PT":
        one.Units = "GML"
    put(one, plane.astype(np.int64) + 1024)
    return one


def put(one: Any, stored: np.ndarray) -> None:
    """Set the stored pixels (i, j) as PixelRepresentation and BitsAllocated say."""
    kind = f"<{'i' if one.PixelRepresentation else 'u'}{one.BitsAllocated // 8}"
    one.PixelData = stored.T.astype(kind).tobytes()
    one["PixelData"].VR = "OW"


def stored(one: Any) -> np.ndarray:
    """Return the stored pixels (i, j) of a made slice."""
    return np.frombuffer(one.PixelData, "<i2").reshape(one.Rows, one.Columns).T.copy()


def save(datasets: Iterable[Any], folder: Path, word: str = "slice") -> list[Path]:
    """Write the datasets and return their paths, last slice first (readers must not trust the order)."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, one in enumerate(datasets):
        path = folder / f"{word}{number:03d}.dcm"
        one.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths[::-1]
