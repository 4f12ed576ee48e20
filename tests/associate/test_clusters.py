"""Several rows per patient, kept: against statsmodels and lifelines, by permutation of patients, and by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from genoxel.associate import screen
from genoxel.associate.settings import AssociateSettings
from genoxel.core.errors import InputError, TableError
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Table
from genoxel.stats.clustered import (
    RobustScore,
    robust_levels,
    robust_log_hazard,
    robust_log_odds,
    robust_slopes,
    starts_of,
)
from genoxel.stats.partial import basis, residuals

CLUSTERED = AssociateSettings(several="clustered")


def lesions(seed, patients=40, most=4):
    """Return codes (n,) of patients, a trait each patient has, and a row-level value that shares it."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(patients), rng.integers(1, most + 1, patients))
    trait = rng.normal(size=patients)
    return rng, codes, trait, rng.normal(size=len(codes)) + trait[codes]


def keys(codes):
    seen = [int((codes[:place] == code).sum()) for place, code in enumerate(codes)]
    return tuple(RowKey(f"P{code:03d}", lesion=str(number)) for code, number in zip(codes, seen, strict=True))


def per_lesion(values, codes, prefix="f", kind="real"):
    return Table(values, keys(codes), tuple(Column(f"{prefix}{k}", kind) for k in range(values.shape[1])))


def per_patient(values, prefix="g", kind="real"):
    names = tuple(f"P{k:03d}" for k in range(len(values)))
    return Table(values, names, tuple(Column(f"{prefix}{k}", kind) for k in range(values.shape[1])))


@pytest.mark.parametrize("seed", range(3))
def test_regressions_equal_statsmodels(seed):
    rng, codes, _, x = lesions(seed)
    z, y = rng.normal(size=(len(x), 2)), rng.normal(size=40)[codes]
    start, q = starts_of(codes), basis(z)
    clustered = {"cov_type": "cluster", "cov_kwds": {"groups": codes}}
    expected = sm.OLS(x, np.column_stack([y, np.ones(len(x)), z])).fit(use_t=True, **clustered)
    found = robust_slopes(residuals(x[:, None], q), residuals(y[:, None], q), start, 4)
    assert found.slope[0, 0] == pytest.approx(expected.params[0])
    assert found.error[0, 0] == pytest.approx(expected.bse[0])
    assert found.p[0, 0] == pytest.approx(expected.pvalues[0])
    late = (rng.random(len(x)) < 1 / (1 + np.exp(-x))).astype(float)
    expected = sm.Logit(late, np.column_stack([x, np.ones(len(x)), z])).fit(disp=False, **clustered)
    assert robust_log_odds(late, x, z, start) == pytest.approx((expected.params[0], expected.bse[0]), rel=1e-6)
    classes = rng.integers(0, 3, 40)[codes]
    dummies = (classes[:, None] == np.arange(1, 3)).astype(float)
    expected = sm.OLS(x, np.column_stack([dummies, np.ones(len(x)), z])).fit(use_t=True, **clustered)
    levels = np.linalg.svd(residuals(dummies, q), full_matrices=False)[0]
    p = robust_levels(residuals(x[:, None], q), levels, start, 5)
    assert p[0] == pytest.approx(float(expected.f_test(np.eye(2, 5)).pvalue))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(3))
def test_cox_regression_equals_lifelines(seed):
    from lifelines import CoxPHFitter

    rng, codes, _, x = lesions(seed)
    z, time = rng.normal(size=(len(x), 2)), rng.exponential(np.exp(-0.5 * x))
    event = (rng.random(len(x)) < 0.8).astype(float)
    frame = pd.DataFrame({"t": time, "e": event, "x": x, "z0": z[:, 0], "z1": z[:, 1], "c": codes})
    expected = CoxPHFitter().fit(frame, "t", "e", cluster_col="c")
    found = robust_log_hazard(time, event, x, z, starts_of(codes))
    assert found == pytest.approx((expected.params_["x"], expected.standard_errors_["x"]), rel=2e-4)  # it stops early
    other = rng.normal(size=len(x)) + 0.1 * x  # a weak one, where score and Wald tests agree
    weak = robust_log_hazard(time, event, other, z, starts_of(codes))
    score = float(RobustScore.of(time, event, z).p(other[:, None], starts_of(codes))[0])
    assert stats.norm.isf(score / 2) == pytest.approx(abs(weak.estimate / weak.error), abs=0.25)


def test_one_row_per_patient_makes_a_robust_screen_of_the_same_effects():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 4))
    x[:4, 0] = np.nan
    y[:, 3] = y[:, 3] > 0
    other = Table(
        y, tuple(f"P{k:03d}" for k in range(50)), (*(Column(f"g{k}") for k in range(3)), Column("m", "binary"))
    )
    image = per_lesion(x, np.arange(50))
    one, two = (screen(image, other, permutations=0, settings=how).pairs for how in (None, CLUSTERED))
    np.testing.assert_allclose(one["effect"], two["effect"], rtol=1e-9)
    np.testing.assert_allclose(one["n"], two["n"])
    groups = one["effect_name"] == "auc"
    np.testing.assert_allclose(one["low"][groups], two["low"][groups], rtol=1e-9)  # DeLong is Obuchowski then


def clustered_null(seed, cohorts, rows):
    """Share of null pairs at p <= 0.05 where lesions of a patient are alike: clustered, and as if independent."""
    claims = []
    for cohort in range(cohorts):
        rng = np.random.default_rng([seed, cohort])
        codes = np.repeat(np.arange(30), rows)
        x = np.sqrt(0.8) * rng.normal(size=(30, 4))[codes] + np.sqrt(0.2) * rng.normal(size=(len(codes), 4))
        y = rng.normal(size=(30, 4))
        y[:, 2:] = y[:, 2:] > 0
        columns = (Column("g0"), Column("g1"), Column("m0", "binary"), Column("m1", "binary"))
        other = Table(y, tuple(f"P{k:03d}" for k in range(30)), columns)
        kept = screen(per_lesion(x, codes), other, permutations=0, settings=CLUSTERED).pairs["p"]
        naive = [stats.spearmanr(x[:, i], y[codes, j]).pvalue for i in range(4) for j in range(2)]
        claims.append((np.mean(kept <= 0.05), np.mean(np.array(naive) <= 0.05)))
    return np.mean(claims, axis=0), np.std(claims, axis=0, ddof=1) / np.sqrt(cohorts)


def test_rows_that_are_alike_claim_as_rarely_as_promised_and_far_less_than_as_if_independent():
    mean, error = clustered_null(1, 60, 4)
    assert mean[0] <= 0.06 + 2 * error[0]
    assert mean[1] > 0.2


@pytest.mark.slow
def test_clustered_p_holds_in_many_cohorts():
    mean, error = clustered_null(2, 1000, 4)
    assert mean[0] <= 0.06 + 2 * error[0]
    assert mean[1] > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rho", "auc"])
def test_clustered_intervals_hold_the_truth(kind):
    held = []
    truth = 6 / np.pi * np.arcsin(np.sqrt(0.5) / 2) if kind == "rho" else stats.norm.cdf(0.5)
    for cohort in range(1000):
        rng = np.random.default_rng([3, cohort])
        codes = np.repeat(np.arange(60), 3)
        y = rng.normal(size=(60, 1)) if kind == "rho" else (np.arange(60) % 2)[:, None].astype(float)
        shared = np.sqrt(0.5) * rng.normal(size=(60, 1))[codes] + np.sqrt(0.5) * rng.normal(size=(180, 1))
        x = np.sqrt(0.5) * (y[codes] + shared) if kind == "rho" else shared + np.sqrt(0.5) * y[codes]
        other = per_patient(y, kind="real" if kind == "rho" else "binary")
        pairs = screen(per_lesion(x, codes), other, permutations=0, settings=CLUSTERED).pairs
        held.append(pairs["low"][0] <= truth <= pairs["high"][0])
    assert 0.93 <= np.mean(held) <= 0.97


def test_null_worlds_move_whole_patients():
    """Patients have one to four rows that share nearly everything: worlds of moved rows would claim many pairs."""
    rng, codes, _, _ = lesions(4, patients=30)
    x = rng.normal(size=(30, 8))[codes] + 0.05 * rng.normal(size=(len(codes), 8))
    y = rng.normal(size=(30, 8))
    result = screen(per_lesion(x, codes), per_patient(y), permutations=19, settings=CLUSTERED)
    assert result.settings["patients"] == 30
    assert result.settings["rows"] == len(codes)
    assert np.mean(result.null_hits > 0) <= 0.3
    again = screen(per_lesion(x, codes), per_patient(y), permutations=19, settings=CLUSTERED)
    np.testing.assert_array_equal(result.pairs["p_max"], again.pairs["p_max"])


def test_covariates_of_rows_and_of_patients_are_taken_out():
    rng, codes, trait, x = lesions(5, patients=60)
    volume = per_lesion(x[:, None] + 0.3 * rng.normal(size=(len(x), 1)), codes, "volume")
    image = per_lesion(x[:, None], codes)
    other = per_patient(trait[:, None])
    for adjust in (volume, per_patient(trait[:, None] + 0.1 * rng.normal(size=(60, 1)), "trait")):
        pairs = screen(image, other, adjust, permutations=3, settings=CLUSTERED)
        assert abs(pairs.pairs["effect_adjusted"][0]) < abs(pairs.pairs["effect"][0])
        assert pairs.settings["null_hits_adjusted"] == ()
        assert pairs.settings["null_adjusted"].startswith("none")


def test_every_kind_of_pair_is_tested_or_says_why_not():
    rng, codes, trait, x = lesions(6, patients=50)
    image = Table(
        np.column_stack([x, x > 0, rng.integers(0, 3, len(x)), np.ones(len(x))]),
        keys(codes),
        (Column("size"), Column("ring", "binary"), Column("shape", "categorical", levels=tuple("abc")), Column("same")),
    )
    time = rng.exponential(np.exp(-trait))
    columns = [trait, trait > 0, rng.integers(0, 3, 50), time, rng.random(50) < 0.9, np.arange(50) < 2]
    names = [("gene", "real"), ("mutant", "binary"), ("class", "categorical"), ("os", "time"), ("os.event", "binary")]
    other = Table(
        np.column_stack(columns).astype(float),
        tuple(f"P{k:03d}" for k in range(50)),
        tuple(
            Column(name, kind, levels=tuple("abc") if kind == "categorical" else ())
            for name, kind in [*names, ("rare", "binary")]
        ),
    )
    found = screen(image, other, permutations=3, settings=CLUSTERED).to_pandas().set_index(["image", "other"])
    for pair in (("size", "gene"), ("size", "mutant"), ("size", "class"), ("ring", "mutant"), ("size", "os")):
        row = found.loc[pair]
        assert row["flag"] == "", pair
        assert row["low"] <= row["effect"] <= row["high"], pair
    assert found.loc[("size", "gene"), "p"] < 1e-3 > found.loc[("size", "os"), "p"]
    assert found.loc[("size", "rare"), "flag"] == "fewer than 3 in the smallest group"
    assert found.loc[("same", "gene"), "flag"] == "image column constant"
    assert "not tested, aggregate" in found.loc[("shape", "gene"), "flag"]
    assert found[found["flag"] != ""]["p"].isna().all()
    few = screen(image.of_patients([f"P{k:03d}" for k in range(9)]), other, permutations=0, settings=CLUSTERED)
    assert np.isnan(few.pairs["p"]).all()


def test_refusals():
    _, codes, _, x = lesions(7)
    image = per_lesion(x[:, None], codes)
    with pytest.raises(TableError, match="say how to aggregate"):
        screen(image, per_patient(np.ones((40, 1))))
    with pytest.raises(TableError, match="one row per patient"):
        screen(image, image, settings=CLUSTERED)
    odd = Table(np.ones((2, 1)), (RowKey("P000", lesion="x"), RowKey("P000", lesion="y")), (Column("z"),))
    with pytest.raises(TableError, match="same rows"):
        screen(image, per_patient(np.arange(40.0)[:, None]), odd, settings=CLUSTERED)
    with pytest.raises(InputError, match="sorted by patient"):
        starts_of([0, 1, 0])
