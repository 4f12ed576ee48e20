"""Polygons and pixels: outlines of a mask, filling by the pixel-centre rule, and what makes a polygon ambiguous.

Coordinates are voxel indices (i, j) of one slice; the centre of pixel (2, 3) is the point (2.0, 3.0).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

TOUCH = 1e-3
"""Edges that pass each other by less than this share of a pixel touch; they do not cross (keyholes do this)."""

_PAIRS = 1_000_000
"""Pairs of edges looked at in one go, to bound memory."""

_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def area(points: FloatArray) -> float:
    """Return the area (not signed) enclosed by a polygon (n, 2), in the square of its unit (shoelace formula).

    >>> area(np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 3.0], [0.0, 3.0]]))
    6.0
    """
    x, y = (points - points[0]).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def fill(points: FloatArray, shape: tuple[int, int]) -> BoolArray:
    """Return a boolean array (i, j) of `shape`, true where a pixel's centre lies inside the polygon (n, 2).

    Even-odd rule. A centre on an edge belongs to the polygon on the side of low i or low j and not on the other, so
    that polygons that share an edge share no pixel. Parts outside the grid are cut off.

    >>> fill(np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 1.5], [0.5, 1.5]]), (4, 3)).sum()
    np.int64(2)
    """
    points = np.round(points, 6)
    inside = np.zeros(shape, dtype=bool)
    low = np.clip(np.ceil(points.min(axis=0)), 0, shape).astype(np.intp)
    high = np.clip(np.ceil(points.max(axis=0)), 0, shape).astype(np.intp)
    box = (int(high[0] - low[0]), int(high[1] - low[1]))
    if min(box) > 0:
        inside[low[0] : high[0], low[1] : high[1]] = _fill_box(points - low, box)
    return inside


def _fill_box(points: FloatArray, shape: tuple[int, int]) -> BoolArray:
    """Fill row by row: every edge toggles the pixels to the right of where it crosses the row of centres."""
    start, stop = points, np.roll(points, -1, axis=0)
    low, high = np.minimum(start[:, 1], stop[:, 1]), np.maximum(start[:, 1], stop[:, 1])
    first = np.clip(np.ceil(low), 0, shape[1]).astype(np.intp)
    count = np.clip(np.ceil(high), 0, shape[1]).astype(np.intp) - first
    edge = np.repeat(np.arange(len(points)), count)
    row = np.arange(edge.size) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    slope = (stop[edge, 0] - start[edge, 0]) / (stop[edge, 1] - start[edge, 1])
    crossing = np.round(start[edge, 0] + (row - start[edge, 1]) * slope, 6)
    column = np.clip(np.ceil(crossing), 0, shape[0]).astype(np.intp)
    size = (shape[0] + 1, shape[1])
    toggles = np.bincount(np.ravel_multi_index((column, row), size), minlength=size[0] * size[1]).reshape(size)
    return np.asarray(np.cumsum(toggles, axis=0)[:-1] % 2 == 1)


def cover(points: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Return the share of each pixel (i, j) that a polygon (n, 2) without crossings covers, exact up to rounding.

    Every edge is cut where it passes from pixel to pixel; each piece adds the area between itself and the end of its
    pixel there, and its whole height to the pixels behind.

    >>> cover(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]]), (2, 3)).round(6).tolist()
    [[0.25, 0.5, 0.25], [0.25, 0.5, 0.25]]
    """
    points = points + 0.5
    start, stop = _cut(points, np.roll(points, -1, axis=0), 0)
    start, stop = _cut(start, stop, 1)
    middle = (start + stop) / 2
    i = np.clip(np.floor(middle[:, 0]), -1, shape[0]).astype(np.intp)
    j = np.floor(middle[:, 1]).astype(np.intp)
    kept = (j >= 0) & (j < shape[1]) & (i < shape[0])
    i, j, height = i[kept], j[kept], (stop - start)[kept, 1]
    # row 0 stands for all that lies before the first pixel
    place = np.ravel_multi_index((i + 1, j), (shape[0] + 1, shape[1]))
    size = (shape[0] + 1) * shape[1]
    partly = np.bincount(place, height * (i + 1 - middle[kept, 0]), size).reshape(-1, shape[1])[1:]
    behind = np.cumsum(np.bincount(place, height, size).reshape(-1, shape[1]), axis=0)[:-1]
    return np.asarray(np.clip(np.abs(partly + behind), 0.0, 1.0))


def _cut(start: FloatArray, stop: FloatArray, axis: int) -> tuple[FloatArray, FloatArray]:
    """Return edges cut wherever they pass a whole number along `axis`."""
    low, high = np.minimum(start, stop)[:, axis], np.maximum(start, stop)[:, axis]
    first = np.floor(low) + 1
    count = np.maximum(np.ceil(high) - first, 0).astype(np.intp)
    edge = np.repeat(np.arange(len(start)), count + 1)
    number = np.arange(edge.size) - np.repeat(np.cumsum(count + 1) - count - 1, count + 1)
    length = (stop - start)[:, axis]
    down = length < 0
    line = np.where(down[edge], first[edge] + count[edge] - number, first[edge] + number - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (line - start[edge, axis]) / length[edge]
        after = (line + np.where(down[edge], -1, 1) - start[edge, axis]) / length[edge]
    share = np.where(number == 0, 0.0, share)[:, None]
    after = np.where(number == count[edge], 1.0, after)[:, None]
    way = (stop - start)[edge]
    return start[edge] + share * way, start[edge] + after * way


def drop_repeats(points: FloatArray) -> FloatArray:
    """Return the polygon without points that equal the one before them (the closing point included)."""
    keep = np.any(np.abs(points - np.roll(points, 1, axis=0)) > 1e-9, axis=1)
    return points[keep] if keep.any() else points[:1]


def crossings(points: FloatArray) -> IntArray:
    """Return pairs (m, 2) of edges that properly cross each other; edges that only touch do not.

    >>> crossings(np.array([[0.0, 0.0], [4.0, 4.0], [4.0, 0.0], [0.0, 4.0]]))
    array([[0, 2]])
    """
    start, stop = points, np.roll(points, -1, axis=0)
    low, high = np.minimum(start, stop), np.maximum(start, stop)
    order = np.argsort(low[:, 0], kind="stable")
    begin = np.arange(1, len(points) + 1)
    count = np.searchsorted(low[order, 0], high[order, 0], side="right") - begin
    found = [np.empty((0, 2), dtype=np.intp)]
    for some in np.array_split(np.arange(len(points)), 1 + int(count.sum()) // _PAIRS):
        many = count[some]
        one = np.repeat(some, many)
        two = np.arange(one.size) - np.repeat(np.cumsum(many) - many, many) + begin[one]
        one, two = order[one], order[two]
        near = (low[one, 1] <= high[two, 1]) & (low[two, 1] <= high[one, 1])
        found.append(_proper(start, stop, one[near], two[near]))
    pairs = np.sort(np.concatenate(found), axis=1)
    return np.asarray(pairs[np.lexsort(pairs.T[::-1])])


def _proper(start: FloatArray, stop: FloatArray, one: IntArray, two: IntArray) -> IntArray:
    def side(line: IntArray, point: FloatArray) -> FloatArray:
        along, away = stop[line] - start[line], point - start[line]
        length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-12)
        return np.asarray((along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0]) / length)

    def split(line: IntArray, other: IntArray) -> BoolArray:
        left, right = side(line, start[other]), side(line, stop[other])
        return np.asarray((np.minimum(left, right) < -TOUCH) & (np.maximum(left, right) > TOUCH))

    real = split(one, two) & split(two, one)
    return np.column_stack([one[real], two[real]])


def largest_loop(points: FloatArray, pairs: IntArray) -> float:
    """Return the area of the largest loop that any crossing in `pairs` ties off (the smaller side of each)."""
    largest = 0.0
    for one, two in pairs:
        inner = points[one + 1 : two + 1]
        outer = np.concatenate([points[two + 1 :], points[: one + 1]])
        knot = _meeting(points, int(one), int(two))
        sides = [area(np.vstack([knot, part])) for part in (inner, outer)]
        largest = max(largest, min(sides))
    return largest


def _meeting(points: FloatArray, one: int, two: int) -> FloatArray:
    p, r = points[one], points[(one + 1) % len(points)] - points[one]
    q, s = points[two], points[(two + 1) % len(points)] - points[two]
    share = ((q - p)[0] * s[1] - (q - p)[1] * s[0]) / (r[0] * s[1] - r[1] * s[0])
    return np.asarray(p + share * r)


def outlines(inside: npt.NDArray[Any]) -> list[FloatArray]:
    """Return polygons (n, 2) along the pixel edges of a 2D mask: outer borders and holes, to be joined by XOR.

    Their areas, outer minus holes, add up to the number of pixels; filling them by the pixel-centre rule gives the
    mask back. Pixels that meet only at a corner get outlines of their own.

    >>> outlines(np.array([[1, 1]]))[0].tolist()
    [[-0.5, -0.5], [0.5, -0.5], [0.5, 1.5], [-0.5, 1.5]]
    """
    whole = np.asarray(inside, dtype=bool)
    if not whole.any():
        return []
    (left, right), (top, bottom) = (np.nonzero(whole.any(axis=axis))[0][[0, -1]] for axis in (1, 0))
    padded = np.pad(whole[left : right + 1, top : bottom + 1], 1)
    neighbours = (padded[1:-1, :-2], padded[2:, 1:-1], padded[1:-1, 2:], padded[:-2, 1:-1])
    offsets = ((0, 0), (1, 0), (1, 1), (0, 1))
    leaving: dict[tuple[int, int], set[int]] = {}
    for direction, (neighbour, offset) in enumerate(zip(neighbours, offsets, strict=True)):
        for i, j in np.argwhere(padded[1:-1, 1:-1] & ~neighbour) + offset:
            leaving.setdefault((int(i), int(j)), set()).add(direction)
    corner = np.array([left - 0.5, top - 0.5])
    loops = []
    while leaving:
        loops.append(np.array(_walk(leaving), dtype=np.float64) + corner)
    return loops


def _walk(leaving: dict[tuple[int, int], set[int]]) -> list[tuple[int, int]]:
    here = min(leaving)
    start = here
    direction = -1
    corners: list[tuple[int, int]] = []
    while not corners or here != start or (here in leaving and (direction + 1) % 4 in leaving[here]):
        choices = leaving[here]
        turned = (direction + 1) % 4
        following = turned if turned in choices else min(choices)
        choices.remove(following)
        if not choices:
            del leaving[here]
        if following != direction:
            corners.append(here)
        direction = following
        here = (here[0] + _STEPS[direction][0], here[1] + _STEPS[direction][1])
    return corners
