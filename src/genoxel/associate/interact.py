"""Does a link differ between the levels of a column? The product term of a regression, beside both main effects.

Numbers are compared by linear regression of the image feature (on ranks where the screen is by ranks, else on values,
both sides standardised), two classes of the image side by logistic, times by Cox regression. Two levels: the term is
the difference of slopes, with its interval; more levels are tested jointly (F, or chi-squared by Wald).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, fdtrc, stdtrit

from genoxel.associate.covariates import covariates_of
from genoxel.associate.numbers import FEWEST, FEWEST_IN_GROUP
from genoxel.associate.survival import FEWEST_EVENTS
from genoxel.core.table import Column, Table
from genoxel.stats.cox import hazard_fit
from genoxel.stats.logistic import logistic_fit
from genoxel.stats.partial import COLLINEAR, basis, residuals
from genoxel.stats.ranks import FloatArray, ranks

_WALD = 1.959963984540054


class Term(NamedTuple):
    """The difference of slopes between two levels with its interval (NaN for more levels), p, and patients."""

    term: float
    low: float
    high: float
    p: float
    n: int


NOTHING = Term(float("nan"), float("nan"), float("nan"), float("nan"), 0)


class Sides(NamedTuple):
    """One pair with what stands beside it: values (n,), the levels (n,), covariates (n, k), and the event of a time."""

    x: FloatArray
    y: FloatArray
    by: FloatArray
    z: FloatArray
    event: FloatArray | None = None

    def kept(self) -> Sides:
        """Return the patients of whom everything is known."""
        parts = [self.x, self.y, self.by, *self.z.T, *([] if self.event is None else [self.event])]
        keep = ~np.isnan(np.column_stack(parts)).any(axis=1)
        event = None if self.event is None else self.event[keep]
        return Sides(self.x[keep], self.y[keep], self.by[keep], self.z[keep], event)


def interactions(
    tables: tuple[Table, Table, Table | None], by: FloatArray, ranked: bool = True
) -> Mapping[str, npt.NDArray[np.float64]]:
    """Return term, low, high, p and n of every pair (pairs,) of two tables (and covariates) by `by` (n,).

    All tables hold the same patients row by row; times of the other side have their event column ("NAME.event").
    NaN for pairs whose kinds have no such test, and where a level holds fewer than 3 patients or 10 are not known.
    """
    image, other, adjust = tables
    z = np.empty((len(by), 0)) if adjust is None else covariates_of(adjust, ranked)
    columns = [column for column in other.columns if not _is_event(column, other)]
    found = []
    for x, left in zip(image.columns, image.values.T, strict=True):
        for y in columns:
            event = other[f"{y.name}.event"] if y.kind == "time" and f"{y.name}.event" in other else None
            found.append(_pair((x, y), Sides(left, other[y.name], by, z, event), ranked))
    return {name: np.array([getattr(term, name) for term in found], dtype=np.float64) for name in Term._fields}


def _is_event(column: Column, table: Table) -> bool:
    name = column.name.removesuffix(".event")
    return name != column.name and name in table and table.column(name).kind == "time"


def _pair(columns: tuple[Column, Column], sides: Sides, ranked: bool) -> Term:
    some = sides.kept()
    kinds = tuple("class" if column.kind in ("binary", "categorical") else column.kind for column in columns)
    two = all(kind != "class" or len(np.unique(values)) <= 2 for kind, values in zip(kinds, some[:2], strict=True))
    counts = np.unique(some.by, return_counts=True)[1]
    if len(some.x) < FEWEST or len(counts) < 2 or counts.min() < FEWEST_IN_GROUP or not two or kinds[0] == "time":
        return NOTHING
    if kinds[1] == "time":
        return _cox(some) if some.event is not None else NOTHING
    if kinds[0] == "class":
        return _logistic(some)
    return _linear(some, ranked, kinds[1] == "class")


def _products(sides: Sides, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the product columns (n, levels - 1) and what stands beside them: y, dummies of the levels, covariates."""
    levels = np.unique(sides.by)[1:]
    dummies = (sides.by[:, None] == levels).astype(np.float64)
    return dummies * y[:, None], np.column_stack([y, dummies, sides.z])


def _standard(values: FloatArray) -> FloatArray:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / spread if spread > 0 else values * 0.0)


def _linear(sides: Sides, ranked: bool, group: bool) -> Term:
    x = _standard(ranks(sides.x) if ranked else sides.x)
    y = sides.y - sides.y.min() if group else _standard(ranks(sides.y) if ranked else sides.y)
    products, beside = _products(sides, y)
    q = basis(beside)
    terms = residuals(products, q)
    open_terms = (terms**2).sum(axis=0) > COLLINEAR * np.maximum((products**2).sum(axis=0), COLLINEAR)
    u, s, _ = np.linalg.svd(terms, full_matrices=False)
    u = u[:, s > 1e-8]
    left = residuals(x[:, None], q)[:, 0]
    explained, k = float(((u.T @ left) ** 2).sum()), products.shape[1]
    free = len(x) - q.shape[1] - k
    error = float((left**2).sum()) - explained
    if not open_terms.all() or u.shape[1] < k or free < 1 or error <= COLLINEAR:
        return NOTHING
    p = float(fdtrc(k, free, explained / k / (error / free)))
    if k > 1:
        return Term(float("nan"), float("nan"), float("nan"), p, len(x))
    slope = float(terms[:, 0] @ left / (terms[:, 0] @ terms[:, 0]))
    half = float(stdtrit(free, 0.975)) * np.sqrt(error / free / (terms[:, 0] @ terms[:, 0]))
    return Term(slope, slope - half, slope + half, p, len(x))


def _logistic(sides: Sides) -> Term:
    """Return the ratio of log odds of the image class per standard deviation (or class) of the other side."""
    if len(np.unique(sides.x)) < 2:
        return NOTHING
    values = np.unique(sides.y)
    y = (sides.y == values[-1]).astype(np.float64) if len(values) == 2 else _standard(sides.y)
    products, beside = _products(sides, y)
    fit = logistic_fit((sides.x == sides.x.max()).astype(np.float64), products, beside)
    return (
        NOTHING
        if fit is None
        else _wald(fit.beta, np.asarray(np.linalg.inv(fit.information)), products.shape[1], len(y))
    )


def _cox(sides: Sides) -> Term:
    """Return the difference of log hazard ratios per standard deviation (or class) of the image side."""
    values = np.unique(sides.x)
    y = (sides.x == values[-1]).astype(np.float64) if len(values) == 2 else _standard(sides.x)
    products, beside = _products(sides, y)
    assert sides.event is not None  # noqa: S101
    if sides.event.sum() < FEWEST_EVENTS + products.shape[1] + beside.shape[1] - 1:
        return NOTHING
    fit = hazard_fit(sides.y, sides.event, np.column_stack([products, basis(beside)[:, 1:]]))
    return NOTHING if fit is None else _wald(*fit, products.shape[1], len(y))


def _wald(beta: FloatArray, covariance: FloatArray, k: int, n: int) -> Term:
    some, part = beta[:k], covariance[:k, :k]
    p = float(chdtrc(k, some @ np.linalg.solve(part, some)))
    if k > 1:
        return Term(float("nan"), float("nan"), float("nan"), p, n)
    half = _WALD * float(np.sqrt(part[0, 0]))
    return Term(float(some[0]), float(some[0]) - half, float(some[0]) + half, p, n)
