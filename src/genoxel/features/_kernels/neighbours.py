"""One pass over the neighbours of every voxel, for the tone differences and for the dependences."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled, inlined
from genoxel.features._kernels.counting import Counts, Floats

Ints = npt.NDArray[np.int64]


@inlined
def _look(
    here: npt.NDArray[Any],
    near: npt.NDArray[Any],
    inside: npt.NDArray[np.uint8],
    same: npt.NDArray[np.uint8],
    total: npt.NDArray[np.uint16],
) -> None:
    # `near` begins one voxel before `here` and ends one after
    n = here.size
    left, centre, right = near[:n], near[1 : n + 1], near[2 : n + 2]
    for x in range(n):
        a, b, c, level = left[x], centre[x], right[x], here[x]
        inside[x] += np.uint8(np.uint8(a != 0) + np.uint8(b != 0) + np.uint8(c != 0))
        same[x] += np.uint8(np.uint8(a == level) + np.uint8(b == level) + np.uint8(c == level))
        total[x] += np.uint16(np.uint16(a) + np.uint16(b) + np.uint16(c))


@inlined
def _tally(
    flat: npt.NDArray[Any],
    row: Ints,
    most: int,
    near: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint16]],
    counts: Counts,
    differences: Ints,
    dependence: Counts,
) -> None:
    inside, same, total = near
    levels = flat[row[0] : row[1]]
    for x in range(levels.size):
        # the voxel itself was among its neighbours; level 0 (outside) has a row of its own
        level = np.int64(levels[x])
        around = np.int64(inside[x]) - np.int64(level > 0)
        cell = np.uint64(level * most + around)
        counts[cell] += 1
        differences[cell] += abs(level * (around + 1) - np.int64(total[x]))
        dependence[np.uint64(level * most + np.int64(same[x]))] += 1


@compiled
def visit_neighbours(
    flat: npt.NDArray[Any],
    rows: Ints,
    slices: Ints,
    starts: Ints,
    lines: Ints,
    inside: npt.NDArray[np.uint8],
    same: npt.NDArray[np.uint8],
    total: npt.NDArray[np.uint16],
    counts: Counts,
    differences: Ints,
    dependence: Counts,
) -> None:
    """Fill three (slabs, (levels + 1) * m) integer arrays of zeros, m being 3 * lines + 1.

    At level i: [c] voxels that have c neighbours inside; [c] sum over those of |i c - sum of neighbours| (c times the
    difference to their mean, so that it stays whole); [c] voxels of which c - 1 neighbours share the level. Row 0 says
    nothing. `lines` (n,): flat offsets of the rows of neighbours, three of them in each; 0 is among them. Slab s is
    slices[starts[s]:starts[s + 1]]; `inside`, `same` and `total` have room for a slice. The other arguments are those
    of `count_pairs`.
    """
    most = 3 * lines.size + 1
    for slab in range(starts.size - 1):
        tables = counts[slab], differences[slab], dependence[slab]
        for s in range(starts[slab], starts[slab + 1]):
            a, b = slices[s, 2], slices[s, 3]
            for x in range(b - a):
                inside[x], same[x], total[x] = 0, 0, 0
            for m in range(lines.size):
                near = flat[a + lines[m] - 1 : b + lines[m] + 1]
                _look(flat[a:b], near, inside[: b - a], same[: b - a], total[: b - a])
            for r in range(slices[s, 0], slices[s, 1]):
                x, y = rows[r, 0] - a, rows[r, 1] - a
                _tally(flat, rows[r], most, (inside[x:y], same[x:y], total[x:y]), tables[0], tables[1], tables[2])


@inlined
def _over_pairs(level: Floats, p: Floats, s: Floats, held: int, one: Floats) -> None:
    """Fill the five features of a matrix whose `held` levels have shares p and summed differences s."""
    ps, whole, spread, unlike, change, distinct = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for a in range(held):
        whole += s[a]
        ps += p[a] * s[a]
        for b in range(a):
            # each pair stands for two of the double sum
            gap = level[a] - level[b]
            spread += 2 * p[a] * p[b] * gap * gap
            unlike += 2 * abs(level[a] * p[a] - level[b] * p[b])
            change += 2 * gap * (p[a] * s[a] + p[b] * s[b]) / (p[a] + p[b])
            distinct += 2 * (p[a] + p[b]) * gap * gap
    one[1] = 1 / ps if ps > 0 else np.nan
    one[2] = spread * whole / (held * (held - 1.0) * one[0]) if held > 1 else np.nan
    one[3] = ps / unlike if unlike > 0 else np.nan
    one[4] = change / one[0]
    one[5] = distinct / whole if whole > 0 else np.nan


@compiled
def sum_tones(counts: Counts, differences: Ints, most: int, scratch: Floats, out: Floats) -> None:
    """Fill `out` (matrices, 6): voxels with a neighbour, then coarseness, contrast, busyness, complexity, strength.

    `counts` and `differences` (matrices, (levels + 1) * most) as `visit_neighbours` fills them; `scratch`
    (3 * (levels + 1),) is overwritten. Voxels without any neighbour have no difference and do not count. NaN where a
    feature is not defined.
    """
    size = scratch.size // 3
    level, p, s = scratch[:size], scratch[size : 2 * size], scratch[2 * size :]
    for q in range(counts.shape[0]):
        held = 0
        for i in range(1, size):
            n, total = 0, 0.0
            for m in range(1, most):
                count = counts[q, i * most + m]
                if count > 0:
                    n += count
                    total += differences[q, i * most + m] / m
            if n > 0:
                level[held], p[held], s[held] = i, n, total
                out[q, 0] += n
                held += 1
        for a in range(held):
            p[a] /= out[q, 0]
        if held > 0:
            _over_pairs(level, p, s, held, out[q])
