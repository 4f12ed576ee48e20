"""Connected zones of equal grey level with their size and distance to the border, found in one labelling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import called, compiled, inlined

Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int32]


@called
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


@inlined
def _alike(here: npt.NDArray[Any], there: npt.NDArray[Any], bit: np.uint16, bits: npt.NDArray[np.uint16]) -> None:
    for x in range(bits.size):
        bits[x] |= bit if here[x] == there[x] else np.uint16(0)


@compiled
def find_zones(
    flat: npt.NDArray[Any],
    far: npt.NDArray[np.uint16],
    rows: Ints,
    slices: Ints,
    starts: Ints,
    steps: Ints,
    joins: npt.NDArray[np.uint32],
    bits: npt.NDArray[np.uint16],
    labels: Labels,
    parent: Labels,
    zones: Labels,
    ends: Ints,
) -> None:
    """Fill `zones` (3, n): level, size, and the smallest distance of each zone, in the order of their first voxels.

    `ends` (slabs + 1, 0 first) tells how many zones there are up to the end of each slab. `far` holds distances, flat
    like `flat`; `steps` the flat offsets of the neighbours that come before a voxel, and `joins` which of them to join
    with, for each set of those that share its level. `bits` has room for a slice, `labels` for the volume, `parent`
    for all voxels. The other arguments are those of `visit_neighbours`.
    """
    level, size, near = zones[0], zones[1], zones[2]
    used, kept = 0, 0
    for slab in range(starts.size - 1):
        begin = used
        for s in range(starts[slab], starts[slab + 1]):
            a, b = slices[s, 2], slices[s, 3]
            alike = bits[: b - a]
            for x in range(b - a):
                alike[x] = 0
            for m in range(steps.size):
                _alike(flat[a:b], flat[a + steps[m] : b + steps[m]], np.uint16(1 << m), alike)
            for r in range(slices[s, 0], slices[s, 1]):
                for place in range(rows[r, 0], rows[r, 1]):
                    if flat[place] == 0:
                        continue
                    join = np.int64(joins[alike[place - a]])
                    if join == 0:
                        parent[used], level[used], size[used], near[used] = used, flat[place], 1, far[place]
                        labels[place] = used
                        used += 1
                        continue
                    label: Any = np.int64(labels[place + steps[(join & 15) - 1]])
                    join >>= 4
                    while join > 0:
                        label = _join(parent, label, np.int64(labels[place + steps[(join & 15) - 1]]))
                        join >>= 4
                    labels[place] = label
                    size[label] += 1
                    near[label] = min(near[label], np.int32(far[place]))
        for one in range(used - 1, begin - 1, -1):
            # a root is lower than all that hang on it: from the top down, each hands its share to its parent
            above = parent[one]
            if above != one:
                size[above] += size[one]
                near[above] = min(near[above], near[one])
        for one in range(begin, used):
            if parent[one] == one:
                level[kept], size[kept], near[kept] = level[one], size[one], near[one]
                kept += 1
        ends[slab + 1] = kept


@called
def _nearer(here: npt.NDArray[np.uint16], there: npt.NDArray[np.uint16]) -> None:
    for x in range(here.size):
        here[x] = min(here[x], np.uint16(there[x] + 1))


@compiled
def border_distance(
    inside: npt.NDArray[Any], crossed: Ints, slices: Ints, row: int, layer: int, out: npt.NDArray[np.uint16]
) -> None:
    """Fill `out` (zeros) with the city-block distance of each voxel of a flattened padded volume to the next outside.

    A voxel at the border has distance 1, one outside (any place where `inside` is 0) 0. `crossed` and `slices` as
    `lay_out` gives them, `row` and `layer` the flat offsets to the next row and slice; with a layer of 0, steps go
    along rows and from row to row alone.
    """
    for r in range(crossed.shape[0]):
        run: Any = 0
        for place in range(crossed[r, 0], crossed[r, 1]):
            run = run + 1 if inside[place] != 0 else 0
            out[place] = run
        run = 0
        for place in range(crossed[r, 1] - 1, crossed[r, 0] - 1, -1):
            run = min(run + 1, np.int64(out[place]))
            out[place] = run
    # all rows of one j before the next: what was just written is not needed at once
    for r in range(crossed.shape[0]):
        a, b = crossed[r, 0], crossed[r, 1]
        _nearer(out[a:b], out[a - row : b - row])
    for r in range(crossed.shape[0] - 1, -1, -1):
        a, b = crossed[r, 0], crossed[r, 1]
        _nearer(out[a:b], out[a + row : b + row])
    if layer != 0:
        for s in range(slices.shape[0]):
            a, b = slices[s, 2], slices[s, 3]
            _nearer(out[a:b], out[a - layer : b - layer])
        for s in range(slices.shape[0] - 1, -1, -1):
            a, b = slices[s, 2], slices[s, 3]
            _nearer(out[a:b], out[a + layer : b + layer])


@compiled
def tally(level: Labels, column: Labels, ends: Ints, common: int, columns: Ints, tables: npt.NDArray[np.int32]) -> None:
    """Add to `tables` (matrices, levels * columns) the zones ends[q] to ends[q + 1], at their level and column.

    `level` and `column` (zones,); `columns` hold 0, 1 and so on below `common`, then in ascending order the larger
    numbers that occur.
    """
    width = columns.size
    for q in range(tables.shape[0]):
        for zone in range(ends[q], ends[q + 1]):
            low: Any = np.int64(column[zone])
            high: Any = width - 1
            if low >= common:
                low = common
                while low < high:
                    middle = (low + high) // 2
                    if columns[middle] < column[zone]:
                        low = middle + 1
                    else:
                        high = middle
            tables[q, level[zone] * width + low] += 1
