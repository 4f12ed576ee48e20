"""Surface of a region: area, volume, outermost points and convex hull, without ever building the mesh.

Area and enclosed volume are sums over the 8-voxel cubes, and a cube's share depends only on which of its corners lie
inside and (for the volume, by the divergence theorem) linearly on where it is.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray
from genoxel.features._kernels.mesh_table import CODES, POINTS
from genoxel.features.region import Laid


@cache
def _triangles() -> tuple[FloatArray, npt.NDArray[np.int64]]:
    corners = [[POINTS[ord(letter) - 97] for letter in word.replace("-", "")] for word in CODES.split()]
    points = np.array([point for code in corners for point in code], dtype=np.float64) / 2
    owner = np.repeat(np.arange(256), [len(code) // 3 for code in corners])
    return points.reshape(-1, 3, 3), owner


@lru_cache(maxsize=64)
def _lookup(matrix: bytes) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return for each code the area, the volume from the origin, and its change (256, 3) as the cube moves by 1 mm."""
    triangles, _ = _triangles()
    a, b, c = np.moveaxis(triangles @ np.frombuffer(matrix).reshape(3, 3).T, 1, 0)
    normals = np.cross(b - a, c - a) / 2
    areas = _per_code(np.linalg.norm(normals, axis=1))
    # signed volume of the cone from the origin; moving a triangle by t adds t . normal / 3
    cones = _per_code(np.einsum("ij,ij->i", a, normals) / 3)
    moved = np.stack([_per_code(part) for part in normals.T / 3], axis=1)
    return areas, cones, moved


def _per_code(weights: FloatArray) -> FloatArray:
    return np.asarray(np.bincount(_triangles()[1], weights, 256), dtype=np.float64)


def area_and_volume(laid: Laid, matrix: FloatArray) -> tuple[float, float]:
    """Return surface area (mm²) and enclosed volume (mm³) of the marching-cubes surface of a region laid out.

    `matrix` (3, 3) maps voxel index i, j, k to mm. Source: IBSI reference manual, mesh-based representation at level
    0.5.
    """
    from genoxel.features._kernels.mesh import corner_codes

    sums = corner_codes(laid.flat, laid.row, laid.layer)
    areas, cones, moved = _lookup(np.ascontiguousarray(matrix).tobytes())
    count, places = sums[:, 0], sums[:, 1:]
    return float(areas @ count), abs(float(cones @ count + np.einsum("ij,ij->", places @ matrix.T, moved)))


def outermost(laid: Laid) -> FloatArray:
    """Return the mesh vertices (n, 3), in voxels i, j, k, that can lie on the convex hull."""
    from genoxel.features._kernels.shape import outer_corners

    return np.asarray(outer_corners(laid.flat, laid.rows, laid.row, laid.layer) / 2 - 1)


def convex_hull(points: FloatArray) -> tuple[FloatArray, float, float]:
    """Return the corners (n, 3) of the convex hull of `points` in mm, its area (mm²) and volume (mm³)."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(points)
    return np.asarray(points[hull.vertices]), float(hull.area), float(hull.volume)


def farthest(points: FloatArray) -> float:
    """Return the largest distance between two of `points` (n, 3)."""
    from genoxel.features._kernels.shape import farthest_apart

    centred = points - points.mean(axis=0)
    radii = np.linalg.norm(centred, axis=1)
    order = np.argsort(-radii, kind="stable")
    return float(farthest_apart(centred[order], radii[order]) ** 0.5)
