"""Taking covariates out: orthonormal bases, residuals, partial rank correlation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError
from genoxel.stats.pvalues import correlation_p
from genoxel.stats.ranks import FloatArray, ranks

COLLINEAR = 1e-9
"""A column of which covariates leave a smaller share than this is explained by them."""


class Partial(NamedTuple):
    """Partial correlation, its p, and the degrees of freedom (n - 2 - independent covariates)."""

    r: float
    p: float
    df: int


def basis(covariates: npt.ArrayLike, n: int | None = None) -> FloatArray:
    """Return an orthonormal basis (n, 1 + rank) of the intercept and the columns of `covariates` (n, k).

    Redundant columns (a second dummy of a binary, a copy) add nothing. Give `n` where there are no covariates.

    >>> basis([[1.0, 2.0], [2.0, 4.0], [4.0, 8.0]]).shape
    (3, 2)
    """
    z = np.asarray(covariates, dtype=np.float64)
    z = np.empty((len(z) if n is None else n, 0)) if not z.size else z.reshape(len(z), -1)
    if np.isnan(z).any():
        raise InputError("missing covariates", "known covariates", "leave those rows out, and say how many")
    intercept = np.full((len(z), 1), 1 / np.sqrt(max(len(z), 1)))
    centred = z - z.mean(axis=0, keepdims=True) if z.size else z
    scale = np.sqrt((centred**2).sum(axis=0))
    centred = centred[:, scale > 1e-12 * (1 + np.abs(z).max(initial=0.0))]
    if not centred.shape[1]:
        return intercept
    u, s, _ = np.linalg.svd(centred / np.sqrt((centred**2).sum(axis=0)), full_matrices=False)
    return np.hstack([intercept, u[:, s > 1e-8 * s[0]]])


def residuals(values: FloatArray, orthonormal: FloatArray) -> FloatArray:
    """Return what `values` (n, p) hold beyond the span of `orthonormal` (n, k)."""
    return values - orthonormal @ (orthonormal.T @ values)


def partial_rank_correlation(x: npt.ArrayLike, y: npt.ArrayLike, covariates: npt.ArrayLike) -> Partial:
    """Return the Spearman correlation of `x` and `y` (n,) after the ranks of `covariates` (n, k) are taken out.

    All ranks are regressed on the ranked covariates; the residuals are correlated; p by the t distribution.
    NaN where the covariates explain x or y wholly. Raises `InputError` for missing values.

    >>> z = np.arange(8.0)
    >>> partial_rank_correlation(z + [0, 2, 0, 2, 0, 2, 0, 2], z - [0, 2, 0, 2, 0, 2, 0, 2], z).df
    5
    """
    pair = np.column_stack([np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)])
    if np.isnan(pair).any():
        raise InputError("missing values", "known values", "leave those rows out, and say how many")
    z = np.asarray(covariates, dtype=np.float64).reshape(len(pair), -1)
    ranked = ranks(pair)
    q = basis(ranks(z))
    left = residuals(ranked, q)
    total = ((ranked - ranked.mean(axis=0)) ** 2).sum(axis=0)
    squares = (left**2).sum(axis=0)
    df = len(pair) - q.shape[1] - 1
    if df < 1 or (squares <= COLLINEAR * total).any():
        return Partial(float("nan"), float("nan"), df)
    r = float(left[:, 0] @ left[:, 1] / np.sqrt(squares[0] * squares[1]))
    return Partial(r, float(correlation_p(r, df)), df)
