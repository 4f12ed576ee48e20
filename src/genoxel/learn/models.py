"""The models a procedure can end in, by name; each learns from prepared columns and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from genoxel.core.errors import SettingsError, nearest
from genoxel.core.extras import require
from genoxel.core.image import FloatArray
from genoxel.learn.kernels import logistic_path

TOLERANCE = 1e-7
"""Largest weighted squared change of a coefficient at which the descent ends."""

ELASTIC_NET_RATIO = 0.2
"""Share of the lasso in the penalty; low, since many correlated image features predict better together than alone."""

ELASTIC_NET_PATH = (0.5, 0.25, 0.1, 0.04)
"""Penalties tried, as shares of the smallest one that leaves no column in; below 1, so that no model is empty."""

RIDGE_PATH = (1.0, 0.1, 0.01)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model: `scores(XT)` gives one column of scores per penalty (n, penalties)."""

    scores: Callable[[FloatArray], FloatArray]
    log_odds: bool
    coefficients: FloatArray | None = None


@dataclass(frozen=True)
class Model:
    """A model by name: how many penalties it is tuned over, whether columns are selected first, how it is fitted.

    `fit(XT, y, seed, place)` fits one penalty of the path, or all of them when `place` is None.
    """

    name: str
    penalties: int
    selects: bool
    fit: Callable[[FloatArray, FloatArray, int, int | None], Fitted]


def _linear(coefficients: FloatArray) -> Fitted:
    def scores(XT: FloatArray) -> FloatArray:
        return np.asarray(XT.T @ coefficients[:, :-1].T + coefficients[:, -1])

    return Fitted(scores, True, coefficients)


def _elastic_net(XT: FloatArray, y: FloatArray, seed: int, place: int | None) -> Fitted:
    largest = np.abs(XT @ (y - y.mean())).max() / (y.size * ELASTIC_NET_RATIO)
    shares = ELASTIC_NET_PATH if place is None else ELASTIC_NET_PATH[: place + 1]
    coefficients = logistic_path(XT, y, largest * np.array(shares), ELASTIC_NET_RATIO, TOLERANCE)
    return _linear(coefficients if place is None else coefficients[-1:])


def _ridge(XT: FloatArray, y: FloatArray, seed: int, place: int | None) -> Fitted:
    shares = np.array(RIDGE_PATH if place is None else RIDGE_PATH[: place + 1])
    if len(XT) <= y.size:
        coefficients = logistic_path(XT, y, shares, 0.0, TOLERANCE)
    else:  # the penalty does not see rotations, so the fit is made in the space of the rows and turned back
        axes, sizes, turned = np.linalg.svd(XT, full_matrices=False)
        inner = logistic_path(np.ascontiguousarray(sizes[:, None] * turned), y, shares, 0.0, TOLERANCE)
        coefficients = np.hstack([inner[:, :-1] @ axes.T, inner[:, -1:]])
    return _linear(coefficients if place is None else coefficients[-1:])


def _trees(classifier: Any, XT: FloatArray, y: FloatArray) -> Fitted:
    classifier.fit(XT.T, y)

    def scores(XT: FloatArray) -> FloatArray:
        return np.asarray(classifier.predict_proba(XT.T)[:, 1:])

    return Fitted(scores, False)


def _random_forest(XT: FloatArray, y: FloatArray, seed: int, place: int | None) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier

    return _trees(RandomForestClassifier(200, min_samples_leaf=2, random_state=seed, n_jobs=1), XT, y)


def _lightgbm(XT: FloatArray, y: FloatArray, seed: int, place: int | None) -> Fitted:
    lightgbm = require("lightgbm", "ml")
    settings = {"n_estimators": 100, "learning_rate": 0.05, "num_leaves": 7, "min_child_samples": 5}
    fixed = {"random_state": seed, "n_jobs": 1, "deterministic": True, "force_row_wise": True, "verbose": -1}
    return _trees(lightgbm.LGBMClassifier(**settings, **fixed), XT, y)


MODELS = {
    model.name: model
    for model in (
        Model("elastic_net", len(ELASTIC_NET_PATH), True, _elastic_net),
        Model("ridge", len(RIDGE_PATH), True, _ridge),
        Model("random_forest", 1, False, _random_forest),
        Model("lightgbm", 1, False, _lightgbm),
    )
}


def model_named(name: str) -> Model:
    """Return the model called `name`; `SettingsError` names the nearest.

    >>> model_named("ridge").penalties
    3
    """
    if name not in MODELS:
        raise SettingsError(f"model {name!r}", ", ".join(MODELS), nearest(name, MODELS) or "choose one of these")
    return MODELS[name]
