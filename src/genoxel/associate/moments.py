"""Cross products of all column pairs over the patients that both know, by few large matrix products.

Columns with the same missing patients share one product. Where nearly every column misses other patients, one
column is set against all columns of the other side at a time. A world without links moves the patients of the x side;
patients that a pair does not know are cut out of the permutation (`stats.permute.induced`), so that each pair keeps
its patients and its ranks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from genoxel.stats.partial import COLLINEAR, basis, residuals
from genoxel.stats.permute import induced
from genoxel.stats.ranks import FloatArray, IndexArray, Order, ranks

BoolArray = npt.NDArray[np.bool_]

NOTHING = 1e-9
"""Squares of ranks, 0/1 or standardised values below this are rounding, so the column is constant."""

_CELLS = 1_000_000
_CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True, eq=False)
class Chunk:
    """Moments of the pairs `rows` x `columns` (places in x and y).

    `dot` (r, c) is the cross product, `sxx` (r, 1 or c) and `syy` (1, c) the squares of what the covariates leave of
    x and y; `total_x`, `total_y` those before; `n` patients and `free` = n less intercept and covariates, (1, 1) or
    (1, c); `sum_y` (1, c) is the sum of y, so the size of the second group where y is binary.
    """

    rows: IndexArray
    columns: IndexArray
    dot: FloatArray
    sxx: FloatArray
    syy: FloatArray
    total_x: FloatArray
    total_y: FloatArray
    n: FloatArray
    free: FloatArray
    sum_y: FloatArray


@dataclass(frozen=True, eq=False)
class Side:
    """Columns (n, k) of one side, ranked within the patients of each pair or taken as they are."""

    values: FloatArray
    ranked: bool
    known: BoolArray = field(init=False)
    patterns: tuple[tuple[BoolArray, IndexArray], ...] = field(init=False)

    def __post_init__(self) -> None:
        known = np.isfinite(self.values)
        if not known.all():
            object.__setattr__(self, "values", np.where(known, self.values, np.nan))
        object.__setattr__(self, "known", known)
        object.__setattr__(self, "patterns", patterns_of(known))

    @cached_property
    def order(self) -> Order:
        """The columns sorted."""
        return Order.of(self.values)

    def within(self, columns: IndexArray, keep: BoolArray) -> FloatArray:
        """Return the chosen columns for the kept patients, ranked among them if this side is ranked."""
        if not self.ranked:
            return np.asarray(self.values[np.ix_(keep, columns)])
        if keep.all() and len(columns) == self.values.shape[1]:
            return ranks(self.values)
        return self.order.select(columns).ranks_within(keep)[keep]


def patterns_of(known: BoolArray) -> tuple[tuple[BoolArray, IndexArray], ...]:
    """Return the distinct patterns of known patients (n,), each with the columns that have it."""
    packed = np.ascontiguousarray(np.packbits(known, axis=0).T)
    if not packed.size:
        return ()
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    split = np.split(order, np.cumsum(np.bincount(inverse))[:-1])
    return tuple((known[:, place], columns) for place, columns in zip(first, split, strict=True))


@dataclass(frozen=True, eq=False)
class Group:
    """Pairs of columns that all know the same patients: what the covariates leave of them, for those patients."""

    keep: BoolArray
    rows: IndexArray
    columns: IndexArray
    x: FloatArray
    y: FloatArray
    q: FloatArray
    total_x: FloatArray
    total_y: FloatArray
    sum_y: FloatArray

    @property
    def free(self) -> int:
        """Patients less intercept and covariates."""
        return len(self.x) - int(self.q.shape[1])

    @cached_property
    def open(self) -> tuple[BoolArray, BoolArray]:
        """Which columns of x and of y vary, and are not explained by the covariates."""
        sides = (self.x, self.total_x), (self.y, self.total_y)
        first, second = ((total > NOTHING) & ((side**2).sum(axis=0) > COLLINEAR * total) for side, total in sides)
        return first, second

    @cached_property
    def inverse_y(self) -> FloatArray:
        """One over the length of each column of y, 0 where it is not open."""
        with np.errstate(divide="ignore"):
            return np.where(self.open[1], 1 / np.sqrt((self.y**2).sum(axis=0)), 0.0)

    @cached_property
    def unit_y(self) -> npt.NDArray[np.float32]:
        """The columns of y with length 1 or 0, in single precision."""
        return (self.y * self.inverse_y).astype(np.float32)

    def moved(self, order: IndexArray) -> FloatArray:
        """Return x in the world in which `order` moves the patients."""
        x = self.x[induced(order, self.keep)]
        return residuals(x, self.q) if self.q.shape[1] > 1 else x

    def steps(self) -> Iterator[slice]:
        """Yield parts of the rows, so that one product stays small."""
        step = max(1, _CELLS // max(len(self.columns), 1))
        for first in range(0, len(self.rows), step):
            yield slice(first, first + step)


class Moments:
    """Cross products of the columns of `x` and `y` (same patients), less `covariates` (n, k; NaN where unknown)."""

    def __init__(self, x: Side, y: Side, covariates: FloatArray | None = None) -> None:
        self.x, self.y = x, y
        n = len(x.values)
        self.z = np.empty((n, 0)) if covariates is None else covariates
        self.usable = ~np.isnan(self.z).any(axis=1)
        self.scattered = _is_scattered(x, y)
        self.pair_by_pair = _is_pair_by_pair(x, y)
        self._groups: dict[tuple[int, int], Group] = {}
        cost = n * 8 * (len(y.patterns) * x.values.shape[1] + len(x.patterns) * y.values.shape[1])
        self._keep_groups = cost <= _CACHE_BYTES

    def chunks(self, order: IndexArray | None = None) -> Iterator[Chunk]:
        """Yield the moments of all pairs, of the data or of the world in which `order` (n,) moves the patients of x."""
        if self.scattered:
            yield from _column_chunks(self, order)
            return
        for group in self.groups():
            yield from _group_chunks(group, order)

    @property
    def patients(self) -> int | None:
        """The patients of every pair where all know the same, else None."""
        single = len(self.x.patterns) == len(self.y.patterns) == 1 and not self.scattered
        return int((self.x.patterns[0][0] & self.y.patterns[0][0] & self.usable).sum()) if single else None

    def prepare(self) -> None:
        """Rank and centre what will be kept, before room is taken for results."""
        if self._keep_groups and not self.scattered:
            for _ in self.groups():
                pass

    def groups(self) -> Iterator[Group]:
        """Yield all pairs, by the patients that they know."""
        for i in range(len(self.x.patterns)):
            for j in range(len(self.y.patterns)):
                yield self._group(i, j)

    def _group(self, i: int, j: int) -> Group:
        if (i, j) in self._groups:
            return self._groups[i, j]
        (known_x, rows), (known_y, columns) = self.x.patterns[i], self.y.patterns[j]
        keep = known_x & known_y & self.usable
        x, y = self.x.within(rows, keep), self.y.within(columns, keep)
        q = basis(self.z[keep], int(keep.sum()))
        middle_x, middle_y = _centred(x), _centred(y)
        group = Group(
            keep,
            rows,
            columns,
            residuals(middle_x, q) if q.shape[1] > 1 else middle_x,
            residuals(middle_y, q) if q.shape[1] > 1 else middle_y,
            q,
            (middle_x**2).sum(axis=0),
            (middle_y**2).sum(axis=0),
            y.sum(axis=0),
        )
        if self._keep_groups:
            self._groups[i, j] = group
        return group


def _centred(values: FloatArray) -> FloatArray:
    return values - values.mean(axis=0, keepdims=True) if len(values) else values


def _group_chunks(group: Group, order: IndexArray | None) -> Iterator[Chunk]:
    x = group.x if order is None else group.moved(order)
    sxx, syy = (x**2).sum(axis=0), (group.y**2).sum(axis=0)
    n = np.full((1, 1), float(group.keep.sum()))
    free = n - group.q.shape[1]
    for part in group.steps():
        yield Chunk(
            group.rows[part],
            group.columns,
            x[:, part].T @ group.y,
            sxx[part, None],
            syy[None],
            group.total_x[part, None],
            group.total_y[None],
            n,
            free,
            group.sum_y[None],
        )


def _is_scattered(x: Side, y: Side) -> bool:
    """Return whether one column at a time is cheaper than one product per pair of patterns (both in seconds)."""
    groups = len(x.patterns) * len(y.patterns) * 3e-4
    columns = x.values.shape[1] * (1e-3 + 5e-8 * y.values.size)
    return bool(groups > max(columns, 0.05))


def _is_pair_by_pair(x: Side, y: Side) -> bool:
    """Return whether ranking every pair on its own is cheaper than products per pair of patterns (in seconds)."""
    groups = len(x.patterns) * len(y.patterns)
    (n, p), m = x.values.shape, y.values.shape[1]
    products = groups * 3e-4 + p * m * (3e-8 + n * 1e-10) + len(x.patterns) * n * m * 3e-8
    return groups > 1 and p * m * (1e-8 + n * 2e-9) < products


def _column_chunks(moments: Moments, order: IndexArray | None) -> Iterator[Chunk]:
    x, y = moments.x, moments.y
    everything = np.arange(y.values.shape[1], dtype=np.intp)
    for known_x, rows in x.patterns:
        inside = (known_x & moments.usable)[:, None] & y.known
        n = inside.sum(axis=0).astype(np.float64)
        right = y.order.ranks_within(known_x & moments.usable) if y.ranked else np.where(inside, y.values, 0.0)
        sum_y = right.sum(axis=0)
        right = _centred_within(right, inside, n)
        total_y = (right**2).sum(axis=0)
        solve = _Solver(moments.z, inside, n)
        from_z = solve.project(right)
        move = None if order is None else _induced_each(order, inside)
        for row in rows:
            left = _centred_within(_left(x, int(row), inside), inside, n)
            total_x = (left**2).sum(axis=0)
            if move is not None:
                left = np.take_along_axis(solve.residuals(left), move, axis=0) * inside
            to_z = solve.project(left)
            dot = (left * right).sum(axis=0) - solve.inner(to_z, from_z)
            sxx = (left**2).sum(axis=0) - solve.inner(to_z, to_z)
            yield Chunk(
                np.array([row], dtype=np.intp),
                everything,
                *(item[None] for item in (dot, sxx, total_y - solve.inner(from_z, from_z), total_x, total_y)),
                *(item[None] for item in (n, n - 1 - solve.rank, sum_y)),
            )


def _centred_within(values: FloatArray, inside: BoolArray, n: FloatArray) -> FloatArray:
    mean = np.where(inside, values, 0.0).sum(axis=0) / np.maximum(n, 1)
    return np.where(inside, values - mean, 0.0)


def _left(x: Side, row: int, inside: BoolArray) -> FloatArray:
    """Return column `row` of x within each pattern of `inside` (n, m): ranks found by counting along its order."""
    if not x.ranked:
        return np.broadcast_to(x.values[:, row, None], inside.shape)
    order, start, end = (item[:, row] for item in (x.order.order, x.order.start, x.order.end))
    counts = np.zeros((len(inside) + 1, inside.shape[1]))
    np.cumsum(inside[order], axis=0, out=counts[1:])
    out = np.empty(inside.shape)
    out[order] = (counts[start] + counts[end + 1] + 1) / 2
    return out


def _induced_each(order: IndexArray, inside: BoolArray) -> IndexArray:
    """Return `stats.permute.induced` for each column of `inside`, as places among all patients (n, m)."""
    target = np.broadcast_to(order[:, None], inside.shape)
    while True:
        out = inside & ~np.take_along_axis(inside, target, axis=0)
        if not out.any():
            return target
        target = np.where(out, order[target], target)


class _Solver:
    """Least squares on covariates within each pattern of known patients, by normal equations."""

    def __init__(self, z: FloatArray, inside: BoolArray, n: FloatArray) -> None:
        usable = ~np.isnan(z).any(axis=1)
        self.z = np.zeros((len(z), 0))
        if z.shape[1]:
            self.z = np.zeros((len(z), basis(z[usable]).shape[1] - 1))
            self.z[usable] = basis(z[usable])[:, 1:]
        self.inside = inside
        self.mean = self.z.T @ inside / np.maximum(n, 1)
        k = self.z.shape[1]
        square = np.einsum("nk,nl->nkl", self.z, self.z).reshape(len(z), -1)
        gram = (square.T @ inside).T.reshape(len(n), k, k)
        gram = gram - n[:, None, None] * np.einsum("km,lm->mkl", self.mean, self.mean)
        self.inverse = np.linalg.pinv(gram, rcond=1e-9, hermitian=True) if k else gram
        self.rank = np.linalg.matrix_rank(gram, tol=1e-9, hermitian=True) if k else np.zeros(len(n))

    def project(self, centred: FloatArray) -> FloatArray:
        """Return the cross products (k, m) of covariates and columns centred within their pattern."""
        return np.asarray(self.z.T @ centred)

    def inner(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Return the cross product (m,) that the covariates explain."""
        return np.asarray(np.einsum("km,mkl,lm->m", a, self.inverse, b))

    def residuals(self, centred: FloatArray) -> FloatArray:
        """Return what the covariates leave (n, m)."""
        weights = np.einsum("mkl,lm->km", self.inverse, self.project(centred))
        fitted = self.z @ weights - (self.mean * weights).sum(axis=0)
        return np.asarray(np.where(self.inside, centred - fitted, 0.0))
