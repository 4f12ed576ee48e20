"""Average ranks of many columns at once, also within changing subsets of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Order:
    """Columns (n, p) sorted once, so that ranks within any subset of the rows need no further sorting.

    `order` holds, per column, the rows from the smallest to the largest value (missing last); `start` and `end` the
    first and last sorted position of the run of equal values that holds this position; `known` where a value is.

    >>> Order.of(np.array([[3.0], [1.0], [1.0], [2.0]])).ranks_within(np.array([True, True, False, True]))[:, 0]
    array([3., 1., 0., 2.])
    """

    order: IndexArray
    start: IndexArray
    end: IndexArray
    known: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, values: FloatArray) -> Order:
        """Return the sorted form of `values` (n, p); NaN is missing."""
        order = np.argsort(values, axis=0, kind="stable")
        ordered = np.take_along_axis(values, order, axis=0)
        n = len(values)
        position = np.broadcast_to(np.arange(n, dtype=np.intp)[:, None], values.shape)
        fresh = np.ones(values.shape, dtype=np.bool_)
        fresh[1:] = ordered[1:] != ordered[:-1]
        start = np.maximum.accumulate(np.where(fresh, position, 0), axis=0)
        last = np.ones(values.shape, dtype=np.bool_)
        last[:-1] = fresh[1:]
        end = np.minimum.accumulate(np.where(last, position, n)[::-1], axis=0)[::-1]
        return cls(order, start, end, ~np.isnan(values))

    def select(self, columns: IndexArray) -> Order:
        """Return the sorted form of some columns."""
        return Order(self.order[:, columns], self.start[:, columns], self.end[:, columns], self.known[:, columns])

    def by_column(self) -> tuple[IndexArray, IndexArray, npt.NDArray[np.bool_]]:
        """Return `order`, `end` and `known` with one column per row (p, n), as kernels walk them."""
        return tuple(np.ascontiguousarray(part.T) for part in (self.order, self.end, self.known))  # type: ignore[return-value]

    def below(self, keep: npt.ArrayLike) -> FloatArray:
        """Return, per row and column, how many kept known rows are smaller, equal ones counting half (n, p)."""
        inside = np.asarray(keep, dtype=np.bool_)[:, None] & self.known
        counts = np.zeros((len(inside) + 1, inside.shape[1]))
        np.cumsum(np.take_along_axis(inside, self.order, axis=0), axis=0, out=counts[1:])
        smaller = np.take_along_axis(counts, self.start, axis=0)
        half = (smaller + np.take_along_axis(counts, self.end + 1, axis=0)) / 2
        out = np.empty_like(half)
        np.put_along_axis(out, self.order, half, axis=0)
        return out

    def ranks(self) -> FloatArray:
        """Return average ranks (n, p) of all rows, in the order of missing last where a value is missing."""
        out = np.empty(self.order.shape)
        np.put_along_axis(out, self.order, (self.start + self.end) / 2 + 1, axis=0)
        return out

    def ranks_within(self, keep: npt.ArrayLike) -> FloatArray:
        """Return average ranks (n, p) among the rows that `keep` (n,) names and that are known; 0 elsewhere."""
        inside = np.asarray(keep, dtype=np.bool_)[:, None] & self.known
        ranks = np.where(inside, self.below(keep) + 0.5, 0.0)
        return np.asarray(ranks)


_AT_ONCE = 1_000_000
"""Values that are sorted together: sorting takes room for several copies."""


def ranks(values: npt.ArrayLike) -> FloatArray:
    """Return average ranks from 1 along the first axis; NaN stays NaN and takes no rank.

    >>> ranks([10.0, np.nan, 20.0, 10.0])
    array([1.5, nan, 3. , 1.5])
    """
    array = np.asarray(values, dtype=np.float64)
    columns = array.reshape(len(array), -1)
    out = np.empty(columns.shape)
    step = max(1, _AT_ONCE // max(len(array), 1))
    for first in range(0, columns.shape[1], step):
        part = slice(first, first + step)
        out[:, part] = Order.of(columns[:, part]).ranks()
    out[np.isnan(columns)] = np.nan
    return out.reshape(array.shape)
