"""Can the image tell how active a pathway is? Each score is predicted by a ridge regression, held-out patients judge.

Everything is learned within training folds: scaling, filling of missing values, and the penalty, which is tuned by
leave-one-out inside the fold. Null worlds move the patients of the scores and learn everything again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genoxel.associate.given import Given, as_table, folds_of
from genoxel.core.errors import InputError, TableError
from genoxel.core.image import frozen
from genoxel.core.table import Table
from genoxel.stats.intervals import rho_interval
from genoxel.stats.multiple import benjamini_hochberg
from genoxel.stats.permute import permutation_p
from genoxel.stats.permute import permutations as orders
from genoxel.stats.ranks import FloatArray, IndexArray, ranks

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 30
PENALTIES = 10.0 ** np.arange(-2, 3.5, 0.5)
"""Penalties that are tried, in units of the mean squared singular value of the training features."""


_AT_ONCE = 20_000


@dataclass(frozen=True, eq=False)
class Activity:
    """How well the image predicts each score on patients not learned from.

    `rows`: target, n, rho (held-out Spearman), low, high (its 95 % interval, folds taken as fixed), auc (held-out, of
    a score above the median of its training fold), p (share of worlds without link with a rho as high), q
    (Benjamini-Hochberg over all scores), null_high (95 % of these worlds).
    """

    rows: Mapping[str, npt.NDArray[Any]]
    n: int
    features: int
    permutations: int
    q: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", frozen(self.rows))

    @property
    def passing(self) -> int:
        """How many scores pass the false discovery rate."""
        return int((np.asarray(self.rows["q"]) <= self.q).sum())

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per score."""
        import pandas as pd

        return pd.DataFrame(dict(self.rows))

    def __repr__(self) -> str:
        return f"Activity: {self.passing} of {len(self.rows['q'])} scores predicted at q <= {self.q:g}, n = {self.n}"


def predict_activity(
    image: Given, scores: Given, folds: int = 5, permutations: int = 199, seed: int = 0, q: float = 0.05
) -> Activity:
    """Return how well the features of `image` predict each column of `scores` (gene set scores, for example).

    Raises `InputError` for fewer than 30 patients in both tables, `TableError` when no score is complete and varies.

    >>> from genoxel.core.table import Column
    >>> rng = np.random.default_rng(0)
    >>> people, x = [f"P{i:02d}" for i in range(60)], rng.normal(size=(60, 5))
    >>> y = np.c_[x[:, 0] + 0.5 * rng.normal(size=60), rng.normal(size=60)]
    >>> columns = tuple(Column(f"f{i}") for i in range(5))
    >>> found = predict_activity(Table(x, people, columns), Table(y, people, (Column("hypoxia"), Column("none"))))
    >>> (found.rows["q"] <= 0.05).tolist()
    [True, False]
    """
    left, right = (as_table(one, kind).per_patient("only") for one, kind in ((image, "features"), (scores, "scores")))
    shared = sorted(set(left.patients) & set(right.patients))
    if len(shared) < FEWEST:
        raise InputError(f"{len(shared)} patients with image and scores", f"at least {FEWEST}", "pool sites")
    x, y = _numbers(left.of_patients(shared)), right.of_patients(shared)
    complete = ~np.isnan(y.values).any(axis=0)
    good = complete & (np.ptp(np.where(complete, y.values, 0.0), axis=0) > 0)
    if not good.any():
        raise TableError(f"no complete score that varies in the {right.kind} table", "one", "choose other scores")
    names = [name for name, keep in zip(y.names, good, strict=True) if keep]
    values = y.values[:, good]
    parts = folds_of(len(shared), folds, [seed, 0x616374])
    worlds = [np.arange(len(shared)), *orders(len(shared), permutations, seed)]
    step = max(1, _AT_ONCE // len(worlds))
    blocks = [_held_out(x, values[:, at : at + step], worlds, parts) for at in range(0, values.shape[1], step)]
    rho, auc = (np.hstack([block[which] for block in blocks]) for which in (0, 1))
    null = rho[1:]
    low, high = rho_interval(rho[0], len(shared))
    p = np.array([float(permutation_p(one, null[:, place])) for place, one in enumerate(rho[0])])
    rows = {
        "target": np.array(names, dtype=object),
        "n": np.full(len(names), len(shared)),
        "rho": rho[0],
        "low": low,
        "high": high,
        "auc": auc[0],
        "p": p,
        "q": benjamini_hochberg(p),
        "null_high": np.quantile(null, 0.95, axis=0) if len(null) else np.full(len(names), np.nan),
    }
    return Activity(rows, len(shared), x.shape[1], permutations, q)


def _numbers(table: Table) -> FloatArray:
    known = ~np.isnan(table.values)
    spread = np.fmax.reduce(table.values, axis=0) > np.fmin.reduce(table.values, axis=0)
    kinds = np.array([column.kind in ("real", "count", "ordinal", "binary") for column in table.columns])
    good = kinds & spread & (known.mean(axis=0) >= 0.5)
    if not good.any():
        raise TableError(f"no usable number in the {table.kind} table", "columns that vary", "choose other columns")
    return np.asarray(table.values[:, good])


def _held_out(
    x: FloatArray, y: FloatArray, worlds: list[IndexArray], parts: list[IndexArray]
) -> tuple[FloatArray, FloatArray]:
    """Return held-out rho and AUC, shape (worlds, scores)."""
    moved = y[np.array(worlds)].transpose(1, 0, 2).reshape(len(y), -1)
    guess, high = np.empty_like(moved), np.empty(moved.shape, dtype=np.bool_)
    for part in parts:
        train = np.setdiff1d(np.arange(len(y)), part)
        guess[part] = _ridge(x[train], moved[train], x[part])
        high[part] = moved[part] > np.median(moved[train], axis=0)
    a, b = ranks(guess), ranks(moved)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    rho = (a * b).sum(axis=0) / np.sqrt(np.maximum((a**2).sum(axis=0) * (b**2).sum(axis=0), 1e-300))
    ones = np.maximum(high.sum(axis=0), 1)
    rank_sum = (np.where(high, ranks(guess), 0.0)).sum(axis=0)
    auc = (rank_sum - ones * (ones + 1) / 2) / (ones * np.maximum(len(y) - ones, 1))
    shape = (len(worlds), y.shape[1])
    return rho.reshape(shape), auc.reshape(shape)


def _ridge(x: FloatArray, y: FloatArray, new: FloatArray) -> FloatArray:
    """Return predictions for `new`, without intercept; the penalty of each column of `y` has the least error left out.

    Without the intercept the folds share one origin, so that its noise does not count against the prediction.
    """
    mean, spread = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    scaled = np.nan_to_num((x - mean) / np.where(spread > 1e-12, spread, np.inf))
    u, s, vt = np.linalg.svd(scaled - scaled.mean(axis=0), full_matrices=False)
    kept = s > 1e-10 * s.max(initial=0.0)
    u, s, vt = u[:, kept], s[kept], vt[kept]
    inside = np.nan_to_num((new - mean) / np.where(spread > 1e-12, spread, np.inf)) - scaled.mean(axis=0)
    centred = y - y.mean(axis=0)
    along, onto = u.T @ centred, inside @ vt.T / s
    errors, guesses = [], []
    for penalty in PENALTIES * float((s**2).mean()):
        shrink = s**2 / (s**2 + penalty)
        leverage = 1 / len(y) + (u**2 * shrink).sum(axis=1)
        rest = (centred - u @ (shrink[:, None] * along)) / np.maximum(1 - leverage, 1e-6)[:, None]
        errors.append((rest**2).sum(axis=0))
        guesses.append(onto @ (shrink[:, None] * along))
    best = np.argmin(errors, axis=0)
    return np.asarray(np.array(guesses)[best, :, np.arange(y.shape[1])].T)
