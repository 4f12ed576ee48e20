"""The order of very many numbers between 0 and 1, in three passes over their leading 32 bits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError
from genoxel.stats.compiled import compiled
from genoxel.stats.ranks import FloatArray

_BITS = 11


def order_of(p: FloatArray) -> npt.NDArray[np.uint32]:
    """Return the order (m,) of `p` (m,) from small to large; values within [0, 1], none missing.

    Equal to `numpy.argsort` up to the order of equal values, and several times as fast for millions.

    >>> order_of(np.array([0.5, 0.1, 1.0, 0.0]))
    array([3, 1, 0, 2], dtype=uint32)
    """
    if len(p) >= 2**32:
        raise InputError(f"{len(p)} numbers", "fewer than 2^32", "screen in parts")
    keys, order = _keys(p)
    for shift in range(0, 3 * _BITS, _BITS):
        keys, order = _pass(keys, order, shift)
    for start, stop in _order_runs(keys, order, p):
        run = order[start:stop]
        order[start:stop] = run[np.argsort(p[run], kind="stable")]
    return np.asarray(order)


_LONGEST = 64


@compiled
def _keys(p):  # type: ignore[no-untyped-def]
    keys, order = np.empty(len(p), np.uint32), np.empty(len(p), np.uint32)
    for i in range(len(p)):
        keys[i] = np.uint32(min(p[i] * 4294967296.0, 4294967295.0))
        order[i] = i
    return keys, order


@compiled
def _pass(keys, order, shift):  # type: ignore[no-untyped-def]
    size = 1 << _BITS
    mask = np.uint32(size - 1)
    place = np.zeros(size + 1, dtype=np.int64)
    for i in range(len(keys)):
        place[((keys[i] >> np.uint32(shift)) & mask) + 1] += 1
    for i in range(size):
        place[i + 1] += place[i]
    new_keys, new_order = np.empty_like(keys), np.empty_like(order)
    for i in range(len(keys)):
        digit = (keys[i] >> np.uint32(shift)) & mask
        new_keys[place[digit]] = keys[i]
        new_order[place[digit]] = order[i]
        place[digit] += 1
    return new_keys, new_order


@compiled
def _order_runs(keys, order, p):  # type: ignore[no-untyped-def]
    """Order short runs of equal keys by insertion; return those long ones that are not in order."""
    left = [(0, 0)]
    start = 0
    for stop in range(1, len(keys) + 1):
        if stop < len(keys) and keys[stop] == keys[start]:
            continue
        if stop - start > _LONGEST:
            for i in range(start + 1, stop):
                if p[order[i]] < p[order[i - 1]]:
                    left.append((start, stop))
                    break
        else:
            for i in range(start + 1, stop):
                mover = order[i]
                j = i - 1
                while j >= start and p[order[j]] > p[mover]:
                    order[j + 1] = order[j]
                    j -= 1
                order[j + 1] = mover
        start = stop
    return left[1:]


@compiled
def step_up(p, order, scale, below, smallest):  # type: ignore[no-untyped-def]
    """Replace `p` by their step-up q; return the smallest.

    `order` is theirs, `scale` the number of all tests times the factor, `below` how many tests have smaller p than
    these, `smallest` the q of the next larger p.
    """
    for i in range(len(order) - 1, -1, -1):
        smallest = min(smallest, p[order[i]] * scale / (below + i + 1))
        p[order[i]] = smallest
    return smallest


@compiled
def bins_of(p, count):  # type: ignore[no-untyped-def]
    """Return how many of `p` lie in each of `count` equal parts of [0, 1]; NaN in none."""
    out = np.zeros(count, dtype=np.int64)
    for value in p:
        if value >= 0:
            out[min(int(value * count), count - 1)] += 1
    return out


@compiled
def places_within(p, count, first, last, out):  # type: ignore[no-untyped-def]
    """Write where `p` lies in the parts `first` to `last` (excluded) of [0, 1] to `out`."""
    at = 0
    for i in range(len(p)):
        if p[i] >= 0:
            part = min(int(p[i] * count), count - 1)
            if first <= part < last:
                out[at] = i
                at += 1
