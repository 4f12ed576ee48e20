"""The smallest box and the smallest ellipsoid around a set of points.

Box: O'Rourke, Int J Comput Inf Sci 1985;14:183-199, by faces of the hull and turns about the box's own axes. Ellipsoid:
Khachiyan, Math Oper Res 1996;21:307-320, with the away steps of Todd and Yildirim, Discrete Appl Math
2007;155:1731-1744.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from genoxel.core.image import FloatArray

_SAME = 1e-9
_EXAMINED = 400
"""How many faces are examined at most: those on which the smallest boxes can stand."""
_TRIED = 500
"""How many turns spread over all orientations are tried beside."""
_REFINED = 12
"""From how many of the best a smaller box is sought."""


def oriented_box(points: FloatArray) -> FloatArray:
    """Return the sides (3,), descending, of the smallest box found around `points` (n, 3).

    Boxes with a side on a face of the convex hull are examined, in the order of a lower bound of their volume, until
    the bound rules out the rest (or on 400 faces), and 500 fixed turns. Since the smallest box may touch the hull with
    edges alone, a smaller one is sought from the best, by a simplex of turns and then about each axis of the box. Of
    boxes of equal volume that of least area is taken.
    """
    from scipy.spatial import ConvexHull

    hull = ConvexHull(points)
    corners = points[hull.vertices]
    normals, owner = np.unique(np.round(_one_sense(hull.equations[:, :3]), 9), axis=0, return_inverse=True)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    areas = np.bincount(owner.ravel(), _areas(points[hull.simplices]))
    heights = np.ptp(corners @ normals.T, axis=0)
    # a box is never smaller than its height times the shadow of the hull along it
    bounds = heights * (np.abs(normals @ normals.T) @ areas) / 2
    found: list[tuple[FloatArray, FloatArray]] = []
    best = np.inf
    for face in np.argsort(bounds, kind="stable")[:_EXAMINED]:
        if bounds[face] > best * (1 + _SAME):
            break
        axes = _turned(corners, normals[face])
        sides = np.ptp(corners @ axes.T, axis=0)
        best = min(best, float(np.prod(sides)))
        found.append((sides, axes))
    found += [(np.ptp(corners @ axes.T, axis=0), axes) for axes in _turns()]
    found.sort(key=lambda box: float(np.prod(box[0])))
    refined = [_refined(corners, axes) for _, axes in found[:_REFINED]]
    least = min(float(np.prod(sides)) for sides in refined)
    equal = [sides for sides in refined if np.prod(sides) <= least * (1 + _SAME)]
    return np.asarray(np.sort(min(equal, key=box_area))[::-1])


def box_area(sides: FloatArray) -> float:
    """Return the surface area of a box with `sides` (3,)."""
    a, b, c = (float(side) for side in sides)
    return 2 * (a * b + b * c + c * a)


def _one_sense(normals: FloatArray) -> FloatArray:
    """Return normals (n, 3), each turned so that its first part other than 0 is positive."""
    clear = np.where(np.abs(normals) > _SAME, normals, 0.0)
    first = np.take_along_axis(clear, (clear != 0).argmax(axis=1)[:, None], axis=1)
    return np.asarray(clear * np.sign(first))


def _areas(triangles: FloatArray) -> FloatArray:
    a, b, c = np.moveaxis(triangles, 1, 0)
    return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)


def _turned(corners: FloatArray, axis: FloatArray) -> FloatArray:
    """Return the axes (3, 3) of the smallest box around `corners` that has `axis` among its axes."""
    from scipy.spatial import ConvexHull

    helper = np.eye(3)[np.argmin(np.abs(axis))]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    flat = corners @ np.stack([first, second]).T
    outline = flat[ConvexHull(flat).vertices]
    edges = np.roll(outline, -1, axis=0) - outline
    edges /= np.linalg.norm(edges, axis=1, keepdims=True)
    across = np.stack([-edges[:, 1], edges[:, 0]], axis=1)
    sizes = np.ptp(outline @ edges.T, axis=0) * np.ptp(outline @ across.T, axis=0)
    u, v = edges[np.argmin(sizes)]
    one = u * first + v * second
    return np.stack([axis, one, np.cross(axis, one)])


@cache
def _turns() -> FloatArray:
    """Return axes (n, 3, 3) spread over all orientations, always the same."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.random(_TRIED, rng=np.random.default_rng(0)).as_matrix())


def _refined(corners: FloatArray, axes: FloatArray) -> FloatArray:
    """Return the sides of the smallest box near the one along `axes`: no small turn makes it smaller."""

    def sides_of(turned: FloatArray) -> FloatArray:
        return np.asarray(np.ptp(corners @ turned.T, axis=0))

    for reach in (0.05, 0.005, 0.0005):
        axes = _simplex(corners, axes, reach)
    smaller = True
    while smaller:
        turned = min((_turned(corners, axis) for axis in axes), key=lambda one: float(np.prod(sides_of(one))))
        smaller = bool(np.prod(sides_of(turned)) < np.prod(sides_of(axes)) * (1 - _SAME))
        axes = turned if smaller else axes
    return sides_of(axes)


def _simplex(corners: FloatArray, axes: FloatArray, reach: float) -> FloatArray:
    """Return axes (3, 3) that give the smallest box, sought by a simplex of turns of `reach` radians to begin with."""
    from scipy.optimize import minimize
    from scipy.spatial.transform import Rotation

    along = corners @ axes.T

    def volume(vector: FloatArray) -> float:
        return float(np.prod(np.ptp(along @ Rotation.from_rotvec(vector).as_matrix(), axis=0)))

    start = np.vstack([np.zeros(3), reach * np.eye(3)])
    options = {"initial_simplex": start, "xatol": 1e-9, "fatol": 1e-12 * volume(np.zeros(3))}
    best = minimize(volume, np.zeros(3), method="Nelder-Mead", options=options)
    return np.asarray(Rotation.from_rotvec(best.x).as_matrix().T @ axes)


def enclosing_ellipsoid(points: FloatArray, tolerance: float = 1e-6, most: int = 100_000) -> FloatArray:
    """Return the semi-axes (3,), descending, of the smallest ellipsoid around `points` (n, 3).

    All points lie inside; the volume is at most about 1.5 `tolerance` (relative) above the smallest one.
    """
    shift, scale = points.mean(axis=0), float(np.abs(points - points.mean(axis=0)).max())
    p = (points - shift) / scale
    lifted = np.column_stack([p, np.ones(len(p))])
    size = lifted.shape[1]
    u = np.full(len(p), 1 / len(p))
    for _ in range(most):
        spread = lifted.T @ (u[:, None] * lifted)
        far = np.einsum("ij,ij->i", lifted @ np.linalg.inv(spread), lifted)
        out = int(np.argmax(far))
        near = int(np.argmin(np.where(u > 0, far, np.inf)))
        above, below = far[out] / size - 1, 1 - far[near] / size
        if max(above, below) <= tolerance:
            break
        if above >= below:
            step = (far[out] - size) / (size * (far[out] - 1))
            u *= 1 - step
            u[out] += step
            continue
        limit = u[near] / (1 - u[near])
        step = min((size - far[near]) / (size * (far[near] - 1)), limit) if far[near] > 1 else limit
        u *= 1 + step
        u[near] = 0.0 if step == limit else u[near] - step
    centre = u @ p
    inverse = np.linalg.inv(p.T @ (u[:, None] * p) - np.outer(centre, centre))
    reach = np.einsum("ij,jk,ik->i", p - centre, inverse, p - centre).max()
    return np.asarray(np.sqrt(reach / np.linalg.eigvalsh(inverse)) * scale)
