"""MetaImage in one file (.mha), in and out: a header that points to another file is never followed."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, GeometryError
from genoxel.core.image import FloatArray, Image
from genoxel.core.mask import Mask
from genoxel.io.files import atomic_write, existing
from genoxel.io.nifti import MAX_BYTES
from genoxel.io.settings import ReadingSettings
from genoxel.io.volume_files import image_of, mask_of

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_WORDS = {code: word for word, code in _TYPES.items()}
_KNOWN = {
    *("ObjectType", "NDims", "BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB", "CompressedData"),
    *("CompressedDataSize", "TransformMatrix", "Orientation", "Rotation", "Offset", "Origin", "Position"),
    *("CenterOfRotation", "AnatomicalOrientation", "ElementSpacing", "ElementSize", "DimSize", "ElementType"),
    *("ElementNumberOfChannels", "ElementDataFile", "HeaderSize", "Comment", "CompressionLevel", "ITK_InputFilterName"),
    *("ITK_original_direction", "ITK_original_spacing", "DistanceUnits", "Name", "Modality", "Color", "ID", "ParentID"),
}
_MAX_HEADER = 2**16
_DEFAULT = ReadingSettings()


def read_mha(path: str | os.PathLike[str], modality: str = "", reading: ReadingSettings = _DEFAULT) -> Image:
    """Return the volume of a MetaImage file (.mha) in LPS; voxels stay in file order unless shear is to be resampled.

    The unit is "HU" for modality "CT", else "". Raises `FileFormatError` (voxels in another file, cut off, damaged, not
    three-dimensional, values that are no number) and `GeometryError` (no place in the patient, shear).
    """
    file = existing(path)
    return image_of(_read(file), file.name, modality, reading, "read_mha")


def read_mha_mask(
    path: str | os.PathLike[str], labels: dict[int, str] | None = None, reading: ReadingSettings = _DEFAULT
) -> Mask:
    """Return the label map of a MetaImage file; names come from `labels` or are the numbers.

    Raises as `read_mha`, and `MaskError` for soft masks and negative labels.
    """
    file = existing(path)
    return mask_of(_read(file), file.name, labels, reading, "read_mha")


def write_mha(path: str | os.PathLike[str], volume: Image | Mask) -> Path:
    """Write an image or a mask as compressed MetaImage (LPS), the same bytes for the same content.

    Raises `FileFormatError` for voxels of a type without a name there, `OutputError` when it cannot be written.
    """
    array = np.asarray(volume.array)
    code = f"{array.dtype.kind}{array.dtype.itemsize}"
    if code not in _WORDS:
        raise FileFormatError(f"voxels of {array.dtype}", ", ".join(_WORDS), "convert them, for example to float32")
    packed = zlib.compress(array.astype(f"<{code}", copy=False).tobytes(order="F"), 6)
    axes = volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0)
    lines = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "True",
        "CompressedDataSize": str(len(packed)),
        "TransformMatrix": _text(axes.T.ravel()),
        "Offset": _text(volume.affine[:3, 3]),
        "CenterOfRotation": "0 0 0",
        "AnatomicalOrientation": "RAI",
        "ElementSpacing": _text(np.array(volume.spacing)),
        "DimSize": " ".join(str(size) for size in array.shape),
        "ElementType": _WORDS[code],
        "ElementDataFile": "LOCAL",
    }
    head = "".join(f"{key} = {value}\n" for key, value in lines.items())
    return atomic_write(path, head.encode() + packed)


def _text(numbers: FloatArray) -> str:
    return " ".join(repr(float(number)) for number in numbers)


def header_grid(path: Path) -> tuple[tuple[int, ...], FloatArray]:
    """Return shape and affine (LPS) from the header alone, for inventories; raises as `read_mha`."""
    with path.open("rb") as stream:
        fields, _ = _header(stream.read(_MAX_HEADER), path.name)
    return _declared(fields, path.name)[0], _affine(fields, path.name)


def _header(content: bytes, name: str) -> tuple[dict[str, str], int]:
    """Return the header's fields and where the voxels begin; voxels in another file are refused."""
    fields: dict[str, str] = {}
    place = 0
    while "ElementDataFile" not in fields:
        end = content.find(b"\n", place, place + _MAX_HEADER)
        line = content[place : max(end, place)]
        key, sign, value = line.decode("utf-8", errors="replace").partition("=")
        word = key.strip()
        if (
            end < 0
            or not sign
            or not line.isascii()
            or (not fields and word not in _KNOWN)
            or word in fields
            or len(fields) > 100
        ):
            raise FileFormatError(
                f"{name}, which is no MetaImage or is cut off in its header", "a complete .mha file", "copy it again"
            )
        fields[word] = value.strip()
        place = end + 1
    if fields["ElementDataFile"].upper() != "LOCAL":
        raise FileFormatError(
            f"{name}, whose voxels would come from another file (ElementDataFile)",
            "ElementDataFile = LOCAL (one .mha file)",
            "save it as one file; a header is never followed to other files",
        )
    return fields, place


def _declared(fields: dict[str, str], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        shape = tuple(int(size) for size in fields["DimSize"].split())
        big = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False"))
        kind = np.dtype(("<", ">")[_true(big)] + _TYPES[fields["ElementType"]])
        dimension, channels = int(fields["NDims"]), int(fields.get("ElementNumberOfChannels", "1"))
        plain = _true(fields.get("BinaryData", "True")) and fields.get("HeaderSize", "0") in ("0", "-1")
        _true(fields.get("CompressedData", "False"))
    except (KeyError, ValueError) as error:
        raise FileFormatError(
            f"{name} with a missing or illegal header field ({error})", "NDims, DimSize, ElementType", "convert it anew"
        ) from error
    if dimension != 3 or len(shape) != 3 or min(shape) < 1 or channels != 1 or not plain:
        raise FileFormatError(
            f"{name} of dimension {dimension}, sizes {shape}, {channels} channel(s)",
            "one binary volume of three dimensions",
            "split colours and time points into files of their own",
        )
    return shape, kind


def _true(word: str) -> bool:
    if word.casefold() not in ("true", "false"):
        raise ValueError(f"{word!r} for True or False")
    return word.casefold() == "true"


def _read(file: Path) -> tuple[npt.NDArray[Any], FloatArray]:
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise FileFormatError(f"{file.name} of {size} bytes", f"at most {MAX_BYTES // 2**30} GiB", "crop it first")
    content = file.read_bytes()
    fields, start = _header(content, file.name)
    shape, kind = _declared(fields, file.name)
    expected = shape[0] * shape[1] * shape[2] * kind.itemsize
    data = content[start:]
    if _true(fields.get("CompressedData", "False")):
        # deflate cannot pack tighter than 1032 to 1, so a header that promises more is wrong
        data = _unpack(data, expected, file.name) if expected <= min(MAX_BYTES, 1032 * size + 1024) else b""
    if len(data) != expected:
        raise FileFormatError(
            f"{file.name} with {len(data)} bytes of voxels where its header declares {expected}",
            "exactly the declared voxels",
            "the file is cut off or its header is wrong: copy or convert it again",
        )
    array = np.frombuffer(data, kind).reshape(shape, order="F")
    return array.astype(kind.newbyteorder("=")), _affine(fields, file.name)


def _unpack(packed: bytes, expected: int, name: str) -> bytes:
    """Unpack at most one byte more than expected, then insist on the end mark, its checksum and nothing behind it."""
    worker = zlib.decompressobj()
    try:
        data = worker.decompress(packed, expected + 1)
        if len(data) <= expected and not worker.eof:
            data += worker.decompress(worker.unconsumed_tail, 1)
    except zlib.error as error:
        raise FileFormatError(f"{name} with damaged data ({error})", "a complete file", "copy it again") from error
    if len(data) <= expected and (not worker.eof or worker.unused_data):
        raise FileFormatError(f"{name}, whose data are cut off or go on", "a complete file", "copy it again")
    return data


def _affine(fields: dict[str, str], name: str) -> FloatArray:
    """Return the affine (LPS, as MetaImage has it) from TransformMatrix, ElementSpacing and Offset."""
    try:
        directions = _numbers(_either(fields, "TransformMatrix", "Rotation", "Orientation"), 9).reshape(3, 3).T
        origin = _numbers(_either(fields, "Offset", "Origin", "Position"), 3)
        spacing = _numbers(fields["ElementSpacing"], 3)
    except (KeyError, ValueError) as error:
        raise GeometryError(
            f"{name} without legal TransformMatrix, Offset and ElementSpacing",
            "directions, an origin and a spacing",
            "save it with its place in the patient; left and right are never guessed",
        ) from error
    lengths = np.linalg.norm(directions, axis=0)
    if spacing.min() <= 0 or np.abs(lengths - 1).max() > 1e-3:
        raise GeometryError(f"{name} with steps {spacing.tolist()} mm", "unit directions, steps above 0", "correct it")
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = directions * spacing, origin
    return affine


def _either(fields: dict[str, str], *words: str) -> str:
    return next((fields[word] for word in words if word in fields), "")


def _numbers(text: str, count: int) -> FloatArray:
    values = np.array([float(word) for word in text.split()])
    if values.shape != (count,) or not np.isfinite(values).all():
        raise ValueError(f"{count} numbers")
    return values
