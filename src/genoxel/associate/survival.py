"""Numbers or groups against survival: Cox regression, the log hazard ratio per standard deviation, ties by Efron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genoxel.associate.moments import BoolArray, patterns_of
from genoxel.associate.numbers import FEWEST, Measured
from genoxel.associate.tail import Tail
from genoxel.stats.cox import Score, log_hazard_ratios
from genoxel.stats.partial import basis, residuals
from genoxel.stats.permute import induced
from genoxel.stats.ranks import FloatArray, IndexArray

FEWEST_EVENTS = 10
_WALD = 1.959963984540054


@dataclass(frozen=True, eq=False)
class _Group:
    """Columns of x that know the same patients, against one outcome among those."""

    keep: BoolArray
    rows: IndexArray
    column: int
    x: FloatArray
    z: FloatArray
    test: Score | None
    flag: int

    def p(self, order: IndexArray | None = None) -> FloatArray:
        """Return the score p of the columns, moved by `order`; NaN where flagged."""
        if self.test is None:
            return np.full(len(self.rows), np.nan)
        if order is None:
            return self.test.p(self.x)
        left = residuals(self.x, self.z / np.sqrt(len(self.z)))
        return self.test.p(left[induced(order, self.keep)])


class TimePairs:
    """Columns x (n, p) against survival: `time` and `event` (n, m), NaN where unknown."""

    def __init__(self, x: FloatArray, time: FloatArray, event: FloatArray, z: FloatArray | None, scaled: bool) -> None:
        self.shape = (x.shape[1], time.shape[1])
        self.time, self.event = time, event
        values = per_deviation(x) if scaled else x
        none = np.empty((len(x), 0))
        self.raw = [group for column in range(time.shape[1]) for group in self._groups(values, column, none)]
        self.partial: list[_Group] = []
        if z is not None:
            self.partial = [group for column in range(time.shape[1]) for group in self._groups(values, column, z)]

    def _groups(self, x: FloatArray, column: int, z: FloatArray) -> list[_Group]:
        known = ~(np.isnan(self.time[:, column]) | np.isnan(self.event[:, column]) | np.isnan(z).any(axis=1))
        found = []
        for pattern, rows in patterns_of(~np.isnan(x)):
            keep = pattern & known
            part = x[np.ix_(keep, rows)]
            covariates = basis(z[keep], int(keep.sum()))[:, 1:] * np.sqrt(max(int(keep.sum()), 1))
            happened = self.event[keep, column]
            flag = 1 if keep.sum() < FEWEST else 6 if happened.sum() < FEWEST_EVENTS + covariates.shape[1] else 0
            test = None if flag else Score.of(self.time[keep, column], happened, covariates)
            found.append(_Group(keep, rows, column, part, covariates, test, flag))
        return found

    def measure(self) -> Measured:
        """Return n, log hazard ratio, Wald interval, score p and flag of all pairs."""
        return self._judged(self.raw)

    def adjusted(self) -> Measured:
        """Return the same beside the covariates."""
        return self._judged(self.partial)

    def _judged(self, groups: list[_Group]) -> Measured:
        out = Measured.empty(*self.shape)
        for group in groups:
            place = group.rows, group.column
            p = group.p()
            out.n[place], out.p[place] = len(group.x), p
            out.flag[place] = np.where(np.isnan(p) & (group.flag == 0), 2, group.flag)
            if group.test is None:
                continue
            time, event = self.time[group.keep, group.column], self.event[group.keep, group.column]
            effect, error = log_hazard_ratios(time, event, group.x, group.z)
            half = _WALD * error
            out.effect[place], out.low[place], out.high[place] = effect, effect - half, effect + half
        return out

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links."""
        for group in self.raw:
            tail.add_p(group.p(order)[:, None], group.rows, np.array([group.column]))

    def world_adjusted(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links beyond the covariates: residuals of x moved."""
        for group in self.partial:
            tail.add_p(group.p(order)[:, None], group.rows, np.array([group.column]))


def per_deviation(x: FloatArray) -> FloatArray:
    """Return the columns of `x` divided by their standard deviation."""
    spread = np.array([np.nanstd(column) if (~np.isnan(column)).any() else 1.0 for column in x.T])
    return np.asarray(x / np.where(spread > 0, spread, 1.0))
