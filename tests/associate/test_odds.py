"""Numbers against two groups by logistic regression, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from genoxel.associate import AssociateSettings, screen
from genoxel.core.table import Column, Table

ODDS = AssociateSettings(groups="log_odds_ratio")


def table(values, prefix, kind="real"):
    people = tuple(f"P{row:03d}" for row in range(len(values)))
    return Table(values, people, tuple(Column(f"{prefix}{k}", kind) for k in range(values.shape[1])))


def scene(seed, n=90):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 2))
    x = rng.normal(size=(n, 4)) + z[:, :1]
    y = (x[:, :1] + z[:, 1:] + rng.normal(size=(n, 3)) > 0).astype(float)
    x[:6, 1], y[4:9, 2] = np.nan, np.nan
    return x, y, z


def test_effects_intervals_and_p_equal_statsmodels():
    x, y, z = scene(1)
    pairs = screen(table(x, "f"), table(y, "g", "binary"), table(z, "z"), permutations=5, settings=ODDS)
    found = pairs.to_pandas().set_index(["image", "other"])
    assert pairs.null_hits.size == 5 == len(pairs.settings["null_hits_adjusted"])
    for i, j in np.ndindex(4, 3):
        keep = ~(np.isnan(x[:, i]) | np.isnan(y[:, j]))
        value = x[keep, i] / np.nanstd(x[:, i])
        row = found.loc[(f"f{i}", f"g{j}")]
        for suffix, beside in (
            ("", np.ones((keep.sum(), 1))),
            ("_adjusted", np.column_stack([np.ones(keep.sum()), z[keep]])),
        ):
            fit = sm.Logit(y[keep, j], np.column_stack([value, beside])).fit(disp=False)
            assert row[f"effect{suffix}"] == pytest.approx(fit.params[0], rel=1e-6)
            assert (row[f"low{suffix}"], row[f"high{suffix}"]) == pytest.approx(tuple(fit.conf_int()[0]), rel=1e-6)
            null = sm.GLM(y[keep, j], beside, family=sm.families.Binomial())
            score = null.score_test(null.fit().params, exog_extra=value[:, None])
            assert row[f"p{suffix}"] == pytest.approx(float(np.squeeze(score[1])), rel=1e-6)


def test_sides_can_be_exchanged():
    x, y, z = scene(2)
    one = screen(table(x, "f"), table(y, "g", "binary"), table(z, "z"), permutations=0, settings=ODDS).to_pandas()
    two = screen(table(y, "g", "binary"), table(x, "f"), table(z, "z"), permutations=0, settings=ODDS).to_pandas()
    two = two.sort_values(["other", "image"])
    for name in ("n", "effect", "low", "high", "p", "effect_adjusted", "p_adjusted"):
        np.testing.assert_allclose(one[name], two[name], rtol=1e-9)


def test_separation_a_constant_and_covariates_that_are_the_outcome():
    rng = np.random.default_rng(3)
    y = np.repeat([0.0, 1.0], 20)[:, None]
    x = np.column_stack([y[:, 0] + rng.random(40) / 2, np.ones(40), rng.normal(size=40)])
    found = screen(table(x, "f"), table(y, "g", "binary"), table(y, "site", "binary"), permutations=3, settings=ODDS)
    pairs = found.to_pandas().set_index("image")
    assert pairs.loc["f0", "flag"] == "tested, but without finite effect: separated"
    assert pairs.loc["f0", "p"] < 1e-6
    assert pairs.loc["f1", "flag"] == "image column constant"
    assert pairs["p_adjusted"].isna().all()
    assert (pairs.loc[["f0", "f2"], "flag_adjusted"] != "").all()


def test_null_p_are_uniform_with_and_without_covariates():
    rng = np.random.default_rng(4)
    z, y = rng.normal(size=(80, 1)), (rng.random((80, 10)) < 0.4).astype(float)
    x = rng.normal(size=(80, 40)) + 0.2 * z
    pairs = screen(table(x, "f"), table(y, "g", "binary"), table(z, "z"), permutations=0, settings=ODDS).pairs
    for name in ("p", "p_adjusted"):
        assert np.mean(pairs[name] <= 0.05) <= 0.08
        assert stats.kstest(pairs[name], "uniform").pvalue > 1e-4
