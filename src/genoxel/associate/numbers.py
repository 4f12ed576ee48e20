"""Pairs with at least one number: rank correlation, two groups, several groups; raw and less covariates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import expit, nctdtrinc, ndtri, stdtrit

from genoxel.associate.moments import NOTHING, BoolArray, Chunk, Group, Moments, Side
from genoxel.associate.tail import Law, Tail
from genoxel.stats.intervals import auc_interval, explained_interval, rho_interval
from genoxel.stats.partial import COLLINEAR, basis, residuals
from genoxel.stats.permute import induced
from genoxel.stats.pvalues import correlation_p, f_p, kruskal_p, mann_whitney_p, smallest_rank_p
from genoxel.stats.rankp import rank_correlation_p
from genoxel.stats.ranks import FloatArray, IndexArray

FEWEST = 10
"""A pair that fewer patients know is not tested."""

FEWEST_IN_GROUP = 3
"""A pair whose smallest group holds fewer is not tested."""

FLAGS = (
    "",
    f"fewer than {FEWEST} patients",
    "image column constant",
    "other column constant",
    f"fewer than {FEWEST_IN_GROUP} in the smallest group",
    "no event column, or several classes against survival",
    "too few events (10, and one more per covariate)",
    "not registered",
    "tested, but without finite effect: separated",
    "several rows per patient: columns of these kinds are not tested, aggregate",
    "several rows per patient: no robust error, since the fit is perfect or separated",
)
"""Reasons not to test a pair, by code."""

NOT_REGISTERED = 7
SEPARATED = 8
NOT_CLUSTERED = 9
NOTHING_ROBUST = 10


@dataclass(frozen=True, eq=False)
class Measured:
    """What one block of pairs (p, m) gave; `flag` holds codes of FLAGS, tested pairs have 0 and a p."""

    n: npt.NDArray[np.int32]
    effect: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray
    flag: npt.NDArray[np.int8]

    @classmethod
    def empty(cls, rows: int, columns: int, n: int | None = None) -> Measured:
        """Return a block that nothing is known of, but that all pairs have the same `n` where given (read-only)."""
        shape = (rows, columns)
        effect, low, high, p = (np.full(shape, np.nan) for _ in range(4))
        patients = np.zeros(shape, dtype=np.int32) if n is None else np.broadcast_to(np.int32(n), shape)
        return cls(patients, effect, low, high, p, np.zeros(shape, dtype=np.int8))

    def put(self, chunk: Chunk, **values: npt.NDArray[np.float64] | npt.NDArray[np.int8]) -> None:
        """Store arrays (broadcast to the pairs of the chunk) under their names."""
        place = np.ix_(chunk.rows, chunk.columns)
        for name, array in values.items():
            getattr(self, name)[place] = array


def flags_of(chunk: Chunk, groups: bool) -> npt.NDArray[np.int8]:
    """Return the code of the first reason not to test each pair of a chunk; `groups` when y is binary."""
    flag = np.zeros(chunk.dot.shape, dtype=np.int8)
    if groups:
        smaller = np.minimum(chunk.sum_y, chunk.n - chunk.sum_y)
        flag[np.broadcast_to(smaller < FEWEST_IN_GROUP, flag.shape)] = 4
    flag[np.broadcast_to(chunk.total_y <= NOTHING, flag.shape)] = 3
    flag[np.broadcast_to(chunk.total_x <= NOTHING, flag.shape)] = 2
    flag[np.broadcast_to(chunk.n < FEWEST, flag.shape)] = 1
    return flag


def correlation_of(chunk: Chunk) -> FloatArray:
    """Return the (partial) correlations of a chunk; NaN where the covariates explain a column, or nothing is left."""
    open_x = chunk.sxx > COLLINEAR * chunk.total_x
    open_y = chunk.syy > COLLINEAR * chunk.total_y
    defined = open_x & open_y & (chunk.free >= FEWEST - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = chunk.dot / np.sqrt(chunk.sxx * chunk.syy)
    return np.where(defined, np.clip(r, -1, 1), np.nan)


Part = TypeVar("Part")


class JudgedPairs(ABC, Generic[Part]):
    """All pairs of two sides that one rule judges raw and less covariates: `raw`, and `partial` (None without)."""

    shape: tuple[int, int]
    raw: Part
    partial: Part | None

    @abstractmethod
    def _judged(self, part: Part) -> Measured:
        """Return n, effect, interval, p and flag of all pairs."""

    def measure(self) -> Measured:
        """Return n, effect, interval, p and flag of all pairs."""
        return self._judged(self.raw)

    def adjusted(self) -> Measured:
        """Return the same less the covariates; nothing known without any."""
        return Measured.empty(*self.shape) if self.partial is None else self._judged(self.partial)


class NumberPairs(JudgedPairs[Moments]):
    """Numbers x (n, p) against numbers y (n, m): Spearman's or Pearson's correlation, partial when adjusted."""

    def __init__(
        self,
        x: FloatArray,
        y: FloatArray,
        z: FloatArray | None,
        method: Literal["spearman", "pearson"],
        tails: Literal["t", "moments"] = "moments",
    ) -> None:
        self.method = method
        self.ranked = method == "spearman"
        self.moments = self.ranked and tails == "moments"
        left, right = (Side(values if self.ranked else _scaled(values), self.ranked) for values in (x, y))
        self.raw = Moments(left, right)
        self.partial = None if z is None else Moments(left, right, z)
        self.shape = (x.shape[1], y.shape[1])

    def _judged(self, moments: Moments) -> Measured:
        if self.ranked and moments is self.raw and moments.pair_by_pair:
            return self._rank_pairs(moments)
        moments.prepare()
        out = Measured.empty(*self.shape, moments.patients)
        if not moments.scattered:
            for group in moments.groups():
                self._judge_group(group, out)
            return out
        for chunk in moments.chunks():
            flag = flags_of(chunk, groups=False)
            r = np.where(flag == 0, correlation_of(chunk), np.nan)
            low, high = rho_interval(r, chunk.n, self.method, chunk.n - chunk.free - 1)
            out.put(chunk, n=chunk.n, effect=r, low=low, high=high, p=self._p(r, chunk), flag=flag)
        return out

    def _rank_pairs(self, moments: Moments) -> Measured:
        from genoxel.associate.kernels import judge_some, rank_pairs

        out = Measured.empty(*self.shape)
        sides = [side.order.by_column() for side in (moments.x, moments.y)]
        columns = [columns for _, columns in moments.x.patterns]
        start = np.cumsum([0, *(len(some) for some in columns)])
        rank_pairs(*sides, (start, np.concatenate(columns)), FEWEST, (out.n, out.effect, out.flag))
        for n in np.unique(out.n).tolist():
            if n >= FEWEST:
                law = Law(n - 2, n if self.moments else -n)
                judge_some(n, out.n, self._words(law, n, n), (out.effect, out.low, out.high, out.p))
        return out

    def _words(self, law: Law, n: int, free: int) -> tuple[FloatArray, float, float, float, float, float, float]:
        """Return what the kernels judge by; `free` counts patients less covariates."""
        table, bend = law.table, 0.5 if self.ranked else 0.0
        return table.pieces, table.power, table.floor, float(ndtri(0.975)), bend, float(free - 3), 1 - 12 / (n**3 - n)

    def _judge_group(self, group: Group, out: Measured) -> None:
        from genoxel.associate.kernels import judge

        n = len(group.x)
        if out.n.flags.writeable:
            out.n[np.ix_(group.rows, group.columns)] = n
        flag = _flags_of_group(group)
        out.flag[np.ix_(group.rows, group.columns)] = flag
        if n < FEWEST or group.free < FEWEST - 1:
            return
        words = self._words(self._law(group), n, group.free + 1)
        inverse_x, inverse_y = _inverse_roots(group, group.x)
        for part in group.steps():
            dot = group.x[:, part].T @ group.y
            places = group.rows[part], group.columns
            judge(dot, (inverse_x[part], inverse_y), words, places, (out.effect, out.low, out.high, out.p))

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links."""
        self._add_world(self.raw, order, tail)

    def world_adjusted(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links beyond the covariates (Freedman and Lane 1983)."""
        if self.partial is not None:
            self._add_world(self.partial, order, tail)

    def _add_world(self, moments: Moments, order: IndexArray, tail: Tail) -> None:
        if moments.scattered:
            for chunk in moments.chunks(order):
                r = np.where(flags_of(chunk, groups=False) == 0, correlation_of(chunk), np.nan)
                tail.add_p(self._p(r, chunk), chunk.rows, chunk.columns)
            return
        for group in moments.groups():
            if len(group.x) >= FEWEST and group.free >= FEWEST - 1:
                self._add_group(group, order, tail)

    def _add_group(self, group: Group, order: IndexArray, tail: Tail) -> None:
        moved = group.moved(order)
        inverse_x, inverse_y = _inverse_roots(group, moved)
        x, y = (moved * inverse_x).astype(np.float32), group.unit_y
        law = self._law(group)
        for part in group.steps():

            def exact(rows: IndexArray, columns: IndexArray, first: int = part.start) -> FloatArray:
                rows = rows + first
                dot = np.einsum("ki,ki->i", moved[:, rows], group.y[:, columns])
                return np.asarray(dot * inverse_x[rows] * inverse_y[columns])

            tail.add_products(x[:, part].T @ y, law, exact, group.columns)

    def _law(self, group: Group) -> Law:
        """Return the law; covariates are paid for as patients, as in the t test of a partial correlation."""
        worth = max(group.free + 1, FEWEST)
        if not self.ranked:
            return Law(worth - 2)
        return Law(worth - 2, worth if self.moments else -worth)

    def _p(self, r: FloatArray, chunk: Chunk) -> FloatArray:
        worth = np.maximum(chunk.free + 1, FEWEST)
        if self.moments:
            return rank_correlation_p(r, worth)
        p = correlation_p(r, chunk.free - 1)
        return np.maximum(p, smallest_rank_p(worth)) if self.ranked else p


def _flags_of_group(group: Group) -> npt.NDArray[np.int8]:
    flag = np.zeros((len(group.rows), len(group.columns)), dtype=np.int8)
    flag[:, group.total_y <= NOTHING] = 3
    flag[group.total_x <= NOTHING] = 2
    if len(group.x) < FEWEST:
        flag[:] = 1
    return flag


def _inverse_roots(group: Group, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return one over the length of each column of `x` and of y; 0 for one that is constant or explained."""
    with np.errstate(divide="ignore"):
        length = 1 / np.sqrt((x**2).sum(axis=0))
    return np.where(group.open[0], length, 0.0), group.inverse_y


def _scaled(values: FloatArray) -> FloatArray:
    """Return columns of mean 0 and standard deviation 1, so that Pearson's sums keep their digits."""
    known = np.where(np.isfinite(values), values, np.nan)
    count = np.maximum((~np.isnan(known)).sum(axis=0), 1)
    centred = known - np.nansum(known, axis=0) / count
    spread = np.sqrt(np.nansum(centred**2, axis=0) / count)
    constant = spread <= 1e-12 * np.max(np.abs(known), axis=0, initial=0.0, where=~np.isnan(known))
    return np.where(constant & ~np.isnan(centred), 0.0, centred / np.where(constant, 1.0, spread))


GroupEffect = Literal["auc", "cliffs_delta", "cohens_d"]


class GroupPairs(JudgedPairs[Moments]):
    """Numbers x (n, p) against two groups y (n, m) of 0 and 1: AUC or Cliff's delta by Mann-Whitney, Cohen's d by t.

    Effects above 0.5 (0) mean higher x in group 1.
    """

    def __init__(self, x: FloatArray, y: FloatArray, z: FloatArray | None, effect: GroupEffect) -> None:
        self.cliff, self.cohen = effect == "cliffs_delta", effect == "cohens_d"
        self.x, self.y = Side(_scaled(x) if self.cohen else x, ranked=not self.cohen), Side(y, ranked=False)
        self.raw = Moments(self.x, self.y)
        self.partial = None if z is None else Moments(self.x, self.y, z)
        self.shape = (x.shape[1], y.shape[1])

    def _judged(self, moments: Moments) -> Measured:
        if self.cohen:
            return self._cohen(moments)
        return self._as_wanted(self._areas() if moments is self.raw else self._areas_less(moments))

    def _areas(self) -> Measured:
        from genoxel.associate.kernels import group_pairs

        groups = np.where(self.y.known, self.y.values, -1.0).astype(np.int8)
        counts = np.zeros((2, *self.shape), dtype=np.int32)
        u, squares, first, second = np.zeros((4, *self.shape))
        group_pairs(self.x.order.by_column(), np.ascontiguousarray(groups.T), (*counts, u, squares, first, second))
        n1, n0 = counts
        flag = _group_flags(n1, n0, squares)
        good = flag == 0
        out = Measured.empty(*self.shape)
        out.n[:], out.flag[:] = n1 + n0, flag
        ones, zeros, above, spread = (item[good].astype(np.float64) for item in (n1, n0, u, squares))
        auc = above / (ones * zeros)
        out.effect[good], out.p[good] = auc, mann_whitney_p(above - ones * zeros / 2, ones, zeros, spread)
        out.low[good], out.high[good] = auc_interval(auc, first[good], second[good], ones, zeros)
        return out

    def _cohen(self, moments: Moments) -> Measured:
        """Return Cohen's d, its noncentral t interval and the p of Student's t; of a linear regression when adjusted.

        d is the (adjusted) difference of means over the standard deviation that groups and covariates leave.
        """
        out = Measured.empty(*self.shape)
        for chunk in moments.chunks():
            flag = flags_of(chunk, groups=True)
            r = np.where(flag == 0, correlation_of(chunk), np.nan)
            with np.errstate(divide="ignore", invalid="ignore"):
                df = np.broadcast_to(chunk.free - 1, r.shape)
                t, scale = r * np.sqrt(df / (1 - r**2)), np.sqrt(np.broadcast_to(chunk.syy, r.shape))
                low, high = nctdtrinc(df, 0.975, t) / scale, nctdtrinc(df, 0.025, t) / scale
            out.put(chunk, n=chunk.n, effect=t / scale, low=low, high=high, p=correlation_p(r, df), flag=flag)
        return out

    def _p(self, chunk: Chunk) -> FloatArray:
        tested = flags_of(chunk, groups=True) == 0
        if self.cohen:
            return correlation_p(np.where(tested, correlation_of(chunk), np.nan), chunk.free - 1)
        return np.where(tested, _mann_whitney(chunk), np.nan)

    def _as_wanted(self, out: Measured) -> Measured:
        if not self.cliff:
            return out
        return Measured(out.n, 2 * out.effect - 1, 2 * out.low - 1, 2 * out.high - 1, out.p, out.flag)

    def _areas_less(self, moments: Moments) -> Measured:
        """Return areas and p less covariates: ranks regressed on group and covariates (p, m).

        The adjusted AUC is 1/2 plus the adjusted difference of mean ranks over n, which is the AUC itself where
        nothing is adjusted for; p is that of the partial correlation of group and ranks, the interval that of the
        regression, on the logit scale.
        """
        out = Measured.empty(*self.shape)
        for chunk in moments.chunks():
            flag = flags_of(chunk, groups=True)
            r = np.where(flag == 0, correlation_of(chunk), np.nan)
            with np.errstate(divide="ignore", invalid="ignore"):
                shift = np.where(np.isnan(r), np.nan, chunk.dot / chunk.syy / chunk.n)
                error = np.sqrt((1 - r**2) * chunk.sxx / chunk.syy / (chunk.free - 1)) / chunk.n
            auc = np.clip(0.5 + shift, 0, 1)
            low, high = logit_interval(auc, error, chunk.free - 1)
            out.put(chunk, n=chunk.n, effect=auc, low=low, high=high, p=correlation_p(r, chunk.free - 1), flag=flag)
        return out

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links."""
        for chunk in self.raw.chunks(order):
            tail.add_p(self._p(chunk), chunk.rows, chunk.columns)

    def world_adjusted(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links beyond the covariates (Freedman and Lane 1983)."""
        for chunk in self.partial.chunks(order) if self.partial else ():
            r = np.where(flags_of(chunk, groups=True) == 0, correlation_of(chunk), np.nan)
            tail.add_p(correlation_p(r, chunk.free - 1), chunk.rows, chunk.columns)


def logit_interval(auc: FloatArray, error: FloatArray, df: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the interval (low, high) of areas with these errors, symmetric on the logit scale, t with `df`."""
    inner = np.clip(auc, 1e-6, 1 - 1e-6)
    centre = np.log(inner / (1 - inner))
    half = stdtrit(df, 0.975) * error / (inner * (1 - inner))
    return np.asarray(expit(centre - half)), np.asarray(expit(centre + half))


def _mann_whitney(chunk: Chunk) -> FloatArray:
    return mann_whitney_p(chunk.dot, chunk.sum_y, chunk.n - chunk.sum_y, chunk.sxx)


def _group_flags(n1: npt.NDArray[np.int32], n0: npt.NDArray[np.int32], squares: FloatArray) -> npt.NDArray[np.int8]:
    flag = np.zeros(n1.shape, dtype=np.int8)
    flag[np.minimum(n1, n0) < FEWEST_IN_GROUP] = 4
    flag[np.minimum(n1, n0) == 0] = 3
    flag[squares <= NOTHING] = 2
    flag[n1 + n0 < FEWEST] = 1
    return flag


@dataclass(frozen=True, eq=False)
class _LevelGroup:
    """Columns `rows` of x that know the same patients, against one categorical column among those."""

    keep: BoolArray
    rows: IndexArray
    column: int
    x: FloatArray
    levels: FloatArray
    q: FloatArray
    flag: npt.NDArray[np.int8]
    count: int

    def share(self, order: IndexArray | None = None) -> FloatArray:
        """Return the share (r,) of the ranks that the levels explain beyond the covariates; NaN where flagged."""
        x = self.x if order is None else residuals(self.x[induced(order, self.keep)], self.q)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = ((x.T @ self.levels) ** 2).sum(axis=1) / (x**2).sum(axis=0)
        return np.where(self.flag == 0, share, np.nan)


class LevelPairs:
    """Numbers x (n, p) against categories y (n, m) of any number of levels: Kruskal-Wallis, epsilon squared."""

    def __init__(self, x: FloatArray, y: FloatArray, z: FloatArray | None) -> None:
        self.shape = (x.shape[1], y.shape[1])
        side = Side(x, ranked=True)
        none = np.empty((len(x), 0))
        self.raw = _level_groups(side, y, none)
        self.partial = [] if z is None else _level_groups(side, y, z)

    def measure(self) -> Measured:
        """Return n, epsilon squared, approximate interval, p and flag of all pairs."""
        out = Measured.empty(*self.shape)
        for group in self.raw:
            n, df = int(group.keep.sum()), group.levels.shape[1]
            share = group.share()
            low, high = explained_interval(share, n, df + 1)
            out.n[group.rows, group.column] = n
            out.flag[group.rows, group.column] = group.flag
            values = (share, low, high, kruskal_p(max(n - 1, 0) * share, max(df, 1)))
            for array, value in zip((out.effect, out.low, out.high, out.p), values, strict=True):
                array[group.rows, group.column] = value
        return out

    def adjusted(self) -> Measured:
        """Return the share explained beyond the covariates, its interval and the p of its F test (p, m)."""
        out = Measured.empty(*self.shape)
        for group in self.partial:
            place = group.rows, group.column
            share = group.share()
            n, covariates = len(group.x), group.q.shape[1] - 1
            out.n[place], out.flag[place] = n, group.flag
            out.effect[place], out.p[place] = share, _f_of(group, share)
            out.low[place], out.high[place] = explained_interval(share, n, group.levels.shape[1] + 1, covariates)
        return out

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links."""
        for group in self.raw:
            p = kruskal_p(max(int(group.keep.sum()) - 1, 0) * group.share(order), max(group.levels.shape[1], 1))
            tail.add_p(p[:, None], group.rows, np.array([group.column]))

    def world_adjusted(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links beyond the covariates (Freedman and Lane 1983)."""
        for group in self.partial:
            p = _f_of(group, group.share(order))
            tail.add_p(p[:, None], group.rows, np.array([group.column]))


def _f_of(group: _LevelGroup, share: FloatArray) -> FloatArray:
    df = group.levels.shape[1]
    free = int(group.keep.sum()) - group.q.shape[1] - df
    return f_p(share, max(df, 1), free) if free > 0 else np.full(share.shape, np.nan)


def _level_groups(side: Side, y: FloatArray, z: FloatArray) -> list[_LevelGroup]:
    usable = ~np.isnan(z).any(axis=1)
    groups = []
    for column in range(y.shape[1]):
        codes = y[:, column]
        for known, rows in side.patterns:
            keep = known & ~np.isnan(codes) & usable
            groups.append(_level_group(side, rows, column, codes[keep], (keep, basis(z[keep], int(keep.sum())))))
    return groups


def _level_group(
    side: Side, rows: IndexArray, column: int, codes: FloatArray, where: tuple[BoolArray, FloatArray]
) -> _LevelGroup:
    keep, q = where
    ranked = side.within(rows, keep)
    middle = ranked - ranked.mean(axis=0, keepdims=True) if len(ranked) else ranked
    x = residuals(middle, q)
    _, inverse, count = np.unique(codes, return_inverse=True, return_counts=True)
    dummies = residuals((inverse[:, None] == np.arange(len(count))).astype(np.float64), q)
    u, s, _ = np.linalg.svd(dummies, full_matrices=False)
    levels = u[:, s > 1e-8 * max(s.max(initial=0.0), 1.0)]
    total = (middle**2).sum(axis=0)
    flag = np.zeros(len(rows), dtype=np.int8)
    flag[(x**2).sum(axis=0) <= COLLINEAR * np.maximum(total, 1.0)] = 2
    if len(codes) < FEWEST:
        flag[:] = 1
    elif len(count) < 2 or levels.shape[1] < len(count) - 1:
        flag[:] = 3
    elif count.min() < FEWEST_IN_GROUP:
        flag[:] = 4
    return _LevelGroup(keep, rows, column, x, levels, q, flag, len(count))
