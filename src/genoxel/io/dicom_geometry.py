"""From the positions of DICOM slices to one grid, or to a reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genoxel.core.errors import FileFormatError, GeometryError
from genoxel.core.image import FloatArray, Grid
from genoxel.io.dicom_tags import number_of

ROUNDING_MM = 0.051
"""Slice positions written with one decimal are off by up to 0.05 mm; more than this is not rounding."""

SAME_DIRECTION = 1e-4
"""Direction cosines that differ by more than this are different directions (files often keep four decimals)."""


@dataclass(frozen=True)
class Plane:
    """Where one DICOM slice lies: first pixel's centre in mm, unit directions of i and j, their steps in mm, shape."""

    origin: FloatArray
    along_i: FloatArray
    along_j: FloatArray
    steps: tuple[float, float]
    shape: tuple[int, int]

    @property
    def normal(self) -> FloatArray:
        """Unit vector at right angles to the slice, towards the next one."""
        normal = np.cross(self.along_i, self.along_j)
        return np.asarray(normal / np.linalg.norm(normal))


@dataclass(frozen=True)
class Stack:
    """Slices as one grid: `order` sorts the planes along the normal, `off_mm` is how far one is from its place.

    `tilt` is the angle in degrees by which slices shift against their normal (the grid is sheared then); `depths` are
    the places of slices at uneven steps in mm. Both are 0 and empty unless their resampling was asked for.
    """

    grid: Grid
    order: tuple[int, ...]
    off_mm: float
    tilt: float = 0.0
    depths: tuple[float, ...] = ()


def name_of(dataset: Any) -> str:
    """Return the file name of a dataset for messages (never its folder, which may name a patient)."""
    from pathlib import Path

    source = getattr(dataset, "filename", None)
    return Path(str(source)).name if source else "a dataset in memory"


def numbers(dataset: Any, keyword: str, count: int, tag: str) -> FloatArray:
    """Return `count` finite numbers of a tag, or raise `FileFormatError` naming file and tag."""
    value = dataset.get(keyword)
    try:
        values = np.array([float(item) for item in np.atleast_1d(value)]) if value is not None else np.empty(0)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise FileFormatError(
            f"{name_of(dataset)} with {keyword} {tag} = {value!s}",
            f"{count} finite numbers",
            "export the series again from the archive; positions are never guessed",
        )
    return values


def plane_of(dataset: Any) -> Plane:
    """Return the plane of one slice; `FileFormatError` names the tag that is missing or impossible."""
    origin = numbers(dataset, "ImagePositionPatient", 3, "(0020,0032)")
    cosines = numbers(dataset, "ImageOrientationPatient", 6, "(0020,0037)")
    spacing = numbers(dataset, "PixelSpacing", 2, "(0028,0030)")
    along_i, along_j = cosines[:3], cosines[3:]
    lengths = np.linalg.norm(cosines.reshape(2, 3), axis=1)
    if np.abs(lengths - 1).max() > 1e-3 or abs(float(along_i @ along_j)) > 1e-3:
        raise FileFormatError(
            f"{name_of(dataset)} with ImageOrientationPatient (0020,0037) = {cosines.tolist()}",
            "two unit vectors at right angles",
            "export the series again from the archive",
        )
    if spacing.min() <= 0:
        raise FileFormatError(
            f"{name_of(dataset)} with PixelSpacing (0028,0030) = {spacing.tolist()}", "steps above 0 mm", "re-export it"
        )
    shape = (int(dataset.Columns), int(dataset.Rows))
    return Plane(origin, along_i, along_j, (float(spacing[1]), float(spacing[0])), shape)


def still_plane(dataset: Any) -> Plane:
    """Return the plane of a still without place in the patient: at the origin, its pixel size from any tag that tells.

    A detector's pixel size is divided by the stated magnification. Raises `FileFormatError` where no tag tells.
    Source: DICOM PS3.3 10.7.1.1 (PixelSpacing), C.8.5.5 (ultrasound regions).
    """
    x_axis, y_axis = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    shape = (int(dataset.Columns), int(dataset.Rows))
    if dataset.get("PixelSpacing") is not None:
        down, along = numbers(dataset, "PixelSpacing", 2, "(0028,0030)")
    elif dataset.get("ImagerPixelSpacing") is not None:
        enlarged = number_of(dataset.get("EstimatedRadiographicMagnificationFactor"))
        enlarged = enlarged if enlarged > 0 else 1.0
        down, along = numbers(dataset, "ImagerPixelSpacing", 2, "(0018,1164)") / enlarged
    else:
        down, along = _region_steps(dataset)
    if not min(down, along) > 0:
        raise FileFormatError(
            f"{name_of(dataset)} without pixel size: PixelSpacing (0028,0030), ImagerPixelSpacing (0018,1164), "
            "SequenceOfUltrasoundRegions (0018,6011)",
            "a pixel size in mm",
            "export it with its calibration; sizes are never guessed",
        )
    return Plane(np.zeros(3), x_axis, y_axis, (float(along), float(down)), shape)


def _region_steps(dataset: Any) -> tuple[float, float]:
    """Return the pixel size (rows, columns) in mm of the one ultrasound region in cm, or zeros."""
    regions = [
        one for one in dataset.get("SequenceOfUltrasoundRegions") or [] if one.get("PhysicalUnitsXDirection") == 3
    ]
    steps = {(abs(number_of(one.get("PhysicalDeltaY"))), abs(number_of(one.get("PhysicalDeltaX")))) for one in regions}
    if len(steps) != 1:
        return 0.0, 0.0
    down, along = steps.pop()
    return 10 * down, 10 * along


def stack(
    planes: Sequence[Plane], names: Sequence[str], thickness: float | None = None, resample: Sequence[str] = ()
) -> Stack:
    """Return the one grid that all `planes` lie on, k ascending along the normal; `names` are files for messages.

    A single plane takes its step from `thickness`. Raises `GeometryError` for mixed orientation, spacing or size,
    two planes at one place, a missing slice, uneven steps and a tilted gantry, unless `resample` names "steps" or
    "tilt"; nothing is interpolated here.
    """
    _refuse_mixed(planes, names)
    normal = planes[0].normal
    origins = np.array([plane.origin for plane in planes])
    depth = origins @ normal
    order = np.argsort(depth, kind="stable")
    first = planes[order[0]]
    affine = np.eye(4)
    affine[:3, 0] = first.along_i * first.steps[0]
    affine[:3, 1] = first.along_j * first.steps[1]
    affine[:3, 3] = first.origin
    places = tuple(int(place) for place in order)
    origins, depth, ordered = origins[order], depth[order], [names[place] for place in order]
    if "tilt" in resample and len(planes) > 2:
        shift = _even_shift(origins, depth, first)
        if shift is not None:
            affine[:3, 2] = normal * (depth[-1] - depth[0]) / (len(depth) - 1) + shift
            angle = float(np.degrees(np.arctan2(np.linalg.norm(shift), affine[:3, 2] @ normal)))
            origins = origins - np.outer(np.arange(len(depth)), shift)
            _, off, _ = _step(origins, depth, ordered, None, first, ())
            return Stack(Grid((*first.shape, len(planes)), affine), places, off, angle)
    step, off, depths = _step(origins, depth, ordered, thickness, first, resample)
    affine[:3, 2] = normal * step
    return Stack(Grid((*first.shape, len(planes)), affine), places, off, 0.0, depths)


def _even_shift(origins: FloatArray, depth: FloatArray, plane: Plane) -> FloatArray | None:
    """Return by how much (mm) each slice is shifted sideways against the one before, None where that is nothing."""
    sideways = origins - origins[0] - np.outer(depth - depth[0], plane.normal)
    shift = sideways[-1] / (len(depth) - 1)
    return np.asarray(shift) if np.linalg.norm(sideways[-1]) > 0.1 * min(plane.steps) else None


def _refuse_mixed(planes: Sequence[Plane], names: Sequence[str]) -> None:
    first = planes[0]
    for plane, name in zip(planes, names, strict=True):
        turn = max(np.abs(plane.along_i - first.along_i).max(), np.abs(plane.along_j - first.along_j).max())
        if turn > SAME_DIRECTION:
            what, tag = "another orientation", "ImageOrientationPatient (0020,0037)"
        elif not np.allclose(plane.steps, first.steps, rtol=1e-4, atol=0):
            what, tag = "another pixel spacing", "PixelSpacing (0028,0030)"
        elif plane.shape != first.shape:
            what, tag = "another size", "Rows, Columns (0028,0010/0011)"
        else:
            continue
        raise GeometryError(
            f"{name} with {what} than {names[0]}: {tag}",
            "one orientation, spacing and size in a series",
            "separate the localiser or reconstruction from the series",
        )


def _step(
    origins: FloatArray,
    depth: FloatArray,
    names: Sequence[str],
    thickness: float | None,
    plane: Plane,
    resample: Sequence[str],
) -> tuple[float, float, tuple[float, ...]]:
    if len(depth) == 1:
        if not thickness or thickness <= 0:
            raise GeometryError(
                f"one slice {names[0]} without SliceThickness (0018,0050)", "a thickness above 0 mm", "add the others"
            )
        return thickness, 0.0, ()
    gaps = np.diff(depth)
    uneven = _refuse_gaps(gaps, names, "steps" in resample)
    step = float((depth[-1] - depth[0]) / (len(depth) - 1))
    regular = origins[0] + np.outer(depth - depth[0], plane.normal)
    sideways = origins - regular - np.outer((origins - regular) @ plane.normal, plane.normal)
    shift = float(np.linalg.norm(sideways, axis=1).max())
    if shift > max(0.01 * min(plane.steps), min(ROUNDING_MM, 0.1 * min(plane.steps))):
        angle = np.degrees(np.arctan2(np.linalg.norm(sideways[-1]), depth[-1] - depth[0]))
        raise GeometryError(
            f"slices that shift sideways by {shift:.3g} mm (gantry tilt about {angle:.1f} degrees): "
            f"{names[0]} to {names[-1]}, ImagePositionPatient (0020,0032)",
            "slices stacked along their normal",
            'ask the archive for a reconstruction without tilt, or write resample = ["tilt"] under [io.images]',
        )
    if uneven:
        return float(np.median(gaps)), 0.0, tuple(float(value) for value in depth)
    drift = np.abs(depth - depth[0] - np.arange(len(depth)) * step)
    if drift.max() > max(0.01 * step, 2 * ROUNDING_MM):
        if "steps" in resample:
            return float(np.median(gaps)), 0.0, tuple(float(value) for value in depth)
        raise _uneven(gaps, int(drift.argmax()) - 1, step, names)
    return step, max(float(drift.max()), shift), ()


def _refuse_gaps(gaps: FloatArray, names: Sequence[str], uneven: bool) -> bool:
    """Refuse doubled and missing slices; return whether steps are uneven, which is refused unless `uneven` is legal."""
    usual = float(np.median(gaps))
    tolerance = max(0.01 * usual, min(2 * ROUNDING_MM, 0.2 * usual))
    if (gaps.min() <= tolerance and gaps.min() < 0.5 * usual) or usual <= 0:
        place = int(gaps.argmin())
        raise GeometryError(
            f"two slices at one position: {names[place]} and {names[place + 1]}, ImagePositionPatient (0020,0032)",
            "one slice per position",
            "a dynamic, multi-echo or diffusion series holds several volumes: separate them by time, echo or b-value",
        )
    odd = np.abs(gaps - usual) > tolerance
    if not odd.any():
        return False
    place = int(np.abs(gaps - usual).argmax())
    between = f"{names[place]} and {names[place + 1]}"
    multiple = gaps[odd] / usual
    if np.all(np.abs(multiple - np.round(multiple)) * usual <= 2 * tolerance) and multiple.min() > 1.5:
        missing = int(np.sum(np.round(multiple) - 1))
        raise GeometryError(
            f"{missing} missing slice(s): {gaps[place]:.4g} mm between {between}, elsewhere {usual:.4g} mm",
            "even steps, ImagePositionPatient (0020,0032)",
            "fetch the series again from the archive; slices are never invented",
        )
    if uneven:
        return True
    raise _uneven(gaps, place, usual, names)


def _uneven(gaps: FloatArray, place: int, usual: float, names: Sequence[str]) -> GeometryError:
    return GeometryError(
        f"uneven slice steps: {gaps[place]:.4g} mm between {names[place]} and {names[place + 1]}, "
        f"elsewhere {usual:.4g} mm",
        "even steps, ImagePositionPatient (0020,0032)",
        'choose another reconstruction, or write resample = ["steps"] under [io.images]',
    )
