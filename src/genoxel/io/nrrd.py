"""NRRD in and out, attached data only: a header that points to another file is never followed."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, GeometryError
from genoxel.core.image import FloatArray, Image
from genoxel.core.mask import Mask
from genoxel.io import packed as packing
from genoxel.io.files import atomic_write, existing
from genoxel.io.nifti import MAX_BYTES
from genoxel.io.settings import ReadingSettings
from genoxel.io.volume_files import image_of, mask_of

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_CODES = {word: code for code, words in _TYPES.items() for word in words}
_TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
_MAX_HEADER = 2**20
_DEFAULT = ReadingSettings()


def read_nrrd(path: str | os.PathLike[str], modality: str = "", reading: ReadingSettings = _DEFAULT) -> Image:
    """Return the volume of an attached NRRD file in LPS; voxels stay in file order unless shear is to be resampled.

    Raises `FileFormatError` (detached, cut off, damaged, unknown encoding, not three-dimensional, values that are no
    number) and `GeometryError` (no anatomical space, shear).
    """
    file = existing(path)
    fields, array = _read(file)
    return image_of((array, _affine(fields, file.name)), file.name, modality, reading, "read_nrrd")


def read_nrrd_mask(
    path: str | os.PathLike[str], labels: dict[int, str] | None = None, reading: ReadingSettings = _DEFAULT
) -> Mask:
    """Return the label map of an attached NRRD file; names come from `labels`, a Slicer header, or the numbers.

    Raises as `read_nrrd`, and `MaskError` for soft masks and negative labels.
    """
    file = existing(path)
    fields, array = _read(file)
    names = labels or _slicer_names(fields) or None
    return mask_of((array, _affine(fields, file.name)), file.name, names, reading, "read_nrrd")


def write_nrrd(path: str | os.PathLike[str], volume: Image | Mask) -> Path:
    """Write an image or a mask as attached, gzip-encoded NRRD (LPS), the same bytes for the same content."""
    array = np.asarray(volume.array)
    code = f"{array.dtype.kind}{array.dtype.itemsize}"
    if code not in _TYPES:
        raise FileFormatError(f"voxels of {array.dtype}", ", ".join(_TYPES), "convert them, for example to float32")
    columns = [",".join(repr(float(value)) for value in volume.affine[:3, axis]) for axis in range(4)]
    lines = [
        "NRRD0004",
        f"type: {_TYPES[code][0]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(size) for size in array.shape)}",
        f"space directions: {' '.join(f'({column})' for column in columns[:3])}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: ({columns[3]})",
    ]
    if isinstance(volume, Mask):
        for place, (label, name) in enumerate(volume.labels.items()):
            one_line = " ".join(name.split())
            lines += [f"Segment{place}_LabelValue:={label}", f"Segment{place}_Name:={one_line}"]
    data = array.astype(f"<{code}", copy=False).tobytes(order="F")
    return atomic_write(path, "\n".join(lines).encode() + b"\n\n" + gzip.compress(data, 6, mtime=0))


def header_grid(path: Path) -> tuple[tuple[int, ...], FloatArray]:
    """Return shape and affine (LPS) from the header alone, for inventories; raises as `read_nrrd`."""
    with path.open("rb") as stream:
        fields, _ = _header(stream.read(_MAX_HEADER), path.name)
    shape, _ = _declared(fields, path.name)
    return shape, _affine(fields, path.name)


def _header(content: bytes, name: str) -> tuple[dict[str, str], int]:
    """Return the header's fields and where the data begin; a header that names another file is refused."""
    if not content.startswith(b"NRRD000"):
        raise FileFormatError(f"{name} without NRRD magic", "an NRRD file (NRRD0001 to NRRD0005)", "convert it")
    ends = [place + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if (place := content.find(mark)) >= 0]
    start = min(ends) if ends else -1
    try:
        text = content[: start if start >= 0 else _MAX_HEADER].decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{name} with a header that is no text", "UTF-8", "copy the file again") from error
    fields = {}
    for line in text.replace("\r\n", "\n").split("\n")[1:]:
        if line.startswith("#") or ":" not in line:
            continue
        key, _, value = line.partition(":=" if ":=" in line else ":")
        fields[key.strip().lower()] = value.strip()
    if "data file" in fields or "datafile" in fields:
        raise FileFormatError(
            f"{name}, a detached NRRD header (its voxels would come from another file)",
            "attached data (one .nrrd file)",
            "save it as one file; a header is never followed to other files",
        )
    if start < 0:
        raise FileFormatError(f"{name} without an end of its header", "a complete NRRD file", "copy it again")
    return fields, start


def _declared(fields: dict[str, str], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        shape = tuple(int(size) for size in fields["sizes"].split())
        code = _CODES[fields["type"].lower()]
        order = {"little": "<", "big": ">"}[fields.get("endian", "little" if code.endswith("1") else "").lower()]
        dimension = int(fields["dimension"])
    except (KeyError, ValueError) as error:
        raise FileFormatError(
            f"{name} with a missing or illegal header field ({error})",
            "type, dimension, sizes and endian",
            "convert it anew",
        ) from error
    if dimension != 3 or len(shape) != 3 or min(shape) < 1:
        raise FileFormatError(
            f"{name} of dimension {dimension}, sizes {shape}",
            "one volume of three dimensions",
            "split overlapping segments or time points into files of their own",
        )
    skips = [key for key in ("line skip", "lineskip", "byte skip", "byteskip") if fields.get(key, "0") != "0"]
    if skips:
        raise FileFormatError(f"{name} with {skips[0]}", "data right after the header", "save it anew")
    return shape, np.dtype(order + code)


def _read(file: Path) -> tuple[dict[str, str], npt.NDArray[Any]]:
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise FileFormatError(f"{file.name} of {size} bytes", f"at most {MAX_BYTES // 2**30} GiB", "crop it first")
    with file.open("rb") as stream:
        fields, start = _header(stream.read(_MAX_HEADER), file.name)
        shape, dtype = _declared(fields, file.name)
        stream.seek(start)
        data = _voxels(stream, fields, shape[0] * shape[1] * shape[2] * dtype.itemsize, size - start, file.name)
    array = data.view(dtype).reshape(shape, order="F")
    return fields, array.astype(dtype.newbyteorder("="), copy=False)


def _voxels(stream: IO[bytes], fields: dict[str, str], expected: int, packed: int, name: str) -> packing.Bytes:
    """Return the `expected` bytes of voxels; what is promised beyond what `packed` bytes can hold is not allocated."""
    encoding = fields.get("encoding", "").lower()
    if encoding not in ("gzip", "gz", "raw"):
        raise FileFormatError(f"{name} with encoding {encoding!r}", "raw or gzip", "save it anew")
    found, data = 0, np.empty(0, np.uint8)
    if expected <= min(MAX_BYTES, packed if encoding == "raw" else 1032 * packed + 1024):
        data = np.empty(expected, np.uint8)
        try:
            found = packing.fill(stream if encoding == "raw" else packing.unpacking(stream), data)
        except packing.DAMAGED as error:
            word = "are cut off" if isinstance(error, EOFError) else f"are damaged ({error})"
            raise FileFormatError(f"{name}, whose gzip data {word}", "a complete file", "copy it again") from error
    if found != expected:
        word = "fewer" if found < expected else "more"
        raise FileFormatError(
            f"{name} with {word} bytes of voxels than its header declares ({expected})",
            "exactly the declared voxels",
            "the file is cut off or its header is wrong: copy or convert it again",
        )
    return data


def _affine(fields: dict[str, str], name: str) -> FloatArray:
    space = fields.get("space", "").lower()
    if space not in _TO_LPS:
        raise GeometryError(
            f"{name} with space {space!r}",
            "left-posterior-superior, right-anterior-superior or left-anterior-superior",
            "save it with its anatomical space; left and right are never guessed",
        )
    try:
        directions = [_vector(text) for text in _vectors(fields["space directions"])]
        origin = _vector(_vectors(fields["space origin"])[0])
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = np.array(directions).T, origin
    except (KeyError, ValueError, IndexError) as error:
        raise GeometryError(
            f"{name} without legal space directions and space origin", "three vectors and an origin", "save it anew"
        ) from error
    placed = np.diag([*_TO_LPS[space], 1.0]) @ affine
    if not np.isfinite(placed).all() or np.linalg.norm(placed[:3, :3], axis=0).min() <= 0:
        raise GeometryError(f"{name} with directions without length", "finite steps above 0", "correct the header")
    return placed


def _vectors(text: str) -> list[str]:
    parts = re.sub(r"\s*,\s*", ",", re.sub(r"\(\s+|\s+\)", lambda found: found.group().strip(), text)).split()
    if not all(part.startswith("(") and part.endswith(")") for part in parts):
        raise ValueError("vectors in parentheses")
    return [part[1:-1] for part in parts]


def _vector(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def _slicer_names(fields: dict[str, str]) -> dict[int, str]:
    names = {}
    for key, value in fields.items():
        if key.startswith("segment") and key.endswith("_labelvalue") and value.isdigit():
            names[int(value)] = fields.get(key.replace("_labelvalue", "_name"), value)
    return names
