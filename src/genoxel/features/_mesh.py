"""Surface of a region: area, volume, outermost points and convex hull, without ever building the mesh.

Area and enclosed volume are sums over the 8-voxel cubes, and a cube's share depends only on which of its corners lie
inside and (for the volume, by the divergence theorem) linearly on where it is.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray
from genoxel.features._kernels.mesh_table import CODES, POINTS


@cache
def _triangles() -> tuple[FloatArray, npt.NDArray[np.int64]]:
    corners = [[POINTS[ord(letter) - 97] for letter in word.replace("-", "")] for word in CODES.split()]
    points = np.array([point for code in corners for point in code], dtype=np.float64) / 2
    owner = np.repeat(np.arange(256), [len(code) // 3 for code in corners])
    return points.reshape(-1, 3, 3), owner


def area_and_volume(inside: npt.NDArray[np.bool_], matrix: FloatArray) -> tuple[float, float]:
    """Return surface area (mm²) and enclosed volume (mm³) of the marching-cubes surface of `inside` (i, j, k).

    `matrix` (3, 3) maps voxel index to mm. Source: IBSI reference manual, mesh-based representation at level 0.5.
    """
    from genoxel.features._kernels.mesh import corner_codes

    sums = corner_codes(np.pad(inside, 1).view(np.uint8))
    triangles, owner = _triangles()
    a, b, c = np.moveaxis(triangles @ matrix.T, 1, 0)
    normals = np.cross(b - a, c - a) / 2
    areas = np.linalg.norm(normals, axis=1)
    # signed volume of the cone from the origin; moving a triangle by t adds t . normal / 3
    cones = np.einsum("ij,ij->i", a, normals) / 3
    count = sums[owner, 0]
    shift = sums[owner, 1:] @ matrix.T
    area = float(areas @ count)
    volume = float(cones @ count + np.einsum("ij,ij->", shift, normals) / 3)
    return area, abs(volume)


def outermost(inside: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the mesh vertices (n, 3), in voxels, that can lie on the convex hull.

    Every vertex lies halfway between a voxel inside and one outside, on a line along an axis; only the first and the
    last of each line can be on the hull.
    """
    points = []
    for axis in range(3):
        lines = inside.any(axis=axis)
        first = inside.argmax(axis=axis)[lines] - 0.5
        last = inside.shape[axis] - 0.5 - np.flip(inside, axis).argmax(axis=axis)[lines]
        where = np.argwhere(lines).astype(np.float64)
        points += [np.insert(where, axis, edge, axis=1) for edge in (first, last)]
    return np.concatenate(points)


def convex_hull(points: FloatArray) -> tuple[FloatArray, float, float]:
    """Return the corners (n, 3) of the convex hull of `points` in mm, its area (mm²) and volume (mm³)."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(points)
    return np.asarray(points[hull.vertices]), float(hull.area), float(hull.volume)


def farthest(points: FloatArray) -> float:
    """Return the largest distance between two of `points` (n, 3), in blocks of bounded memory."""
    squares = (points**2).sum(axis=1)
    best = 0.0
    for start in range(0, len(points), 512):
        block = points[start : start + 512]
        best = max(best, float((squares[start : start + 512, None] + squares - 2 * (block @ points.T)).max()))
    return float(max(best, 0.0) ** 0.5)
