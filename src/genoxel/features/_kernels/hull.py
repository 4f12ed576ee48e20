"""The convex hull of points with whole-number coordinates, in exact arithmetic, with its area, volume and diameter."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import called, compiled, inlined

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@called
def _above(planes: Floats, face: int, points: Floats, p: int) -> Any:
    """Return how far a point is above the plane of a face, in lengths of its normal: a whole number."""
    x, y, z = points[p, 0], points[p, 1], points[p, 2]
    return planes[face, 0] * x + planes[face, 1] * y + planes[face, 2] * z - planes[face, 3]


@called
def _span(points: Floats, a: int, b: int, c: int, planes: Floats, face: int) -> None:
    """Set the plane of a face with corners a, b and c: normal (outwards, by their order) and offset."""
    x, y, z = points[a, 0], points[a, 1], points[a, 2]
    bx, by, bz = points[b, 0] - x, points[b, 1] - y, points[b, 2] - z
    cx, cy, cz = points[c, 0] - x, points[c, 1] - y, points[c, 2] - z
    u, v, w = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
    planes[face, 0], planes[face, 1], planes[face, 2], planes[face, 3] = u, v, w, u * x + v * y + w * z


@inlined
def _start(points: Floats, corners: Ints, faces: Ints, near: Ints, planes: Floats) -> None:
    """Set four faces around four points that do not lie in one plane, each as far as can be from those before."""
    corners[0], corners[1] = 0, 0
    for step in range(1, 4):
        most = -1.0
        for p in range(points.shape[0]):
            if step == 3:
                gap = abs(_above(planes, 0, points, p))
            else:
                # first the distance, as a triangle with a corner of its own; then the area with the first two
                _span(points, 0, corners[1], p, planes, 1)
                gap = planes[1, 0] * planes[1, 0] + planes[1, 1] * planes[1, 1] + planes[1, 2] * planes[1, 2]
                if step == 1:
                    x, y, z = points[p, 0] - points[0, 0], points[p, 1] - points[0, 1], points[p, 2] - points[0, 2]
                    gap = x * x + y * y + z * z
            if gap > most:
                most = gap
                corners[step] = p
        if step == 2:
            _span(points, corners[0], corners[1], corners[2], planes, 0)
    for f in range(4):
        a, b, c = corners[f], corners[(f + 1) % 4], corners[(f + 2) % 4]
        _span(points, a, b, c, planes, f)
        if _above(planes, f, points, corners[(f + 3) % 4]) > 0:
            b, c = c, b
            _span(points, a, b, c, planes, f)
        faces[f, 0], faces[f, 1], faces[f, 2] = a, b, c
    for one in range(12):
        for other in range(12):
            f, x, g, y = one // 3, one % 3, other // 3, other % 3
            if faces[f, x] == faces[g, (y + 1) % 3] and faces[f, (x + 1) % 3] == faces[g, y]:
                near[f, x] = g


@called
def _give(points: Floats, p: int, faces: Ints, planes: Floats, first: Ints, after: Ints) -> None:
    """Put a point on the list of the first of some faces that it is above; what is above none lies within."""
    for x in range(faces.size):
        if _above(planes, faces[x], points, p) > 0:
            after[p] = first[faces[x]]
            first[faces[x]] = p
            return


@inlined
def _see(
    points: Floats, p: int, f: int, faces: Ints, near: Ints, planes: Floats, seen: Ints, visible: Ints, edges: Ints
) -> Any:
    """List the faces that a point above face `f` is above, and the edges (corners, face beyond) around them."""
    visible[0], seen[f] = f, p
    count, rim, at = 1, 0, 0
    while at < count:
        own = visible[at]
        at += 1
        for x in range(3):
            beyond = near[own, x]
            if seen[beyond] == p:
                continue
            if _above(planes, beyond, points, p) > 0:
                visible[count], seen[beyond] = beyond, p
                count += 1
            else:
                edges[rim, 0], edges[rim, 1], edges[rim, 2] = faces[own, x], faces[own, (x + 1) % 3], beyond
                rim += 1
    return count, rim


@inlined
def _close(
    points: Floats, p: int, edges: Ints, fresh: Ints, faces: Ints, near: Ints, planes: Floats, begins: Ints
) -> None:
    """Set the `fresh` faces between a point and each of the edges around it, and who their neighbours are."""
    for h in range(fresh.size):
        f, a, b, beyond = fresh[h], edges[h, 0], edges[h, 1], edges[h, 2]
        faces[f, 0], faces[f, 1], faces[f, 2] = a, b, p
        _span(points, a, b, p, planes, f)
        near[f, 0] = beyond
        for x in range(3):
            if faces[beyond, x] == b and faces[beyond, (x + 1) % 3] == a:
                near[beyond, x] = f
        begins[a] = f
    for h in range(fresh.size):
        following = begins[edges[h, 1]]
        near[fresh[h], 1] = following
        near[following, 2] = fresh[h]


@compiled
def convex_hull(
    points: Floats, faces: Ints, near: Ints, planes: Floats, lists: Ints, edges: Ints, by_point: Ints
) -> Any:
    """Fill `faces` and `planes` with the triangles of the convex hull; return how many rows of them were used.

    A face lists three points, anticlockwise from outside, or -1 first where the row is free; its plane is the normal
    (outwards, twice the area) and the offset. `points` (n, 3) whole numbers below 2**15, not all in one plane, so that
    all arithmetic is exact. There is room for 4 n + 16 faces: `faces`, `near`, `edges` (m, 3), `planes` (m, 4), `lists`
    (5, m); `by_point` (2, n). Quickhull: Barber et al., ACM Trans Math Softw 1996;22:469-483; a point on the plane of a
    face is not above it.
    """
    first, seen, visible, free, fresh = lists[0], lists[1], lists[2], lists[3], lists[4]
    after, begins = by_point[0], by_point[1]
    _start(points, fresh, faces, near, planes)
    spare = first.size - 4
    for f in range(first.size):
        first[f], seen[f], free[first.size - 1 - f] = -1, -1, f
    for f in range(4):
        fresh[f] = f
    for p in range(points.shape[0]):
        _give(points, p, fresh[:4], planes, first, after)
    f, top = 0, 4
    while f < top:
        if first[f] < 0:
            f += 1
            continue
        highest, most, p = first[f], 0.0, first[f]
        while p >= 0:
            height = _above(planes, f, points, p)
            if height > most:
                highest, most = p, height
            p = after[p]
        count, rim = _see(points, highest, f, faces, near, planes, seen, visible, edges)
        for h in range(rim):
            spare -= 1
            fresh[h] = free[spare]
        _close(points, highest, edges, fresh[:rim], faces, near, planes, begins)
        for v in range(count):
            p = first[visible[v]]
            first[visible[v]] = -1
            while p >= 0:
                then = after[p]
                if p != highest:
                    _give(points, p, fresh[:rim], planes, first, after)
                p = then
            faces[visible[v], 0] = -1
            free[spare] = visible[v]
            spare += 1
        for h in range(rim):
            f = min(f, fresh[h])
            top = max(top, fresh[h] + 1)
    return top


@compiled
def farthest_apart(points: Floats) -> Any:
    """Return the largest squared distance between two of `points` (n, 3)."""
    best = 0.0
    for a in range(points.shape[0]):
        for b in range(a):
            x, y, z = points[a, 0] - points[b, 0], points[a, 1] - points[b, 1], points[a, 2] - points[b, 2]
            best = max(best, x * x + y * y + z * z)
    return best
