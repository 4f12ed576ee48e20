from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from genoxel.learn import kernels, models


def _data(n: int = 50, p: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = (X[:, 0] + rng.normal(size=n) > 0).astype(float)
    return np.ascontiguousarray(((X - X.mean(axis=0)) / X.std(axis=0)).T), y


@pytest.mark.parametrize("l1_ratio", [0.0, 0.2, 1.0])
def test_path_equals_scikit_learn(l1_ratio: float) -> None:
    XT, y = _data()
    penalties = np.array([0.15, 0.05, 0.02])
    found = kernels.logistic_path(XT, y, penalties, l1_ratio, 1e-13)
    for row, penalty in zip(found, penalties, strict=True):
        peer = LogisticRegression(
            solver="saga", l1_ratio=l1_ratio, C=1 / (len(y) * penalty), tol=1e-9, max_iter=100_000
        ).fit(XT.T, y)
        np.testing.assert_allclose(row[:-1], peer.coef_[0], atol=2e-5)
        np.testing.assert_allclose(row[-1], peer.intercept_[0], atol=2e-5)


def test_compiled_path_equals_its_python() -> None:
    XT, y = _data(20, 4)
    arguments = (XT, y, np.array([0.2, 0.05]), 0.5, 1e-10)
    np.testing.assert_allclose(kernels.logistic_path.py_func(*arguments), kernels.logistic_path(*arguments), atol=1e-9)


def test_ridge_in_row_space_equals_ridge_in_columns() -> None:
    XT, y = _data(30, 45)
    wide = models.model_named("ridge").fit(XT, y, 0, None).coefficients
    direct = kernels.logistic_path(XT, y, np.array(models.RIDGE_PATH), 0.0, 1e-13)
    assert wide is not None
    np.testing.assert_allclose(wide, direct, atol=2e-3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=4, max_size=30))
def test_auc_equals_scikit_learn(rows: list[tuple[bool, int]]) -> None:
    y = np.array([float(label) for label, _ in rows])
    score = np.array([float(value) for _, value in rows])
    if len(set(y.tolist())) < 2:
        assert np.isnan(kernels.auc(y, score))
        assert np.isnan(kernels.auc_columns.py_func(y, score[:, None])[0])
    else:
        assert kernels.auc(y, score) == pytest.approx(roc_auc_score(y, score))
        assert kernels.auc_columns.py_func(y, score[:, None])[0] == pytest.approx(roc_auc_score(y, score))


def test_walk_keeps_the_first_of_two_that_repeat_each_other() -> None:
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(4, 40))
    columns[1] = columns[0] * 2 + 0.01 * rng.normal(size=40)
    columns[3] = 0.0
    order = np.array([1, 0, 3, 2])
    for walk in (kernels.redundancy_walk, kernels.redundancy_walk.py_func):
        assert walk(columns, order, 0.9, 4, 0).tolist() == [1, 2]
        assert walk(columns, order, 2.0, 4, 0).tolist() == [1, 0, 2]
        assert walk(columns, order, 0.9, 4, 2).tolist() == [1, 0, 2]
        assert walk(columns, order, 0.9, 1, 0).tolist() == [1]


def test_walk_leaves_no_pair_above_the_limit() -> None:
    rng = np.random.default_rng(2)
    columns = np.repeat(rng.normal(size=(5, 30)), 4, axis=0) + 0.5 * rng.normal(size=(20, 30))
    columns -= columns.mean(axis=1, keepdims=True)
    kept = kernels.redundancy_walk(columns, np.arange(20), 0.8, 20, 0)
    correlation = np.abs(np.corrcoef(columns[kept]))
    assert (correlation - np.eye(len(kept))).max() <= 0.8
    passed_over = sorted(set(range(20)) - set(kept.tolist()))
    for column in passed_over:
        assert max(abs(np.corrcoef(columns[column], columns[other])[0, 1]) for other in kept) > 0.8


@pytest.mark.parametrize(("value", "by", "expected"), [(3.0, 1.0, 2.0), (-3.0, 1.0, -2.0), (0.5, 1.0, 0.0)])
def test_shrinking_is_soft_thresholding(value: float, by: float, expected: float) -> None:
    assert kernels._shrink(value, by) == kernels._shrink.py_func(value, by) == expected


def test_descent_in_python_solves_weighted_least_squares() -> None:
    rng = np.random.default_rng(0)
    XT, weight, z = rng.normal(size=(3, 25)), rng.uniform(0.1, 0.3, 25), rng.normal(size=25)
    XT[2] = 0.0  # a column without spread is left alone
    beta, residual = np.zeros(3), z.copy()
    intercept = kernels._descend.py_func(XT, weight, residual, beta, (0.0, 0.0), 1e-20)
    design = np.column_stack([XT[:2].T, np.ones(25)])
    exact = np.linalg.solve(design.T @ (weight[:, None] * design), design.T @ (weight * z))
    np.testing.assert_allclose([*beta[:2], intercept], exact, atol=1e-6)
    np.testing.assert_allclose(residual, z - design @ exact, atol=1e-6)
    assert beta[2] == 0.0


def test_sweep_in_python_equals_the_compiled_one() -> None:
    rng = np.random.default_rng(1)
    XT, weight, start = rng.normal(size=(4, 20)), rng.uniform(0.1, 0.3, 20), rng.normal(size=20)
    curve = (weight * XT**2).mean(axis=1)
    for active in (False, True):
        results = []
        for sweep in (kernels._sweep, kernels._sweep.py_func):
            beta, residual = np.array([0.0, 0.1, 0.0, -0.2]), start.copy()
            worst = sweep(XT, weight, residual, beta, curve, (0.01, 0.1), active)
            results.append([worst, *beta, *residual])
        np.testing.assert_allclose(*results, atol=1e-12)


def test_nowhere_to_keep_compiled_code_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def njit(kernel: object, **options: object) -> object:
        calls.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return kernel

    monkeypatch.setattr(kernels, "njit", njit)
    assert kernels._compiled(len) is len
    assert [bool(options.get("cache")) for options in calls] == [True, False]
