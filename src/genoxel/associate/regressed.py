"""Pairs that are judged by a regression each: what logistic and Cox regression share, raw and beside covariates.

Columns that know the same patients share one fit without them, from which the score test gives every p; the estimate is
maximum likelihood with Wald's interval.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genoxel.associate.moments import BoolArray
from genoxel.associate.numbers import JudgedPairs, Measured
from genoxel.associate.tail import Tail
from genoxel.stats.partial import residuals
from genoxel.stats.permute import induced
from genoxel.stats.ranks import FloatArray, IndexArray

_WALD = 1.959963984540054


class ScoreTest(Protocol):
    """A regression without the columns in question."""

    def p(self, x: FloatArray) -> FloatArray:
        """Return the score p of each column of `x`."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Columns `rows` of x that know the same patients (`keep`), against one column of the other side among those.

    `q` is an orthonormal basis of the constant and the covariates.
    """

    keep: BoolArray
    rows: IndexArray
    column: int
    x: FloatArray
    q: FloatArray
    test: ScoreTest | None
    flag: int

    def p(self, order: IndexArray | None = None) -> FloatArray:
        """Return the score p of the columns, their residuals moved by `order`; NaN where flagged."""
        if self.test is None:
            return np.full(len(self.rows), np.nan)
        if order is None:
            return self.test.p(self.x)
        return self.test.p(residuals(self.x, self.q)[induced(order, self.keep)])


class RegressedPairs(JudgedPairs[Sequence[Fitted]]):
    """All pairs of two sides by a regression each, with Wald's interval and the score test's p."""

    @abstractmethod
    def estimates(self, group: Fitted) -> tuple[FloatArray, FloatArray]:
        """Return effect and standard error of each column of a group."""

    def _judged(self, groups: Sequence[Fitted]) -> Measured:
        out = Measured.empty(*self.shape)
        for group in groups:
            place, p = (group.rows, group.column), group.p()
            out.n[place], out.p[place] = len(group.x), p
            out.flag[place] = _constant(p, group.flag)
            if group.test is not None:
                effect, error = (np.where(np.isnan(p), np.nan, item) for item in self.estimates(group))
                half = _WALD * error
                out.effect[place], out.low[place], out.high[place] = effect, effect - half, effect + half
        return out

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links."""
        _add(self.raw, order, tail)

    def world_adjusted(self, order: IndexArray, tail: Tail) -> None:
        """Add a world without links beyond the covariates: residuals of x moved."""
        _add(self.partial or (), order, tail)


def _add(groups: Sequence[Fitted], order: IndexArray, tail: Tail) -> None:
    for group in groups:
        tail.add_p(group.p(order)[:, None], group.rows, np.array([group.column]))


def _constant(p: FloatArray, flag: int) -> npt.NDArray[np.int8]:
    return np.where(np.isnan(p) & (flag == 0), 2, flag).astype(np.int8)


def per_deviation(x: FloatArray) -> FloatArray:
    """Return the columns of `x` divided by their standard deviation."""
    spread = np.array([np.nanstd(column) if (~np.isnan(column)).any() else 1.0 for column in x.T])
    return np.asarray(x / np.where(spread > 0, spread, 1.0))
