"""Adjusting p values for the number of tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genoxel.stats.ranks import FloatArray


def benjamini_hochberg(p: npt.ArrayLike) -> FloatArray:
    """Return q values in the shape of `p`; NaN was not tested and does not count (JRSS-B 1995).

    >>> benjamini_hochberg([0.01, 0.02, np.nan, 0.5])
    array([0.03, 0.03,  nan, 0.5 ])
    """
    return _step_up(np.asarray(p, dtype=np.float64), 1.0)


def benjamini_yekutieli(p: npt.ArrayLike) -> FloatArray:
    """Return q values that hold under any dependence (Annals of Statistics 2001); NaN was not tested.

    >>> benjamini_yekutieli([0.01, 0.02])
    array([0.03, 0.03])
    """
    array = np.asarray(p, dtype=np.float64)
    m = int((~np.isnan(array)).sum())
    return _step_up(array, float(np.sum(1 / np.arange(1, m + 1))))


def bonferroni(p: npt.ArrayLike) -> FloatArray:
    """Return p times the number of tests, at most 1; NaN was not tested.

    >>> bonferroni([0.01, np.nan, 0.9])
    array([0.02,  nan, 1.  ])
    """
    array = np.asarray(p, dtype=np.float64)
    return np.asarray(np.minimum(array * (~np.isnan(array)).sum(), 1.0))


def count_passing(small: npt.ArrayLike, tests: int, q: float, factor: float = 1.0) -> int:
    """Return how many of `tests` hypotheses the step-up procedure rejects, given every p value that is at most q.

    Larger p values cannot pass, so a null world needs to keep only its small ones. `factor` is 1 for
    Benjamini-Hochberg and the harmonic number of `tests` for Benjamini-Yekutieli.

    >>> count_passing([0.01, 0.02, 0.04], tests=4, q=0.05)
    2
    """
    ordered = np.sort(np.asarray(small, dtype=np.float64))
    passed = np.flatnonzero(ordered * factor * tests <= q * np.arange(1, len(ordered) + 1) * (1 + 1e-12))
    return int(passed[-1]) + 1 if passed.size else 0


_MANY = 50_000
"""From here on the compiled sort pays for loading it."""


def _step_up(array: FloatArray, factor: float) -> FloatArray:
    flat = array.ravel()
    known = ~np.isnan(flat)
    if flat.size > _MANY and known.any() and np.nanmin(flat) >= 0 and np.nanmax(flat) <= 1:
        return _step_up_many(flat, factor).reshape(array.shape)
    tested = np.flatnonzero(known)
    order = tested[np.argsort(flat[tested], kind="stable")]
    m = len(order)
    scaled = flat[order] * (factor * m) / np.arange(1, m + 1)
    out = np.full(flat.shape, np.nan)
    out[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return out.reshape(array.shape)


_PARTS, _AT_ONCE = 4096, 4_000_000


def _step_up_many(flat: FloatArray, factor: float) -> FloatArray:
    """Return q of very many p, in parts from the largest down, so that little is sorted at once."""
    from genoxel.stats.sorting import bins_of, order_of, places_within, step_up

    count = bins_of(flat, _PARTS)
    below, m = np.concatenate([[0], np.cumsum(count)]), int(count.sum())
    out, smallest, last = np.full(flat.shape, np.nan), 1.0, _PARTS
    while last > 0:
        first = min(int(np.searchsorted(below, below[last] - _AT_ONCE)), last - 1)
        places = np.empty(int(below[last] - below[first]), dtype=np.intp)
        places_within(flat, _PARTS, first, last, places)
        part = flat[places]
        smallest = step_up(part, order_of(part), factor * m, below[first], smallest)
        out[places] = part
        last = first
    return out
