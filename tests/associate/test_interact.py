"""The interaction term against statsmodels and lifelines, and whether it finds what differs and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from genoxel.associate import AssociateSettings, stratified
from genoxel.core.table import Column, Table
from genoxel.stats.ranks import ranks

VALUES = AssociateSettings(correlation="pearson")


def scene(seed, n=120, levels=2):
    rng = np.random.default_rng(seed)
    sex = rng.integers(0, levels, n).astype(float)
    z, y = rng.normal(size=n), rng.normal(size=n)
    return rng, sex, z, y, 0.4 * y + 0.6 * y * (sex == 1) + 0.5 * z + rng.normal(size=n)


def table(values, names, kinds=None):
    people = tuple(f"P{row:03d}" for row in range(len(values)))
    kinds = kinds or ["real"] * len(names)
    columns = tuple(
        Column(name, kind, levels=("a", "b", "c") if kind == "categorical" else ())
        for name, kind in zip(names, kinds, strict=True)
    )
    return Table(np.asarray(values, dtype=float), people, columns)


def standard(values):
    return (values - values.mean()) / values.std()


@pytest.mark.parametrize("ranked", [True, False])
@pytest.mark.parametrize("levels", [2, 3])
def test_the_term_equals_least_squares(ranked, levels):
    _, sex, z, y, x = scene(1, levels=levels)
    by = table(sex[:, None], ["sex"], ["binary" if levels == 2 else "categorical"])
    settings = AssociateSettings() if ranked else VALUES
    found = stratified(table(x[:, None], ["f"]), table(y[:, None], ["g"]), by, settings, table(z[:, None], ["z"])).pairs
    form = (lambda v: standard(ranks(v))) if ranked else standard
    dummies = (sex[:, None] == np.arange(1, levels)).astype(float)
    adjust = ranks(z) if ranked else z
    design = np.column_stack([dummies * form(y)[:, None], form(y), dummies, np.ones(len(x)), adjust])
    fit = sm.OLS(form(x), design).fit()
    if levels == 2:
        assert found["term"][0] == pytest.approx(fit.params[0])
        assert (found["low_term"][0], found["high_term"][0]) == pytest.approx(tuple(fit.conf_int()[0]))
        assert found["p_term"][0] == pytest.approx(fit.pvalues[0])
    else:
        assert np.isnan(found["term"][0])
        assert found["p_term"][0] == pytest.approx(float(fit.f_test(np.eye(2, design.shape[1])).pvalue))


def test_two_classes_equal_logistic_regression():
    rng, sex, z, y, x = scene(2, n=300)
    late = (x > 0).astype(float)
    by, adjust = table(sex[:, None], ["sex"], ["binary"]), table(z[:, None], ["z"])
    mutant = (y + rng.normal(size=300) > 0).astype(float)
    other = table(mutant[:, None], ["m"], ["binary"])
    found = stratified(table(late[:, None], ["f"], ["binary"]), other, by, None, adjust).pairs
    design = np.column_stack([sex * mutant, mutant, sex, np.ones(300), ranks(z)])
    fit = sm.Logit(late, design).fit(disp=False)
    assert found["term"][0] == pytest.approx(fit.params[0], rel=1e-5)
    assert found["p_term"][0] == pytest.approx(fit.pvalues[0], rel=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_times_equal_lifelines():
    from lifelines import CoxPHFitter

    rng, sex, z, _, x = scene(3)
    time = rng.exponential(np.exp(-0.4 * x * sex))
    event = (rng.random(len(x)) < 0.8).astype(float)
    survival = table(np.column_stack([time, event]), ["os", "os.event"], ["time", "binary"])
    by, adjust = table(sex[:, None], ["sex"], ["binary"]), table(z[:, None], ["z"])
    found = stratified(table(x[:, None], ["f"]), survival, by, VALUES, adjust).pairs
    frame = pd.DataFrame({"t": time, "e": event, "both": standard(x) * sex, "x": standard(x), "sex": sex, "z": z})
    fit = CoxPHFitter().fit(frame, "t", "e")
    assert found["term"][0] == pytest.approx(fit.params_["both"], rel=1e-3)
    assert found["p_term"][0] == pytest.approx(fit.summary.loc["both", "p"], rel=1e-2)
    low, high = fit.confidence_intervals_.loc["both"]
    assert (found["low_term"][0], found["high_term"][0]) == pytest.approx((low, high), rel=1e-2)


def test_without_a_difference_the_term_is_as_rarely_small_as_promised():
    rng = np.random.default_rng(4)
    sex = table(rng.integers(0, 2, (60, 1)), ["sex"], ["binary"])
    x = rng.normal(size=(60, 20))
    y = 0.5 * x[:, :10] + rng.normal(size=(60, 10))
    found = stratified(table(x, [f"f{k}" for k in range(20)]), table(y, [f"g{k}" for k in range(10)]), sex).pairs
    assert np.mean(found["p_term"] <= 0.05) <= 0.09
    assert stats.kstest(found["p_term"], "uniform").pvalue > 1e-3


def test_what_has_no_term_says_nothing():
    _, sex, _, y, x = scene(5, n=40)
    by = table(sex[:, None], ["sex"], ["binary"])
    other = table(
        np.column_stack([y, np.ones(40), sex, np.arange(40) % 3]), list("abcd"), ["real"] * 3 + ["categorical"]
    )
    found = stratified(table(x[:, None], ["f"]), other, by).pairs
    assert np.isnan(found["p_term"][1:]).all()  # a constant, the levels themselves, three classes
    assert not np.isnan(found["p_term"][0])
