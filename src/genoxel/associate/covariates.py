"""What is adjusted for: as numbers to take out, and as strata within which patients are moved."""

from __future__ import annotations

import numpy as np

from genoxel.core.table import Table
from genoxel.stats.ranks import FloatArray, IndexArray, ranks

FEWEST_IN_STRATUM = 5
"""Strata are refined by a further covariate only as long as the typical patient shares his with four others."""


def covariates_of(table: Table, ranked: bool = True) -> FloatArray:
    """Return covariates (n, k) as numbers: ranks (or values), 0/1, or a dummy per level; NaN where any is unknown.

    What is tested by ranks is adjusted by ranks, what is tested by a linear, logistic or Cox model by the values.
    """
    parts = []
    for place, column in enumerate(table.columns):
        values = table.values[:, place]
        if column.kind != "categorical":
            parts.append((ranks(values) if ranked else _standardised(values))[:, None])
            continue
        levels = np.unique(values[~np.isnan(values)])
        dummies = (values[:, None] == levels[1:]).astype(np.float64)
        dummies[np.isnan(values)] = np.nan
        parts.append(dummies)
        if not dummies.shape[1] and np.isnan(values).any():
            parts.append(np.where(np.isnan(values), np.nan, 0.0)[:, None])
    z = np.hstack(parts)
    z[np.isnan(z).any(axis=1)] = np.nan
    return z


def _standardised(values: FloatArray) -> FloatArray:
    known = values[~np.isnan(values)]
    spread = float(known.std()) if known.size else 0.0
    return np.asarray((values - known.mean()) / spread if spread > 0 else values * 0.0)


def strata_of(table: Table | None) -> tuple[IndexArray | None, tuple[str, ...]]:
    """Return (the stratum of each patient, the covariates that make it): categories, in the order given.

    A covariate that would leave the typical patient with fewer than four others is not used; unknown is a level of
    its own. (None, ()) where there is none.
    """
    if table is None:
        return None, ()
    strata = np.zeros(len(table.rows), dtype=np.intp)
    held: list[str] = []
    for place, column in enumerate(table.columns):
        if column.kind not in ("categorical", "binary"):
            continue
        codes = np.unique(np.nan_to_num(table.values[:, place], nan=-1.0), return_inverse=True)[1]
        finer = np.unique(strata * (codes.max() + 1) + codes, return_inverse=True)[1]
        if np.median(np.bincount(finer)[finer]) >= FEWEST_IN_STRATUM:
            strata, held = finer, [*held, column.name]
    return (strata, tuple(held)) if held else (None, ())
