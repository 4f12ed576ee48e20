"""Small strict parsers, written from the standards for the tests alone: what a file's bytes say, or an exception."""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import Any

import numpy as np

LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}


def dicom(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return rescaled values (i, j, 1) and affine of one explicit little-endian slice."""
    elements = _elements(content)
    rows, columns = (struct.unpack("<H", elements[tag])[0] for tag in (0x00280010, 0x00280011))
    bits, stored, high, signed = (struct.unpack("<H", elements[0x00280100 + place])[0] for place in range(4))
    assert bits in (8, 16, 32)
    assert high == stored - 1
    pixels = np.frombuffer(elements[0x7FE00010][: rows * columns * bits // 8], f"<u{bits // 8}").astype(np.int64)
    pixels = pixels.reshape(rows, columns).T
    low = pixels & ((1 << stored) - 1)
    values = np.where(low >= 1 << (stored - 1), low - (1 << stored), low) if signed & 0xFF == 1 else low
    slope, intercept = _number(elements[0x00281053]), _number(elements[0x00281052])
    padding = elements.get(0x00280120)
    if padding is not None:
        raise NotImplementedError("padding")
    down, along = _numbers(elements[0x00280030])
    cosines, origin = _numbers(elements[0x00200037]), _numbers(elements[0x00200032])
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = np.array(cosines[:3]) * along, np.array(cosines[3:]) * down
    normal = np.cross(cosines[:3], cosines[3:])
    affine[:3, 2] = normal / np.linalg.norm(normal) * _number(elements[0x00180050])
    affine[:3, 3] = origin
    return (values * slope + intercept)[:, :, None], affine


def _elements(content: bytes) -> dict[int, bytes]:
    assert content[128:132] == b"DICM"
    found: dict[int, bytes] = {}
    place = 132
    while place < len(content):
        group, number = struct.unpack_from("<HH", content, place)
        kind = content[place + 4 : place + 6]
        if kind in LONG:
            (length,) = struct.unpack_from("<I", content, place + 8)
            place += 12
        else:
            (length,) = struct.unpack_from("<H", content, place + 6)
            place += 8
        assert length != 0xFFFFFFFF
        assert place + length <= len(content)
        found[group << 16 | number] = content[place : place + length]
        place += length
    return found


def _numbers(raw: bytes) -> list[float]:
    return [float(part) for part in raw.decode("ascii").strip(" \0").split("\\")]


def _number(raw: bytes) -> float:
    (number,) = _numbers(raw)
    return number


CODES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}


def nifti(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return values and affine (LPS, by the sform) of a NIfTI-1 file, packed or not."""
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    order = "<" if struct.unpack("<i", content[:4])[0] == 348 else ">"
    assert struct.unpack(order + "i", content[:4])[0] == 348
    assert content[344:347] == b"n+1"
    dims = struct.unpack(order + "8h", content[40:56])
    shape = dims[1 : 1 + dims[0]]
    (code,) = struct.unpack(order + "h", content[70:72])
    (offset,) = struct.unpack(order + "f", content[108:112])
    slope, inter = struct.unpack(order + "2f", content[112:120])
    values = np.frombuffer(content, order + CODES[code], int(np.prod(shape)), int(offset)).reshape(shape, order="F")
    if np.isfinite(slope) and slope != 0 and (slope, inter) != (1, 0):
        values = values * float(slope) + float(inter)
    values = values.reshape((*shape, 1, 1)[:3]) if len(shape) < 3 else values.reshape(shape[:3])
    affine = np.eye(4)
    if struct.unpack(order + "h", content[254:256])[0] > 0:
        affine[:3] = np.array(struct.unpack(order + "12f", content[280:328])).reshape(3, 4)
    else:
        affine[:3] = _by_quaternion(content, order)
    return values, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _by_quaternion(content: bytes, order: str) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    sign, *steps = struct.unpack(order + "4f", content[76:92])
    *vector, x, y, z = struct.unpack(order + "6f", content[256:280])
    real = np.sqrt(max(0.0, 1 - np.square(vector).sum()))
    turn = Rotation.from_quat([*vector, real]).as_matrix()
    scale = np.diag([steps[0], steps[1], steps[2] * (-1 if sign < 0 else 1)])
    return np.column_stack([turn @ scale, [x, y, z]])


NRRD_TYPES = {"short": "i2", "int16": "i2", "uchar": "u1", "ushort": "u2", "float": "f4", "double": "f8", "int": "i4"}


def nrrd(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return values and affine of an attached NRRD file in LPS."""
    head, data = content.split(b"\n\n", 1)
    lines = [line for line in head.decode("utf-8").split("\n")[1:] if not line.startswith("#")]
    pairs = (line.split(":", 1) for line in lines if ":" in line and ":=" not in line)
    fields = {key.strip().lower(): value.strip() for key, value in pairs}
    shape = tuple(int(size) for size in fields["sizes"].split())
    assert fields["space"].lower() in ("left-posterior-superior", "lps")
    raw = {"raw": lambda: data, "gzip": lambda: gzip.decompress(data)}[fields["encoding"].lower()]()
    order = {"little": "<", "big": ">"}[fields["endian"].lower()]
    values = np.frombuffer(raw, order + NRRD_TYPES[fields["type"].lower()]).reshape(shape, order="F")
    columns = [_vector(part) for part in fields["space directions"].split()]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = np.array(columns).T, _vector(fields["space origin"])
    return values, affine


def _vector(text: str) -> list[float]:
    assert text.strip()[0] == "("
    return [float(part) for part in text.strip().strip("()").split(",")]


MHA_TYPES = {"MET_SHORT": "i2", "MET_USHORT": "u2", "MET_UCHAR": "u1", "MET_FLOAT": "f4", "MET_INT": "i4"}


def mha(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return values and affine of a MetaImage file."""
    head, data = content.split(b"ElementDataFile = LOCAL\n", 1)
    pairs = (line.split("=", 1) for line in head.decode("utf-8").splitlines())
    fields: dict[str, Any] = {key.strip(): value.strip() for key, value in pairs}
    shape = tuple(int(size) for size in fields["DimSize"].split())
    packed = fields.get("CompressedData", "False").lower() == "true"
    raw = zlib.decompress(data) if packed else data
    order = ">" if fields.get("BinaryDataByteOrderMSB", "False").lower() == "true" else "<"
    values = np.frombuffer(raw, order + MHA_TYPES[fields["ElementType"]]).reshape(shape, order="F")
    ways = np.array([float(part) for part in fields["TransformMatrix"].split()]).reshape(3, 3).T
    affine = np.eye(4)
    affine[:3, :3] = ways * [float(part) for part in fields["ElementSpacing"].split()]
    affine[:3, 3] = [float(part) for part in fields["Offset"].split()]
    return values, affine
