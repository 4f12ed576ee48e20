"""The one door to SimpleITK: images there and back, one thread each, so that the same input gives the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import GeometryError
from genoxel.core.image import FloatArray, Grid, Image

MAX_VOXELS = 2**28


@contextmanager
def one_thread() -> Iterator[None]:
    """Let SimpleITK work on one thread: sums over several differ in their last bits from call to call.

    The threads of a single filter are not enough, since a metric inside a search makes its own.
    """
    import SimpleITK

    before = SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads()
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def to_itk(array: npt.NDArray[Any], grid: Grid) -> Any:
    """Return `array` (i, j, k) on `grid` as a SimpleITK image; both count in LPS.

    Raises `GeometryError` for a grid whose axes are not perpendicular and for one beyond memory.
    """
    import SimpleITK

    if float(np.prod([float(size) for size in grid.shape])) > MAX_VOXELS:
        raise GeometryError(f"a grid of {grid.describe()}", f"{MAX_VOXELS:,} voxels at most", "crop the image first")
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(np.asarray(array).transpose(2, 1, 0)))
    return with_grid(image, grid)


def with_grid(image: Any, grid: Grid) -> Any:
    """Give a SimpleITK image the origin, spacing and directions of `grid`, and return it."""
    directions = grid.affine[:3, :3] / np.array(grid.spacing)
    if float(np.abs(directions.T @ directions - np.eye(3)).max()) > 1e-3:
        raise GeometryError("a grid whose axes are not perpendicular", "a straight grid", "resample the image first")
    image.SetSpacing(grid.spacing)
    image.SetOrigin(tuple(float(value) for value in grid.affine[:3, 3]))
    image.SetDirection(tuple(float(value) for value in directions.ravel()))
    return image


def blank(grid: Grid) -> Any:
    """Return an empty SimpleITK image on `grid`, as the reference of a resampling."""
    import SimpleITK

    return with_grid(SimpleITK.Image([int(size) for size in grid.shape], SimpleITK.sitkUInt8), grid)


def values_of(image: Any) -> FloatArray:
    """Return the values of a SimpleITK image as float64 (i, j, k)."""
    import SimpleITK

    return np.ascontiguousarray(SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0).astype(np.float64))


def finite(image: Image, what: str) -> FloatArray:
    """Return the values of `image` as float64; `GeometryError`-free gate that refuses what is not a number."""
    from genoxel.core.errors import InputError

    values = image.values().astype(np.float64)
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise InputError(f"{bad} voxels that are not finite numbers for {what}", "finite intensities", "mend the image")
    return values
