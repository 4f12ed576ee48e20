"""Table 1 as data: who the patients are, by group, with standardised differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.image import FloatArray
from genoxel.core.outcome import Outcome
from genoxel.core.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Cell:
    """One group's summary of a variable, or of one level of a categorical variable.

    `n` patients have a value, `missing` have none. Numbers: mean, sd, median, low and high quartile. Levels: `count`
    and `share` of those with a value. What does not apply or cannot be computed is NaN.
    """

    n: int
    missing: int
    mean: float = math.nan
    sd: float = math.nan
    median: float = math.nan
    low: float = math.nan
    high: float = math.nan
    count: int = 0
    share: float = math.nan


@dataclass(frozen=True)
class SummaryRow:
    """One line: a variable (`level` empty) or one level of it, a cell per group, and the standardised difference.

    The difference stands in the variable's line: |mean difference| / pooled SD for numbers, the Mahalanobis distance
    of the shares for categories (Yang and Dalton 2012); with more than two groups the largest of all pairs; NaN where
    it is not defined.
    """

    variable: str
    level: str
    kind: str
    unit: str
    cells: tuple[Cell, ...]
    difference: float


@dataclass(frozen=True)
class Table1:
    """Groups with their sizes, and the lines; the last group is everyone together."""

    by: str
    groups: tuple[str, ...]
    sizes: tuple[int, ...]
    rows: tuple[SummaryRow, ...]

    def row(self, variable: str, level: str = "") -> SummaryRow:
        """Return one line; `TableError` when there is none."""
        for row in self.rows:
            if (row.variable, row.level) == (variable, level):
                return row
        raise TableError(
            f"{variable!r} {level!r} in Table 1", ", ".join(row.variable for row in self.rows), "ask for one of these"
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return one tidy row per line and group: variable, level, kind, unit, group, size, the cell, difference."""
        import pandas as pd

        names = ("n", "missing", "mean", "sd", "median", "low", "high", "count", "share")
        rows = [
            (
                *(row.variable, row.level, row.kind, row.unit, group, size),
                *(getattr(cell, name) for name in names),
                row.difference,
            )
            for row in self.rows
            for group, size, cell in zip(self.groups, self.sizes, row.cells, strict=True)
        ]
        head = ["variable", "level", "kind", "unit", "group", "size"]
        return pd.DataFrame(rows, columns=[*head, *names, "standardised_difference"])


def table_one(table: Table, groups: Mapping[str, str | None] | Outcome, by: str = "") -> Table1:
    """Return Table 1 of the columns of `table` (one row per patient) by group.

    `groups` maps patient -> group (None: left out of the groups, counted in "all"), or is a class outcome. Patients of
    the table alone are counted. Raises `TableError` for several rows per patient.

    >>> ages = Table(np.array([[60.0], [70.0], [50.0], [52.0]]), ("A", "B", "C", "D"), (Column("age"),))
    >>> one = table_one(ages, {"A": "mutant", "B": "mutant", "C": "wild type", "D": "wild type"}, "IDH")
    >>> one.row("age").cells[0].mean, round(one.row("age").difference, 2)
    (65.0, 2.75)
    """
    single = table.per_patient()
    assigned, names = _groups(groups)
    members = [np.array([assigned.get(who) == name for who in single.patients], dtype=bool) for name in names]
    everyone = [*members, np.ones(len(single), dtype=bool)]
    rows: list[SummaryRow] = []
    for column in single.columns:
        rows += _lines(column, single[column.name], everyone)
    title = by or (groups.name if isinstance(groups, Outcome) else "")
    return Table1(title, (*names, "all"), tuple(int(inside.sum()) for inside in everyone), tuple(rows))


def included_and_excluded(table: Table, included: Sequence[str]) -> Table1:
    """Return Table 1 of the patients that were included beside those that were not."""
    inside = set(included)
    return table_one(table, {who: "included" if who in inside else "excluded" for who in table.patients}, "inclusion")


def _groups(groups: Mapping[str, str | None] | Outcome) -> tuple[Mapping[str, str | None], tuple[str, ...]]:
    if not isinstance(groups, Outcome):
        return groups, tuple(dict.fromkeys(name for name in groups.values() if name is not None))
    if not groups.levels:
        raise TableError(f"Table 1 by the outcome {groups.name} ({groups.kind})", "a class outcome", "cut it first")
    pairs = zip(groups.patients, groups.values.tolist(), strict=True)
    return {who: None if math.isnan(code) else groups.levels[int(code)] for who, code in pairs}, groups.levels


def _lines(column: Column, values: FloatArray, groups: Sequence[np.ndarray]) -> list[SummaryRow]:
    parts = [values[inside] for inside in groups]
    known = [part[~np.isnan(part)] for part in parts]
    lost = [int(part.size - some.size) for part, some in zip(parts, known, strict=True)]
    if column.levels or column.kind == "binary":
        return _category(column, known, lost)
    cells = tuple(_number_cell(some, missing) for some, missing in zip(known, lost, strict=True))
    difference = _largest(known[:-1], difference_of_means)
    return [SummaryRow(column.name, "", column.kind, column.unit, cells, difference)]


def _number_cell(values: FloatArray, missing: int) -> Cell:
    if values.size == 0:
        return Cell(0, missing)
    low, median, high = (float(value) for value in np.quantile(values, (0.25, 0.5, 0.75)))
    sd = float(values.std(ddof=1)) if values.size > 1 else math.nan
    return Cell(values.size, missing, float(values.mean()), sd, median, low, high)


def _category(column: Column, known: Sequence[FloatArray], lost: Sequence[int]) -> list[SummaryRow]:
    levels = column.levels or ("0", "1")
    counts = [np.array([np.sum(part == code) for code in range(len(levels))], dtype=np.float64) for part in known]
    heads = tuple(Cell(part.size, missing) for part, missing in zip(known, lost, strict=True))
    difference = _largest(counts[:-1], difference_of_shares)
    rows = [SummaryRow(column.name, "", column.kind, column.unit, heads, difference)]
    for code, level in enumerate(levels):
        cells = tuple(
            Cell(
                part.size,
                missing,
                count=int(count[code]),
                share=float(count[code] / part.size) if part.size else math.nan,
            )
            for part, missing, count in zip(known, lost, counts, strict=True)
        )
        rows.append(SummaryRow(column.name, level, column.kind, column.unit, cells, math.nan))
    return rows


def _largest(parts: Sequence[FloatArray], distance: object) -> float:
    values = [distance(one, other) for one, other in combinations(parts, 2)]  # type: ignore[operator]
    defined = [value for value in values if not math.isnan(value)]
    return max(defined) if defined else math.nan


def difference_of_means(one: FloatArray, other: FloatArray) -> float:
    """Return |mean difference| / sqrt of the mean variance of two samples; NaN where it is not defined.

    >>> round(difference_of_means(np.array([60.0, 70.0]), np.array([50.0, 52.0])), 2)
    2.75
    """
    if one.size < 2 or other.size < 2:
        return math.nan
    spread = math.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2)
    gap = abs(float(one.mean() - other.mean()))
    return gap / spread if spread > 0 else (0.0 if gap == 0 else math.nan)


def difference_of_shares(one: FloatArray, other: FloatArray) -> float:
    """Return the Mahalanobis distance between the level shares of two groups, given their counts per level.

    Source: Yang and Dalton, SAS Global Forum 2012; for two levels it is |p1 - p2| / sqrt of the mean p(1 - p).

    >>> round(difference_of_shares(np.array([8.0, 2.0]), np.array([5.0, 5.0])), 3)
    0.663
    """
    used = (one + other) > 0
    first, second = one[used], other[used]
    if first.sum() == 0 or second.sum() == 0:
        return math.nan
    first, second = first / first.sum(), second / second.sum()
    if first.size < 2 or np.array_equal(first, second):
        return 0.0
    spread = (_covariance(first) + _covariance(second)) / 2
    gap = (first - second)[1:]
    if np.linalg.matrix_rank(spread) < gap.size:
        return math.nan
    return math.sqrt(float(gap @ np.linalg.solve(spread, gap)))


def _covariance(shares: FloatArray) -> FloatArray:
    rest = shares[1:]
    return np.asarray(np.diag(rest) - np.outer(rest, rest))
