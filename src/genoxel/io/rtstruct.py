"""RTSTRUCT: contours drawn in the patient, and the voxels whose centres they enclose.

The rule: a voxel belongs to a structure when its centre lies inside its contours. Contours nested in one slice cut
holes (XOR); contours of one slice that overlap in part are joined; what allows two readings is refused.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, GeometryError, MaskError, nearest
from genoxel.core.image import FloatArray, Image, Step
from genoxel.core.mask import Mask
from genoxel.io.dicom_tags import facts, open_dicom, reading
from genoxel.io.dicom_write import write_rtstruct
from genoxel.io.polygons import area, cover, crossings, drop_repeats, fill, largest_loop

__all__ = [
    "Structure",
    "Structures",
    "coverage",
    "rasterise",
    "read_structures",
    "referenced",
    "roi_names",
    "write_rtstruct",
]

OFF_PLANE = 0.1
"""A contour may lie off its slice by this share of the slice step (positions in files are rounded); it is recorded."""

SLIP_PIXELS, SLIP_SHARE = 0.5, 0.001
"""A crossing that ties off no more than this area (pixels, or share of the contour's own area) is a slip of the pen,
as where a stroke's end passes its beginning: recorded, not refused."""

NESTED, APART = 0.9, 0.5
"""Two contours of a slice are nested from this share of the smaller one inside the larger; below `APART` they overlap
in part; between, the file does not tell which was meant."""

_FINE = 32
_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_OPEN = ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR")


@dataclass(frozen=True)
class Structure:
    """One drawn structure: closed contours, each (n, 3) mm, and its frame of reference; `left_out` counts open ones."""

    name: str
    contours: tuple[FloatArray, ...]
    frame_of_reference: str = ""
    left_out: int = 0


@dataclass(frozen=True, repr=False)
class Structures:
    """A structure set: whose it is, which series it was drawn on, and its structures in file order."""

    file: str
    patient: str
    series: str
    frame_of_reference: str
    items: tuple[Structure, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the structures; a name met again carries its count (``GTV #2``)."""
        return tuple(item.name for item in self.items)

    def structure(self, name: str) -> Structure:
        """Return the structure called `name`; `MaskError` names the legal ones."""
        for item in self.items:
            if item.name == name:
                return item
        hint = nearest(name, self.names) or "choose one of these"
        raise MaskError(f"structure {name!r} in {self.file}", ", ".join(self.names) or "none in this file", hint)

    def __repr__(self) -> str:
        return f"Structures {self.file}: {', '.join(self.names) or 'none'}"


def read_structures(path: str | os.PathLike[str]) -> Structures:
    """Return the structures of an RTSTRUCT file, contours in mm (LPS).

    Raises `FileFormatError` for a damaged file, another kind of file, and contour data that are no triples of numbers.
    """
    file = Path(path)
    dataset = open_dicom(file)
    if facts(dataset, ("Modality",)).get("Modality") != "RTSTRUCT" or "StructureSetROISequence" not in dataset:
        raise FileFormatError(
            f"{file.name} of Modality (0008,0060) {facts(dataset, ('Modality',)).get('Modality')}",
            "a structure set (RTSTRUCT)",
            "choose it",
        )
    with reading(f"{file.name} with damaged structure sequences", "a complete structure set", "export it again"):
        frame, series = referenced(dataset)
        items = _items(dataset, file.name, frame)
        return Structures(file.name, str(dataset.get("PatientID") or ""), series, frame, items)


def referenced(dataset: Any) -> tuple[str, str]:
    """Return the frame of reference and the series that a structure set says it was drawn on ("" if it does not)."""
    frame = series = ""
    for item in dataset.get("ReferencedFrameOfReferenceSequence") or []:
        frame = frame or str(item.get("FrameOfReferenceUID") or "")
        for study in item.get("RTReferencedStudySequence") or []:
            for one in study.get("RTReferencedSeriesSequence") or []:
                series = series or str(one.get("SeriesInstanceUID") or "")
    if not frame:
        for roi in dataset.get("StructureSetROISequence") or []:
            frame = frame or str(roi.get("ReferencedFrameOfReferenceUID") or "")
    return frame, series


def roi_names(dataset: Any) -> tuple[str, ...]:
    """Return the names of the structures that an RTSTRUCT dataset declares, in file order, none twice."""
    rois = list(dataset.get("StructureSetROISequence") or [])
    return unique_names([str(roi.get("ROIName") or "").strip() or f"ROI {roi.ROINumber}" for roi in rois])


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, each later namesake with its count.

    >>> unique_names(["GTV", "Lung", "GTV"])
    ('GTV', 'Lung', 'GTV #2')
    """
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return tuple(result)


def _items(dataset: Any, file: str, frame: str) -> tuple[Structure, ...]:
    drawn = list(dataset.get("ROIContourSequence") or [])
    contours = {int(item.ReferencedROINumber): item for item in drawn}
    if len(contours) != len(drawn):
        raise FileFormatError(
            f"{file} with two sets of contours for one structure (ReferencedROINumber (3006,0084))",
            "one for each structure",
            "export the structure set again",
        )
    rois, names = list(dataset.StructureSetROISequence), roi_names(dataset)
    items = []
    for roi, name in zip(rois, names, strict=True):
        closed, left_out = _closed(contours.get(int(roi.ROINumber)), name, file)
        own = str(roi.get("ReferencedFrameOfReferenceUID") or "") or frame
        items.append(Structure(name, closed, own, left_out))
    return tuple(items)


def _closed(item: Any, name: str, file: str) -> tuple[tuple[FloatArray, ...], int]:
    closed, left_out = [], 0
    for number, contour in enumerate((item.get("ContourSequence") or []) if item is not None else [], start=1):
        kind, declared = contour.get("ContourGeometricType"), contour.get("NumberOfContourPoints")
        if str(kind) not in (*_CLOSED, *_OPEN) or declared is None:
            raise FileFormatError(
                f"contour {number} of {name!r} in {file} without a known kind or its number of points",
                f"ContourGeometricType (3006,0042) {', '.join((*_CLOSED, *_OPEN))}; NumberOfContourPoints (3006,0046)",
                "export the structure set again",
            )
        if str(kind) in _OPEN:
            left_out += 1
            continue
        points = _points(contour)
        declared = int(declared)
        if points.size == 0 or points.size % 3 or not np.isfinite(points).all() or declared != points.size // 3:
            raise FileFormatError(
                f"contour {number} of {name!r} in {file} with {points.size} coordinates for {declared} points",
                "three finite numbers per point, as NumberOfContourPoints (3006,0046) says",
                "export the structure set again",
            )
        closed.append(points.reshape(-1, 3))
    return tuple(closed), left_out


def _points(contour: Any) -> FloatArray:
    """Read the coordinates from the raw bytes: thousands of decimal strings are slow as objects."""
    raw = getattr(contour.get_item("ContourData"), "value", None)
    if isinstance(raw, bytes):
        return np.array(raw.rstrip(b" \0").split(b"\\"), dtype=np.float64) if raw.strip(b" \0") else np.empty(0)
    value = contour.get("ContourData")
    return np.array([float(item) for item in np.atleast_1d(value)]) if value is not None else np.empty(0)


def rasterise(structures: Structures, name: str, image: Image) -> Mask:
    """Return the voxels of `image` whose centres lie inside structure `name`, as a mask with that one label.

    Raises `MaskError` for a structure of another patient, an unknown name, fewer than 3 points, a contour that
    crosses itself, contours whose overlap has two readings, and an empty result; `GeometryError` for a foreign frame
    of reference and for contours between the slices, across them, or outside the image.
    Source: DICOM PS3.3 C.8.8.6 (contours in the patient); even-odd filling by scan lines.
    """
    item = structures.structure(name)
    _refuse_foreign(structures, item, image)
    by_slice, off, slips = _by_slice(structures, item, image)
    array = np.zeros(image.shape, dtype=np.uint8)
    notes = {"copies": 0, "joined": 0}
    for k, contours in by_slice.items():
        array[:, :, k] = _slice(contours, image.shape[:2], notes, f"{name!r} in {structures.file}, slice {k}")
    if not array.any():
        raise MaskError(
            f"structure {name!r} in {structures.file}, which holds no voxel's centre", "at least one", "redraw it"
        )
    gaps = sorted(set(range(min(by_slice), max(by_slice) + 1)) - set(by_slice))
    found: dict[str, object] = {
        "contours": len(item.contours),
        "slices": len(by_slice),
        "off_plane": round(off, 4),
        "slips": slips,
    }
    found |= notes | {"open_left_out": item.left_out, "slices_without": gaps}
    step = Step("rasterise", {"rule": "voxel centre", **{key: value for key, value in found.items() if value}})
    tags = {"PatientID": structures.patient, "source": "RTSTRUCT", "structure": name}
    return Mask(array, image.affine, {1: name}, (step,), tags)


def coverage(structures: Structures, name: str, image: Image) -> FloatArray:
    """Return the share (0 to 1) of each voxel (i, j, k) that structure `name` covers within its slice.

    Exact where contours are nested or apart; where contours of a slice overlap in part, their union is sampled at
    32 x 32 points per pixel. The sum times a voxel's volume is the volume of the drawn polygons. Raises as `rasterise`.
    """
    item = structures.structure(name)
    _refuse_foreign(structures, item, image)
    by_slice, _, _ = _by_slice(structures, item, image)
    shares = np.zeros(image.shape)
    for k, contours in by_slice.items():
        place = f"{name!r} in {structures.file}, slice {k}"
        shares[:, :, k] = _covered(contours, (image.shape[0], image.shape[1]), place)
    return shares


def _by_slice(structures: Structures, item: Structure, image: Image) -> tuple[dict[int, list[FloatArray]], float, int]:
    """Return the contours by slice in voxel indices, the largest distance off a slice, and the slips of the pen."""
    if not item.contours:
        raise MaskError(
            f"structure {item.name!r} in {structures.file} without a closed contour",
            "closed planar contours",
            "draw it",
        )
    by_slice: dict[int, list[FloatArray]] = {}
    off, slips = 0.0, 0
    for number, contour in enumerate(item.contours, start=1):
        place = f"contour {number} of {item.name!r} in {structures.file}"
        k, points, away = _in_slice(contour, image, place)
        slips += _refuse_crossing(points, place)
        off = max(off, away)
        by_slice.setdefault(k, []).append(points)
    return by_slice, off, slips


def _covered(contours: Sequence[FloatArray], shape: tuple[int, int], place: str) -> FloatArray:
    """Return the share of each pixel of a slice inside its contours: joined where they overlap, cut where nested."""
    distinct = [points for n, points in enumerate(contours) if not any(_same(points, one) for one in contours[:n])]
    groups: list[tuple[npt.NDArray[np.bool_], list[FloatArray]]] = []
    for points in distinct:
        filled, parts = fill(points, shape), [points]
        for other in [group for group in groups if _overlap_in_part(filled, group[0], place)]:
            groups = [group for group in groups if group is not other]
            filled, parts = filled | other[0], [*parts, *other[1]]
        groups.append((filled, parts))
    shares = [cover(parts[0], shape) if len(parts) == 1 else _union(parts, shape) for _, parts in groups]
    total = np.zeros(shape)
    for share in shares:
        around = sum(_within(share, other) for other in shares if other is not share)
        total += share if around % 2 == 0 else -share
    return np.asarray(np.clip(total, 0.0, 1.0))


def _within(share: FloatArray, other: FloatArray) -> bool:
    """Whether what `share` covers lies inside what the larger `other` covers."""
    own = float(share.sum())
    return own < float(other.sum()) and float(np.minimum(share, other).sum()) >= NESTED * own


def _union(parts: Sequence[FloatArray], shape: tuple[int, int]) -> FloatArray:
    fine = (shape[0] * _FINE, shape[1] * _FINE)
    inside = np.logical_or.reduce([fill((points + 0.5) * _FINE - 0.5, fine) for points in parts])
    return np.asarray(inside.reshape(shape[0], _FINE, shape[1], _FINE).mean(axis=(1, 3)))


def _refuse_foreign(structures: Structures, item: Structure, image: Image) -> None:
    patient = image.tags.get("PatientID")
    if patient and structures.patient and patient != structures.patient:
        raise MaskError(
            f"{structures.file}, a structure set of another patient than the image (PatientID (0010,0020))",
            "one patient",
            "choose the structure set of this patient",
        )
    frame = image.tags.get("FrameOfReferenceUID")
    if frame and item.frame_of_reference and frame != item.frame_of_reference:
        raise GeometryError(
            f"structure {item.name!r} of {structures.file} in another frame of reference than the image (0020,0052)",
            "one FrameOfReferenceUID",
            "choose the series that it was drawn on, or register the two first",
        )


def _in_slice(contour: FloatArray, image: Image, place: str) -> tuple[int, FloatArray, float]:
    """Return the slice k, the points (n, 2) in voxel indices, and how far they lie off the slice (share of a step)."""
    voxels = image.grid.to_voxel(contour)
    k = round(float(np.median(voxels[:, 2])))
    away = float(np.abs(voxels[:, 2] - k).max())
    if away > OFF_PLANE:
        raise GeometryError(
            f"{place}, which lies {away:.2f} slice steps off the nearest slice of the image",
            f"contours drawn in the slices of this image (within {OFF_PLANE} of a step)",
            "choose the series that it was drawn on",
        )
    ends = np.array(image.shape) - 0.5
    low, high = voxels.min(axis=0), voxels.max(axis=0)
    if not 0 <= k < image.shape[2] or (low[:2] < -1.0).any() or (high[:2] > ends[:2] + 0.5).any():
        raise GeometryError(
            f"{place}, which lies outside the image ({image.grid.describe()})",
            "contours inside the image",
            "choose the series that it was drawn on, or the uncropped one",
        )
    points = drop_repeats(voxels[:, :2])
    if len(points) < 3:
        raise MaskError(f"{place} with {len(points)} distinct point(s)", "at least 3", "delete or redraw this contour")
    return k, points, away


def _refuse_crossing(points: FloatArray, place: str) -> int:
    pairs = crossings(points)
    if len(pairs) and largest_loop(points, pairs) > max(SLIP_PIXELS, SLIP_SHARE * area(points)):
        raise MaskError(
            f"{place}, which crosses itself {len(pairs)} time(s): inside and outside are not defined",
            "contours that do not cross themselves",
            "redraw this contour",
        )
    return len(pairs)


def _slice(
    contours: Sequence[FloatArray], shape: tuple[int, ...], notes: dict[str, int], place: str
) -> npt.NDArray[np.bool_]:
    distinct = [points for n, points in enumerate(contours) if not any(_same(points, one) for one in contours[:n])]
    notes["copies"] += len(contours) - len(distinct)
    groups: list[npt.NDArray[np.bool_]] = []
    for points in distinct:
        filled = fill(points, (shape[0], shape[1]))
        joined = filled
        for other in [group for group in groups if _overlap_in_part(filled, group, place)]:
            groups = [group for group in groups if group is not other]
            joined = joined | other
            notes["joined"] += 1
        groups.append(joined)
    return np.asarray(np.logical_xor.reduce(groups))


def _same(one: FloatArray, other: FloatArray) -> bool:
    return len(one) == len(other) and {tuple(point) for point in np.round(one, 4)} == {
        tuple(point) for point in np.round(other, 4)
    }


def _overlap_in_part(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], place: str) -> bool:
    common, smaller = int((one & other).sum()), min(int(one.sum()), int(other.sum()))
    if common == 0 or common >= NESTED * smaller:
        return False
    if common > APART * smaller:
        raise MaskError(
            f"two contours of {place} that share {common} of {smaller} pixels: neither nested nor apart",
            f"less than {APART:.0%} (joined) or at least {NESTED:.0%} (a hole)",
            "redraw the contours of this slice",
        )
    return True
