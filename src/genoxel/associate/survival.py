"""Numbers or groups against survival: Cox regression, the log hazard ratio per standard deviation, ties by Efron."""

from __future__ import annotations

import numpy as np

from genoxel.associate.moments import patterns_of
from genoxel.associate.numbers import FEWEST
from genoxel.associate.regressed import Fitted, RegressedPairs, per_deviation
from genoxel.stats.cox import Score, log_hazard_ratios
from genoxel.stats.partial import basis
from genoxel.stats.ranks import FloatArray

FEWEST_EVENTS = 10


class TimePairs(RegressedPairs):
    """Columns x (n, p) against survival: `time` and `event` (n, m), NaN where unknown."""

    def __init__(self, x: FloatArray, time: FloatArray, event: FloatArray, z: FloatArray | None, scaled: bool) -> None:
        self.shape = (x.shape[1], time.shape[1])
        self.time, self.event = time, event
        values = per_deviation(x) if scaled else x
        self.raw = self._groups(values, np.empty((len(x), 0)))
        self.partial = None if z is None else self._groups(values, z)

    def _groups(self, x: FloatArray, z: FloatArray) -> list[Fitted]:
        found = []
        for column in range(self.shape[1]):
            known = ~(np.isnan(self.time[:, column]) | np.isnan(self.event[:, column]) | np.isnan(z).any(axis=1))
            for pattern, rows in patterns_of(~np.isnan(x)):
                keep = pattern & known
                q, happened = basis(z[keep], int(keep.sum())), self.event[keep, column]
                flag = 1 if keep.sum() < FEWEST else 6 if happened.sum() < FEWEST_EVENTS + q.shape[1] - 1 else 0
                test = None if flag else Score.of(self.time[keep, column], happened, _covariates(q))
                found.append(Fitted(keep, rows, column, x[np.ix_(keep, rows)], q, test, flag))
        return found

    def estimates(self, group: Fitted) -> tuple[FloatArray, FloatArray]:
        """Return the log hazard ratio of each column and its standard error."""
        time, event = self.time[group.keep, group.column], self.event[group.keep, group.column]
        return log_hazard_ratios(time, event, group.x, _covariates(group.q))


def _covariates(q: FloatArray) -> FloatArray:
    """Return the covariates at the scale of single patients, at which the fit is well conditioned."""
    return np.asarray(q[:, 1:] * np.sqrt(max(len(q), 1)))
