"""One pass over the neighbours of every voxel, for the tone differences and for the dependences."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import compiled
from genoxel.features._kernels.counting import longest

Ints = npt.NDArray[np.int64]


@compiled
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


@compiled
def visit_neighbours(flat: npt.NDArray[Any], rows: Ints, slices: Ints, starts: Ints, lines: Ints, n_levels: int) -> Any:
    """Return three (slabs, levels + 1, neighbours + 2) integer arrays.

    For level i: [m] voxels that have m neighbours inside; [m] sum over those of |i m - sum of neighbours| (m times the
    difference to their mean, so that it stays whole); [c] voxels of which c - 1 neighbours share the level. `lines`
    (n,): flat offsets of the rows of neighbours, three of them in each; 0 is among them. The other arguments are those
    of `count_pairs`.
    """
    most = 3 * lines.size + 1
    shape = (starts.size - 1, n_levels + 1, most)
    counts = np.zeros(shape, np.int64)
    differences = np.zeros(shape, np.int64)
    dependence = np.zeros(shape, np.int64)
    room = longest(slices)
    inside, same, total = np.empty(room, np.uint8), np.empty(room, np.uint8), np.empty(room, np.uint16)
    for slab in range(starts.size - 1):
        count, difference, depend = counts[slab].ravel(), differences[slab].ravel(), dependence[slab].ravel()
        for s in range(starts[slab], starts[slab + 1]):
            a, b = slices[s, 2], slices[s, 3]
            n = b - a
            inside[:n] = 0
            same[:n] = 0
            total[:n] = 0
            for m in range(lines.size):
                near = flat[a + lines[m] - 1 : b + lines[m] + 1]
                _look(flat[a:b], near, inside[:n], same[:n], total[:n])
            for r in range(slices[s, 0], slices[s, 1]):
                for place in range(rows[r, 0], rows[r, 1]):
                    x = place - a
                    # the voxel itself was among its neighbours; level 0 (outside) has a row of its own
                    level = np.int64(flat[place])
                    around = np.int64(inside[x]) - np.int64(level > 0)
                    cell = np.uint64(level * most + around)
                    count[cell] += 1
                    difference[cell] += abs(level * (around + 1) - np.int64(total[x]))
                    depend[np.uint64(level * most + np.int64(same[x]))] += 1
        count[:most] = 0
        difference[:most] = 0
        depend[:most] = 0
    return counts, differences, dependence


@compiled
def sum_tones(counts: Ints, differences: Ints) -> Any:
    """Return (8, matrices) sums over the levels i of `counts` and `differences` (matrices, levels + 1, neighbours + 2).

    Voxels without any neighbour have no difference and do not count. With p_i the share and s_i the summed difference
    of level i: number of levels that occur, of voxels, and the sums of s_i, p_i s_i, p_i p_j (i - j)²,
    |i p_i - j p_j|, |i - j| (p_i s_i + p_j s_j) / (p_i + p_j) and (p_i + p_j) (i - j)².
    """
    groups, size, most = counts.shape
    out = np.zeros((8, groups), np.float64)
    level, p, s = np.empty(size), np.empty(size), np.empty(size)
    for q in range(groups):
        held = 0
        voxels = np.int64(0)
        for i in range(1, size):
            n = np.int64(0)
            total = 0.0
            for m in range(1, most):
                if counts[q, i, m] > 0:
                    n += counts[q, i, m]
                    total += differences[q, i, m] / m
            if n > 0:
                level[held], p[held], s[held] = i, n, total
                voxels += n
                held += 1
        out[0, q] = held
        out[1, q] = voxels
        for a in range(held):
            p[a] /= voxels
        for a in range(held):
            out[2, q] += s[a]
            out[3, q] += p[a] * s[a]
            for b in range(a):
                # each pair stands for two of the double sum
                gap = level[a] - level[b]
                out[4, q] += 2 * p[a] * p[b] * gap * gap
                out[5, q] += 2 * abs(level[a] * p[a] - level[b] * p[b])
                out[6, q] += 2 * gap * (p[a] * s[a] + p[b] * s[b]) / (p[a] + p[b])
                out[7, q] += 2 * (p[a] + p[b]) * gap * gap
    return out
