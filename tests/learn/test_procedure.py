from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold, cross_val_score

from genoxel.core.errors import MissingExtraError, OutcomeError, SettingsError, TableError
from genoxel.learn.procedure import Procedure
from genoxel.learn.selfcheck import World


def _cohort(n: int = 60, p: int = 60, shift: float = 1.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return World(n, p, shift).draw(np.random.default_rng(seed))


@pytest.mark.parametrize("model", ["elastic_net", "ridge", "random_forest", "lightgbm"])
def test_every_model_by_name_learns_a_strong_signal(model: str) -> None:
    X, y = _cohort()
    new, truth = World(200, 60, 1.5).draw(np.random.default_rng(1))
    fitted = Procedure(model, seed=3).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        risk = fitted.predict_proba(new)
    assert np.mean(fitted.predict(new) == truth) > 0.8
    np.testing.assert_allclose(risk.sum(axis=1), 1.0)
    assert ((risk >= 0) & (risk <= 1)).all()


def test_it_is_a_scikit_learn_classifier() -> None:
    X, y = _cohort()
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    assert cross_val_score(clone(Procedure(seed=1)), X, y, cv=folds, scoring="roc_auc").mean() > 0.85
    labelled = Procedure(seed=1).fit(X, np.where(y > 0, "yes", "no"))
    assert set(labelled.predict(X)) == {"yes", "no"}
    np.testing.assert_array_equal(labelled.predict(X) == "yes", Procedure(seed=1).fit(X, y).predict(X) == 1)


def test_same_seed_same_model_and_row_scores_do_not_depend_on_company() -> None:
    X, y = _cohort()
    one, two = Procedure(seed=5).fit(X, y), Procedure(seed=5).fit(X, y)
    np.testing.assert_array_equal(one.decision_function(X), two.decision_function(X))
    np.testing.assert_allclose(one.decision_function(X[:3]), one.decision_function(X)[:3], rtol=1e-12)


def test_scale_and_shift_of_a_column_change_nothing() -> None:
    X, y = _cohort()
    rng = np.random.default_rng(0)
    moved = X * rng.uniform(0.01, 100, X.shape[1]) + rng.normal(0, 10, X.shape[1])
    np.testing.assert_allclose(
        Procedure(seed=1).fit(X, y).decision_function(X), Procedure(seed=1).fit(moved, y).decision_function(moved),
        rtol=1e-6, atol=1e-7,
    )  # fmt: skip


def test_missing_constant_and_empty_columns_are_survived() -> None:
    X, y = _cohort()
    X[:, 3] = 7.0
    X[:, 4] = np.nan
    X[::5, 0] = np.nan
    fitted = Procedure(seed=1).fit(X, y)
    assert not {3, 4} & set(fitted.selected_.tolist())
    assert np.isfinite(fitted.decision_function(X)).all()
    assert np.isfinite(fitted.decision_function(np.full((1, X.shape[1]), np.nan))).all()


def test_nothing_to_learn_from_gives_the_share_of_positives() -> None:
    y = np.array([0.0, 1.0] * 10 + [1.0] * 4)
    for kind in (Procedure(), Procedure(pca=2), Procedure("random_forest")):
        fitted = kind.fit(np.ones((24, 3)), y)
        np.testing.assert_allclose(fitted.predict_proba(np.ones((2, 3)))[:, 1], y.mean())


def test_spared_columns_are_always_kept() -> None:
    X, y = _cohort()
    noise = np.random.default_rng(3).normal(size=(len(y), 2))
    fitted = Procedure(columns=(4,), always=2, seed=1).fit(np.hstack([noise, X]), y)
    assert {0, 1} <= set(fitted.selected_.tolist())
    assert len(fitted.selected_) == 6


def test_components_equal_scikit_learn() -> None:
    X, y = _cohort(shift=0.3)
    X = np.clip((X - X.mean(axis=0)) / X.std(axis=0), -5, 5)
    fitted = Procedure(pca=5).fit(X, y)
    peer = PCA(5, whiten=True).fit_transform((X - X.mean(axis=0)) / X.std(axis=0))
    found = fitted.preparation_.apply(X).T
    correlation = np.abs([np.corrcoef(found[:, place], peer[:, place])[0, 1] for place in range(5)])
    np.testing.assert_allclose(correlation, 1.0, atol=1e-6)


def test_components_learned_in_the_fold_do_not_leak() -> None:
    aucs = []
    for seed in range(12):
        X, y = World(60, 200).draw(np.random.default_rng(seed))
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        aucs.append(cross_val_score(Procedure(pca=5, seed=seed), X, y, cv=folds, scoring="roc_auc").mean())
    assert abs(np.mean(aucs) - 0.5) < 0.08


def test_counts_are_tuned_inside() -> None:
    X, y = _cohort(shift=2.0)
    fitted = Procedure(columns=(2, 20), seed=1).fit(X, y)
    assert fitted.columns_ in (2, 20)
    assert len(fitted.selected_) <= fitted.columns_


def test_rows_of_a_patient_stay_together_in_the_inner_folds() -> None:
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(30, 10)), 3, axis=0)
    y = np.repeat((rng.random(30) < 0.5).astype(float), 3)
    procedure = Procedure(seed=1)
    owner = np.repeat(np.arange(30), 3)
    folds = procedure._inner_folds(y, owner)
    assert folds is not None
    assert folds.shape == (30,)
    assert procedure.fit(X, y, groups=np.repeat([f"P{i}" for i in range(30)], 3)).columns_ == 10


def test_too_few_of_a_class_for_tuning_still_fits() -> None:
    X, y = _cohort(20, 30)
    y[:] = 0
    y[0] = 1
    assert np.isfinite(Procedure().fit(X, y).decision_function(X)).all()


@pytest.mark.parametrize(
    ("X", "y", "error"),
    [
        (np.ones((4, 2)), np.zeros(4), OutcomeError),
        (np.ones((4, 2)), np.array([0, 1, 2, 1]), OutcomeError),
        (np.ones((4, 2)), np.array([0, 1, 1]), TableError),
        (np.ones(4), np.array([0, 1, 1, 0]), TableError),
    ],
)
def test_what_cannot_be_learned_is_refused(X: np.ndarray, y: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        Procedure().fit(X, y)


def test_unknown_model_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="random_forest"):
        Procedure("random_forrest").fit(*_cohort())


def test_lightgbm_missing_says_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtraError, match="genoxel\\[ml\\]"):
        Procedure("lightgbm").fit(*_cohort())
