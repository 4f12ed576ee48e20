"""Surface of a region: area, volume, outermost points and convex hull, without ever building the mesh.

Area and enclosed volume are sums over the 8-voxel cubes, and a cube's share depends only on which of its corners lie
inside and (for the volume, by the divergence theorem) linearly on where it is.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

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

    sums = np.zeros((256, 4), np.int64)
    corner_codes(laid.flat, laid.spans, laid.row, laid.layer, np.empty(laid.row, np.uint8), sums)
    areas, cones, moved = _lookup(np.ascontiguousarray(matrix).tobytes())
    count, places = sums[:, 0], sums[:, 1:]
    return float(areas @ count), abs(float(cones @ count + ((places @ matrix.T) * moved).sum()))


def outermost(laid: Laid) -> FloatArray:
    """Return those mesh vertices (n, 3) that can lie on the convex hull: places i, j, k, twice, so that they are whole.

    They are counted from the padding around the region.
    """
    from genoxel.features._kernels.shape import outer_corners

    nk, nj, _ = laid.spans.shape
    line, count = np.empty(2, np.int64), np.empty(2, np.int64)
    xs, ys = np.empty((2, 2 * nj), np.int64), np.empty((2, 2 * nj), np.int64)
    out = np.empty((16 * nj * nk, 3))
    return out[: outer_corners(laid.spans, laid.row, line, xs, ys, count, out)]


@lru_cache(maxsize=64)
def _cofactors(matrix: bytes) -> tuple[FloatArray, float]:
    whole = np.frombuffer(matrix).reshape(3, 3)
    determinant = float(np.linalg.det(whole))
    return np.asarray(np.linalg.inv(whole) * determinant, dtype=np.float64), determinant


class Hull(NamedTuple):
    """Corners (n, 3) in mm, area (mm²), volume (mm³) and diameter (mm) of a convex hull."""

    corners: FloatArray
    area: float
    volume: float
    diameter: float


def convex_hull(twice: FloatArray, matrix: FloatArray) -> Hull:
    """Return the convex hull of the places `twice` / 2 (n, 3) of voxels i, j, k, which `matrix` (3, 3) maps to mm.

    The doubled places are whole numbers and do not all lie in one plane.
    """
    from genoxel.features._kernels import hull

    room = 4 * len(twice) + 16
    faces, near, edges = (np.empty((room, 3), np.int64) for _ in range(3))
    planes, lists = np.empty((room, 4)), np.empty((5, room), np.int64)
    used = hull.convex_hull(twice, faces, near, planes, lists, edges, np.empty((2, len(twice)), np.int64))
    kept = faces[:used, 0] >= 0
    planes = planes[:used][kept]
    # normals turn into normals by the matrix of cofactors; the offset of a plane is six times the volume below it
    cofactors, determinant = _cofactors(np.ascontiguousarray(matrix).tobytes())
    normals = planes[:, :3] @ cofactors
    on_hull = np.zeros(len(twice), bool)
    on_hull[faces[:used][kept]] = True
    corners = twice[on_hull] / 2 @ matrix.T
    area = float(np.sqrt((normals**2).sum(axis=1)).sum()) / 8
    volume = abs(float(planes[:, 3].sum()) * determinant) / 48
    return Hull(corners, area, volume, float(hull.farthest_apart(corners)) ** 0.5)
