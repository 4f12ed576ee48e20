"""Stored pixels of one DICOM slice to physical values: length, signedness, padding and rescaling checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError
from genoxel.io.dicom_tags import reading

_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", _BIG_ENDIAN)
MAX_PIXELS = 2**26
"""Compressed slices that declare more pixels are refused before anything is unpacked."""

_NEEDS_RESCALE = ("CT", "PT")


@dataclass(frozen=True)
class Pixels:
    """Stored values of a slice (i, j), where they are padding (None: nowhere), and the line that rescales them."""

    stored: npt.NDArray[Any]
    padding: npt.NDArray[np.bool_] | None
    slope: float
    intercept: float


def pixels_of(dataset: Any, name: str) -> Pixels:
    """Return the pixels of one slice; `FileFormatError` names the file and the tag that is wrong."""
    _refuse_kinds(dataset, name)
    stored = _stored(dataset, name)
    slope, intercept = _rescale(dataset, name)
    return Pixels(stored.T, _padding(dataset, stored.T), slope, intercept)


def _refuse_kinds(dataset: Any, name: str) -> None:
    if int(dataset.get("NumberOfFrames") or 1) > 1 or "PerFrameFunctionalGroupsSequence" in dataset:
        raise FileFormatError(
            f"{name}, a multi-frame image (NumberOfFrames (0028,0008) = {dataset.get('NumberOfFrames')})",
            "one file per slice",
            "export it as a classic series, or convert it to NIfTI (dcm2niix) and give that",
        )
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise FileFormatError(
            f"{name} with colour pixels (SamplesPerPixel (0028,0002) = {dataset.SamplesPerPixel})",
            "one grey value per pixel",
            "take this secondary capture out of the series",
        )
    if "ModalityLUTSequence" in dataset:
        raise FileFormatError(
            f"{name} with a ModalityLUTSequence (0028,3000)", "RescaleSlope and RescaleIntercept", "convert the series"
        )


def _stored(dataset: Any, name: str) -> npt.NDArray[Any]:
    if "PixelData" not in dataset:
        raise FileFormatError(
            f"{name} without PixelData (7FE0,0010)", "a complete image", "the file is cut off: fetch it again"
        )
    syntax = str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", _NATIVE[0]))
    if syntax not in _NATIVE:
        return _unpacked(dataset, name, syntax)
    with reading(
        f"{name} without legal Rows, Columns, BitsAllocated, PixelRepresentation (0028,0010/0011/0100/0103)",
        "a complete image header",
        "export it again from the archive",
    ):
        rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsAllocated)
        signed = int(dataset.PixelRepresentation) == 1
        raw = bytes(dataset.PixelData)
    if bits not in (8, 16, 32):
        raise FileFormatError(f"{name} with BitsAllocated (0028,0100) = {bits}", "8, 16 or 32", "convert it")
    expected = rows * columns * bits // 8
    if len(raw) not in (expected, expected + expected % 2):
        raise FileFormatError(
            f"{name} with {len(raw)} bytes of PixelData (7FE0,0010) where Rows x Columns need {expected}",
            "one value per pixel",
            "the file is cut off or its header is wrong: fetch it again from the archive",
        )
    order = ">" if syntax == _BIG_ENDIAN else "<"
    values = np.frombuffer(raw, f"{order}u{bits // 8}", rows * columns).reshape(rows, columns)
    return _signed(values.astype(f"=u{bits // 8}"), dataset, name, signed)


def _unpacked(dataset: Any, name: str, syntax: str) -> npt.NDArray[Any]:
    if int(dataset.Rows) * int(dataset.Columns) > MAX_PIXELS:
        raise FileFormatError(
            f"{name} of {dataset.Rows} x {dataset.Columns} pixels", f"at most {MAX_PIXELS}", "crop it"
        )
    with reading(
        f"{name} with compressed pixels that cannot be unpacked (transfer syntax {syntax})",
        "a complete image in a known compression",
        "uncompress the series at the archive, or fetch the file again",
    ):
        values = np.asarray(dataset.pixel_array)
    if values.shape != (int(dataset.Rows), int(dataset.Columns)):
        raise FileFormatError(
            f"{name} whose compressed pixels have shape {values.shape}",
            "Rows x Columns (0028,0010/0011)",
            "re-export it",
        )
    return values


def _signed(values: npt.NDArray[Any], dataset: Any, name: str, signed: bool) -> npt.NDArray[Any]:
    """Give the values their sign from BitsStored; bits above it must be empty, sign, or a declared overlay."""
    width = values.dtype.itemsize * 8
    used = int(dataset.get("BitsStored") or width)
    if used > width or int(dataset.get("HighBit", used - 1)) != used - 1:
        raise FileFormatError(
            f"{name} with BitsStored {used}, HighBit {dataset.get('HighBit')} (0028,0101/0102)",
            f"HighBit = BitsStored - 1, at most {width} bits",
            "convert it with a DICOM toolkit",
        )
    above = width - used
    clean = values
    if above:
        clean = values & np.array((1 << used) - 1, values.dtype)
    result = clean
    if signed:
        kind = f"=i{values.dtype.itemsize}"
        result = (clean << np.array(above, values.dtype)).view(kind) >> np.array(above, kind)
    sound = np.array_equal(clean, values) or (signed and np.array_equal(result.view(values.dtype), values))
    if not sound and not any(0x6000 <= tag.group <= 0x60FF for tag in dataset.keys()):  # noqa: SIM118
        raise FileFormatError(
            f"{name} with pixel values beyond BitsStored (0028,0101) = {used}",
            "values that fit, signed as PixelRepresentation (0028,0103) says",
            "the header contradicts the pixels: export the series again from the archive",
        )
    return result


def _rescale(dataset: Any, name: str) -> tuple[float, float]:
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    modality = str(dataset.get("Modality", ""))
    if slope is None and intercept is None and modality not in _NEEDS_RESCALE:
        return 1.0, 0.0
    try:
        line = float(slope), float(intercept)
    except (TypeError, ValueError):
        line = (np.nan, np.nan)
    if not np.isfinite(line).all() or line[0] == 0:
        raise FileFormatError(
            f"{name} ({modality}) with RescaleSlope {slope}, RescaleIntercept {intercept} (0028,1053/1052)",
            "two numbers, slope not 0: without them the unit is unknown",
            "export the series again from the archive",
        )
    return line


def _padding(dataset: Any, stored: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
    value = _padding_value(dataset, "PixelPaddingValue", stored.dtype)
    if value is None:
        return None
    limit = _padding_value(dataset, "PixelPaddingRangeLimit", stored.dtype)
    low, high = sorted((value, value if limit is None else limit))
    found = np.asarray((stored >= low) & (stored <= high))
    return found if found.any() else None


def _padding_value(dataset: Any, keyword: str, dtype: np.dtype[Any]) -> int | None:
    """Return the padding value as the pixels' type would hold it (many files write its bits as unsigned)."""
    value = dataset.get(keyword)
    if isinstance(value, bytes) and len(value) == 2:
        value = int.from_bytes(value, "little")
    if not isinstance(value, int):
        return None
    if dtype.kind == "i" and value > np.iinfo(dtype).max:
        value -= 1 << (8 * dtype.itemsize)
    if dtype.kind == "u" and value < 0:
        value += 1 << (8 * dtype.itemsize)
    return value
