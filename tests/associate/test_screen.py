"""The screen against SciPy pair by pair, and what it refuses, flags and records."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from genoxel.associate import screen
from genoxel.associate.settings import AssociateSettings, choose_columns
from genoxel.core.errors import TableError
from genoxel.core.keys import RowKey
from genoxel.core.results import AssociationMap
from genoxel.core.table import Column, Table
from genoxel.stats.effects import auc_of
from genoxel.stats.intervals import rho_interval
from genoxel.stats.multiple import benjamini_hochberg, benjamini_yekutieli
from genoxel.stats.partial import partial_rank_correlation
from genoxel.stats.rankp import rank_correlation_p
from genoxel.stats.ranks import ranks


def table(values, kinds=None, prefix="f", kind="features", patients=None):
    values = np.asarray(values, dtype=float)
    kinds = kinds or ["real"] * values.shape[1]
    columns = tuple(
        Column(f"{prefix}{k}", each, levels=("a", "b", "c", "d") if each in ("categorical", "ordinal") else ())
        for k, each in enumerate(kinds)
    )
    return Table(values, patients or [f"P{k:03d}" for k in range(len(values))], columns, kind)


def holes(rng, values, share):
    out = np.array(values, dtype=float)
    out[rng.random(out.shape) < share] = np.nan
    return out


def messy(seed, n=40, p=8, m=9, share=0.1, kinds=None):
    """Tied, correlated numbers with values missing at random."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 1))
    x = np.round(rng.normal(size=(n, p)) + base, 1)
    y = np.round(rng.normal(size=(n, m)) + base * rng.normal(size=m), 1)
    for column, kind in enumerate(kinds or []):
        levels = {"binary": 2, "categorical": 3, "ordinal": 4}.get(kind)
        if levels:
            y[:, column] = np.searchsorted(np.quantile(y[:, column], np.arange(1, levels) / levels), y[:, column])
    return holes(rng, x, share), holes(rng, y, share)


def both(x, y):
    keep = ~np.isnan(x) & ~np.isnan(y)
    return x[keep], y[keep]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_numbers_equal_scipy(method, share):
    x, y = messy(1, n=30, p=25, m=40, share=share)
    result = screen(
        table(x), table(y, prefix="g"), permutations=0, settings=AssociateSettings(correlation=method, tails="t")
    )
    function = stats.spearmanr if method == "spearman" else stats.pearsonr
    for pair, (i, j) in enumerate(np.ndindex(25, 40)):
        a, b = both(x[:, i], y[:, j])
        assert result.pairs["n"][pair] == len(a)
        if len(a) < 10:
            assert np.isnan(result.pairs["p"][pair])
            assert result.pairs["flag"][pair] == "fewer than 10 patients"
            continue
        expected = function(a, b)
        assert result.pairs["effect"][pair] == pytest.approx(expected.statistic, abs=1e-12)
        assert result.pairs["p"][pair] == pytest.approx(expected.pvalue, rel=1e-9)
    assert set(result.pairs["test"]) == {method}


def test_the_default_law_of_ranks_is_near_scipy_where_scipy_is_right():
    x, y = messy(21, n=60, p=25, m=40, share=0.05)
    usual = screen(table(x), table(y, prefix="g"), permutations=0, settings=AssociateSettings(tails="t")).pairs["p"]
    result = screen(table(x), table(y, prefix="g"), permutations=0)
    n = result.pairs["n"].astype(int)
    np.testing.assert_allclose(result.pairs["p"], rank_correlation_p(result.pairs["effect"], n), rtol=1e-12)
    moderate = usual > 0.01
    np.testing.assert_allclose(result.pairs["p"][moderate], usual[moderate], rtol=0.04)
    assert (result.pairs["p"][usual < 0.001] > usual[usual < 0.001]).all()


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_every_kind_of_pair_equals_scipy(share):
    kinds = ["binary", "categorical", "ordinal", "real", "count", "binary"]
    x, y = messy(3, n=60, p=4, m=6, share=share, kinds=kinds)
    result = screen(table(x), table(y, kinds, "g"), permutations=0, settings=AssociateSettings(tails="t"))
    frame = result.to_pandas().set_index(["image", "other"])
    for i, (j, kind) in [(i, item) for i in range(4) for item in enumerate(kinds)]:
        row = frame.loc[(f"f{i}", f"g{j}")]
        a, b = both(x[:, i], y[:, j])
        assert row["n"] == len(a)
        if kind == "binary":
            expected = stats.mannwhitneyu(a[b == 1], a[b == 0])
            assert row["test"] == "mann-whitney"
            assert row["effect"] == pytest.approx(expected.statistic / (sum(b == 1) * sum(b == 0)))
        elif kind == "categorical":
            expected = stats.kruskal(*[a[b == level] for level in np.unique(b)])
            assert row["effect"] == pytest.approx(expected.statistic / (len(a) - 1))
        else:
            expected = stats.spearmanr(a, b)
        assert row["p"] == pytest.approx(expected.pvalue, rel=1e-9)
        assert row["low"] < row["effect"] < row["high"]


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_sides_can_be_exchanged(share):
    kinds = ["binary", "categorical", "ordinal", "real", "binary", "categorical"]
    _, y = messy(4, n=70, p=1, m=6, share=share, kinds=kinds)
    x, _ = messy(5, n=70, p=3, m=1, share=share)
    left, right = table(np.hstack([x, y[:, :3]]), ["real"] * 3 + kinds[:3]), table(y[:, 3:], kinds[3:], "g")
    z = table(np.random.default_rng(0).normal(size=(70, 1)), prefix="z")
    one = screen(left, right, z, permutations=9).to_pandas().sort_values(["image", "other"])
    two = screen(right, left, z, permutations=9).to_pandas().sort_values(["other", "image"])
    for name in ("n", "effect", "low", "high", "p", "q", "effect_adjusted", "p_adjusted"):
        near = 0.02 if name == "p_adjusted" else 0.005 if name == "effect_adjusted" else 1e-9  # logistic: y given x
        np.testing.assert_allclose(one[name].to_numpy(), two[name].to_numpy(), rtol=near, err_msg=name)
    assert (one["test"].to_numpy() == two["test"].to_numpy()).all()


@pytest.mark.parametrize("seed", range(3))
def test_small_groups_are_exact(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(25, 6))
    y = np.zeros((25, 3))
    y[:3, 0], y[:7, 1], y[5:17, 2] = 1, 1, 1
    result = screen(table(x), table(y, ["binary"] * 3, "g"), permutations=0)
    for pair, (i, j) in enumerate(np.ndindex(6, 3)):
        expected = stats.mannwhitneyu(x[y[:, j] == 1, i], x[y[:, j] == 0, i])
        assert result.pairs["p"][pair] == pytest.approx(expected.pvalue, rel=1e-10)


@pytest.mark.parametrize("tied", [False, True])
def test_areas_of_pairs_that_miss_patients_equal_delong_and_scipy(tied):
    rng = np.random.default_rng(20)
    x, y = rng.normal(size=(70, 5)), (rng.random((70, 4)) < 0.4).astype(float)
    x = np.round(x * 2) if tied else x
    x[rng.random(x.shape) < 0.1], y[rng.random(y.shape) < 0.1] = np.nan, np.nan
    result = screen(table(x), table(y, ["binary"] * 4, "g"), permutations=0)
    for pair, (i, j) in enumerate(np.ndindex(5, 4)):
        a, b = both(x[:, i], y[:, j])
        expected = auc_of(a[b == 1], a[b == 0])
        found = [result.pairs[name][pair] for name in ("effect", "low", "high")]
        assert found == pytest.approx([expected.estimate, expected.low, expected.high], rel=1e-9)
        assert result.pairs["p"][pair] == pytest.approx(stats.mannwhitneyu(a[b == 1], a[b == 0]).pvalue, rel=1e-9)
        assert result.pairs["n"][pair] == len(a)


@pytest.mark.parametrize("tied", [False, True])
def test_rank_correlations_of_pairs_that_miss_patients_equal_scipy(tied):
    rng = np.random.default_rng(21)
    x, y = rng.normal(size=(40, 8)), rng.normal(size=(40, 9))
    x, y = (np.round(side * 2) if tied else side for side in (x, y))
    x[rng.random(x.shape) < 0.05], y[:, :6][rng.random((40, 6)) < 0.1] = np.nan, np.nan
    x[:35, 7] = np.nan
    y[:, 8] = np.where(rng.random(40) < 0.2, np.nan, 3.0)
    result = screen(table(x), table(y, prefix="g"), permutations=0, settings=AssociateSettings(tails="t"))
    for pair, (i, j) in enumerate(np.ndindex(8, 9)):
        a, b = both(x[:, i], y[:, j])
        assert result.pairs["n"][pair] == len(a)
        if i == 7 or j == 8:
            assert result.pairs["flag"][pair] == ("fewer than 10 patients" if i == 7 else "other column constant")
            assert np.isnan(result.pairs["p"][pair])
            continue
        expected = stats.spearmanr(a, b)
        assert result.pairs["effect"][pair] == pytest.approx(expected.statistic, rel=1e-9)
        assert result.pairs["p"][pair] == pytest.approx(expected.pvalue, rel=1e-8)
        low, high = (float(bound) for bound in rho_interval(expected.statistic, len(a)))
        assert (result.pairs["low"][pair], result.pairs["high"][pair]) == pytest.approx((low, high), rel=1e-8)


def test_tables_of_counts_equal_scipy():
    rng = np.random.default_rng(6)
    left = np.column_stack([rng.integers(0, 2, 80), rng.integers(0, 3, 80), rng.random(80) < 0.08]).astype(float)
    right = np.column_stack([rng.integers(0, 2, 80), rng.integers(0, 4, 80), rng.random(80) < 0.1]).astype(float)
    left[:4, 0], right[6:9, 0] = np.nan, np.nan
    image = table(left, ["binary", "categorical", "binary"])
    other = table(right, ["binary", "categorical", "binary"], "g")
    frame = screen(image, other, permutations=3).to_pandas().set_index(["image", "other"])
    seen = set()
    for i, j in np.ndindex(3, 3):
        a, b = both(left[:, i], right[:, j])
        counts = stats.contingency.crosstab(a, b).count
        row = frame.loc[(f"f{i}", f"g{j}")]
        expected = stats.contingency.expected_freq(counts)
        seen.add(row["test"])
        if expected.min() >= 5:
            assert row["p"] == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue)
        elif counts.shape == (2, 2):
            assert row["p"] == pytest.approx(stats.fisher_exact(counts).pvalue)
        else:
            assert row["test"] == "fisher (simulated)"
            method = stats.PermutationMethod(n_resamples=4000, rng=np.random.default_rng(0))
            assert row["p"] == pytest.approx(stats.fisher_exact(counts, method=method).pvalue, abs=0.03)
        if counts.shape == (2, 2):
            odds = stats.contingency.odds_ratio(counts, kind="sample").statistic
            assert row["effect_name"] == "log_odds_ratio"
            assert row["effect"] == pytest.approx(np.log(odds), abs=0.35)
        else:
            assert row["effect"] == pytest.approx(stats.contingency.association(counts, method="cramer"))
        assert row["low"] <= row["effect"] <= row["high"]
    assert seen == {"chi2", "fisher", "fisher (simulated)"}


def test_what_cannot_be_tested_is_flagged_and_has_no_p():
    rng = np.random.default_rng(7)
    x = np.column_stack([rng.normal(size=20), np.ones(20), np.full(20, np.nan), rng.normal(size=20)])
    x[9:, 3] = np.nan
    y = np.column_stack([rng.normal(size=20), np.r_[np.ones(2), np.zeros(18)], np.zeros(20), np.arange(20.0)])
    y = np.column_stack([y, np.r_[np.zeros(18), 1, 2], np.r_[np.zeros(10), np.ones(10)]])
    result = screen(
        table(x), table(y, ["real", "binary", "binary", "time", "categorical", "binary"], "g"), permutations=9
    )
    frame = result.to_pandas().set_index(["image", "other"])
    reasons = {
        ("f0", "g0"): "",
        ("f1", "g0"): "image column constant",
        ("f2", "g0"): "fewer than 10 patients",
        ("f3", "g0"): "fewer than 10 patients",
        ("f0", "g1"): "fewer than 3 in the smallest group",
        ("f0", "g2"): "other column constant",
        ("f0", "g3"): "no event column, or several classes against survival",
        ("f0", "g4"): "fewer than 3 in the smallest group",
        ("f1", "g4"): "fewer than 3 in the smallest group",
        ("f0", "g5"): "",
        ("f1", "g5"): "image column constant",
    }
    for pair, reason in reasons.items():
        assert frame.loc[pair, "flag"] == reason, pair
    untested = frame[frame["flag"] != ""]
    for name in ("effect", "low", "high", "p", "q", "p_max"):
        assert untested[name].isna().all(), name
    tested = frame[frame["flag"] == ""]
    assert tested[["p", "q", "effect", "low", "high"]].notna().all().all()
    assert result.settings["tested"] == len(tested) == 2


def test_everything_untestable_is_still_a_map():
    result = screen(table(np.ones((12, 2))), table(np.ones((12, 1)), ["binary"], "g"), permutations=5)
    assert result.hits == 0
    assert result.null_hits.size == 0
    assert np.isnan(result.detectable)
    few = screen(table(np.random.default_rng(0).normal(size=(3, 2))), table(np.ones((3, 1)), prefix="g"))
    assert set(few.pairs["flag"]) == {"fewer than 10 patients"}


def test_refusals_name_the_remedy():
    x = table(np.random.default_rng(0).normal(size=(12, 2)))
    with pytest.raises(TableError, match="no patient in both"):
        screen(x, table(np.ones((12, 1)), patients=[f"Q{k}" for k in range(12)]))
    twice = Table(np.ones((2, 1)), (RowKey("P000", lesion="1"), RowKey("P000", lesion="2")), (Column("a"),))
    with pytest.raises(TableError, match="say how to aggregate"):
        screen(twice, x)
    with pytest.raises(TableError, match="make it categorical"):
        screen(x, table(np.full((12, 1), 2.0), ["binary"], "g"))
    with pytest.raises(TableError, match="fits no column"):
        choose_columns(x, ("g*",))
    assert choose_columns(x, ("f1", "f?")).names == ("f0", "f1")


def test_several_rows_per_patient_only_with_a_stated_aggregation():
    rng = np.random.default_rng(1)
    rows = tuple(RowKey(f"P{k:03d}", lesion=str(lesion)) for k in range(15) for lesion in (1, 2))
    lesions = Table(rng.normal(size=(30, 2)), rows, (Column("a"), Column("b")))
    genes = table(rng.normal(size=(15, 2)), prefix="g")
    result = screen(lesions, genes, settings=AssociateSettings(several="mean"), permutations=0)
    assert result.pairs["n"].tolist() == [15] * 4
    assert result.settings["several"] == "mean"
    expected = stats.spearmanr(lesions.values[:, 0].reshape(15, 2).mean(axis=1), genes.values[:, 1])
    assert result.pairs["effect"][1] == pytest.approx(expected.statistic)


def test_patients_are_matched_by_id_whatever_their_order():
    x, y = messy(8, n=30, share=0.05)
    z = table(np.random.default_rng(0).normal(size=(30, 2)), prefix="z")
    one = screen(table(x), table(y, prefix="g"), z, permutations=19, seed=3)
    shuffled = np.random.default_rng(9).permutation(30)
    two = screen(
        table(x).take(shuffled), table(y, prefix="g").take(shuffled[::-1]), z.take(shuffled), permutations=19, seed=3
    )
    for name, values in one.pairs.items():
        np.testing.assert_array_equal(values, two.pairs[name], err_msg=name)
    np.testing.assert_array_equal(one.null_hits, two.null_hits)
    other_seed = screen(table(x), table(y, prefix="g"), z, permutations=19, seed=4)
    assert not np.array_equal(one.pairs["p_max"], other_seed.pairs["p_max"])


def test_corrections_and_record():
    x, y = messy(9, n=40, share=0.0)
    result = screen(table(x), table(y, prefix="g"), q=0.1, permutations=19, seed=2)
    np.testing.assert_allclose(result.pairs["q"], benjamini_hochberg(result.pairs["p"]))
    assert result.q == result.settings["correct"]["q"] == 0.1
    assert result.settings["seed"] == 2
    assert len(result.null_hits) == 19
    assert "|rho|, n = 40" in result.settings["detectable_effect"]
    assert isinstance(result, AssociationMap)
    by = screen(
        table(x), table(y, prefix="g"), permutations=19, seed=2, settings=AssociateSettings(correct={"method": "BY"})
    )
    np.testing.assert_allclose(by.pairs["q"], benjamini_yekutieli(by.pairs["p"]))
    assert by.null_hits.sum() <= result.null_hits.sum()
    delta = screen(table(x), table(y[:, :1] > 0, ["binary"], "g"), settings=AssociateSettings(groups="cliffs_delta"))
    auc = screen(table(x), table(y[:, :1] > 0, ["binary"], "g"))
    np.testing.assert_allclose(delta.pairs["effect"], 2 * auc.pairs["effect"] - 1)
    np.testing.assert_allclose(delta.pairs["low"], 2 * auc.pairs["low"] - 1)
    assert auc.settings["detectable_effect"].startswith("AUC")
    assert 0.5 < auc.detectable < 1


@pytest.mark.parametrize("share", [0.0, 0.03, 0.25])
def test_the_null_world_is_the_screen_of_moved_patients(share):
    """Where nobody is missing, a null world is what screening the moved table itself gives."""
    kinds = ["real", "binary", "categorical", "real", "ordinal"]
    x, y = messy(10, n=36, p=7, m=5, share=share, kinds=kinds)
    result = screen(table(x), table(y, kinds, "g"), q=0.3, permutations=6, seed=5)
    if share:
        assert len(result.null_hits) == 6
        return
    from genoxel.stats.permute import permutations

    for world, order in enumerate(permutations(36, 6, 5)):
        moved = screen(table(x[order]), table(y, kinds, "g"), q=0.3, permutations=0)
        assert result.null_hits[world] == moved.hits
    smallest = [
        np.nanmin(screen(table(x[order]), table(y, kinds, "g"), permutations=0).pairs["p"])
        for order in permutations(36, 6, 5)
    ]
    by_hand = [(1 + np.sum(np.array(smallest) <= p * (1 + 1e-9))) / 7 for p in result.pairs["p"]]
    np.testing.assert_allclose(result.pairs["p_max"], by_hand)


@pytest.mark.parametrize("share", [0.0, 0.04, 0.2])
def test_adjusted_values_equal_a_regression_per_pair(share):
    x, y = messy(11, n=60, p=6, m=7, share=share, kinds=["real", "binary", "categorical"])
    rng = np.random.default_rng(12)
    z = np.column_stack([rng.normal(size=60) + np.nan_to_num(x[:, 0]), rng.integers(0, 3, 60)])
    z[:3, 0], z[5, 1] = np.nan, np.nan
    kinds = ["real", "binary", "categorical", *["real"] * 4]
    covariate_table = table(z, ["real", "categorical"], "z")
    settings = AssociateSettings(tails="t")
    result = screen(table(x), table(y, kinds, "g"), covariate_table, permutations=3, settings=settings)
    assert result.adjusted_for == ("z0", "z1")
    assert len(result.settings["null_hits_adjusted"]) == 3
    covariates = np.column_stack([ranks(z[:, 0]), *(np.where(np.isnan(z[:, 1]), np.nan, z[:, 1] == k) for k in (1, 2))])
    for pair, (i, j) in enumerate(np.ndindex(6, 7)):
        keep = ~(np.isnan(x[:, i]) | np.isnan(y[:, j]) | np.isnan(covariates).any(axis=1))
        design = np.column_stack([np.ones(keep.sum()), covariates[keep]])
        a = ranks(x[keep, i])
        b = np.stack([y[keep, j] == k for k in (1, 2)], 1).astype(float) if j == 2 else ranks(y[keep, j])[:, None]
        full, without = residual_squares(a, np.hstack([design, b])), residual_squares(a, design)
        share_explained = 1 - full / without
        df1, df2 = b.shape[1], keep.sum() - design.shape[1] - b.shape[1]
        expected = stats.f.sf(share_explained / df1 / ((1 - share_explained) / df2), df1, df2)
        assert result.pairs["p_adjusted"][pair] == pytest.approx(expected, rel=1e-6), (i, j)
        if j == 2:
            assert result.pairs["effect_adjusted"][pair] == pytest.approx(share_explained)
        elif j != 1:
            assert result.pairs["effect_adjusted"][pair] ** 2 == pytest.approx(share_explained)


def residual_squares(a, design):
    left = a - design @ np.linalg.lstsq(design, a)[0]
    return float(left @ left)


def test_adjusted_auc_is_the_auc_where_nothing_confounds():
    rng = np.random.default_rng(13)
    y = np.repeat([0.0, 1.0], 40)
    x = rng.normal(size=(80, 3)) + y[:, None]
    balanced = np.tile([0.0, 1.0], 40)[:, None]
    x[:, 0] = np.repeat(x[::2, 0], 2)  # pairs with equal values, so that the covariate says nothing of them
    result = screen(table(x), table(y[:, None], ["binary"], "g"), table(balanced, ["binary"], "z"), permutations=0)
    assert result.pairs["effect_adjusted"][0] == pytest.approx(result.pairs["effect"][0])


def test_a_column_that_is_its_own_covariate_has_no_adjusted_value():
    x, y = messy(14, n=40, share=0.0)
    settings = AssociateSettings(tails="t")
    result = screen(table(x), table(y, prefix="g"), table(x[:, :1], prefix="f"), permutations=2, settings=settings)
    own = result.pairs["image"] == "f0"
    assert np.isnan(result.pairs["p_adjusted"][own]).all()
    assert not np.isnan(result.pairs["p_adjusted"][~own]).any()
    assert not np.isnan(result.pairs["p"][own]).any()
    r, p, _ = partial_rank_correlation(x[:, 1], y[:, 0], x[:, 0])
    pair = (result.pairs["image"] == "f1") & (result.pairs["other"] == "g0")
    assert result.pairs["effect_adjusted"][pair] == pytest.approx(r)
    assert result.pairs["p_adjusted"][pair] == pytest.approx(p)


def test_two_by_two_pairs_are_adjusted_by_logistic_regression():
    from statsmodels.api import Logit

    rng = np.random.default_rng(15)
    z = rng.normal(size=120)
    x = (z + rng.normal(size=120) > 0).astype(float)
    y = (z + 0.8 * x + rng.normal(size=120) > 0.4).astype(float)
    y[:5] = np.nan
    other = table(np.column_stack([y, x, rng.integers(0, 3, 120)]), ["binary", "binary", "categorical"], "g")
    result = screen(table(x[:, None], ["binary"]), other, table(z[:, None], prefix="z"), permutations=5)
    keep = ~np.isnan(y)
    design = np.column_stack([np.ones(keep.sum()), x[keep], z[keep]])
    expected = Logit(y[keep], design).fit(disp=False)
    assert result.pairs["effect_adjusted"][0] == pytest.approx(expected.params[1], rel=1e-5)
    assert result.pairs["p_adjusted"][0] == pytest.approx(expected.pvalues[1], rel=1e-5)
    assert abs(result.pairs["effect_adjusted"][0]) < abs(result.pairs["effect"][0])
    assert np.isnan(result.pairs["effect_adjusted"][1])  # a column against its copy: separated
    assert np.isnan(result.pairs["p_adjusted"][2])  # three levels: not adjusted
