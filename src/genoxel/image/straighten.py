"""Lattices that no measurement should be made on: sheared voxels and uneven slice steps, resampled on request."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import GeometryError
from genoxel.core.image import FloatArray

MAX_VOXELS = 2**31


def straighten(
    array: npt.NDArray[Any], affine: FloatArray, nearest: bool = False
) -> tuple[npt.NDArray[Any], FloatArray]:
    """Return a volume (i, j, k) with sheared voxels on perpendicular ones that cover it: linear, or nearest for labels.

    The first axis keeps its direction and its voxels' places; voxels outside the measured volume take its lowest value
    (0 for labels). Where only slices are shifted against each other, as by a tilted gantry, nothing is interpolated
    across slices. Raises `GeometryError` for a lattice that would need more than 2^31 voxels.

    >>> affine = np.eye(4)
    >>> affine[1, 2] = 0.5
    >>> straighten(np.ones((2, 2, 3)), affine)[0].shape
    (2, 3, 3)
    """
    from scipy import ndimage

    axes = affine[:3, :3]
    first = axes[:, 0] / np.linalg.norm(axes[:, 0])
    second = axes[:, 1] - first * (first @ axes[:, 1])
    second /= np.linalg.norm(second)
    third = np.cross(first, second)
    third = third if third @ axes[:, 2] > 0 else -third
    ways = np.column_stack([first, second, third])
    steps = np.array([axes[:, 0] @ first, axes[:, 1] @ second, axes[:, 2] @ third])
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in array.shape])).reshape(3, -1)
    there = (ways.T @ axes @ corners) / steps[:, None]
    low, high = np.floor(there.min(axis=1) + 1e-6), np.ceil(there.max(axis=1) - 1e-6)
    shape = tuple(int(size) for size in high - low + 1)
    if float(np.prod([float(size) for size in shape])) > MAX_VOXELS:
        raise GeometryError(f"a sheared volume that needs {shape} voxels", f"at most {MAX_VOXELS} voxels", "crop it")
    straight = np.eye(4)
    straight[:3, :3] = ways * steps
    straight[:3, 3] = affine[:3, 3] + straight[:3, :3] @ low
    # rounded, so that a slice which stays in place is not lost to the last bit
    back = np.round(np.linalg.inv(affine) @ straight, 10)
    source = np.pad(array if nearest else np.asarray(array, dtype=np.float64), 1, mode="edge")
    moved = ndimage.affine_transform(source, back[:3, :3], back[:3, 3] + 1, shape, order=0 if nearest else 1)
    moved[_beyond(back, shape, array.shape, 0.5 if nearest else 1e-6)] = 0 if nearest else source.min()
    return moved, straight


def _beyond(
    back: FloatArray, shape: tuple[int, ...], measured: tuple[int, ...], margin: float
) -> npt.NDArray[np.bool_]:
    """Return which voxels of the new lattice lie outside the measured one by more than `margin` voxels."""
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    outside = np.zeros(shape, dtype=bool)
    for axis, size in enumerate(measured):
        place = back[axis, 0] * i + back[axis, 1] * j + back[axis, 2] * k + back[axis, 3]
        outside |= (place < -margin) | (place > size - 1 + margin)
    return outside


def even_steps(array: npt.NDArray[Any], depths: FloatArray) -> tuple[npt.NDArray[np.float64], float]:
    """Return a volume with slices at uneven `depths` (mm, ascending) on even steps, linear, and the step in mm.

    The step is the median of the gaps; the first slice stays where it is, and no slice lies beyond the last.

    >>> even_steps(np.array([[[0.0, 1.0, 4.0]]]), np.array([0.0, 1.0, 4.0]))[0].shape
    (1, 1, 3)
    """
    step = float(np.median(np.diff(depths)))
    count = int(np.floor((depths[-1] - depths[0]) / step + 1e-6)) + 1
    wanted = depths[0] + step * np.arange(count)
    after = np.clip(np.searchsorted(depths, wanted, side="left"), 1, len(depths) - 1)
    share = np.clip((wanted - depths[after - 1]) / (depths[after] - depths[after - 1]), 0.0, 1.0)
    source = np.asarray(array, dtype=np.float64)
    return source[:, :, after - 1] * (1 - share) + source[:, :, after] * share, step
