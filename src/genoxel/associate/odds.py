"""Numbers against two groups by logistic regression: the log odds ratio per standard deviation, raw and adjusted.

p is that of the score test (Rao), which needs no iterations and holds under separation; the estimate is missing where
groups separate.
"""

from __future__ import annotations

import numpy as np

from genoxel.associate.moments import patterns_of
from genoxel.associate.numbers import FEWEST, FEWEST_IN_GROUP
from genoxel.associate.regressed import Fitted, RegressedPairs, per_deviation
from genoxel.stats.logistic import LogisticScore, log_odds_ratios
from genoxel.stats.partial import basis
from genoxel.stats.ranks import FloatArray


class OddsPairs(RegressedPairs):
    """Numbers x (n, p) against two groups y (n, m) of 0 and 1, beside covariates z (n, k)."""

    def __init__(self, x: FloatArray, y: FloatArray, z: FloatArray | None) -> None:
        self.shape, self.y = (x.shape[1], y.shape[1]), y
        values = per_deviation(np.where(np.isfinite(x), x, np.nan))
        self.raw = self._groups(values, np.empty((len(x), 0)))
        self.partial = None if z is None else self._groups(values, z)

    def _groups(self, x: FloatArray, z: FloatArray) -> list[Fitted]:
        usable = ~np.isnan(z).any(axis=1)
        found = []
        for column in range(self.shape[1]):
            y = self.y[:, column]
            for pattern, rows in patterns_of(~np.isnan(x)):
                keep = pattern & ~np.isnan(y) & usable
                q, flag = basis(z[keep], int(keep.sum())), _flag(y[keep], z.shape[1])
                test = None if flag else LogisticScore.of(y[keep], q[:, 1:])
                found.append(Fitted(keep, rows, column, x[np.ix_(keep, rows)], q, test, flag))
        return found

    def estimates(self, group: Fitted) -> tuple[FloatArray, FloatArray]:
        """Return the log odds ratio of each column and its standard error."""
        return log_odds_ratios(self.y[group.keep, group.column], group.x, group.q[:, 1:])


def _flag(y: FloatArray, covariates: int) -> int:
    if len(y) < FEWEST + covariates:
        return 1
    if y.min() == y.max():
        return 3
    return 4 if min((y == 1).sum(), (y == 0).sum()) < FEWEST_IN_GROUP else 0
