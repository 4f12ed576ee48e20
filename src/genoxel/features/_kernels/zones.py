"""Connected zones of equal grey level with their size and distance to the border, found in one labelling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled
from genoxel.features._kernels.counting import first_of, longest

Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int32]


@compiled
def _join(parent: Labels, a: Any, b: Any) -> Any:
    """Return the root of the union of the trees of `a` and `b`: the lower of both roots."""
    while parent[a] != a:
        parent[a] = parent[parent[a]]
        a = np.int64(parent[a])
    while parent[b] != b:
        parent[b] = parent[parent[b]]
        b = np.int64(parent[b])
    low, high = min(a, b), max(a, b)
    parent[high] = low
    return low


@compiled
def _alike(here: npt.NDArray[Any], there: npt.NDArray[Any], bit: np.uint16, bits: npt.NDArray[np.uint16]) -> None:
    for x in range(bits.size):
        bits[x] |= bit if here[x] == there[x] else np.uint16(0)


@compiled
def representatives(offsets: Ints) -> Any:
    """Return (2 ** n,) for each set of n neighbours those to join with: one of each group that touches itself.

    Bit m of an index tells whether neighbour `offsets[m]` (k, j, i) shares a level. The answer holds m + 1 of each
    neighbour to join with in four bits, the first lowest.
    """
    n = offsets.shape[0]
    out = np.zeros(1 << n, np.uint32)
    group = np.zeros(n, np.int64)
    for code in range(1 << n):
        for m in range(n):
            group[m] = m
        changed = True
        while changed:
            changed = False
            for a in range(n):
                for b in range(a):
                    both = (code >> a) & 1 and (code >> b) & 1
                    near = True
                    for axis in range(3):
                        near = near and abs(offsets[a, axis] - offsets[b, axis]) <= 1
                    if both and near and group[a] != group[b]:
                        group[a] = group[b] = min(group[a], group[b])
                        changed = True
        shift = 0
        for m in range(n):
            if (code >> m) & 1 and group[m] == m:
                out[code] |= np.uint32(m + 1) << np.uint32(shift)
                shift += 4
    return out


@compiled
def find_zones(
    flat: npt.NDArray[Any],
    far: npt.NDArray[np.int32],
    rows: Ints,
    slices: Ints,
    starts: Ints,
    steps: Ints,
    joins: npt.NDArray[np.uint32],
) -> Any:
    """Return (4, zones): slab, level, size, and the smallest distance of each zone, in the order of their first voxels.

    `far` holds distances, flat like `flat`; `steps` the flat offsets of the neighbours that come before a voxel, and
    `joins` their `representatives`. The other arguments are those of `count_pairs`.
    """
    labels = np.empty(flat.size, np.int32)
    bits = np.empty(longest(slices), np.uint16)
    room = np.int64(0)
    for r in range(rows.shape[0]):
        room += rows[r, 1] - rows[r, 0]
    parent = np.empty(room, np.int32)
    out = np.empty((4, room), np.int64)
    used = 0
    for slab in range(starts.size - 1):
        for s in range(starts[slab], starts[slab + 1]):
            a, b = slices[s, 2], slices[s, 3]
            alike = bits[: b - a]
            alike[:] = 0
            for m in range(steps.size):
                _alike(flat[a:b], flat[a + steps[m] : b + steps[m]], np.uint16(1 << m), alike)
            for r in range(slices[s, 0], slices[s, 1]):
                for place in range(rows[r, 0], rows[r, 1]):
                    if flat[place] == 0:
                        continue
                    join = np.int64(joins[alike[place - a]])
                    if join == 0:
                        parent[used] = used
                        out[0, used] = slab
                        out[1, used] = flat[place]
                        out[2, used] = 1
                        out[3, used] = far[place]
                        labels[place] = used
                        used += 1
                        continue
                    label: Any = labels[place + steps[(join & 15) - 1]]
                    join >>= 4
                    while join > 0:
                        label = _join(parent, label, np.int64(labels[place + steps[(join & 15) - 1]]))
                        join >>= 4
                    labels[place] = label
                    out[2, label] += 1
                    out[3, label] = min(out[3, label], np.int64(far[place]))
    zones = 0
    for label in range(used - 1, -1, -1):
        # a root is lower than all that hang on it: from the top down, each hands its share to its parent
        above = parent[label]
        if above != label:
            out[2, above] += out[2, label]
            out[3, above] = min(out[3, above], out[3, label])
    for label in range(used):
        if parent[label] == label:
            for part in range(4):
                out[part, zones] = out[part, label]
            zones += 1
    return first_of(out, zones)


@compiled
def _nearer(here: npt.NDArray[np.int32], there: npt.NDArray[np.int32]) -> None:
    for x in range(here.size):
        here[x] = min(here[x], there[x] + 1)


@compiled
def border_distance(inside: npt.NDArray[Any], rows: Ints, slices: Ints, row: int, layer: int) -> Any:
    """Return the city-block distance of each voxel of a flattened padded volume to the next one outside.

    A voxel at the border has distance 1, one outside (any place where `inside` is 0) 0. `rows` and `slices` as
    for `count_pairs`, `row` and `layer` the flat offsets to the next row and slice; with a layer of 0, steps go along
    rows and from row to row alone.
    """
    out = np.zeros(inside.size, np.int32)
    for r in range(rows.shape[0]):
        run = np.int32(0)
        for place in range(rows[r, 0], rows[r, 1]):
            run = np.int32(run + 1) if inside[place] != 0 else np.int32(0)
            out[place] = run
        run = np.int32(0)
        for place in range(rows[r, 1] - 1, rows[r, 0] - 1, -1):
            run = min(np.int32(run + 1), out[place])
            out[place] = run
    for r in range(rows.shape[0]):
        a, b = rows[r, 0], rows[r, 1]
        _nearer(out[a:b], out[a - row : b - row])
    for r in range(rows.shape[0] - 1, -1, -1):
        a, b = rows[r, 0], rows[r, 1]
        _nearer(out[a:b], out[a + row : b + row])
    if layer != 0:
        for s in range(slices.shape[0]):
            a, b = slices[s, 2], slices[s, 3]
            _nearer(out[a:b], out[a - layer : b - layer])
        for s in range(slices.shape[0] - 1, -1, -1):
            a, b = slices[s, 2], slices[s, 3]
            _nearer(out[a:b], out[a + layer : b + layer])
    return out


@compiled
def tally(slab: Ints, level: Ints, column: Ints, n_levels: int, width: int) -> Any:
    """Return (4, entries) slab, level, column and count of all zones with a column below `width`, and the other zones.

    The others are given by their places (n,). The slabs ascend.
    """
    table = np.zeros((n_levels + 1) * width, np.int64)
    out = np.empty((4, slab.size), np.int64)
    rest = np.empty(slab.size, np.int64)
    used, left = 0, 0
    first = 0
    while first < slab.size:
        stop = first
        while stop < slab.size and slab[stop] == slab[first]:
            if column[stop] < width:
                table[level[stop] * width + column[stop]] += 1
            else:
                rest[left] = stop
                left += 1
            stop += 1
        for i in range(1, n_levels + 1):
            for j in range(width):
                n = table[i * width + j]
                if n > 0:
                    out[0, used] = slab[first]
                    out[1, used] = i
                    out[2, used] = j
                    out[3, used] = n
                    table[i * width + j] = 0
                    used += 1
        first = stop
    return first_of(out, used), rest[:left].copy()
