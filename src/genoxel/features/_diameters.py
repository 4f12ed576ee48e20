"""Diameters of a region within the planes of its grid."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray


def vertices(inside: npt.NDArray[np.bool_], spacing: FloatArray) -> FloatArray:
    """Return the vertices (n, 3) of the surface mesh in mm: halfway between a voxel inside and one outside."""
    padded = np.pad(inside, 1)
    points = []
    for axis in range(inside.ndim):
        edge = np.argwhere(np.diff(padded.view(np.int8), axis=axis) != 0).astype(np.float64)
        edge[:, axis] += 0.5
        points.append(edge)
    return np.asarray(np.concatenate(points) * spacing)


def widest(points: FloatArray) -> float:
    """Return the largest distance between two of `points` (n, d), by the corners of their hull where there is one."""
    from scipy.spatial import ConvexHull, QhullError

    if len(points) > 50:
        with suppress(QhullError):  # all points on one plane or line
            points = points[ConvexHull(points).vertices]
    best = 0.0
    for start in range(0, len(points), 256):
        gaps = points[start : start + 256, None] - points[None]
        best = max(best, float((gaps**2).sum(axis=2).max()))
    return float(best**0.5)


def widest_in_planes(points: FloatArray, axis: int) -> float:
    """Return the largest distance between two points that lie in one plane across `axis`."""
    order = np.argsort(points[:, axis], kind="stable")
    ordered = points[order]
    starts = np.flatnonzero(np.diff(ordered[:, axis])) + 1
    return max(widest(np.delete(plane, axis, axis=1)) for plane in np.split(ordered, starts))
