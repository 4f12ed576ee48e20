"""Resampling on the grid of the Image Biomarker Standardisation Initiative (IBSI): centres of the volumes aligned.

Along each axis the new volume has ceil(n * spacing / new spacing) voxels and the same centre as the old one. The
interpolators are separable: nearest, linear, and the cubic B-spline that passes through every voxel. Beyond the
first and last voxel the outermost value is held.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import GeometryError
from genoxel.core.image import FloatArray, Grid, Image, Step
from genoxel.core.mask import Mask
from genoxel.image.crop import SUPPORT, whole
from genoxel.image.settings import Interpolation

MAX_VOXELS = 2**28
"""A resampled volume of more voxels (2 GiB) is refused before any memory is asked for; of a crop the crop counts."""


@dataclass(frozen=True)
class _Axis:
    """One axis: fractional places (n,) in the given array where the new voxels lie."""

    places: FloatArray
    start: int
    total: int


def centred_axis(size: int, spacing: float, new_spacing: float) -> tuple[int, float]:
    """Return the number of voxels and the place of the first (in old voxels) of a centre-aligned axis.

    >>> centred_axis(4, 2.0, 1.0)
    (8, -0.25)
    """
    count = max(1, int(np.ceil(size * spacing / new_spacing - 1e-6)))
    return count, (size - 1) / 2 - new_spacing / spacing * (count - 1) / 2


def _axis(size: int, start: int, total: int, spacing: float, new_spacing: float) -> _Axis:
    if abs(new_spacing / spacing - 1) < 1e-9:
        return _Axis(np.arange(size, dtype=np.float64), start, total)
    count, first = centred_axis(total, spacing, new_spacing)
    places: FloatArray = first - start + np.arange(count, dtype=np.float64) * (new_spacing / spacing)
    if size == total:
        return _Axis(places, 0, count)
    low = -np.inf if start == 0 else -1e-9
    high = np.inf if start + size == total else size - 1 + 1e-9
    kept = np.flatnonzero((places >= low) & (places <= high))
    if not kept.size:
        raise GeometryError("a crop too thin to hold one new voxel", "a wider crop", "crop with a larger margin_mm")
    return _Axis(places[kept], int(kept[0]), count)


def resample(
    image: Image,
    spacing_mm: tuple[float, float, float],
    interpolate: Interpolation = "linear",
    whole_numbers: bool = False,
) -> Image:
    """Return `image` with voxels of `spacing_mm` along i, j, k, on the centre-aligned grid of its whole volume.

    `whole_numbers` rounds the result (CT in HU). A crop is resampled on the grid of the volume that it was cut from.
    Source: IBSI reference manual, image interpolation. Raises `GeometryError` for a grid beyond memory.

    >>> resample(Image(np.arange(8.0).reshape(2, 2, 2), np.eye(4)), (0.5, 0.5, 0.5))
    Image volume 4 x 4 x 4 voxels of 0.5 x 0.5 x 0.5 mm
    """
    axes, affine = _plan(image.grid, image.history, spacing_mm)
    array = interpolated(image.values(), [axis.places for axis in axes], interpolate)
    if whole_numbers:
        array = np.floor(array + 0.5)
    params = _params(axes, spacing_mm, interpolate) | {"round": whole_numbers}
    return image.with_step("resample", array, params, affine=affine)


def resample_mask(
    mask: Mask, spacing_mm: tuple[float, float, float], interpolate: Interpolation = "linear", threshold: float = 0.5
) -> Mask:
    """Return `mask` on the centre-aligned grid: each label interpolated as 0 and 1, inside where >= `threshold`.

    Where labels compete, the one with the larger share holds the voxel.
    """
    axes, affine = _plan(mask.grid, mask.history, spacing_mm)
    places = [axis.places for axis in axes]
    source = np.asarray(mask.array)
    array = np.zeros(tuple(place.size for place in places), source.dtype)
    best = np.full(array.shape, threshold - 1e-9)
    for label in sorted(int(value) for value in np.unique(source) if value != 0):
        share = interpolated((source == label).astype(np.float64), places, interpolate)
        won = share >= best
        array[won] = label
        best = np.where(won, share + 1e-12, best)
    step = Step("resample", _params(axes, spacing_mm, interpolate) | {"threshold": threshold})
    return replace(mask, array=array, affine=affine, history=(*mask.history, step))


def _plan(
    grid: Grid, history: tuple[Step, ...], spacing_mm: tuple[float, float, float]
) -> tuple[list[_Axis], FloatArray]:
    shape, start = whole(history, grid)
    axes = [_axis(*item) for item in zip(grid.shape, start, shape, grid.spacing, spacing_mm, strict=True)]
    if float(np.prod([float(axis.places.size) for axis in axes])) > MAX_VOXELS:
        sizes = " x ".join(str(axis.places.size) for axis in axes)
        raise GeometryError(f"a resampled grid of {sizes} voxels", f"{MAX_VOXELS:,} at most", "choose larger voxels")
    scale = np.array([new / old for old, new in zip(grid.spacing, spacing_mm, strict=True)])
    affine = np.array(grid.affine)
    affine[:3, :3] = grid.affine[:3, :3] * scale
    affine[:3, 3] = grid.to_patient([[axis.places[0] for axis in axes]])[0]
    return axes, affine


def _params(axes: list[_Axis], spacing: tuple[float, float, float], interpolate: str) -> dict[str, Any]:
    return {
        "spacing_mm": list(spacing),
        "interpolate": interpolate,
        "start": [axis.start for axis in axes],
        "whole_shape": [axis.total for axis in axes],
    }


def interpolated(array: npt.NDArray[Any], places: list[FloatArray], interpolate: Interpolation) -> FloatArray:
    """Return float64 values of `array` at the lattice of fractional `places` along each of its three axes."""
    out = np.asarray(array, dtype=np.float64)
    for axis, place in enumerate(places):
        if place.size == out.shape[axis] and np.array_equal(place, np.arange(place.size)):
            continue
        out = _along(out, axis, place, interpolate)
    return out


def _along(array: FloatArray, axis: int, places: FloatArray, interpolate: Interpolation) -> FloatArray:
    size = array.shape[axis]
    inside = np.clip(places, 0, size - 1)
    if interpolate == "nearest" or size == 1:
        return np.asarray(np.take(array, np.floor(inside + 0.5).astype(np.intp).clip(0, size - 1), axis=axis))
    base = np.minimum(np.floor(inside), size - 2).astype(np.intp)
    part = inside - base
    if interpolate == "linear":
        return _weighted(array, axis, [(base, 1 - part), (base + 1, part)])
    from scipy.ndimage import spline_filter1d

    smooth = spline_filter1d(array, order=3, axis=axis, mode="mirror")
    taps = []
    for shift, weight in zip((-1, 0, 1, 2), _cubic_weights(part), strict=True):
        index = np.abs(base + shift)
        index = np.where(index > size - 1, 2 * (size - 1) - index, index)
        taps.append((np.abs(index), weight))
    return _weighted(smooth, axis, taps)


def _cubic_weights(part: FloatArray) -> list[FloatArray]:
    rest = 1 - part
    return [
        rest**3 / 6,
        2 / 3 - part**2 + part**3 / 2,
        2 / 3 - rest**2 + rest**3 / 2,
        part**3 / 6,
    ]


def _weighted(array: FloatArray, axis: int, taps: list[tuple[npt.NDArray[np.intp], FloatArray]]) -> FloatArray:
    shape = [1, 1, 1]
    shape[axis] = -1
    parts = [np.take(array, index, axis=axis) * weight.reshape(shape) for index, weight in taps]
    return np.asarray(sum(parts[1:], start=parts[0]))


__all__ = ["MAX_VOXELS", "SUPPORT", "centred_axis", "interpolated", "resample", "resample_mask"]
