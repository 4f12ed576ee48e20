"""DICOM segmentations (SEG): frames placed by their positions onto the grid of an image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, GeometryError, MaskError, nearest
from genoxel.core.image import SAME_GRID_VOXELS, FloatArray, Image, Step
from genoxel.core.mask import Mask
from genoxel.io.dicom_pixels import decoded
from genoxel.io.dicom_tags import facts, open_dicom, reading
from genoxel.io.dicom_write import write_fractions, write_seg
from genoxel.io.rtstruct import unique_names

__all__ = ["Segment", "read_seg", "segments_of", "write_fractions", "write_seg"]

_FRACTIONAL, _LABELMAP = "FRACTIONAL", "LABELMAP"

MAX_BYTES = 2**31
"""Compressed segmentations that declare more are refused before anything is unpacked."""


@dataclass(frozen=True)
class Segment:
    """One segment of a SEG file: its number there and its label."""

    number: int
    name: str


@dataclass(frozen=True)
class _Frame:
    segment: int
    affine: FloatArray
    pixels: npt.NDArray[Any]


def read_seg(
    path: str | os.PathLike[str],
    image: Image,
    segments: Sequence[str] | None = None,
    threshold: float | None = None,
) -> Mask:
    """Return the segments of a DICOM SEG on the grid of `image` (all, or those named), one label each, by number.

    Frames that the file leaves out are empty. A fractional file needs `threshold` (0 to 1; voxels at or above it are
    inside). Raises `FileFormatError` (damaged, no SEG), `MaskError` (another patient, unknown or overlapping segments,
    fractional without threshold, empty) and `GeometryError` (foreign frame of reference, frames off the image's grid).
    """
    file = Path(path)
    dataset = _open(file)
    with reading(f"{file.name} with a damaged header", "a complete segmentation", "fetch it again"):
        _refuse_foreign(dataset, image, file.name)
        known, kind = segments_of(dataset), str(dataset.SegmentationType)
        most = float(dataset.get("MaximumFractionalValue") or 1)
    wanted = known if segments is None else tuple(_named(known, name, file.name) for name in segments)
    if kind == _FRACTIONAL and threshold is None:
        raise MaskError(
            f"{file.name}, a fractional segmentation (SegmentationType (0062,0001))",
            "a threshold between 0 and 1",
            "say from which fraction a voxel is inside, for example threshold=0.5",
        )
    least = 1.0
    if threshold is not None and kind == _FRACTIONAL:
        if not 0 < threshold <= 1:
            raise MaskError(f"threshold {threshold}", "above 0 and at most 1", "for example 0.5")
        least = threshold * most
    array = _place(dataset, image, wanted, least, file.name)
    labels = {segment.number: segment.name for segment in wanted}
    if not array.any():
        raise MaskError(
            f"{file.name} without a voxel of {', '.join(labels.values())}", "at least one voxel", "choose a segment"
        )
    params = {"type": kind, "segments": sorted(labels)} | ({} if threshold is None else {"threshold": threshold})
    tags = {"PatientID": str(dataset.get("PatientID") or ""), "source": "SEG"}
    return Mask(array, image.affine, labels, (Step("read_seg", params),), tags)


def segments_of(dataset: Any) -> tuple[Segment, ...]:
    """Return the segments that a SEG dataset declares; a label met again carries its count."""
    items = list(dataset.get("SegmentSequence") or [])
    items = [item for item in items if int(item.SegmentNumber) > 0]
    names = unique_names([str(item.get("SegmentLabel") or f"segment {item.SegmentNumber}").strip() for item in items])
    return tuple(Segment(int(item.SegmentNumber), name) for item, name in zip(items, names, strict=True))


def _open(file: Path) -> Any:
    dataset = open_dicom(file)
    needed = ("SegmentSequence", "PixelData", "SegmentationType", "PerFrameFunctionalGroupsSequence")
    missing = [keyword for keyword in needed if keyword not in dataset]
    modality = facts(dataset, ("Modality",)).get("Modality")
    if modality != "SEG" or missing:
        lacks = f" without {', '.join(missing)}" if missing else ""
        raise FileFormatError(
            f"{file.name} of Modality (0008,0060) {modality}{lacks}",
            "a complete segmentation (SEG)",
            "choose the segmentation, or fetch it again",
        )
    return dataset


def _refuse_foreign(dataset: Any, image: Image, name: str) -> None:
    patient, own = image.tags.get("PatientID"), str(dataset.get("PatientID") or "")
    if patient and own and patient != own:
        raise MaskError(
            f"{name}, a segmentation of another patient than the image (PatientID (0010,0020))", "one patient", "choose"
        )
    frame, own = image.tags.get("FrameOfReferenceUID"), str(dataset.get("FrameOfReferenceUID") or "")
    if frame and own and frame != own:
        raise GeometryError(
            f"{name} in another frame of reference than the image (0020,0052)",
            "one FrameOfReferenceUID",
            "choose the series that it was drawn on, or register the two first",
        )


def _named(known: Sequence[Segment], name: str, file: str) -> Segment:
    for segment in known:
        if segment.name == name:
            return segment
    names = [segment.name for segment in known]
    raise MaskError(f"segment {name!r} in {file}", ", ".join(names) or "none", nearest(name, names) or "choose one")


def _place(dataset: Any, image: Image, wanted: Sequence[Segment], least: float, name: str) -> npt.NDArray[np.uint16]:
    array = np.zeros(image.shape, dtype=np.uint16)
    names = {segment.number: segment.name for segment in wanted}
    for frame in _frames(dataset, names, name):
        place = _indices(frame, image, name)
        here = array[place]
        if frame.segment == 0:
            values = np.where(np.isin(frame.pixels, list(names)), frame.pixels, 0).astype(np.uint16)
        else:
            values = np.where(frame.pixels >= least, frame.segment, 0).astype(np.uint16)
        clash = (here != 0) & (values != 0) & (here != values)
        if clash.any():
            one, two = names[int(here[clash][0])], names[int(values[clash][0])]
            raise MaskError(
                f"{name} whose segments {one!r} and {two!r} overlap",
                "one label per voxel",
                "read one segment at a time (segments=[...])",
            )
        array[place] = np.where(values != 0, values, here)
    return array


def _frames(dataset: Any, wanted: dict[int, str], name: str) -> list[_Frame]:
    """Return the frames of the wanted segments; a label map's frames carry segment 0 and their labels as pixels."""
    with reading(f"{name} with incomplete frames", "complete functional groups and pixels", "fetch it again"):
        pixels = _unpacked(dataset, name)
        groups = list(dataset.PerFrameFunctionalGroupsSequence)
        if len(pixels) != len(groups):
            raise ValueError("frames and functional groups differ in number")
        shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
        label_map = str(dataset.SegmentationType) == _LABELMAP
        declared = {segment.number for segment in segments_of(dataset)}
        frames = []
        for group, plane in zip(groups, pixels, strict=True):
            number = 0 if label_map else int(_group(group, shared, "SegmentIdentification").ReferencedSegmentNumber)
            if not label_map and number not in declared:
                raise ValueError("a frame of a segment that is not declared")
            if label_map or number in wanted:
                frames.append(_Frame(number, _affine(group, shared), plane.T))
        return frames


def _unpacked(dataset: Any, name: str) -> npt.NDArray[Any]:
    """Return the frames (frame, row, column), after the declared sizes have been compared with the bytes there."""
    rows, columns, frames = int(dataset.Rows), int(dataset.Columns), int(dataset.get("NumberOfFrames") or 1)
    bits = rows * columns * frames * int(dataset.BitsAllocated)
    compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
    if bits > 8 * (MAX_BYTES if compressed else len(dataset.PixelData)):
        raise FileFormatError(
            f"{name} with {frames} frames of {rows} x {columns} pixels and {len(dataset.PixelData)} bytes",
            "bytes for every declared pixel",
            "the file is cut off: fetch it again",
        )
    if compressed:
        values = decoded(dataset, str(dataset.file_meta.TransferSyntaxUID), (frames, rows, columns, 1))
        return values.reshape(frames, rows, columns)
    return np.asarray(dataset.pixel_array).reshape(frames, rows, columns)


def _group(group: Any, shared: Any, word: str) -> Any:
    keyword = f"{word}Sequence"
    item = group.get(keyword) or shared.get(keyword)
    if not item:
        raise KeyError(keyword)
    return item[0]


def _affine(group: Any, shared: Any) -> FloatArray:
    cosines = np.array(_group(group, shared, "PlaneOrientation").ImageOrientationPatient, dtype=np.float64)
    steps = np.array(_group(group, shared, "PixelMeasures").PixelSpacing, dtype=np.float64)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = cosines[:3] * steps[1], cosines[3:] * steps[0]
    affine[:3, 2] = np.cross(cosines[:3], cosines[3:])
    affine[:3, 3] = np.array(_group(group, shared, "PlanePosition").ImagePositionPatient, dtype=np.float64)
    return affine


def _indices(frame: _Frame, image: Image, name: str) -> tuple[npt.NDArray[np.intp], ...]:
    """Return where each pixel of a frame lies in the image, three index arrays (i, j); turned frames are allowed."""
    ends = np.array(frame.pixels.shape) - 1
    corners = np.array([(0, 0, 0), (ends[0], 0, 0), (0, ends[1], 0), (ends[0], ends[1], 0)], dtype=np.float64)
    there = image.grid.to_voxel(corners @ frame.affine[:3, :3].T + frame.affine[:3, 3])
    whole = np.rint(there)
    off = float(np.abs(there - whole).max())
    sides = (whole[1] - whole[0]) / max(ends[0], 1), (whole[2] - whole[0]) / max(ends[1], 1)
    even = all(np.isin(np.abs(side), (0, 1)).all() and np.abs(side).sum() <= 1 for side in sides)
    if off > max(SAME_GRID_VOXELS, 1e-2 if even else 0) or not even:
        raise GeometryError(
            f"{name} with a frame {off:.3g} voxels off the grid of the image ({image.grid.describe()})",
            "frames on the image's voxels",
            "choose the series that it was drawn on",
        )
    if (whole.min(axis=0) < 0).any() or (whole.max(axis=0) >= image.shape).any():
        raise GeometryError(
            f"{name} with a frame outside the image ({image.grid.describe()})",
            "frames inside the image",
            "choose the series that it was drawn on, or the uncropped one",
        )
    i, j = np.indices(frame.pixels.shape)
    axes = [whole[0][axis] + i * sides[0][axis] + j * sides[1][axis] for axis in range(3)]
    return tuple(axis.astype(np.intp) for axis in axes)
