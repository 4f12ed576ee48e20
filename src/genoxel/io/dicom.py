"""DICOM series in: one checked volume, or a reason why there is none.

Nothing is guessed: a fault of the series is refused with file, tag and remedy, repaired and written into the image's
history (exact duplicates, padding), or, where the file cannot tell, noted there as a `notice` step.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError
from genoxel.core.image import Image, Scalar, Step
from genoxel.io.dicom_geometry import Plane, Stack, plane_of, stack
from genoxel.io.dicom_pixels import Pixels, pixels_of
from genoxel.io.dicom_tags import ACQUISITION, IDENTITY, facts, open_dicom, reading

_ONE = {
    "PatientID": ("two patients", "(0010,0020)"),
    "StudyInstanceUID": ("two studies", "(0020,000D)"),
    "SeriesInstanceUID": ("two series", "(0020,000E)"),
    "FrameOfReferenceUID": ("two frames of reference", "(0020,0052)"),
    "Modality": ("two modalities", "(0008,0060)"),
}
_PET_UNITS = {"GML": "SUV", "CM2ML": "SUVbsa", "NONE": ""}
_LARGEST_HU = 40_000.0


_COUNTS = ("NumberOfSlices", "ImagesInAcquisition", "InstanceNumber")


@dataclass(frozen=True)
class _Slice:
    name: str
    dataset: Any
    tags: dict[str, Scalar]
    plane: Plane
    pixels: Pixels

    def count(self, keyword: str) -> int:
        value = self.tags.get(keyword)
        return int(value) if isinstance(value, int | float) else 0


def read_series(paths: Sequence[str | os.PathLike[str]]) -> Image:
    """Return the volume of one DICOM series (one file per slice, in any order), with its acquisition facts as tags.

    Slices are sorted by position along their normal; pixel values are rescaled slice by slice: CT in HU, PET in the
    SUV unit that the file states, others in the file's own unit. Values are whole numbers where the rescaling leaves
    them whole, else float64. Raises `FileFormatError` (damaged file, mixed patients or series, missing tag, raw PET
    counts, multi-frame) and `GeometryError` (missing, doubled or uneven slices, tilt, mixed orientation or spacing).
    Source: DICOM PS3.3 C.7.6.2 (image plane), C.11.1 (modality LUT), C.7.5.1.1.2 (padding).
    """
    if not paths:
        raise FileFormatError("no files", "the files of one series", "name the files, or choose a series")
    slices = [_read(Path(path)) for path in paths]
    _refuse_strangers(slices)
    slices, steps = _without_copies(slices)
    thickness = slices[0].tags.get("SliceThickness")
    step = float(thickness) if isinstance(thickness, int | float) else None
    placed = stack([one.plane for one in slices], [one.name for one in slices], step)
    slices = [slices[place] for place in placed.order]
    array, more = _volume(slices)
    tags = facts(slices[0].dataset, (*IDENTITY, *ACQUISITION))
    modality = str(tags.get("Modality", ""))
    history = (
        Step("read_dicom", {"slices": len(slices)}),
        *steps,
        *more,
        *_notices(slices, placed),
    )
    if modality == "CT" and float(array.max()) > _LARGEST_HU:
        raise FileFormatError(
            f"CT numbers up to {float(array.max()):.0f} HU ({slices[0].name})",
            f"at most {_LARGEST_HU:.0f} HU",
            "PixelRepresentation (0028,0103) or the rescaling is wrong: export the series again",
        )
    return Image(array, placed.grid.affine, modality, _unit(modality, tags, slices[0].name), history, tags)


def _read(path: Path) -> _Slice:
    """Read one file at once and keep plain values, so that no damage shows later than here."""
    dataset = open_dicom(path)
    dataset.filename = path.name
    with reading(f"{path.name} with a damaged header", "a complete DICOM image", "fetch it again from the archive"):
        pixels = pixels_of(dataset, path.name)
        plane = plane_of(dataset)
        del dataset.PixelData
    return _Slice(path.name, dataset, facts(dataset, (*IDENTITY, *_COUNTS, "SliceThickness")), plane, pixels)


def _refuse_strangers(slices: Sequence[_Slice]) -> None:
    first = slices[0]
    for one in slices[1:]:
        for keyword, (what, tag) in _ONE.items():
            if one.tags.get(keyword) != first.tags.get(keyword):
                raise FileFormatError(
                    f"{what} in one set of files: {keyword} {tag} differs between {first.name} and {one.name}",
                    f"one {keyword}",
                    "give the files of one series only; a mixed series must be sorted out at the archive",
                )


def _without_copies(slices: list[_Slice]) -> tuple[list[_Slice], list[Step]]:
    """Leave out slices that equal another in place and in every pixel; the file names go into the history."""
    kept: dict[tuple[float, ...], list[_Slice]] = {}
    result, left_out = [], []
    for one in slices:
        same = kept.setdefault(tuple(np.round(one.plane.origin, 4).tolist()), [])
        if any(_equal(one, other) for other in same):
            left_out.append(one.name)
        else:
            same.append(one)
            result.append(one)
    steps = [Step("drop_duplicate_slices", {"files": sorted(left_out)})] if left_out else []
    return result, steps


def _equal(one: _Slice, other: _Slice) -> bool:
    lines = (one.pixels.slope, one.pixels.intercept) == (other.pixels.slope, other.pixels.intercept)
    turned = np.array_equal(one.plane.along_i, other.plane.along_i) and np.array_equal(
        one.plane.along_j, other.plane.along_j
    )
    return lines and turned and np.array_equal(one.pixels.stored, other.pixels.stored)


def _volume(slices: Sequence[_Slice]) -> tuple[npt.NDArray[Any], list[Step]]:
    lines = {(one.pixels.slope, one.pixels.intercept) for one in slices}
    dtype = _dtype(slices, lines)
    array = np.empty((*slices[0].pixels.stored.shape, len(slices)), dtype=dtype, order="F")
    padded = (
        np.zeros(array.shape, dtype=bool, order="F") if any(one.pixels.padding is not None for one in slices) else None
    )
    for k, one in enumerate(slices):
        if dtype.kind == "i":
            array[:, :, k] = one.pixels.stored.astype(np.int64) * int(one.pixels.slope) + int(one.pixels.intercept)
        else:
            array[:, :, k] = one.pixels.stored * one.pixels.slope + one.pixels.intercept
        if padded is not None and one.pixels.padding is not None:
            padded[:, :, k] = one.pixels.padding
    steps = [Step("rescale", {"slope": slope, "intercept": shift}) for slope, shift in lines if len(lines) == 1]
    if len(lines) > 1:
        steps = [Step("rescale", {"per_slice": len(lines)})]
    if padded is not None:
        steps.append(_fill_padding(array, padded, slices[0].name))
    return array, steps


def _dtype(slices: Sequence[_Slice], lines: set[tuple[float, float]]) -> np.dtype[Any]:
    if not all(slope.is_integer() and shift.is_integer() for slope, shift in lines):
        return np.dtype(np.float64)
    ends = [
        int(end) * int(one.pixels.slope) + int(one.pixels.intercept)
        for one in slices
        for end in (one.pixels.stored.min(), one.pixels.stored.max())
    ]
    return np.result_type(np.int16, np.min_scalar_type(min(ends)), np.min_scalar_type(-max(ends) - 1))


def _fill_padding(array: npt.NDArray[Any], padded: npt.NDArray[np.bool_], name: str) -> Step:
    if padded.all():
        raise FileFormatError(
            f"a series of padding only (PixelPaddingValue (0028,0120), {name})",
            "measured pixels",
            "choose another series",
        )
    lowest = array[~padded].min()
    array[padded] = lowest
    return Step("fill_padding", {"voxels": int(padded.sum()), "with": float(lowest)})


def _unit(modality: str, tags: dict[str, Scalar], name: str) -> str:
    if modality == "CT":
        kind = str(tags.get("RescaleType") or "HU").upper()
        return "HU" if kind in ("HU", "US") else kind
    if modality != "PT":
        return ""
    units = str(tags.get("Units") or "").upper()
    if units in _PET_UNITS:
        return _PET_UNITS[units]
    raise FileFormatError(
        f"{name} (PT) with Units (0054,1001) = {units or 'nothing'}",
        "standardised uptake values: GML (body weight) or CM2ML (body surface)",
        "convert the series to SUV at the workstation; activity alone does not compare between patients",
    )


def _notices(slices: Sequence[_Slice], placed: Stack) -> list[Step]:
    """Note what the files cannot settle by themselves."""
    notices = []
    if placed.off_mm > 1e-3 * placed.grid.spacing[2]:
        notices.append(Step("notice", {"about": "slice positions rounded", "largest_mm": round(placed.off_mm, 6)}))
    announced = max(slices[0].count("NumberOfSlices"), slices[0].count("ImagesInAcquisition"))
    if announced > len(slices):
        notices.append(Step("notice", {"about": "fewer slices than announced", "announced": announced}))
    numbers = sorted({one.count("InstanceNumber") for one in slices})
    if numbers[-1] - numbers[0] + 1 > len(slices) and len(numbers) > 1:
        notices.append(Step("notice", {"about": "gaps in InstanceNumber", "from": numbers[0], "to": numbers[-1]}))
    return notices
