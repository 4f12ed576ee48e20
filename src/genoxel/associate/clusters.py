"""Several image rows per patient, kept: errors and null worlds count patients, not rows (`stats.clustered`).

Each row of the image side meets the values of its patient. Effects are those of single rows; p and intervals are
cluster-robust, and a world without links moves the other side between patients as wholes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from genoxel.associate.assemble import Block, Untested
from genoxel.associate.moments import BoolArray, Group, Moments, Side, patterns_of
from genoxel.associate.numbers import (
    FEWEST,
    FEWEST_IN_GROUP,
    NOT_CLUSTERED,
    NOTHING_ROBUST,
    JudgedPairs,
    Measured,
    Part,
    logit_interval,
)
from genoxel.associate.regressed import per_deviation
from genoxel.associate.settings import AssociateSettings, aggregation
from genoxel.associate.survival import FEWEST_EVENTS
from genoxel.associate.tail import Tail
from genoxel.core.errors import TableError
from genoxel.core.table import Table
from genoxel.stats.clustered import (
    RobustScore,
    Slopes,
    robust_levels,
    robust_log_hazard,
    robust_log_odds,
    robust_slopes,
    starts_of,
)
from genoxel.stats.intervals import auc_interval, explained_interval
from genoxel.stats.partial import basis, residuals
from genoxel.stats.permute import induced
from genoxel.stats.ranks import FloatArray, IndexArray, Order, ranks

Kind = Literal["rho", "r", "auc", "cliffs_delta", "cohens_d"]


def rows_along(table: Table, like: Table) -> Table:
    """Return the values of `table` for every row of `like`: by the whole row key, or by patient where it has one row.

    Missing where the table lacks the row. Raises `TableError` when a patient has several rows that are not those of
    `like`.
    """
    single = len(table.patients) == len(table.rows)
    place = {row.patient if single else row: number for number, row in enumerate(table.rows)}
    wanted = [place.get(row.patient if single else row, -1) for row in like.rows]
    if not single and all(number < 0 for number in wanted):
        raise TableError(
            f"several rows per patient in the {table.kind} table that are not those of the {like.kind} table",
            "one row per patient, or the same rows (lesion, region, time point)",
            "aggregate it first (Table.per_patient)",
        )
    padded = np.vstack([table.values, np.full((1, len(table.columns)), np.nan)])
    return Table(padded[wanted], like.rows, table.columns, table.kind)


def shared_patients(image: Table, other: Table) -> list[str]:
    """Return the patients of both tables, in order; `TableError` where there is none."""
    both = set(other.patients)
    common = sorted(patient for patient in image.patients if patient in both)
    if not common:
        left, right = (", ".join(table.patients[:3]) or "empty" for table in (image, other))
        raise TableError(
            f"no patient in both the {image.kind} ({left}) and the {other.kind} table ({right})",
            "patients written alike in both tables",
            "check the identifier columns",
        )
    return common


def clustered_tables(
    image: Table, other: Table, adjust: Table | None
) -> tuple[tuple[Table, Table, Table | None], Rows]:
    """Return the tables with one row for every row of `image`, sorted by patient, and which rows are one patient's.

    `other` needs one row per patient (`TableError`); covariates have one per patient or one per image row.
    """
    right = other.per_patient("only")
    left = image.of_patients(shared_patients(image, right))
    covariates = rows_along(adjust, left) if adjust is not None and adjust.columns else None
    number = {patient: place for place, patient in enumerate(left.patients)}
    codes = np.array([number[row.patient] for row in left.rows], dtype=np.intp)
    return (left, rows_along(right, left), covariates), Rows(codes)


def paired(image: Table, other: Table, several: str) -> tuple[list[str], Table, Table]:
    """Return the points that a screen with these settings compares: their names, and both tables row by row."""
    if several == "clustered":
        (left, right, _), _ = clustered_tables(image, other, None)
        return [" ".join(part for part in row if part) for row in left.rows], left, right
    how = aggregation(several)
    left, right = image.per_patient(how), other.per_patient(how)
    shared = sorted(set(left.patients) & set(right.patients))
    return shared, left.of_patients(shared), right.of_patients(shared)


@dataclass(frozen=True, eq=False)
class Rows:
    """Which patient each row belongs to: `codes` (n,), rows of one patient together, patients in order."""

    codes: IndexArray

    @cached_property
    def first(self) -> IndexArray:
        """The first row of each patient."""
        return starts_of(self.codes)

    def moved(self, values: FloatArray, order: IndexArray, keep: BoolArray) -> FloatArray:
        """Return, for the kept rows, `values` (n, k) of the patients that the world `order` exchanges them for.

        `values` are the same in all rows of a patient; kept patients are moved among themselves.
        """
        present = np.zeros(len(self.first), dtype=np.bool_)
        present[self.codes[keep]] = True
        mine = values[self.first][present][induced(np.argsort(order), present)]
        return np.asarray(mine[(np.cumsum(present) - 1)[self.codes[keep]]])


def clustered_block(
    kinds: tuple[str, str],
    sides: tuple[FloatArray, FloatArray],
    covariates: tuple[FloatArray, FloatArray] | None,
    rows: Rows,
    settings: AssociateSettings,
) -> tuple[Block, str, str]:
    """Return the block of columns of these kinds, its test and its effect."""
    x, y = sides
    by_ranks, by_values = (None, None) if covariates is None else covariates
    if kinds == ("number", "number"):
        kind: Kind = "rho" if settings.correlation == "spearman" else "r"
        left = by_ranks if kind == "rho" else by_values
        return ClusteredNumbers(x, y, left, rows, kind), f"{settings.correlation}, clustered", kind
    if kinds == ("number", "group") and settings.groups != "log_odds_ratio":
        left = by_values if settings.groups == "cohens_d" else by_ranks
        return ClusteredNumbers(x, y, left, rows, settings.groups), "two groups, clustered", settings.groups
    if kinds == ("number", "category"):
        return ClusteredLevels(x, y, by_ranks, rows), "levels, clustered", "epsilon_squared"
    if kinds == ("group", "group"):
        return ClusteredOdds(x, y, by_values, rows), "logistic, clustered", "log_odds_ratio"
    return Untested((x.shape[1], y.shape[1]), NOT_CLUSTERED), "none", ""


class ClusteredPairs(JudgedPairs[Part]):
    """All pairs of single rows and patients' values; n counts rows, and `rows` say whose they are."""

    rows: Rows

    def world_adjusted(self, order: IndexArray, tail: Tail) -> None:
        """Add nothing: patients with different numbers of rows have no exchangeable residuals."""


class ClusteredNumbers(ClusteredPairs[Moments]):
    """Numbers x (n, p) of single rows against numbers or groups y (n, m) of patients, by regression of x on y."""

    def __init__(self, x: FloatArray, y: FloatArray, z: FloatArray | None, rows: Rows, kind: Kind) -> None:
        self.kind, self.rows = kind, rows
        self.groups = kind not in ("rho", "r")
        ranked = kind in ("rho", "auc", "cliffs_delta")
        self.x, self.y = Side(x, ranked), Side(y, ranked and not self.groups)
        self.raw = Moments(self.x, self.y)
        self.partial = None if z is None else Moments(self.x, self.y, z)
        self.shape = (x.shape[1], y.shape[1])

    def _judged(self, moments: Moments) -> Measured:
        out = Measured.empty(*self.shape)
        for group in moments.groups():
            place = np.ix_(group.rows, group.columns)
            start = starts_of(self.rows.codes[group.keep])
            flag = self._flags(group, len(start))
            out.n[place] = len(group.x)
            if (flag == 0).any():
                with np.errstate(divide="ignore", invalid="ignore"):
                    found = robust_slopes(group.x, group.y, start, group.q.shape[1] + 1)
                    values = self._effects(group, found, start, moments is self.raw)
                flag = np.where((flag == 0) & np.isnan(found.p), NOTHING_ROBUST, flag).astype(np.int8)
                for array, value in zip((out.effect, out.low, out.high, out.p), (*values, found.p), strict=True):
                    array[place] = np.where(flag == 0, value, np.nan)
            out.flag[place] = flag
        return out

    def _flags(self, group: Group, patients: int) -> npt.NDArray[np.int8]:
        flag = np.zeros((len(group.rows), len(group.columns)), dtype=np.int8)
        if self.groups and patients:
            first = starts_of(self.rows.codes[group.keep])
            y = self.y.values[np.ix_(group.keep, group.columns)][first]
            flag[:, np.minimum((y == 1).sum(axis=0), (y == 0).sum(axis=0)) < FEWEST_IN_GROUP] = 4
        flag[:, ~group.open[1]] = 3
        flag[~group.open[0]] = 2
        if patients < FEWEST + group.q.shape[1] - 1:
            flag[:] = 1
        return flag

    def _effects(
        self, group: Group, found: Slopes, start: IndexArray, raw: bool
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        patients = len(start)
        half = float(stdtrit(patients - 1, 0.975))
        if not self.groups:
            centre, step = np.arctanh(found.r), half * found.r_error / (1 - found.r**2)
            return found.r, np.tanh(centre - step), np.tanh(centre + step)
        if self.kind == "cohens_d":
            within = (1 - found.r**2) * (group.x**2).sum(axis=0)[:, None] / max(group.free - 1, 1)
            d = found.slope / np.sqrt(within)
            error = np.sqrt(found.error**2 / within + d**2 / (2 * max(patients - 2, 1)))
            return d, d - half * error, d + half * error
        auc = np.clip(0.5 + found.slope / len(group.x), 0, 1)
        if raw:
            low, high = self._obuchowski(group, start)
        else:
            low, high = logit_interval(auc, found.error / len(group.x), patients - 1)
        if self.kind == "cliffs_delta":
            return 2 * auc - 1, 2 * low - 1, 2 * high - 1
        return auc, low, high

    def _obuchowski(self, group: Group, start: IndexArray) -> tuple[FloatArray, FloatArray]:
        order = Order.of(self.x.values[np.ix_(group.keep, group.rows)])
        low, high = np.empty((2, len(group.rows), len(group.columns)))
        for place, column in enumerate(group.columns.tolist()):
            y = self.y.values[group.keep, column]
            parts = []
            for value in (1, 0):
                inside = (y == value)[:, None]
                other = y == 1 - value
                placements = order.below(other) / other.sum()
                mean = (placements * inside).sum(axis=0) / inside.sum()
                sums = np.add.reduceat((placements - mean) * inside, start, axis=0)
                count = int((y[start] == value).sum())
                variance = (sums**2).sum(axis=0) / inside.sum() ** 2 * count / max(count - 1, 1)
                parts.append((mean, variance, count))
            (auc, first, n1), (_, second, n0) = parts
            low[:, place], high[:, place] = auc_interval(auc, first, second, n1, n0)
        return low, high

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links: the other side moved between patients."""
        for group in self.raw.groups():
            start = starts_of(self.rows.codes[group.keep])
            open_pairs = self._flags(group, len(start)) == 0
            if not open_pairs.any():
                continue
            y = self.rows.moved(self.y.values[:, group.columns], order, group.keep)
            y = ranks(y) if self.y.ranked else y
            with np.errstate(divide="ignore", invalid="ignore"):
                p = robust_slopes(group.x, y - y.mean(axis=0), start, 2).p
            tail.add_p(np.where(open_pairs, p, np.nan), group.rows, group.columns)


class ClusteredLevels(ClusteredPairs[FloatArray]):
    """Numbers x (n, p) of single rows against several classes y (n, m) of patients: share of ranks, robust Wald F."""

    def __init__(self, x: FloatArray, y: FloatArray, z: FloatArray | None, rows: Rows) -> None:
        self.shape, self.rows = (x.shape[1], y.shape[1]), rows
        self.x, self.y = Side(x, ranked=True), y
        self.raw, self.partial = np.empty((len(x), 0)), z

    def _judged(self, z: FloatArray) -> Measured:
        out = Measured.empty(*self.shape)
        usable = ~np.isnan(z).any(axis=1)
        for column in range(self.shape[1]):
            for known, rows in self.x.patterns:
                keep = known & ~np.isnan(self.y[:, column]) & usable
                self._judge(out, rows, column, (keep, z[keep]))
        return out

    def _judge(self, out: Measured, rows: IndexArray, column: int, where: tuple[BoolArray, FloatArray]) -> None:
        keep, z = where
        start = starts_of(self.rows.codes[keep])
        q = basis(z, int(keep.sum()))
        x = self._left(rows, keep, q)
        levels, flag = _levels(self.y[keep, column], start, q)
        out.n[rows, column] = int(keep.sum())
        p, share = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        if not flag:
            with np.errstate(divide="ignore", invalid="ignore"):
                share = ((levels.T @ x) ** 2).sum(axis=0) / (x**2).sum(axis=0)
            p = robust_levels(x, levels, start, q.shape[1] + levels.shape[1])
        low, high = explained_interval(share, len(start), levels.shape[1] + 1, q.shape[1] - 1)
        known = ~np.isnan(p)
        out.flag[rows, column] = np.where(known, 0, flag or NOTHING_ROBUST)
        for array, value in zip((out.effect, out.low, out.high, out.p), (share, low, high, p), strict=True):
            array[rows, column] = np.where(known, value, np.nan)

    def _left(self, rows: IndexArray, keep: BoolArray, q: FloatArray) -> FloatArray:
        return residuals(self.x.within(rows, keep), q) if keep.any() else np.empty((0, len(rows)))

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links: the other side moved between patients."""
        for column in range(self.shape[1]):
            for known, rows in self.x.patterns:
                keep = known & ~np.isnan(self.y[:, column])
                start, q = starts_of(self.rows.codes[keep]), basis(np.empty((0, 0)), int(keep.sum()))
                y = self.rows.moved(self.y[:, [column]], order, keep)[:, 0] if keep.any() else self.y[keep, column]
                levels, flag = _levels(y, start, q)
                if not flag:
                    p = robust_levels(self._left(rows, keep, q), levels, start, 1 + levels.shape[1])
                    tail.add_p(p[:, None], rows, np.array([column]))


def _levels(y: FloatArray, start: IndexArray, q: FloatArray) -> tuple[FloatArray, int]:
    """Return orthonormal columns of the classes less covariates, and a flag (0: to be tested)."""
    names, count = np.unique(y[start], return_counts=True)
    if len(start) < FEWEST:
        return np.empty((len(y), 0)), 1
    u, s, _ = np.linalg.svd(residuals((y[:, None] == names).astype(np.float64), q), full_matrices=False)
    levels = u[:, s > 1e-8 * max(s.max(initial=0.0), 1.0)]
    if len(names) < 2 or levels.shape[1] < len(names) - 1:
        return levels, 3
    return levels, 4 if count.min() < FEWEST_IN_GROUP else 0


class ClusteredOdds(ClusteredPairs[FloatArray]):
    """Groups x (n, p) of single rows against groups y (n, m) of patients: log odds ratio by logistic regression."""

    def __init__(self, x: FloatArray, y: FloatArray, z: FloatArray | None, rows: Rows) -> None:
        self.shape, self.rows, self.x, self.y = (x.shape[1], y.shape[1]), rows, x, y
        self.raw, self.partial = np.empty((len(x), 0)), z

    def _judged(self, z: FloatArray) -> Measured:
        out = Measured.empty(*self.shape)
        usable = ~np.isnan(z).any(axis=1)
        for i, j in np.ndindex(*self.shape):
            keep = ~np.isnan(self.x[:, i]) & ~np.isnan(self.y[:, j]) & usable
            x, y = self.x[keep, i], self.y[keep, j]
            start = starts_of(self.rows.codes[keep])
            out.n[i, j], out.flag[i, j] = len(x), _odds_flag(x, y, start)
            if out.flag[i, j]:
                continue
            estimate, error = robust_log_odds(x, y, basis(z[keep], len(x))[:, 1:], start)
            if not error > 0:
                out.flag[i, j] = NOTHING_ROBUST
                continue
            half = float(stdtrit(len(start) - 1, 0.975)) * error
            out.effect[i, j], out.low[i, j], out.high[i, j] = estimate, estimate - half, estimate + half
            out.p[i, j] = _slope_p(x, y, basis(z[keep], len(x)), start)
        return out

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links: the other side moved between patients."""
        for i, j in np.ndindex(*self.shape):
            keep = ~np.isnan(self.x[:, i]) & ~np.isnan(self.y[:, j])
            x, start = self.x[keep, i], starts_of(self.rows.codes[keep])
            if not _odds_flag(x, self.y[keep, j], start):
                y = self.rows.moved(self.y[:, [j]], order, keep)[:, 0]
                p = _slope_p(x, y, basis(np.empty((0, 0)), len(x)), start)
                tail.add_p(np.array([[p]]), np.array([i]), np.array([j]))


def _slope_p(x: FloatArray, y: FloatArray, q: FloatArray, start: IndexArray) -> float:
    """Return the robust p of the difference of shares, which stays defined where odds are infinite."""
    left, right = (residuals(side[:, None], q) for side in (x, y))
    return float(robust_slopes(left, right, start, q.shape[1] + 1).p[0, 0])


def _odds_flag(x: FloatArray, y: FloatArray, start: IndexArray) -> int:
    if len(start) < FEWEST:
        return 1
    if x.min() == x.max():
        return 2
    if y.min() == y.max():
        return 3
    first = y[start]
    fewest = min((first == 1).sum(), (first == 0).sum(), (x == 1).sum(), (x == 0).sum())
    return 4 if fewest < FEWEST_IN_GROUP else 0


class ClusteredTimes(ClusteredPairs[FloatArray]):
    """Columns x (n, p) of single rows against survival of patients: Cox regression, robust score p and errors."""

    def __init__(
        self, x: FloatArray, outcome: tuple[FloatArray, FloatArray], z: FloatArray | None, rows: Rows, scaled: bool
    ) -> None:
        self.shape, self.rows = (x.shape[1], outcome[0].shape[1]), rows
        self.x, self.outcome = per_deviation(x) if scaled else x, outcome
        self.raw, self.partial = np.empty((len(x), 0)), z

    def _parts(self, z: FloatArray) -> list[tuple[int, IndexArray, BoolArray, int]]:
        """Return column, places of x, kept rows and flag of all pairs."""
        found = []
        for column in range(self.shape[1]):
            time, event = (part[:, column] for part in self.outcome)
            known = ~(np.isnan(time) | np.isnan(event) | np.isnan(z).any(axis=1))
            for pattern, places in patterns_of(~np.isnan(self.x)):
                keep = pattern & known
                start = starts_of(self.rows.codes[keep])
                few = event[keep][start].sum() < FEWEST_EVENTS + z.shape[1]
                found.append((column, places, keep, 1 if len(start) < FEWEST else 6 if few else 0))
        return found

    def _judged(self, z: FloatArray) -> Measured:
        out = Measured.empty(*self.shape)
        for column, places, keep, flag in self._parts(z):
            out.n[places, column], out.flag[places, column] = int(keep.sum()), flag
            if flag:
                continue
            start = starts_of(self.rows.codes[keep])
            time, event = (part[keep, column] for part in self.outcome)
            covariates = basis(z[keep], int(keep.sum()))[:, 1:]
            x = self.x[np.ix_(keep, places)]
            p = RobustScore.of(time, event, covariates).p(x, start)
            out.p[places, column] = p
            out.flag[places, column] = np.where(np.isnan(p), 2, 0)
            for place, values in zip(places.tolist(), x.T, strict=True):
                estimate, error = robust_log_hazard(time, event, values, covariates, start)
                out.effect[place, column] = estimate
                half = float(stdtrit(len(start) - 1, 0.975)) * error
                out.low[place, column], out.high[place, column] = estimate - half, estimate + half
        return out

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links: survival moved between patients."""
        for column, places, keep, flag in self._parts(self.raw):
            if flag:
                continue
            both = np.column_stack([part[:, column] for part in self.outcome])
            moved = self.rows.moved(both, order, keep)
            test = RobustScore.of(moved[:, 0], moved[:, 1], np.empty((len(moved), 0)))
            p = test.p(self.x[np.ix_(keep, places)], starts_of(self.rows.codes[keep]))
            tail.add_p(p[:, None], places, np.array([column]))
