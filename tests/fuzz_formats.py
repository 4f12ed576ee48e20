"""Small files of every format that is read, how they are read, and how a strict parser reads them, to be damaged."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import strict_dicom
import strict_parsers as strict
from dicom_corpus import pet
from dicom_making import slices, truth, uid
from dicom_multiframe import enhanced
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.dicom import read_series
from genoxel.io.dicom_seg import read_seg, write_seg
from genoxel.io.mha import read_mha, write_mha
from genoxel.io.nifti import read_nifti, write_nifti
from genoxel.io.nrrd import read_nrrd, write_nrrd
from genoxel.io.rtstruct import read_structures, write_rtstruct

SHAPE = (9, 8, 4)
PACKED_SHAPE = (40, 36, 8)

Found = list[np.ndarray]
"""What a file holds: values first, which must be equal, then places in mm, equal to rounding."""


@dataclass(frozen=True)
class Format:
    """A kind of file: its name, its bytes when whole, our reader and the strict parser (None: no second decoder)."""

    name: str
    make: Callable[[Path], bytes]
    read: Callable[[Path], Found | None]
    parse: Callable[[bytes], Found] | None


def volume() -> Image:
    """A volume on an oblique grid."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]) @ np.diag([0.75, 0.75, 2.5])
    affine[:3, 3] = (-31.5, 12.25, 7.0)
    return Image(truth(SHAPE), affine)


def _saved(one: Any) -> bytes:
    buffer = io.BytesIO()
    one.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _slice(syntax: str = "") -> Callable[[Path], bytes]:
    def make(folder: Path) -> bytes:
        if not syntax:
            return _saved(slices(shape=SHAPE)[2])
        one = slices(shape=PACKED_SHAPE)[2]
        if syntax.endswith(".70"):
            from dicom_corpus import jpeg_lossless

            jpeg_lossless(one)
        else:
            one.compress(syntax)
        return _saved(one)

    return make


def _written(writer: Callable[[Path, Image], Path], name: str) -> Callable[[Path], bytes]:
    return lambda folder: writer(folder / name, volume()).read_bytes()


@cache
def _series() -> tuple[Any, ...]:
    return tuple(slices(shape=SHAPE))


def drawn_image() -> Image:
    """The image that masks are drawn on, never damaged."""
    affine = np.diag([1.0, 1.5, 3.0, 1.0])
    affine[:3, 3] = (-20, 10, 30)
    tags = {"PatientID": "P1", "FrameOfReferenceUID": uid("P1", "frame")}
    return Image(truth(SHAPE), affine, "CT", "HU", (), tags)


def _mask() -> Mask:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:7, 2:6, 1:3] = 1
    labels[4, 3, 2] = 2
    return Mask(labels, drawn_image().affine, {1: "GTV", 2: "core"})


def _structures(folder: Path) -> bytes:
    mask = _mask()
    whole = Mask((np.asarray(mask.array) > 0).astype(np.uint8), mask.affine, {1: "GTV"})
    inner = Mask((np.asarray(mask.array) == 2).astype(np.uint8), mask.affine, {1: "core"})
    regions = {"GTV": whole, "core": inner}
    return write_rtstruct(folder / "w.dcm", regions, _series(), uid, "20200103", "101010").read_bytes()


def _segments(folder: Path) -> bytes:
    return write_seg(folder / "w.dcm", _mask(), _series(), uid, "20200103", "101010").read_bytes()


def _image(
    reader: Callable[[Path], Image], told: tuple[str, ...] = ("fill_padding",)
) -> Callable[[Path], Found | None]:
    """Read an image; what was repaired or flagged (`told` by its history) is not compared."""

    def read(path: Path) -> Found | None:
        image = reader(path)
        if any(step.name in told for step in image.history):
            return None
        return [np.asarray(image.array), image.affine]

    return read


def _read_structures(path: Path) -> Found:
    found = read_structures(path)
    counts = np.array([len(points) for item in found.items for points in item.contours])
    points = [points for item in found.items for points in item.contours]
    return [counts, np.concatenate(points) if points else np.empty((0, 3))]


_dicom = _image(lambda path: read_series([path]))
_pet = _image(lambda path: read_series([path]), ("fill_padding", "notice", "reference_time"))
_JPEG, _JPEG_LS, _JPEG_2000, _RLE = (f"1.2.840.10008.1.2.{tail}" for tail in ("4.70", "4.80", "4.90", "5"))
FORMATS = {
    "DICOM": Format("a.dcm", _slice(), _dicom, strict_dicom.image),
    "DICOM RLE": Format("a.dcm", _slice(_RLE), _dicom, strict_dicom.image),
    "DICOM JPEG": Format("a.dcm", _slice(_JPEG), _dicom, strict_dicom.image),
    "DICOM JPEG-LS": Format("a.dcm", _slice(_JPEG_LS), _dicom, None),
    "DICOM JPEG 2000": Format("a.dcm", _slice(_JPEG_2000), _dicom, None),
    "DICOM enhanced": Format("a.dcm", lambda _: _saved(enhanced(values=truth(SHAPE))), _dicom, strict_dicom.enhanced),
    "DICOM PET": Format("a.dcm", lambda _: _saved(pet()[0]), _pet, strict_dicom.pet),
    "RTSTRUCT": Format("a.dcm", _structures, _read_structures, strict_dicom.contours),
    "SEG": Format(
        "a.dcm",
        _segments,
        lambda path: [np.asarray(read_seg(path, drawn_image()).array)],
        lambda content: [strict_dicom.segments(content, SHAPE, drawn_image().affine)],
    ),
    "NIfTI": Format("a.nii", _written(write_nifti, "w.nii"), _image(read_nifti), lambda c: [*strict.nifti(c)]),
    "NIfTI gzip": Format(
        "a.nii.gz", _written(write_nifti, "w.nii.gz"), _image(read_nifti), lambda c: [*strict.nifti(c)]
    ),
    "NRRD": Format("a.nrrd", _written(write_nrrd, "w.nrrd"), _image(read_nrrd), lambda c: [*strict.nrrd(c)]),
    "MHA": Format("a.mha", _written(write_mha, "w.mha"), _image(read_mha), lambda c: [*strict.mha(c)]),
}
