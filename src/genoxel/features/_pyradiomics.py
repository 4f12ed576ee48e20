"""Numbers the way PyRadiomics makes them: its grid, its bins, and what differs from IBSI in statistics and shape.

Written from its documentation and from published values, not from its code.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, pi
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError, MaskError
from genoxel.core.image import FloatArray
from genoxel.features._classical_mesh import area_and_volume
from genoxel.features._diameters import vertices, widest, widest_in_planes
from genoxel.features._weighting import Weighting
from genoxel.image.crop import bounding_box

Bools = npt.NDArray[np.bool_]
_PREFILTER = 26
"""Voxels after which the prefilter of the cubic spline has faded below 1e-14."""


@dataclass(frozen=True, eq=False)
class Volume:
    """Intensities (i, j, k), the region in them, and the voxel size in mm."""

    values: npt.NDArray[Any]
    inside: Bools
    spacing: FloatArray

    def cut(self) -> Volume:
        """Return the box around the region."""
        box = bounding_box(self.inside)
        return Volume(self.values[box], self.inside[box], self.spacing)


def normalised(values: npt.NDArray[Any], scale: float, outliers: float | None) -> FloatArray:
    """Return z-scores over the whole volume (deviation with n - 1) times `scale`, clipped at `outliers` deviations."""
    numbers = values.astype(np.float64)
    deviation = float(numbers.std(ddof=1))
    if deviation == 0:
        raise InputError("an image of one constant value", "varying intensities", "choose another image")
    scores = (numbers - numbers.mean()) / deviation
    if outliers is not None:
        scores = scores.clip(-outliers, outliers)
    return np.asarray(scores * scale)


def resampled(volume: Volume, spacing: FloatArray, order: int, margin: int) -> Volume:
    """Return the region's surroundings on the grid that starts at the corner of the whole volume.

    `spacing` (3,) in mm; `order` 0 nearest, 1 linear, 3 cubic B-spline; the region is taken from the nearest voxel.
    Whole-number images stay whole: digits after the point are cut off. Voxels outside the volume are 0.
    """
    ratio = volume.spacing / spacing
    places, cuts = [], []
    box = bounding_box(volume.inside)
    for axis, piece in enumerate(box):
        low = max(0, int(np.floor((piece.start - 0.5) * ratio[axis] - margin)))
        last = int(np.ceil(volume.values.shape[axis] * ratio[axis])) - 1
        high = min(last, int(np.ceil((piece.stop - 0.5) * ratio[axis] + margin)))
        place = (np.arange(low, high + 1) + 0.5) / ratio[axis] - 0.5
        start = max(0, int(np.floor(place[0])) - _PREFILTER)
        stop = min(volume.values.shape[axis], int(np.ceil(place[-1])) + _PREFILTER)
        cuts.append((slice(start, stop), volume.values.shape[axis]))
        places.append(place)
    values = _interpolated(volume.values, places, cuts, order)
    nearest = [np.floor(place + 0.5).astype(np.int64) for place in places]
    held = [(index >= 0) & (index < size) for index, size in zip(nearest, volume.values.shape, strict=True)]
    index = np.ix_(*[part.clip(0, size - 1) for part, size in zip(nearest, volume.values.shape, strict=True)])
    inside = volume.inside[index] & held[0][:, None, None] & held[1][:, None] & held[2]
    if not inside.any():
        raise MaskError("a region that vanishes at the new voxel size", "a larger region", "choose smaller voxels")
    return Volume(values, np.asarray(inside), spacing)


def _interpolated(
    values: npt.NDArray[Any], places: list[FloatArray], cuts: list[tuple[slice, int]], order: int
) -> npt.NDArray[Any]:
    kind = values.dtype
    out = values[tuple(cut for cut, _ in cuts)].astype(np.float64)
    for axis, (place, (cut, size)) in enumerate(zip(places, cuts, strict=True)):
        out = _along(out, axis, place - cut.start, order)
        outside = (place < -0.5) | (place > size - 0.5)
        out[(slice(None),) * axis + (outside,)] = 0.0
    if kind.kind in "iu":
        bounds = np.iinfo(kind)
        return np.asarray(np.trunc(out).clip(bounds.min, bounds.max).astype(kind))
    return np.asarray(out.astype(kind))


def _along(array: FloatArray, axis: int, place: FloatArray, order: int) -> FloatArray:
    size = array.shape[axis]
    if order == 0 or size == 1:
        return np.asarray(np.take(array, np.floor(place + 0.5).astype(np.int64).clip(0, size - 1), axis=axis))
    if order == 1:
        base = np.floor(place).astype(np.int64)
        part = place - base
        return _weighted(array, axis, [base.clip(0, size - 1), (base + 1).clip(0, size - 1)], [1 - part, part])
    from scipy.ndimage import spline_filter1d

    base = np.floor(place).astype(np.int64)
    t = place - base
    weights = [(1 - t) ** 3 / 6, 2 / 3 - t**2 + t**3 / 2, 2 / 3 - (1 - t) ** 2 + (1 - t) ** 3 / 2, t**3 / 6]
    index = [np.abs(base + shift) for shift in (-1, 0, 1, 2)]
    mirrored = [np.where(one > size - 1, 2 * (size - 1) - one, one) for one in index]
    return _weighted(spline_filter1d(array, 3, axis, mode="mirror"), axis, mirrored, weights)


def _weighted(
    array: FloatArray, axis: int, index: list[npt.NDArray[np.int64]], weights: list[FloatArray]
) -> FloatArray:
    shape = [1, 1, 1]
    shape[axis] = -1
    terms = [np.take(array, i, axis=axis) * w.reshape(shape) for i, w in zip(index, weights, strict=True)]
    return np.asarray(sum(terms[1:], start=terms[0]))


def resegmented(volume: Volume, bounds: tuple[float, ...], mode: str) -> Volume:
    """Return the region cut to [lower, upper] or [lower]: absolute, relative to its maximum, or mean ± sigma.

    Raises `MaskError` when nothing is left.
    """
    values = volume.values[volume.inside].astype(np.float64)
    scale = {"absolute": 1.0, "relative": float(values.max()), "sigma": float(values.std())}[mode]
    shift = float(values.mean()) if mode == "sigma" else 0.0
    limits = sorted(shift + bound * scale for bound in bounds)
    keep = values >= limits[0]
    if len(limits) == 2:
        keep &= values <= limits[1]
    if not keep.any():
        raise MaskError(f"a region without a voxel in {list(bounds)} ({mode})", "voxels inside", "widen the range")
    inside = volume.inside.copy()
    inside[inside] = keep
    return Volume(volume.values, inside, volume.spacing)


def levels_of(values: FloatArray, width: float, count: int | None, most: int) -> npt.NDArray[np.int64]:
    """Return grey levels from 1: `count` equal bins, or bins of `width` whose edges are multiples of it.

    Always in float64, so that images of 8 bits do not overflow. Raises `InputError` for more than `most` levels.
    """
    low, high = float(values.min()), float(values.max())
    if count is not None:
        if low == high:
            return np.ones(values.size, np.int64)
        edges = np.linspace(low, high, count + 1)
        edges[-1] += 1
        return np.asarray(np.digitize(values, edges), np.int64)
    first = low - low % width
    if (high - first) / width >= most:
        raise InputError(
            f"{(high - first) / width:.4g} grey levels (width {width:g})", f"{most} at most", "a larger binWidth"
        )
    return np.asarray(np.digitize(values, first + width * np.arange((high - first) // width + 2)), np.int64)


class ByDistance(Weighting):
    """The weight of a direction of runs: its length itself, where that of co-occurrences is exp(-length²)."""

    def of(self, offsets: npt.NDArray[np.int64], spacing: FloatArray) -> FloatArray:
        """Return the length (n,) of each of `offsets` (n, 3) in mm."""
        return self.lengths(offsets, spacing)


def meets_twice(inside: Bools, offsets: npt.NDArray[np.int64]) -> Bools:
    """Return for each of `offsets` (n, 3) whether any line along it meets two voxels or more of `inside`."""
    places = np.argwhere(inside)
    found = []
    for offset in offsets:
        axis = int(np.flatnonzero(offset)[0])
        lines = places - np.outer(places[:, axis] * offset[axis], offset)
        found.append(len(np.unique(lines, axis=0)) < len(lines))
    return np.array(found)


def first_order(values: FloatArray, levels: npt.NDArray[np.int64], voxel: float, shift: float) -> dict[str, float]:
    """Return the statistics of `values` (n,) by their names; entropy and uniformity are those of the `levels`."""
    mean, variance = float(values.mean()), float(values.var())
    p10, p25, p50, p75, p90 = (float(one) for one in np.percentile(values, (10, 25, 50, 75, 90)))
    kept = values[(values >= p10) & (values <= p90)]
    centred = values - mean
    energy = float(((values + shift) ** 2).sum())
    p = np.bincount(levels)[1:] / levels.size
    p = p[p > 0]
    return {
        "10Percentile": p10,
        "90Percentile": p90,
        "Energy": energy,
        "Entropy": float(-(p * np.log2(p)).sum()),
        "InterquartileRange": p75 - p25,
        "Kurtosis": float((centred**4).mean() / variance**2) if variance else 0.0,
        "Maximum": float(values.max()),
        "MeanAbsoluteDeviation": float(np.abs(centred).mean()),
        "Mean": mean,
        "Median": p50,
        "Minimum": float(values.min()),
        "Range": float(values.max() - values.min()),
        "RobustMeanAbsoluteDeviation": float(np.abs(kept - kept.mean()).mean()),
        "RootMeanSquared": (energy / values.size) ** 0.5,
        "Skewness": float((centred**3).mean() / variance**1.5) if variance else 0.0,
        "StandardDeviation": variance**0.5,
        "TotalEnergy": energy * voxel,
        "Uniformity": float((p**2).sum()),
        "Variance": variance,
    }


def _axes(inside: Bools, spacing: FloatArray) -> FloatArray:
    """Return the eigenvalues, descending, of the covariance (divided by n) of the voxel centres."""
    places = np.argwhere(inside) * spacing
    return np.asarray(np.maximum(np.linalg.eigvalsh(np.cov(places.T, bias=True))[::-1], 0.0))


HOLES = "PyRadiomics gives a volume of 0 or less here: its surface has holes where voxels touch by an edge or a corner"


def shape(inside: Bools, spacing: FloatArray) -> dict[str, float]:
    """Return the features of a 3D shape by their names, lengths in mm."""
    area, volume = area_and_volume(inside, spacing)
    volume = volume if volume > 0 else nan
    axes = _axes(inside, spacing)
    points = vertices(inside, spacing)
    return {
        "Elongation": float((axes[1] / axes[0]) ** 0.5),
        "Flatness": float((axes[2] / axes[0]) ** 0.5),
        "LeastAxisLength": float(4 * axes[2] ** 0.5),
        "MajorAxisLength": float(4 * axes[0] ** 0.5),
        "Maximum2DDiameterColumn": widest_in_planes(points, 1),
        "Maximum2DDiameterRow": widest_in_planes(points, 0),
        "Maximum2DDiameterSlice": widest_in_planes(points, 2),
        "Maximum3DDiameter": widest(points),
        "MeshVolume": volume,
        "MinorAxisLength": float(4 * axes[1] ** 0.5),
        "Sphericity": float((36 * pi * volume**2) ** (1 / 3) / area),
        "SurfaceArea": area,
        "SurfaceVolumeRatio": area / volume,
        "VoxelVolume": float(np.count_nonzero(inside) * np.prod(spacing)),
    }


def shape_2d(inside: Bools, spacing: FloatArray) -> dict[str, float]:
    """Return the features of a shape in a plane (i, j) by their names, by marching squares with vertices halfway."""
    perimeter, surface = _marching_squares(np.pad(inside, 1), spacing)
    axes = _axes(inside, spacing)
    return {
        "Elongation": float((axes[1] / axes[0]) ** 0.5),
        "MajorAxisLength": float(4 * axes[0] ** 0.5),
        "MaximumDiameter": widest(vertices(inside, spacing)),
        "MeshSurface": surface,
        "MinorAxisLength": float(4 * axes[1] ** 0.5),
        "Perimeter": perimeter,
        "PerimeterSurfaceRatio": perimeter / surface,
        "PixelSurface": float(np.count_nonzero(inside) * np.prod(spacing)),
        "Sphericity": 2 * (pi * surface) ** 0.5 / perimeter,
    }


def _marching_squares(inside: Bools, spacing: FloatArray) -> tuple[float, float]:
    """Return perimeter (mm) and area (mm²) of the outline through the midpoints between pixels in and out.

    Squares whose diagonal corners alone lie inside keep these apart.
    """
    a, b, c, d = inside[:-1, :-1], inside[1:, :-1], inside[:-1, 1:], inside[1:, 1:]
    count = a.astype(np.int64) + b + c + d
    slant = float(np.hypot(*(spacing / 2)))
    across = (count == 2) & (a == d)
    along_i = (count == 2) & (a == b) & ~across
    along_j = (count == 2) & (a == c) & ~across
    corners = np.count_nonzero(count == 1) + np.count_nonzero(count == 3) + 2 * np.count_nonzero(across)
    perimeter = corners * slant + np.count_nonzero(along_i) * spacing[0] + np.count_nonzero(along_j) * spacing[1]
    share = np.array([0.0, 0.125, 0.5, 0.875, 1.0])
    area = share[count].sum() - 0.25 * np.count_nonzero(across)
    return float(perimeter), float(area * np.prod(spacing))
