"""The acquisition facts that are kept of a DICOM header, and reading a file's header without trusting it."""

from __future__ import annotations

import io
import logging
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from genoxel.core.errors import FileFormatError, GenoxelError
from genoxel.core.image import Scalar
from genoxel.io.dicom_structure import refuse_broken
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

_CLOCK = re.compile(r"(\d\d){0,3}(\.\d*)?", re.ASCII)
_DEFLATED = b"1.2.840.10008.1.2.1.99"


@contextmanager
def reading(got: str, legal: str, fix: str) -> Iterator[None]:
    """Turn whatever the DICOM library raises on a damaged file into one `FileFormatError`; our own errors pass.

    What the library would print on the way is held back, since odd values may hold a person's name.
    """
    from pydicom.config import disable_value_validation

    logger = logging.getLogger("pydicom")
    before = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    except GenoxelError:
        raise
    except Exception as error:
        raise FileFormatError(f"{got} ({type(error).__name__})", legal, fix) from error
    finally:
        logger.disabled = before


def facts(dataset: Any, keywords: Iterable[str]) -> dict[str, Scalar]:
    """Return the plain values of the tags that are there and not empty, by keyword."""
    found: dict[str, Scalar] = {}
    with reading("tags", "", ""):
        for keyword in keywords:
            with suppress(Exception):
                value = plain(dataset.get(keyword))
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


def private(dataset: Any, group: int, element: int, *creators: str) -> Any:
    """Return the value of a private element by its creator's block; where archives dropped the creator, of block 10."""
    with suppress(Exception):
        for creator in creators:
            with suppress(KeyError):
                return _decoded(dataset.private_block(group, creator)[element].value)
        if (group, 0x0010) not in dataset:
            return _decoded(dataset[(group, 0x1000 + element)].value)
    return None


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1").strip(" \0") if not any(byte < 9 for byte in value.rstrip(b"\0")) else value
    return value


def number_of(value: Any) -> float:
    """Return a tag's value as a finite number, NaN for anything else.

    >>> number_of("74.5"), number_of(None)
    (74.5, nan)
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def moment(text: str) -> datetime | None:
    """Return the time of a DICOM date and time in one text (YYYYMMDDHHMMSS.F, offsets left out), or None.

    >>> moment("20200102101112.5").isoformat()
    '2020-01-02T10:11:12.500000'
    """
    plain = text.strip().replace(":", "").replace("-", "+").split("+")[0]
    day, clock = plain[:8], plain[8:]
    if not _CLOCK.fullmatch(clock):
        return None
    whole, _, share = clock.partition(".")
    try:
        start = datetime.strptime(day + whole.ljust(6, "0")[:6], "%Y%m%d%H%M%S")
        return start + timedelta(seconds=float(f"0.{share or 0}"))
    except ValueError:
        return None


def open_dicom(path: Path, pixels: bool = True) -> Any:
    """Return the dataset of a DICOM file; `FileFormatError` naming the file when it is damaged or no DICOM.

    The bytes are read first, so that a declared length beyond the file's end cannot claim memory. Deflated files are
    refused: a small one can unpack to any size.
    """
    content = existing(path).read_bytes()
    if not content:
        raise FileFormatError(f"the empty file {path.name}", "a DICOM file", "fetch it again from the archive")
    if _DEFLATED in content[:1024]:
        raise FileFormatError(
            f"{path.name} with deflated transfer syntax (0002,0010)", "a syntax that is not deflated", "convert it"
        )
    whole = "a complete DICOM file (DICM after the preamble)"
    with reading(f"{path.name}, which is damaged or no DICOM file", whole, "fetch it again, or take it out"):
        import pydicom

        refuse_broken(content)
        dataset = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=not pixels)
        _refuse_short(dataset)
        return dataset


def _refuse_short(dataset: Any) -> None:
    """Raise `EOFError` for an element that declares more bytes than the file holds, which the library lets pass."""
    for tag in dataset.keys():  # noqa: SIM118  (iterating decodes every value)
        item = dataset.get_item(tag)
        length, value = getattr(item, "length", None), getattr(item, "value", None)
        if isinstance(value, bytes) and length not in (None, 0xFFFFFFFF) and length != len(value):
            raise EOFError
