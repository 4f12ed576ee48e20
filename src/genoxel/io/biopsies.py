"""Samples that were taken at a known place: biopsies with coordinates, one row a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, GeometryError
from genoxel.core.ids import clean_id
from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey
from genoxel.core.mask import Mask
from genoxel.core.records import Records
from genoxel.io.delimited import Grid, read_grid
from genoxel.omics.barcodes import patient_of
from genoxel.omics.texts import read_numbers

Space = Literal["LPS", "RAS"]
_FAR = 2000.0
"""No point of a patient lies farther than this from a scanner's origin, in mm."""


def read_biopsies(
    path: str | Path,
    patient: str,
    sample: str,
    space: Space,
    places: Sequence[str] = ("x", "y", "z"),
    values: Sequence[str] = (),
) -> Records:
    """Return samples with coordinates as `Records` of kind "biopsies": x, y, z in mm (LPS) and one field per value.

    `space` says which way the file counts: LPS (DICOM: to the left, the back, the head) or RAS (NIfTI, 3D Slicer's
    default: right, front, head); it is never guessed, since both look alike. A sample without place is refused, not put
    at 0. Raises `FileFormatError` for a sample twice, words among numbers, two samples of a patient at one place, and
    points more than 2 m away (metres or micrometres instead of mm).
    """
    grid = read_grid(path)
    people = [patient_of(clean_id(cell)) for cell in grid.column(patient)]
    names = [clean_id(cell) for cell in grid.column(sample)]
    _check_names(people, names, grid)
    found = np.column_stack([_numbers(grid, name) for name in places])
    _check_places(found, people, grid)
    if space == "RAS":
        found = found * [-1.0, -1.0, 1.0]
    fields = {axis: found[:, place] for place, axis in enumerate("xyz")}
    fields |= {name: _numbers(grid, name) for name in values}
    rows = tuple(RowKey(who, sample=name) for who, name in zip(people, names, strict=True))
    return Records("biopsies", rows, fields, tuple(RowKey(who) for who in dict.fromkeys(people)))


def _numbers(grid: Grid, name: str) -> FloatArray:
    cells = dict(zip(map(str, grid.lines), grid.column(name), strict=True))
    numbers, odd = read_numbers(cells, decimal_comma=grid.delimiter == ";")
    if odd:
        line, text = next(iter(odd.items()))
        raise FileFormatError(f"{text!r} as {name} in line {line} of {grid.name}", "a number", "correct it")
    return np.array(list(numbers.values()))


def _check_names(people: Sequence[str], names: Sequence[str], grid: Grid) -> None:
    seen: dict[tuple[str, str], int] = {}
    for who, name, line in zip(people, names, grid.lines, strict=True):
        if not who or not name:
            raise FileFormatError(
                f"line {line} of {grid.name} without patient or sample", "both in every row", "fill it"
            )
        if (who, name) in seen:
            got = f"sample {name} of {who} twice in {grid.name} (lines {seen[who, name]} and {line})"
            raise FileFormatError(got, "one row a sample", "keep one")
        seen[who, name] = line


def _check_places(found: FloatArray, people: Sequence[str], grid: Grid) -> None:
    taken: dict[tuple[str, ...], int] = {}
    for who, point, line in zip(people, found, grid.lines, strict=True):
        if np.isnan(point).any():
            raise FileFormatError(
                f"a sample without place in line {line} of {grid.name}", "three numbers", "leave it out"
            )
        if np.abs(point).max() > _FAR:
            got = f"a point {np.abs(point).max():g} mm away in line {line} of {grid.name}"
            raise FileFormatError(got, f"mm within {_FAR:g} of the scanner's origin", "convert the unit")
        key = (who, *map(str, point))
        if key in taken:
            got = f"two samples of {who} at one place in {grid.name} (lines {taken[key]} and {line})"
            raise FileFormatError(got, "a place for each sample", "was a row copied?")
        taken[key] = line


def regions_of(biopsies: Records, masks: Mapping[str, Mask], radius_mm: float = 0.0) -> dict[RowKey, str]:
    """Return the region in which each sample lies, by the name of the label, or an empty text outside all of them.

    `masks` maps a patient to its mask; samples of other patients are left out. With a radius the sample is a ball, and
    the label that holds most of its voxels counts (a tie or most of it outside: no region). Raises `GeometryError` for
    a sample that lies outside the whole grid: another space (LPS and RAS confused) or another patient's coordinates.
    """
    found = {}
    points = np.column_stack([biopsies[axis] for axis in "xyz"])
    for row, point in zip(biopsies.rows, points, strict=True):
        mask = masks.get(row.patient)
        if mask is not None:
            found[row] = _region(mask, point, radius_mm, row)
    return found


def _region(mask: Mask, point: FloatArray, radius_mm: float, row: RowKey) -> str:
    if ball_at(mask.affine, mask.array.shape, point, radius_mm) is None:
        raise GeometryError(
            f"sample {row.sample} of {row.patient} outside the grid of its mask",
            "a place inside it", "does the file count in the other space (LPS, RAS), or from another image?",
        )  # fmt: skip
    return region_at(mask, point, radius_mm)


Ball = tuple[tuple[slice, ...], npt.NDArray[np.bool_]]


def ball_at(affine: FloatArray, shape: Sequence[int], point: FloatArray, radius_mm: float) -> Ball | None:
    """Return the block of voxels around a point (mm, LPS) and which of them lie in the ball; None outside the grid.

    The voxel that holds the point belongs to the ball whatever the radius.
    """
    inverse = np.linalg.inv(affine)
    index = inverse[:3, :3] @ point + inverse[:3, 3]
    size = np.array(shape)
    if (index < -0.5).any() or (index > size - 0.5).any():
        return None
    reach = np.ceil(radius_mm / np.linalg.norm(affine[:3, :3], axis=0)).astype(int)
    centre = np.clip(np.rint(index).astype(int), 0, size - 1)
    low, high = np.maximum(centre - reach, 0), np.minimum(centre + reach + 1, size)
    block = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1)
    away = np.linalg.norm(block @ affine[:3, :3].T + affine[:3, 3] - point, axis=-1)
    inside = (away <= radius_mm) | (block == centre).all(axis=-1)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True)), inside


def region_at(mask: Mask, point: FloatArray, radius_mm: float) -> str:
    """Return the label that holds most of the ball at a point, or an empty text (no label, a tie, outside the grid)."""
    held = ball_at(mask.affine, mask.array.shape, point, radius_mm)
    if held is None:
        return ""
    values, counts = np.unique(np.asarray(mask.array[held[0]])[held[1]], return_counts=True)
    best = values[counts == counts.max()]
    if len(best) > 1 or best[0] == 0:
        return ""
    return mask.labels.get(int(best[0]), str(int(best[0])))
