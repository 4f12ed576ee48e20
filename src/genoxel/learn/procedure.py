"""One procedure: impute, scale, drop redundant columns, select, model; all of it learned from the rows given to fit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from genoxel.core.errors import OutcomeError, TableError
from genoxel.core.image import FloatArray
from genoxel.learn.kernels import auc_columns, redundancy_walk
from genoxel.learn.making import Made, Making
from genoxel.learn.models import Fitted, model_named
from genoxel.learn.splits import IntArray, members, stratified_folds

CLIP = 5.0
"""Standardised values are cut at this many standard deviations, so that one extreme patient cannot rule a model."""


@dataclass(frozen=True, eq=False)
class Preparation:
    """What was learned about the columns from training rows: medians, centres, scales, columns kept, components."""

    median: FloatArray
    centre: FloatArray
    scale: FloatArray
    kept: IntArray
    axes: FloatArray | None = None

    def apply(self, X: FloatArray) -> FloatArray:
        """Return the prepared columns (k, n), columns as rows."""
        part = X[:, self.kept]
        part = np.where(np.isnan(part), self.median[self.kept], part)
        part = (part - self.centre[self.kept]) / self.scale[self.kept]
        part = np.clip(part, -CLIP, CLIP)
        if self.axes is not None:
            part = part @ self.axes
        return np.ascontiguousarray(part.T)


class Procedure(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A whole procedure as one scikit-learn classifier of two classes: nothing can be learned outside `fit`.

    In order: median imputation; standardisation (constant columns dropped, values cut at 5 SD); of columns correlated
    above `correlation` the one more strongly related to the class is kept; the `columns` strongest are selected (or
    `pca` components made); a model is fitted. How many columns and how strong a penalty is decided by the mean
    within-fold AUC of an `inner` cross-validation of all these steps. The first `always` columns are never dropped.
    `making` says how some columns are learned from raw numbers, which is done before all else.

    >>> X = np.random.default_rng(0).normal(size=(40, 5)); y = (X[:, 1] > 0).astype(float)
    >>> Procedure(seed=1).fit(X, y).selected_[0]
    np.int64(1)
    """

    def __init__(
        self,
        model: str = "elastic_net",
        correlation: float | None = 0.90,
        columns: tuple[int, ...] = (128,),
        pca: int | None = None,
        inner: int = 5,
        always: int = 0,
        seed: int = 0,
        making: Making | None = None,
    ) -> None:
        self.model = model
        self.correlation = correlation
        self.columns = columns
        self.pca = pca
        self.inner = inner
        self.always = always
        self.seed = seed
        self.making = making

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        groups: npt.ArrayLike | None = None,
        copies: npt.NDArray[np.bool_] | None = None,
    ) -> Procedure:
        """Learn every step from `X` (n, p; NaN is missing) and two-class `y` (n,).

        `groups` (n,) says which rows belong to one patient; they stay together in the inner folds.
        `copies` (n,) marks augmented copies, which are never among the held-out rows of an inner fold. Raises
        `OutcomeError` unless `y` has two classes, `TableError` when X and y do not fit.
        """
        values, target = self._checked(X, y)
        owner = self._owners(groups, len(values))
        candidates = list(product(self._counts(), range(model_named(self.model).penalties)))
        best = self._tuned(values, target, (owner, copies), candidates) if len(candidates) > 1 else 0
        count, place = candidates[best]
        self.made_ = self._made(values)
        values = self.made_(values)
        self.preparation_ = self._prepared(values, target, count)
        self.selected_ = self.preparation_.kept
        self.columns_ = count
        self.penalty_ = place
        self.base_ = float(target.mean())
        self.fitted_ = self._model(self.preparation_.apply(values), target, place)
        return self

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """Return the score (n,) of each row: log odds for the logistic models, a probability for the forests."""
        check_is_fitted(self, "fitted_")
        XT = self.preparation_.apply(self.made_(_matrix(X)))
        if self.fitted_ is None:
            return np.full(XT.shape[1], self.base_)
        return self.fitted_.scores(XT)[:, 0]

    def predict_proba(self, X: npt.ArrayLike) -> FloatArray:
        """Return probabilities (n, 2) of the first and second class."""
        score = self.decision_function(X)
        linear = self.fitted_ is not None and self.fitted_.log_odds
        risk = 1.0 / (1.0 + np.exp(-score)) if linear else score
        return np.column_stack([1.0 - risk, risk])

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the class (n,): the second where its probability exceeds its share in the training rows."""
        return np.asarray(self.classes_[(self.predict_proba(X)[:, 1] > self.base_).astype(int)])

    def _checked(self, X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        values = _matrix(X)
        self.classes_ = np.unique(np.asarray(y))
        if self.classes_.size != 2:
            raise OutcomeError(f"{self.classes_.size} classes to learn", "two classes", "choose a target that varies")
        target = (np.asarray(y) == self.classes_[1]).astype(np.float64)
        if target.shape != (len(values),):
            raise TableError(f"{target.size} labels for {len(values)} rows", "one label per row", "align them first")
        self.n_features_in_ = values.shape[1]
        return values, target

    def _owners(self, groups: npt.ArrayLike | None, n: int) -> IntArray:
        if groups is None:
            return np.arange(n, dtype=np.intp)
        return np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.intp)

    def _counts(self) -> tuple[int, ...]:
        if self.pca is not None:
            return (self.pca,)
        width = self.n_features_in_ if self.making is None else self.making.width
        reachable = sorted({min(count + self.always, width) for count in self.columns})
        return tuple(reachable) if model_named(self.model).selects else (width,)

    def _made(self, X: FloatArray) -> Made:
        return _as_it_is if self.making is None else self.making.fit(X)

    def _prepared(self, X: FloatArray, y: FloatArray, count: int) -> Preparation:
        median, centre, scale, XT = _standardised(X)
        if self.pca is not None:
            return _components(median, centre, scale, XT, min(count, len(y) - 1))
        strength = np.abs(XT @ (y - y.mean()))
        order = np.argsort(-strength[self.always :], kind="stable") + self.always
        order = np.concatenate([np.arange(self.always), order])
        limit = 2.0 if self.correlation is None else self.correlation
        kept = redundancy_walk(XT, order, limit, count, self.always)
        return Preparation(median, centre, scale, kept)

    def _model(self, XT: FloatArray, y: FloatArray, place: int | None) -> Fitted | None:
        return model_named(self.model).fit(XT, y, self.seed, place) if len(XT) else None

    def _tuned(
        self,
        X: FloatArray,
        y: FloatArray,
        rows: tuple[IntArray, npt.NDArray[np.bool_] | None],
        candidates: list[tuple[int, int]],
    ) -> int:
        owner, copies = rows
        folds = self._inner_folds(y, owner)
        if folds is None:
            return len(candidates) // 2
        counts = self._counts()
        total = np.zeros(len(candidates))
        for fold in range(int(folds.max()) + 1):
            test, train = members(owner, folds == fold, copies), members(owner, folds != fold)
            made = self._made(X[train])(X)
            widest = self._prepared(made[train], y[train], max(counts))
            scores = [self._scored(widest, count, made, y, (train, test)) for count in counts]
            values = auc_columns(y[test], np.hstack(scores))
            total += np.where(np.isnan(values), 0.5, values)
        return int(np.argmax(np.round(total, 9)))

    def _scored(
        self, widest: Preparation, count: int, X: FloatArray, y: FloatArray, rows: tuple[IntArray, IntArray]
    ) -> FloatArray:
        train, test = rows
        narrow = widest if self.pca is not None else _first(widest, count)
        fitted = self._model(narrow.apply(X[train]), y[train], None)
        if fitted is None:
            return np.zeros((test.size, model_named(self.model).penalties))
        return fitted.scores(narrow.apply(X[test]))

    def _inner_folds(self, y: FloatArray, owner: IntArray) -> IntArray | None:
        label = np.zeros(int(owner.max()) + 1)
        label[owner] = y
        smaller = int(min(label.sum(), label.size - label.sum()))
        if smaller < 2:
            return None
        return stratified_folds(label, min(self.inner, smaller), np.random.default_rng(self.seed))


def _as_it_is(X: FloatArray) -> FloatArray:
    return X


def _matrix(X: npt.ArrayLike) -> FloatArray:
    values = np.asarray(X, dtype=np.float64)
    if values.ndim != 2:
        raise TableError(f"values of shape {values.shape}", "rows x columns", "pass a 2D array")
    return values


def _standardised(X: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return (median, centre, scale, standardised columns (p, n)); constant and empty columns become zeros."""
    missing = np.isnan(X)
    if missing.any():
        empty = missing.all(axis=0)
        median = np.nanmedian(np.where(empty, 0.0, X), axis=0)
        X = np.where(missing, median, X)
    else:
        median = np.zeros(X.shape[1])
    centre, spread = X.mean(axis=0), X.std(axis=0)
    flat = spread <= 1e-10 * np.maximum(np.abs(centre), 1e-300)
    scale = np.where(flat, 1.0, spread)
    XT = np.ascontiguousarray(np.clip((X - centre) / scale, -CLIP, CLIP).T)
    XT[flat] = 0.0
    return median, centre, scale, XT


def _first(widest: Preparation, count: int) -> Preparation:
    return Preparation(widest.median, widest.centre, widest.scale, widest.kept[:count])


def _components(median: FloatArray, centre: FloatArray, scale: FloatArray, XT: FloatArray, count: int) -> Preparation:
    kept = np.flatnonzero(np.any(XT != 0.0, axis=1)).astype(np.intp)
    if kept.size == 0:
        return Preparation(median, centre, scale, kept)
    _, sizes, axes = np.linalg.svd(XT[kept].T, full_matrices=False)
    count = min(count, int(np.sum(sizes > 1e-9 * sizes.max())))
    signs = np.where(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)] < 0, -1.0, 1.0)
    spread = sizes[:count] / np.sqrt(XT.shape[1])
    return Preparation(median, centre, scale, kept, (axes * signs[:, None])[:count].T / spread)
