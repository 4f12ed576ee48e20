"""An image out as a DICOM series of CT, MR or PET slices, byte for byte the same for the same content."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, GeometryError
from genoxel.core.image import Image
from genoxel.io.files import output_error


def derived_uid(*parts: str | int) -> str:
    """Return a DICOM UID under 2.25 that follows from `parts` alone, the same on every machine.

    >>> derived_uid(1, "SIM-001", "study") == derived_uid("1", "SIM-001", "study")
    True
    """
    text = "\x1f".join(str(part) for part in parts)
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    return f"2.25.{number}"


_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
}
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_CT_INTERCEPT = -1024
_NEEDED = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_IMPLEMENTATION = derived_uid("genoxel", "implementation")
_PREAMBLE = b"\0" * 128 + b"DICM"


def write_series(image: Image, folder: str | os.PathLike[str], tags: Mapping[str, Any], phase: int = 0) -> list[Any]:
    """Write an image as one file per slice into a new `folder`; return the slices' headers, without pixels.

    `tags` (DICOM keyword -> value) go beside `image.tags` and must name PatientID, StudyInstanceUID,
    SeriesInstanceUID and FrameOfReferenceUID; instance UIDs follow from the series UID. CT values (HU) are rounded
    and stored with an intercept of -1024, MR values are rounded, PET values get a slope per slice. A later `phase` of a
    series with several volumes joins the files of the earlier ones, numbered on. Files are not flushed one by one.
    Raises `FileFormatError` for a missing tag, another modality or values that 16 bits cannot hold, `GeometryError` for
    sheared voxels, `OutputError` where the folder cannot be written.
    """
    facts = {**image.tags, **tags}
    missing = [keyword for keyword in _NEEDED if not facts.get(keyword)]
    if missing:
        raise FileFormatError(f"a series without {', '.join(missing)}", ", ".join(_NEEDED), "pass them in tags")
    stored, slopes = _stored(image)
    shared = {element.tag: element for element in _common(image, facts)}
    fixed = {int(tag): _encode(element) for tag, element in shared.items()}
    path = Path(folder)
    headers = []
    try:
        path.mkdir(parents=True, exist_ok=phase > 0)
        for k in range(image.shape[2]):
            number = phase * image.shape[2] + k + 1
            own = _own(image, facts, k, number, slopes)
            pixels = np.ascontiguousarray(stored[:, :, k].T).tobytes()
            (path / f"IM{number:05d}.dcm").write_bytes(_file(own, fixed, pixels, image.modality))
            headers.append(_header(own, shared))
    except OSError as error:
        raise output_error(path, error) from error
    return headers


def _stored(image: Image) -> tuple[npt.NDArray[np.uint16], list[str]]:
    """Return what is stored in 16 bits, and for PET the slope of each slice as it is written."""
    if image.modality not in _CLASSES:
        raise FileFormatError(f"modality {image.modality!r}", ", ".join(_CLASSES), "write NIfTI instead")
    steps = image.affine[:3, :3] / np.array(image.spacing)
    if np.abs(steps.T @ steps - np.eye(3)).max() > 1e-6 or np.linalg.det(steps) < 0:
        raise GeometryError("a sheared or mirrored grid", "right-handed, perpendicular axes", "resample it first")
    if image.modality == "PT":
        return _scaled(np.asarray(image.values(), dtype=np.float64))
    values = np.rint(np.asarray(image.values(), dtype=np.float64))
    if image.modality == "CT":
        values = values - _CT_INTERCEPT
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 65535:
        raise FileFormatError("values outside 16 bits", "MR 0 to 65535, CT -1024 to 64511 HU", "scale or clip them")
    return np.asarray(values, dtype="<u2"), []


def _scaled(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.uint16], list[str]]:
    if not np.isfinite(values).all() or values.min() < 0:
        raise FileFormatError("PET values below 0 or not finite", "0 or more", "clip them")
    slopes = [_decimal(max(float(values[:, :, k].max()), 1e-6) / 32767) for k in range(values.shape[2])]
    stored = np.rint(values / np.array([float(slope) for slope in slopes]))
    return np.asarray(stored, dtype="<u2"), slopes


def _decimal(value: float) -> str:
    text = f"{float(value):.10g}"
    return text if len(text) <= 16 else f"{float(value):.8g}"


def _common(image: Image, facts: Mapping[str, Any]) -> Any:
    from pydicom.datadict import dictionary_VR
    from pydicom.dataset import Dataset

    content = Dataset()
    content.SpecificCharacterSet = "ISO_IR 192"
    content.SOPClassUID = _CLASSES[image.modality]
    content.Modality = image.modality
    for keyword in ("AccessionNumber", "ReferringPhysicianName", "PatientBirthDate", "PatientSex", "StudyID"):
        setattr(content, keyword, "")
    for keyword in ("StudyDate", "StudyTime"):
        setattr(content, keyword, "")
    spacing = image.spacing
    content.SliceThickness = _decimal(spacing[2])
    content.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[0])]
    way = image.affine[:3, :2] / np.array(spacing[:2])
    content.ImageOrientationPatient = [_decimal(value + 0.0) for value in way.T.ravel()]
    content.PositionReferenceIndicator = ""
    content.SamplesPerPixel = 1
    content.PhotometricInterpretation = "MONOCHROME2"
    content.Rows, content.Columns = image.shape[1], image.shape[0]
    content.BitsAllocated = content.BitsStored = 16
    content.HighBit, content.PixelRepresentation = 15, 0
    if image.modality == "CT":
        content.RescaleIntercept, content.RescaleSlope, content.RescaleType = str(_CT_INTERCEPT), "1", "HU"
    if image.modality == "MR":
        content.SpacingBetweenSlices = _decimal(spacing[2])
    if image.modality == "PT":
        content.RescaleIntercept = "0"
        content.NumberOfSlices = image.shape[2]
    for keyword, value in facts.items():
        decimal = isinstance(value, float) and dictionary_VR(keyword) == "DS"
        setattr(content, keyword, _decimal(value) if decimal else value)
    return content


def _own(
    image: Image, facts: Mapping[str, Any], k: int, number: int, slopes: list[str]
) -> dict[str, tuple[int, str, str]]:
    """Return what one slice does not share with the others: keyword -> tag, value representation, text."""
    position = image.affine[:3, 3] + k * image.affine[:3, 2]
    normal = image.affine[:3, 2] / image.spacing[2]
    place = "\\".join(_decimal(value + 0.0) for value in position)
    scaled = {}
    if slopes:
        scaled = {"RescaleSlope": (0x00281053, "DS", slopes[k]), "ImageIndex": (0x00541330, "US", str(number))}
    return {
        **scaled,
        "SOPInstanceUID": (0x00080018, "UI", derived_uid(str(facts["SeriesInstanceUID"]), number)),
        "InstanceNumber": (0x00200013, "IS", str(number)),
        "ImagePositionPatient": (0x00200032, "DS", place),
        "SliceLocation": (0x00201041, "DS", _decimal(round(float(position @ normal), 6))),
    }


def _encode(element: Any) -> bytes:
    from pydicom.dataset import Dataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, Dataset({element.tag: element}), "utf_8")
    return bytes(buffer.getvalue())


def _short(tag: int, representation: str, value: bytes) -> bytes:
    """Return the bytes of one element in explicit little endian, for value representations with a 16-bit length."""
    pad = b"\0" if representation in ("UI", "OB") else b" "
    padded = value + pad * (len(value) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, representation.encode(), len(padded)) + padded


def _value(kind: str, text: str) -> bytes:
    return struct.pack("<H", int(text)) if kind == "US" else text.encode()


def _file(own: Mapping[str, tuple[int, str, str]], fixed: Mapping[int, bytes], pixels: bytes, modality: str) -> bytes:
    # What all slices share is encoded once by pydicom, and only the rest here: writing is ten times faster so.
    elements = {**fixed, **{tag: _short(tag, kind, _value(kind, text)) for tag, kind, text in own.values()}}
    body = b"".join(elements[tag] for tag in sorted(elements))
    padded = pixels + b"\0" * (len(pixels) % 2)
    pixel_data = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, len(padded)) + padded
    return _PREAMBLE + _meta(own["SOPInstanceUID"][2], modality) + body + pixel_data


def _meta(instance: str, modality: str) -> bytes:
    version = struct.pack("<HH2sHI", 0x0002, 0x0001, b"OB", 0, 2) + b"\0\1"
    words = (_CLASSES[modality], instance, _EXPLICIT_LITTLE, _IMPLEMENTATION)
    tags = (0x00020002, 0x00020003, 0x00020010, 0x00020012)
    body = version + b"".join(_short(tag, "UI", word.encode()) for tag, word in zip(tags, words, strict=True))
    return _short(0x00020000, "UL", struct.pack("<I", len(body))) + body


def _header(own: Mapping[str, tuple[int, str, str]], shared: Mapping[Any, Any]) -> Any:
    from pydicom.dataset import Dataset

    content = Dataset(dict(shared))
    for keyword, (_, kind, text) in own.items():
        value = int(text) if kind == "US" else text.split("\\") if kind == "DS" and "\\" in text else text
        setattr(content, keyword, value)
    return content
