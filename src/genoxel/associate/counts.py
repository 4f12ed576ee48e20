"""Pairs of categories: chi-squared where every expected count is at least 5, Fisher's exact test elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, gammaln, ndtr

from genoxel.associate.moments import BoolArray, Chunk, Moments, Side, patterns_of
from genoxel.associate.numbers import FEWEST, FEWEST_IN_GROUP, Measured, correlation_of, flags_of
from genoxel.associate.tail import Tail
from genoxel.stats.intervals import cramers_interval, log_odds_interval
from genoxel.stats.logistic import adjusted_log_odds
from genoxel.stats.permute import induced
from genoxel.stats.pvalues import correlation_p, fisher_exact
from genoxel.stats.ranks import FloatArray, IndexArray

ENOUGH_EXPECTED = 5
DRAWS = 9999
_WALD = 1.959963984540054
TESTS = ("chi2", "fisher", "fisher (simulated)")


@dataclass(frozen=True, eq=False)
class _Coded:
    """Categories (n, k) as one 0/1 column per level: `dummies` (n, levels of all), `start` of each column's levels."""

    values: FloatArray
    dummies: FloatArray
    start: IndexArray
    size: IndexArray

    @classmethod
    def of(cls, values: FloatArray) -> _Coded:
        """Return the coded form; only levels that occur are coded."""
        parts, sizes = [np.empty((len(values), 0))], []
        for codes in values.T:
            levels = np.unique(codes[~np.isnan(codes)])
            parts.append((codes[:, None] == levels).astype(np.float64))
            sizes.append(len(levels))
        size = np.array(sizes, dtype=np.intp)
        return cls(values, np.hstack(parts), np.cumsum(size) - size, size)

    def places(self, columns: IndexArray) -> tuple[IndexArray, IndexArray]:
        """Return the dummies of some columns and where each column starts among them."""
        parts = [np.arange(self.start[c], self.start[c] + self.size[c]) for c in columns]
        size = self.size[columns]
        return np.concatenate([np.empty(0, dtype=np.intp), *parts]), np.cumsum(size) - size


@dataclass(frozen=True, eq=False)
class _Counts:
    """Counts of all levels of columns `rows` by all levels of `columns`, for patients that all of them know."""

    rows: IndexArray
    columns: IndexArray
    n: int
    table: FloatArray
    margin_x: FloatArray
    margin_y: FloatArray
    start_x: IndexArray
    start_y: IndexArray

    def over(self, values: FloatArray, combine: np.ufunc) -> FloatArray:
        """Return `values` (levels x levels) combined over the levels of each pair of columns."""
        return np.asarray(combine.reduceat(combine.reduceat(values, self.start_x, axis=0), self.start_y, axis=1))

    def pair(self, i: int, j: int) -> FloatArray:
        """Return the table of one pair without empty levels."""
        a = slice(self.start_x[i], self.start_x[i + 1] if i + 1 < len(self.start_x) else None)
        b = slice(self.start_y[j], self.start_y[j + 1] if j + 1 < len(self.start_y) else None)
        part = self.table[a, b]
        return np.asarray(part[part.any(axis=1)][:, part.any(axis=0)])


class CountPairs:
    """Categories x (n, p) against categories y (n, m): log odds ratio for two by two, else Cramér's V."""

    def __init__(self, x: FloatArray, y: FloatArray, z: FloatArray | None) -> None:
        self.x, self.y = _Coded.of(x), _Coded.of(y)
        self.shape = (x.shape[1], y.shape[1])
        self.binary = np.outer(self.x.size == 2, self.y.size == 2)
        self.groups = [
            (rows, columns, known & other)
            for known, rows in patterns_of(~np.isnan(x))
            for other, columns in patterns_of(~np.isnan(y))
        ]
        self.test = np.zeros(self.shape, dtype=np.int8)
        self.partial = None if z is None else Moments(Side(_zero_one(x), False), Side(_zero_one(y), False), z)

    def measure(self) -> Measured:
        """Return n, effect, interval, p and flag of all pairs; `test` then holds the code of each test in TESTS."""
        out = Measured.empty(*self.shape)
        for counts in self._counts():
            place = np.ix_(counts.rows, counts.columns)
            flag = _flags(counts)
            out.n[place], out.flag[place] = counts.n, flag
            p, test, chi2 = _test(counts, flag)
            out.p[place], self.test[place] = p, test
            for array, values in zip((out.effect, out.low, out.high), self._effects(counts, chi2), strict=True):
                array[place] = np.where(flag == 0, values, np.nan)
        return out

    def _effects(self, counts: _Counts, chi2: FloatArray) -> FloatArray:
        rows, columns = _present(counts)
        smaller = np.maximum(np.minimum(rows, columns) - 1, 1)
        v = np.sqrt(chi2 / (max(counts.n, 1) * smaller))
        out = np.array([v, *cramers_interval(chi2, max(counts.n, 1), np.maximum(rows, 2), np.maximum(columns, 2))])
        two = np.argwhere(self.binary[np.ix_(counts.rows, counts.columns)] & (rows == 2) & (columns == 2))
        if len(two):
            tables = np.array([counts.pair(i, j)[::-1, ::-1] for i, j in two.tolist()])
            out[:, two[:, 0], two[:, 1]] = np.array(log_odds_interval(tables))
        return out

    def _counts(self, order: IndexArray | None = None) -> Iterator[_Counts]:
        for rows, columns, keep in self.groups:
            yield _count(self.x, self.y, (rows, columns, keep), order)

    def adjusted(self) -> Measured:
        """Return, for two by two, the log odds ratio of a logistic regression of y with its Wald interval and p.

        NaN where the groups are separated, and for more levels, which are not adjusted.
        """
        out = Measured.empty(*self.shape)
        for chunk in self.partial.chunks() if self.partial else ():
            out.put(chunk, n=chunk.n, p=_partial_p(chunk))
        for i, j in np.argwhere(~np.isnan(out.p)).tolist():
            effect, error = self._log_odds(i, j)
            out.effect[i, j], out.p[i, j] = effect, 2 * ndtr(-abs(effect / error))
            out.low[i, j], out.high[i, j] = effect - _WALD * error, effect + _WALD * error
        return out

    def _log_odds(self, i: int, j: int) -> tuple[float, float]:
        if self.partial is None:
            return float("nan"), float("nan")
        x, y, z = self.partial.x.values[:, i], self.partial.y.values[:, j], self.partial.z
        keep = ~(np.isnan(x) | np.isnan(y)) & self.partial.usable
        return adjusted_log_odds(y[keep], x[keep], z[keep])

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links."""
        for counts in self._counts(order):
            tail.add_p(_test(counts, _flags(counts))[0], counts.rows, counts.columns)

    def world_adjusted(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links beyond the covariates: moved residuals, judged by their partial correlation."""
        for chunk in self.partial.chunks(order) if self.partial else ():
            tail.add_p(_partial_p(chunk), chunk.rows, chunk.columns)


def _partial_p(chunk: Chunk) -> FloatArray:
    smaller = np.minimum(chunk.sum_y, chunk.n - chunk.sum_y)
    least = FEWEST_IN_GROUP * (1 - FEWEST_IN_GROUP / np.maximum(chunk.n, 1))  # squares of a group of just enough
    scarce = (smaller < FEWEST_IN_GROUP) | (chunk.total_x < least - 1e-9)
    r = np.where((flags_of(chunk, groups=True) == 0) & ~scarce, correlation_of(chunk), np.nan)
    return correlation_p(r, np.maximum(chunk.free - 1, 1))


def _zero_one(values: FloatArray) -> FloatArray:
    """Return two-level columns as 0 and 1 and any other column as unknown, since it is not adjusted."""
    out = np.full(values.shape, np.nan)
    for place, codes in enumerate(values.T):
        levels = np.unique(codes[~np.isnan(codes)])
        if len(levels) == 2:
            out[:, place] = np.where(np.isnan(codes), np.nan, codes == levels[1])
    return out


def _count(x: _Coded, y: _Coded, group: tuple[IndexArray, IndexArray, BoolArray], order: IndexArray | None) -> _Counts:
    rows, columns, keep = group
    places_x, start_x = x.places(rows)
    places_y, start_y = y.places(columns)
    left, right = x.dummies[np.ix_(keep, places_x)], y.dummies[np.ix_(keep, places_y)]
    if order is not None:
        left = left[induced(order, keep)]
    margins = left.sum(axis=0), right.sum(axis=0)
    return _Counts(rows, columns, int(keep.sum()), left.T @ right, *margins, start_x, start_y)


def _present(counts: _Counts) -> tuple[IndexArray, IndexArray]:
    rows = np.add.reduceat((counts.margin_x > 0).astype(np.intp), counts.start_x)
    columns = np.add.reduceat((counts.margin_y > 0).astype(np.intp), counts.start_y)
    return np.broadcast_arrays(rows[:, None], columns[None])  # type: ignore[return-value]


def _flags(counts: _Counts) -> npt.NDArray[np.int8]:
    rows, columns = _present(counts)
    flag = np.zeros(rows.shape, dtype=np.int8)
    for margin, start, shape in (
        (counts.margin_x, counts.start_x, (-1, 1)),
        (counts.margin_y, counts.start_y, (1, -1)),
    ):
        smallest = np.minimum.reduceat(np.where(margin > 0, margin, np.inf), start).reshape(shape)
        flag[np.broadcast_to(smallest < FEWEST_IN_GROUP, flag.shape)] = 4
    flag[columns < 2], flag[rows < 2] = 3, 2
    flag[:] = 1 if counts.n < FEWEST else flag
    return flag


def _test(counts: _Counts, flag: npt.NDArray[np.int8]) -> tuple[FloatArray, npt.NDArray[np.int8], FloatArray]:
    """Return p (NaN where flagged), the code of the test and chi-squared, for all pairs of one group."""
    expected = np.outer(counts.margin_x, counts.margin_y) / max(counts.n, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(expected > 0, (counts.table - expected) ** 2 / expected, 0.0)
    chi2 = counts.over(part, np.add)
    smallest = counts.over(np.where(expected > 0, expected, np.inf), np.minimum)
    rows, columns = _present(counts)
    p = np.where(flag == 0, chdtrc(np.maximum((rows - 1) * (columns - 1), 1), chi2), np.nan)
    test = np.zeros(p.shape, dtype=np.int8)
    sparse = (flag == 0) & (smallest < ENOUGH_EXPECTED)
    test[sparse] = np.where((rows == 2) & (columns == 2), 1, 2)[sparse]
    two = np.argwhere(test == 1)
    if len(two):
        p[test == 1] = fisher_exact(np.array([counts.pair(i, j) for i, j in two.tolist()]))
    for i, j in np.argwhere(test == 2).tolist():
        p[i, j] = simulated_fisher(counts.pair(i, j))
    return p, test, chi2


def simulated_fisher(table: FloatArray) -> float:
    """Return Fisher's p of a table (r, c) over 9,999 random tables of the same margins; never below 1/10,000.

    >>> simulated_fisher(np.array([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 4.0]])) < 0.01
    True
    """
    margins = (sorted(table.sum(axis=axis).astype(int).tolist()) for axis in (0, 1))
    null = _null_tables(*sorted(tuple(margin) for margin in margins))
    above = len(null) - np.searchsorted(null, float(gammaln(table + 1).sum()) - 1e-7)
    return float((1 + above) / (1 + len(null)))


@lru_cache(maxsize=4096)
def _null_tables(rows: tuple[int, ...], columns: tuple[int, ...]) -> FloatArray:
    """Return, sorted, the sums of log factorials of random tables: the larger, the less likely the table."""
    from scipy.stats import random_table

    draws = random_table.rvs(rows, columns, size=DRAWS, random_state=np.random.default_rng(DRAWS))
    return np.sort(gammaln(draws + 1).sum(axis=(-2, -1)))
