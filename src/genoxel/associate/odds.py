"""Numbers against two groups by logistic regression: the log odds ratio per standard deviation, raw and adjusted.

p is that of the score test (Rao), which needs no iterations and holds under separation; the estimate is maximum
likelihood with Wald's interval, and missing where groups separate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoxel.associate.moments import BoolArray, patterns_of
from genoxel.associate.numbers import FEWEST, FEWEST_IN_GROUP, Measured
from genoxel.associate.survival import per_deviation
from genoxel.associate.tail import Tail
from genoxel.stats.logistic import LogisticScore, log_odds_ratios
from genoxel.stats.partial import basis, residuals
from genoxel.stats.permute import induced
from genoxel.stats.ranks import FloatArray, IndexArray

_WALD = 1.959963984540054


@dataclass(frozen=True, eq=False)
class _Group:
    """Columns of x that know the same patients, against one column of groups among those."""

    keep: BoolArray
    rows: IndexArray
    column: int
    x: FloatArray
    q: FloatArray
    test: LogisticScore | None
    flag: int

    def p(self, order: IndexArray | None = None) -> FloatArray:
        """Return the score p of the columns, moved by `order`; NaN where flagged."""
        if self.test is None:
            return np.full(len(self.rows), np.nan)
        if order is None:
            return self.test.p(self.x)
        return self.test.p(residuals(self.x, self.q)[induced(order, self.keep)])


class OddsPairs:
    """Numbers x (n, p) against two groups y (n, m) of 0 and 1, beside covariates z (n, k)."""

    def __init__(self, x: FloatArray, y: FloatArray, z: FloatArray | None) -> None:
        self.shape, self.y = (x.shape[1], y.shape[1]), y
        values = per_deviation(np.where(np.isfinite(x), x, np.nan))
        self.raw = self._groups(values, np.empty((len(x), 0)))
        self.partial = [] if z is None else self._groups(values, z)

    def _groups(self, x: FloatArray, z: FloatArray) -> list[_Group]:
        usable = ~np.isnan(z).any(axis=1)
        found = []
        for column in range(self.shape[1]):
            y = self.y[:, column]
            for pattern, rows in patterns_of(~np.isnan(x)):
                keep = pattern & ~np.isnan(y) & usable
                q, flag = basis(z[keep], int(keep.sum())), _flag(y[keep], z.shape[1])
                test = None if flag else LogisticScore.of(y[keep], q[:, 1:])
                found.append(_Group(keep, rows, column, x[np.ix_(keep, rows)], q, test, flag))
        return found

    def measure(self) -> Measured:
        """Return n, log odds ratio, Wald's interval, score p and flag of all pairs."""
        return self._judged(self.raw)

    def adjusted(self) -> Measured:
        """Return the same beside the covariates."""
        return self._judged(self.partial)

    def _judged(self, groups: list[_Group]) -> Measured:
        out = Measured.empty(*self.shape)
        for group in groups:
            place, p = (group.rows, group.column), group.p()
            out.n[place], out.p[place] = len(group.x), p
            out.flag[place] = _constant(p, group.flag)
            if group.test is not None:
                y = self.y[group.keep, group.column]
                effect, error = log_odds_ratios(y, group.x, group.q[:, 1:])
                effect, error = (np.where(np.isnan(p), np.nan, item) for item in (effect, error))
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


def _flag(y: FloatArray, covariates: int) -> int:
    if len(y) < FEWEST + covariates:
        return 1
    if y.min() == y.max():
        return 3
    return 4 if min((y == 1).sum(), (y == 0).sum()) < FEWEST_IN_GROUP else 0


def _constant(p: FloatArray, flag: int) -> npt.NDArray[np.int8]:
    return np.where(np.isnan(p) & (flag == 0), 2, flag).astype(np.int8)
