"""Stored pixels of a DICOM file to physical values: length, signedness, padding and rescaling checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError
from genoxel.core.image import Step
from genoxel.io.dicom_tags import number_of, reading

_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", _BIG_ENDIAN)
MAX_PIXELS = 2**31
"""Compressed files that declare more pixels, all frames together, are refused before anything is unpacked."""

_NEEDS_RESCALE = ("CT", "PT")
_FLOATS = {"FloatPixelData": "f4", "DoubleFloatPixelData": "f8"}
_LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91")


_PILLOW = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
_LOSSLESS_JPEG = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_RLE = "1.2.840.10008.1.2.5"
_EXACT = (*_LOSSLESS_JPEG, _RLE)
"""Unpacked by our own code to the bits as they were stored, whose sign is still to be found."""
_COLOURED = ("PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_RLE_BEST, _BEST, _SMALL = 64, 2000, 2**22
"""Run lengths pack at most 64 to 1; the others are not believed beyond 2,000 to 1 from 4 million pixels up."""
_DECODERS = {
    **dict.fromkeys(_PILLOW, "pillow"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), "pyjpegls"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"), "pylibjpeg"),
}


@dataclass(frozen=True)
class Pixels:
    """Stored values of a slice (i, j), where they are padding (None: nowhere), the line to their unit."""

    stored: npt.NDArray[Any]
    padding: npt.NDArray[np.bool_] | None
    slope: float
    intercept: float
    unit: str = ""


def stored_frames(dataset: Any, name: str) -> tuple[npt.NDArray[Any], tuple[Step, ...]]:
    """Return the stored values of all frames (frame, row, column) and the steps that had to be taken to get them.

    Raises `FileFormatError` naming the file and the tag that is wrong.
    """
    floats = next((keyword for keyword in _FLOATS if keyword in dataset), "")
    if "ModalityLUTSequence" in dataset:
        raise FileFormatError(
            f"{name} with a ModalityLUTSequence (0028,3000)", "RescaleSlope and RescaleIntercept", "convert the series"
        )
    if not floats and "PixelData" not in dataset:
        raise FileFormatError(
            f"{name} without PixelData (7FE0,0010)", "a complete image", "the file is cut off: fetch it again"
        )
    syntax = str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", _NATIVE[0]))
    shape = _shape(dataset, name)
    steps: tuple[Step, ...] = ()
    if floats:
        values = _native(dataset, name, (*shape[:3], int(_FLOATS[floats][1])), (floats, _order(syntax)))
    elif syntax in _NATIVE:
        bits = int(dataset.get("BitsAllocated") or 0)
        values = _native(dataset, name, (*shape, bits // 8), ("PixelData", _order(syntax)))
        values = _signed(values, dataset, name)
    else:
        values, steps = _unpacked(dataset, name, (syntax, shape))
    _refuse_palette(dataset, name)
    values, grey = _grey(values, name)
    return _upright(values, dataset, (*steps, *grey))


def _order(syntax: str) -> str:
    return ">" if syntax == _BIG_ENDIAN else "<"


def _shape(dataset: Any, name: str) -> tuple[int, int, int, int]:
    """Return frames, rows, columns, samples as the header declares them."""
    with reading(
        f"{name} without legal Rows, Columns, Bits..., PixelRepresentation (0028,0010/0011/0100/0101/0102/0103)",
        "a complete image header",
        "export it again from the archive",
    ):
        rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsAllocated)
        frames, samples = int(dataset.get("NumberOfFrames") or 1), int(dataset.get("SamplesPerPixel") or 1)
        if "PixelData" in dataset:
            for keyword in ("PixelRepresentation", "BitsStored", "HighBit"):
                int(dataset[keyword].value)
    if bits not in (8, 16, 32, 64) or (bits == 64 and "PixelData" in dataset):
        raise FileFormatError(f"{name} with BitsAllocated (0028,0100) = {bits}", "8, 16 or 32", "convert it")
    if min(rows, columns, frames) < 1 or samples not in (1, 3):
        raise FileFormatError(
            f"{name} of {frames} frames, {rows} rows, {columns} columns, {samples} samples",
            "sizes above 0",
            "re-export it",
        )
    return frames, rows, columns, samples


def _native(dataset: Any, name: str, shape: tuple[int, ...], where: tuple[str, str]) -> npt.NDArray[Any]:
    frames, rows, columns, *rest = shape
    samples, width = rest if len(rest) == 2 else (1, rest[0])
    keyword, order = where
    raw = bytes(getattr(dataset, keyword))
    expected = frames * rows * columns * samples * width
    if len(raw) not in (expected, expected + expected % 2):
        raise FileFormatError(
            f"{name} with {len(raw)} bytes of {keyword} where {frames} frame(s) of Rows x Columns need {expected}",
            "one value per pixel",
            "the file is cut off or its header is wrong: fetch it again from the archive",
        )
    kind = "f" if keyword != "PixelData" else "u"
    values = np.frombuffer(raw, f"{order}{kind}{width}", expected // width)
    if samples == 1:
        return values.reshape(frames, rows, columns).astype(f"={kind}{width}", copy=False)
    if int(dataset.get("PlanarConfiguration") or 0):
        return values.reshape(frames, samples, rows, columns).transpose(0, 2, 3, 1)
    return values.reshape(frames, rows, columns, samples)


def _unpacked(
    dataset: Any, name: str, about: tuple[str, tuple[int, int, int, int]]
) -> tuple[npt.NDArray[Any], tuple[Step, ...]]:
    syntax, (frames, rows, columns, samples) = about
    if frames * rows * columns * samples > MAX_PIXELS:
        raise FileFormatError(
            f"{name} of {frames} frame(s) of {rows} x {columns} pixels", f"at most {MAX_PIXELS} pixels", "crop it"
        )
    with reading(
        f"{name} with compressed pixels that cannot be unpacked (transfer syntax (0002,0010) {syntax})",
        "a complete image in JPEG, JPEG-LS, JPEG 2000 or RLE",
        "uncompress the series at the archive, or fetch the file again",
    ):
        values = decoded(dataset, syntax, about[1])
    if syntax in _EXACT:
        values = _signed(values, dataset, name)
    full = (frames, rows, columns, samples)
    if values.size != int(np.prod(full)) or values.shape[-1 - (samples > 1)] != columns:
        raise FileFormatError(
            f"{name} whose compressed pixels have shape {values.shape}",
            "frames x Rows x Columns (0028,0008/0010/0011)",
            "re-export it",
        )
    values = values.reshape(full if samples > 1 else full[:3])
    used = _bits_used(dataset, name)
    low, high = (
        (-(1 << (used - 1)), (1 << (used - 1)) - 1) if int(dataset.PixelRepresentation) else (0, (1 << used) - 1)
    )
    if int(values.min()) < low or int(values.max()) > high:
        raise _beyond(name, used)
    lossy = syntax in _LOSSY or str(dataset.get("LossyImageCompression") or "") == "01"
    return values, (
        (Step("notice", {"about": "lossy compression: values are not the measured ones"}),) if lossy else ()
    )


def decoded(dataset: Any, syntax: str, shape: tuple[int, int, int, int]) -> npt.NDArray[Any]:
    """Return packed values of the declared `shape` (frames, rows, columns, samples), or raise what a decoder raises.

    Each syntax has the one decoder that does not end the process on damaged bytes (tried with flipped bits).
    """
    from pydicom.encaps import generate_frames
    from pydicom.pixels import pixel_array

    from genoxel.io.jpeg_lossless import unpack
    from genoxel.io.jpeg_size import declared_bits, declared_size
    from genoxel.io.run_lengths import unpack as unpack_runs

    frames, rows, columns, samples = shape
    content = bytes(dataset.PixelData)
    tightest = _RLE_BEST if syntax == _RLE else _BEST
    if frames * rows * columns * samples > max(_SMALL, tightest * len(content)):
        raise ValueError("more pixels declared than the packed bytes can hold")
    packed = list(generate_frames(content, number_of_frames=frames))
    if len(packed) != frames:
        raise ValueError("fewer packed frames than declared")
    if syntax != _RLE and any(declared_size(one) != (rows, columns) for one in packed):
        raise ValueError("a packed frame of another size than Rows and Columns")
    bits = declared_bits(packed[0]) if syntax in _PILLOW else 8
    if bits != 8:
        raise FileFormatError(
            f"JPEG of {bits} bits with loss (transfer syntax (0002,0010) {syntax}), which cannot be unpacked",
            "JPEG with loss of 8 bits, or any packing without loss",
            "uncompress the series at the archive, for example with dcmdjpeg or gdcmconv --raw",
        )
    width = int(dataset.BitsAllocated) // 8
    if syntax == _RLE:
        planes = [unpack_runs(one, (rows, columns, samples), width) for one in packed]
        return np.stack(planes if samples > 1 else [plane[..., 0] for plane in planes])
    if syntax in _LOSSLESS_JPEG:
        return np.stack([unpack(one, rows, columns) for one in packed]).astype(f"=u{width}")
    return np.asarray(pixel_array(dataset, decoding_plugin=_DECODERS[syntax]))


def _refuse_palette(dataset: Any, name: str) -> None:
    """Refuse pixels that are places in a table of colours, whose numbers measure nothing."""
    kind = str(dataset.get("PhotometricInterpretation") or "")
    shown = kind if kind in _COLOURED else "none that is known"
    if int(dataset.get("SamplesPerPixel") or 1) == 1 and kind not in ("", "MONOCHROME1", "MONOCHROME2"):
        raise FileFormatError(
            f"{name} with PhotometricInterpretation (0028,0004) = {shown}: its numbers are colours",
            "MONOCHROME1 or MONOCHROME2",
            "take this picture out of the series, or export the series that it was made of",
        )


def _grey(values: npt.NDArray[Any], name: str) -> tuple[npt.NDArray[Any], tuple[Step, ...]]:
    """Return one value per pixel: grey written three times is taken once, real colour is refused."""
    if values.ndim == 3:
        return values, ()
    if not (np.array_equal(values[..., 0], values[..., 1]) and np.array_equal(values[..., 0], values[..., 2])):
        raise FileFormatError(
            f"{name} with colour pixels (SamplesPerPixel (0028,0002) = 3)",
            "one grey value per pixel",
            "take this secondary capture out of the series",
        )
    return np.ascontiguousarray(values[..., 0]), (Step("grey_of_colour"),)


def _upright(
    values: npt.NDArray[Any], dataset: Any, steps: tuple[Step, ...]
) -> tuple[npt.NDArray[Any], tuple[Step, ...]]:
    """Return values that grow with brightness, as MONOCHROME2 has them."""
    if (
        str(dataset.get("PhotometricInterpretation") or "") != "MONOCHROME1"
        or dataset.get("Modality") in _NEEDS_RESCALE
    ):
        return values, steps
    used = int(dataset.get("BitsStored") or 8 * values.itemsize)
    high = -1 if values.dtype.kind == "i" else (1 << used) - 1
    return (high - values.astype(np.int64)).astype(values.dtype), (*steps, Step("invert", {"from": "MONOCHROME1"}))


def _beyond(name: str, used: int) -> FileFormatError:
    return FileFormatError(
        f"{name} with pixel values beyond BitsStored (0028,0101) = {used}",
        "values that fit, signed as PixelRepresentation (0028,0103) says",
        "the header contradicts the pixels: export the series again from the archive",
    )


def _bits_used(dataset: Any, name: str) -> int:
    """Return BitsStored after comparing it with BitsAllocated and HighBit."""
    width, used = int(dataset.BitsAllocated), int(dataset.BitsStored)
    if not 1 <= used <= width or int(dataset.HighBit) != used - 1:
        raise FileFormatError(
            f"{name} with BitsStored {used}, HighBit {dataset.get('HighBit')} (0028,0101/0102)",
            f"HighBit = BitsStored - 1, at most {width} bits",
            "convert it with a DICOM toolkit",
        )
    return used


def _signed(values: npt.NDArray[Any], dataset: Any, name: str) -> npt.NDArray[Any]:
    """Give the values their sign from BitsStored; bits above it must be empty, sign, or a declared overlay."""
    width = values.dtype.itemsize * 8
    signed = int(dataset.PixelRepresentation) == 1
    used = _bits_used(dataset, name)
    above = width - used
    if not above:
        whole: npt.NDArray[Any] = values.view(f"=i{values.dtype.itemsize}") if signed else values
        return whole
    clean = values & np.array((1 << used) - 1, values.dtype)
    result: npt.NDArray[Any] = clean
    if signed:
        kind = f"=i{values.dtype.itemsize}"
        result = (clean << np.array(above, values.dtype)).view(kind) >> np.array(above, kind)
    sound = np.array_equal(clean, values) or (signed and np.array_equal(result.view(values.dtype), values))
    if not sound and not any(0x6000 <= tag.group <= 0x60FF for tag in dataset.keys()):  # noqa: SIM118
        raise _beyond(name, used)
    return result


def scaled(header: Any, stored: npt.NDArray[Any], name: str) -> Pixels:
    """Return one frame (row, column) as `Pixels`: its rescaling from its `header`, its padding found."""
    slope, intercept, unit = _line(header, name)
    return Pixels(stored.T, _padding(header, stored.T), slope, intercept, unit)


def _line(header: Any, name: str) -> tuple[float, float, str]:
    """Return slope, intercept and unit: of the real world value mapping where a map has one, else of the rescaling."""
    modality = str(header.get("Modality", ""))
    slope, intercept = header.get("RescaleSlope"), header.get("RescaleIntercept")
    if modality not in _NEEDS_RESCALE:
        own = _real_world(header)
        if own is not None:
            return own
        if slope is None and intercept is None:
            return 1.0, 0.0, ""
    line = number_of(slope), number_of(intercept)
    if not np.isfinite(line).all() or line[0] == 0:
        raise FileFormatError(
            f"{name} ({modality}) with RescaleSlope {slope}, RescaleIntercept {intercept} (0028,1053/1052)",
            "two numbers, slope not 0: without them the unit is unknown",
            "export the series again from the archive",
        )
    kind = str(header.get("RescaleType") or "")
    return *line, kind if kind.upper() not in ("US", "NORMALIZED", "UNSPECIFIED") else ""


def _real_world(header: Any) -> tuple[float, float, str] | None:
    """Return the one linear real world value mapping of a frame with a unit, or None."""
    items = list(header.get("RealWorldValueMappingSequence") or [])
    if len(items) != 1:
        return None
    slope, intercept = (
        number_of(items[0].get("RealWorldValueSlope")),
        number_of(items[0].get("RealWorldValueIntercept")),
    )
    code = (items[0].get("MeasurementUnitsCodeSequence") or [None])[0]
    unit = str(code.get("CodeValue") or "") if code is not None else ""
    if not np.isfinite([slope, intercept]).all() or slope == 0 or not unit:
        return None
    return slope, intercept, "" if unit in ("1", "{no units}") else unit


def _padding(header: Any, stored: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
    if stored.dtype.kind == "f":
        missing = ~np.isfinite(stored)
        return missing if missing.any() else None
    value = _padding_value(header, "PixelPaddingValue", stored.dtype)
    if value is None:
        return None
    limit = _padding_value(header, "PixelPaddingRangeLimit", stored.dtype)
    low, high = sorted((value, value if limit is None else limit))
    found = np.asarray((stored >= low) & (stored <= high))
    return found if found.any() else None


def _padding_value(header: Any, keyword: str, dtype: np.dtype[Any]) -> int | None:
    """Return the padding value as the pixels' type would hold it (many files write its bits as unsigned)."""
    value = header.get(keyword)
    if isinstance(value, bytes) and len(value) == 2:
        value = int.from_bytes(value, "little")
    if not isinstance(value, int):
        return None
    if dtype.kind == "i" and value > np.iinfo(dtype).max:
        value -= 1 << (8 * dtype.itemsize)
    if dtype.kind == "u" and value < 0:
        value += 1 << (8 * dtype.itemsize)
    return value
