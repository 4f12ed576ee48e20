"""Quality of assays: coverage, purity, call rate, sex, outliers, batch; listed, and left out by a stated rule only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.table import Table


@dataclass(frozen=True)
class QualityRule:
    """One limit on a named number of each sample: at `least`, or at `most`."""

    name: str
    least: float | None = None
    most: float | None = None

    def fault(self, value: float) -> str:
        """Return in words why a value breaks the rule, empty where it does not; a missing value breaks none."""
        if self.least is not None and value < self.least:
            return f"{self.name} {value:.4g} below {self.least:g}"
        if self.most is not None and value > self.most:
            return f"{self.name} {value:.4g} above {self.most:g}"
        return ""


def judge(numbers: Table, rules: Sequence[QualityRule]) -> dict[str, str]:
    """Return patient -> why its sample fails, for columns such as coverage, purity and call rate.

    Nobody fails a rule for a number that was not given. Raises `TableError` for a column that is not there.

    >>> from genoxel.core.table import Column
    >>> table = Table(np.array([[80.0], [12.0]]), ("P1", "P2"), (Column("coverage"),), "quality")
    >>> judge(table, [QualityRule("coverage", least=30)])
    {'P2': 'coverage 12 below 30'}
    """
    found: dict[str, list[str]] = {}
    for rule in rules:
        for row, value in zip(numbers.rows, numbers[rule.name].tolist(), strict=True):
            if fault := rule.fault(value):
                found.setdefault(row.patient, []).append(fault)
    return {patient: "; ".join(faults) for patient, faults in found.items()}


def call_rates(table: Table) -> dict[str, float]:
    """Return the share of columns with a value for each row's patient."""
    shares = 1.0 - np.isnan(np.asarray(table.values)).mean(axis=1)
    return {row.patient: float(share) for row, share in zip(table.rows, shares, strict=True)}


def contradicting_sex(expression: Table, sex: Mapping[str, str]) -> dict[str, str]:
    """Return patients whose expression of XIST and RPS4Y1 contradicts the clinical sex, with the finding in words.

    `expression` is logged. The larger of the two says the sex, where they differ by 2 or more; anything closer is not
    judged (loss of Y or of the inactive X in tumours brings both down). `sex` holds words such as female, F, male, M.
    """
    x, y = expression["XIST"], expression["RPS4Y1"]
    found = {}
    for row, one, other in zip(expression.rows, x.tolist(), y.tolist(), strict=True):
        said = _sex(sex.get(row.patient, ""))
        if said and abs(one - other) >= 2.0:
            seen = "female" if one > other else "male"
            if seen != said:
                found[row.patient] = f"{said} in the table, {seen} by XIST {one:.1f} and RPS4Y1 {other:.1f}"
    return found


def _sex(word: str) -> str:
    text = word.strip().casefold()
    words = {"f": "female", "female": "female", "w": "female", "m": "male", "male": "male"}
    if text and text not in words and text not in ("na", "unknown", "n/a", "not reported"):
        raise TableError(f"the sex {word!r}", "female, male, F, M, or empty", "correct it")
    return words.get(text, "")


def outliers(table: Table, limit: float = 5.0) -> dict[str, float]:
    """Return samples whose median correlation with the others is low: how many deviations (x 1.4826) below the median.

    Columns with a missing value are left out. Source: the D-statistic of arrays, here with Pearson correlation.
    """
    values = np.asarray(table.values)
    values = values[:, ~np.isnan(values).any(axis=0)]
    if len(values) < 5 or values.shape[1] < 10:
        raise TableError(
            f"{values.shape[0]} samples x {values.shape[1]} complete columns",
            "5 x 10 or more to tell outliers",
            "write outliers = false under [omics.quality]",
        )
    related = np.asarray(np.corrcoef(values))
    np.fill_diagonal(related, np.nan)
    typical = np.nanmedian(related, axis=1)
    spread = 1.4826 * np.median(np.abs(typical - np.median(typical)))
    below = (np.median(typical) - typical) / spread if spread > 0 else np.zeros(len(typical))
    return {row.patient: float(size) for row, size in zip(table.rows, below, strict=True) if size > limit}


def batch_share(table: Table, batch: Mapping[str, str], components: int = 5) -> float:
    """Return the largest share of a principal component's variance that the batch explains (0 to 1)."""
    names = [batch.get(row.patient, "") for row in table.rows]
    known = np.array([bool(name) for name in names])
    values = np.asarray(table.values)[known]
    values = values[:, ~np.isnan(values).any(axis=0)]
    groups = np.array([name for name in names if name])
    if len(set(groups.tolist())) < 2 or len(values) < 2 * len(set(groups.tolist())):
        raise TableError("fewer than two batches, or hardly anyone in them", "two batches or more", "name the batches")
    scores, sizes, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    shares = []
    for axis in range(min(components, int(np.sum(sizes > 1e-9)))):
        score = scores[:, axis]
        means = np.array([score[groups == name].mean() for name in groups])
        shares.append(float(np.var(means) / np.var(score)))
    return max(shares, default=0.0)
