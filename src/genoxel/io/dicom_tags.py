"""The acquisition facts that are kept of a DICOM header, and reading a file's header without trusting it."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genoxel.core.errors import FileFormatError
from genoxel.core.image import Scalar
from genoxel.io.files import existing

IDENTITY = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality")
ACQUISITION = (
    *("SeriesDescription", "ImageType", "StudyDate", "SeriesDate", "AcquisitionDate", "SeriesTime", "AcquisitionTime"),
    *("ContentTime", "SeriesNumber", "AcquisitionNumber", "TemporalPositionIdentifier", "DiffusionBValue"),
    *("Manufacturer", "ManufacturerModelName", "SoftwareVersions", "MagneticFieldStrength", "BodyPartExamined"),
    *("SliceThickness", "SpacingBetweenSlices", "KVP", "XRayTubeCurrent", "Exposure", "ConvolutionKernel"),
    *(
        "RepetitionTime",
        "EchoTime",
        "InversionTime",
        "FlipAngle",
        "ScanningSequence",
        "SequenceName",
        "EchoTrainLength",
    ),
    *("ContrastBolusAgent", "ProtocolName", "PatientPosition", "PatientSex", "PatientAge", "PatientSize"),
    *("PatientWeight", "Units", "SUVType", "DecayCorrection", "CorrectedImage", "RescaleType"),
)
"""Keywords of tags that say how an image was taken; none of them names a person."""

DAMAGE = (
    *(ValueError, TypeError, AttributeError, KeyError, IndexError, NotImplementedError, RuntimeError, AssertionError),
    *(EOFError, OSError, MemoryError, struct.error, zlib.error),
)
"""What a DICOM library raises on a damaged file; all of it becomes one `FileFormatError`."""

_DEFLATED = b"1.2.840.10008.1.2.1.99"


def facts(dataset: Any, keywords: Iterable[str]) -> dict[str, Scalar]:
    """Return the plain values of the tags that are there and not empty, by keyword."""
    found: dict[str, Scalar] = {}
    for keyword in keywords:
        try:
            value = plain(dataset.get(keyword))
        except DAMAGE:
            continue
        if value is not None and value != "":
            found[keyword] = value
    return found


def plain(value: Any) -> Scalar:
    r"""Return a tag's value as text, whole number or number; several values are joined by a backslash.

    >>> print(plain(["ORIGINAL", "PRIMARY"]))
    ORIGINAL\PRIMARY
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str(value).strip()
    if hasattr(value, "__float__"):
        return float(value)
    if hasattr(value, "__iter__"):
        return "\\".join(str(plain(item)) for item in value)
    return str(value)


def open_dicom(path: Path, pixels: bool = True) -> Any:
    """Return the dataset of a DICOM file; `FileFormatError` naming the file when it is damaged or no DICOM.

    The bytes are read first, so that a declared length beyond the file's end cannot claim memory. Deflated files are
    refused: a small one can unpack to any size.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    content = existing(path).read_bytes()
    if not content:
        raise FileFormatError(f"the empty file {path.name}", "a DICOM file", "fetch it again from the archive")
    if _DEFLATED in content[:1024]:
        raise FileFormatError(
            f"{path.name} with deflated transfer syntax (0002,0010)", "a syntax that is not deflated", "convert it"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(io.BytesIO(content), stop_before_pixels=not pixels)
    except (InvalidDicomError, *DAMAGE) as error:
        raise FileFormatError(
            f"{path.name}, which is damaged or no DICOM file ({type(error).__name__})",
            "a complete DICOM file (DICM after the preamble)",
            "fetch it again from the archive, or take it out of the folder",
        ) from error
