"""Small strict parsers, written from the standards for the tests alone: what a file's bytes say, or an exception."""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import Any

import numpy as np

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
    columns = [_vector(f"{part})") for part in fields["space directions"].split(")")[:-1]]
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
