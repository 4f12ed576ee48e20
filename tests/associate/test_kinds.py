"""Survival, Cohen's d, drivers, families, registered pairs, strata and null bands, against outside references."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter
from scipy import stats

from genoxel.associate import AssociateSettings, drivers, screen, stratified
from genoxel.core.errors import InputError, TableError
from genoxel.core.table import Column, Source, Table


def people(n):
    return tuple(f"P{place:03d}" for place in range(n))


def table(values, names, kind="real", **more):
    return Table(values, people(len(values)), tuple(Column(name, kind, **more) for name in names))


def survival(seed, n=80):
    rng = np.random.default_rng(seed)
    x, z = rng.normal(2, 3, size=(n, 3)), rng.normal(size=(n, 1))
    time = np.ceil(rng.exponential(np.exp(-0.3 * x[:, 0] - 0.5 * z[:, 0])) * 20)
    event = (rng.random(n) < 0.75).astype(float)
    other = Table(np.c_[time, event], people(n), (Column("os", "time"), Column("os.event", "binary")))
    return table(x, "abc"), other, table(z, ["age"])


def test_survival_takes_cox_with_and_without_covariates():
    image, other, adjust = survival(1)
    found = screen(image, other, adjust, permutations=19)
    frame = found.to_pandas()
    assert frame["test"].tolist() == ["cox"] * 3
    for place, name in enumerate("abc"):
        data = pd.DataFrame({"t": other["os"], "e": other["os.event"], "x": image[name] / image[name].std()})
        fitted = CoxPHFitter().fit(data, "t", "e")
        assert frame.loc[place, "effect"] == pytest.approx(fitted.params_["x"], rel=1e-4)
        low, high = fitted.confidence_intervals_.loc["x"]
        assert frame.loc[place, ["low", "high"]].tolist() == pytest.approx([low, high], rel=1e-3)
        fitted = CoxPHFitter().fit(data.assign(z=adjust["age"]), "t", "e")
        assert frame.loc[place, "effect_adjusted"] == pytest.approx(fitted.params_["x"], rel=1e-4)
    assert len(found.settings["null_hits_adjusted"]) == 19


def test_times_without_events_or_with_few_are_flagged():
    image, other, _ = survival(2)
    alone = other.select(["os"])
    assert set(screen(image, alone, permutations=0).pairs["flag"]) == {
        "no event column, or several classes against survival"
    }
    quiet = Table(np.c_[other["os"], np.arange(80) < 9], other.rows, other.columns)
    (flag,) = set(screen(image, quiet, permutations=0).pairs["flag"])
    assert flag.startswith("too few events")


def test_cohens_d_is_students_t_and_its_adjusted_form_a_linear_regression():
    rng = np.random.default_rng(3)
    x, y, z = rng.normal(size=(50, 2)), (rng.random((50, 1)) < 0.4).astype(float), rng.normal(size=(50, 1))
    settings = AssociateSettings(groups="cohens_d")
    frame = screen(
        table(x, "ab"), table(y, ["IDH"], "binary"), table(z, ["age"]), permutations=0, settings=settings
    ).to_pandas()
    for place in range(2):
        one, zero = x[y[:, 0] == 1, place], x[y[:, 0] == 0, place]
        assert frame.loc[place, "p"] == pytest.approx(stats.ttest_ind(one, zero).pvalue)
        pooled = np.sqrt((one.var(ddof=1) * (len(one) - 1) + zero.var(ddof=1) * (len(zero) - 1)) / 48)
        assert frame.loc[place, "effect"] == pytest.approx((one.mean() - zero.mean()) / pooled)
        fitted = sm.OLS(x[:, place], sm.add_constant(np.c_[y, z])).fit()
        assert frame.loc[place, "p_adjusted"] == pytest.approx(fitted.pvalues[1])
        assert frame.loc[place, "effect_adjusted"] == pytest.approx(fitted.params[1] / np.sqrt(fitted.scale))


def test_adjusted_effects_have_intervals():
    rng = np.random.default_rng(4)
    z = rng.normal(size=(60, 1))
    image = table(z + rng.normal(size=(60, 2)), "ab")
    other = Table(
        np.c_[z + rng.normal(size=(60, 1)), rng.random((60, 2)) < 0.5],
        people(60),
        (Column("number"), Column("group", "binary"), Column("second", "binary")),
    )
    binary = Table(np.c_[image.values, rng.random((60, 1)) < 0.5], people(60), (*image.columns, Column("c", "binary")))
    frame = screen(binary, other, table(z, ["age"]), permutations=0).to_pandas()
    inside = frame[frame["flag"] == ""]
    assert len(inside) == 9
    assert (inside["low_adjusted"] < inside["effect_adjusted"]).all()
    assert (inside["effect_adjusted"] < inside["high_adjusted"]).all()
    odds = frame[(frame["image"] == "c") & (frame["other"] == "group")].iloc[0]
    fitted = sm.Logit(other["group"], sm.add_constant(np.c_[binary["c"], z])).fit(disp=0)
    assert odds["effect_adjusted"] == pytest.approx(fitted.params[1], rel=1e-5)
    assert [odds["low_adjusted"], odds["high_adjusted"]] == pytest.approx(list(fitted.conf_int()[1]), rel=1e-5)


def status(seed, n=120):
    rng = np.random.default_rng(seed)
    values = (rng.random((n, 3)) < 0.35).astype(float)
    values[:5, 2] = np.nan
    return rng, table(values, ["EGFR", "KRAS", "TP53"], "binary")


def test_exclusive_drivers_are_told_from_their_companions():
    rng, genes = status(5)
    x = np.nan_to_num(genes.values[:, [0]]) * 1.5 + rng.normal(size=(120, 1))
    found = drivers(table(x, ["volume"]), genes)
    frame = found.to_pandas().set_index(["gene", "contrast"])
    known = ~np.isnan(genes.values).any(axis=1)
    total = np.nansum(genes.values, axis=1)
    only = known & (genes["KRAS"] == 1) & (total == 1)
    wild = known & (total == 0)
    assert found.counts["KRAS"]["mutant only"] == only.sum()
    assert found.counts["KRAS"]["left out, a gene unknown"] == 5
    row = frame.loc[("KRAS", "mutant only v wild type")]
    assert row["p"] == pytest.approx(stats.ttest_ind(x[only, 0], x[wild, 0]).pvalue)
    fitted = sm.OLS(x[known, 0], sm.add_constant(genes.values[known])).fit()
    assert frame.loc[("KRAS", "joint model"), "p"] == pytest.approx(fitted.pvalues[2])
    assert frame.loc[("EGFR", "joint model"), "q"] < 0.001
    assert frame.loc[("EGFR", "mutant only v wild type"), "low"] > 0


def test_groups_too_small_for_a_contrast_are_flagged():
    values = np.zeros((40, 2))
    values[0, 0] = values[1, 1] = 1
    frame = drivers(
        table(np.random.default_rng(0).normal(size=(40, 1)), "a"), table(values, ["A", "B"], "binary")
    ).to_pandas()
    assert frame["p"].isna().all()
    assert (frame["flag"] == "fewer than 3 in a group").all()
    with pytest.raises(TableError, match="1 gene"):
        drivers(table(values, "ab"), table(values[:, :1], ["A"], "binary"))


def test_registered_pairs_are_tested_and_corrected_alone():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 6))
    image, other = table(x, "abcde"), table(y, "uvwxyz")
    every = screen(image, other, permutations=0).to_pandas().set_index(["image", "other"])
    settings = AssociateSettings(registered=("a ~ u", "b ~ v"))
    found = screen(image, other, permutations=9, settings=settings)
    frame = found.to_pandas().set_index(["image", "other"])
    tested = frame[frame["flag"] == ""]
    assert list(tested.index) == [("a", "u"), ("b", "v")]
    assert tested["p"].tolist() == pytest.approx(every.loc[tested.index, "p"].tolist())
    assert tested["q"].tolist() == pytest.approx(stats.false_discovery_control(tested["p"]).tolist())
    assert set(frame[frame["flag"] != ""]["flag"]) == {"not registered"}
    with pytest.raises((InputError, ValueError), match="hypothesis"):
        AssociateSettings(registered=("a u",))


def family_table(x, families):
    columns = (Column(f"{one}.{place}", source=Source(family=one)) for place, one in enumerate(families))
    return Table(x, people(len(x)), tuple(columns))


def test_families_are_chosen_before_pairs_and_null_worlds_do_the_same():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(60, 12)), rng.normal(size=(60, 8))
    y[:, 0] += 1.5 * x[:, 0]
    settings = AssociateSettings(correct={"over": "feature families", "permutations": 0})
    found = screen(family_table(x, ["shape"] * 4 + ["texture"] * 8), table(y, "abcdefgh"), settings=settings)
    p, q = found.pairs["p"].reshape(12, 8), found.pairs["q"].reshape(12, 8)
    within = [stats.false_discovery_control(part.ravel()) for part in (p[:4], p[4:])]
    simes = np.array([part.min() for part in within])
    chosen = stats.false_discovery_control(simes) <= 0.05
    assert chosen[0]
    price = 2 / chosen.sum()
    for part, expected, good in zip((q[:4], q[4:]), within, chosen, strict=True):
        assert part.ravel() == pytest.approx(np.minimum(expected * price, 1) if good else np.ones(part.size))
    counted = screen(
        family_table(x, ["shape"] * 4 + ["texture"] * 8),
        table(y, "abcdefgh"),
        permutations=30,
        settings=AssociateSettings(correct={"over": "feature families"}),
    )
    assert counted.hits == found.hits
    worlds = []
    from genoxel.stats.permute import permutations

    for order in permutations(60, 30, 0):
        moved = family_table(x[order], ["shape"] * 4 + ["texture"] * 8)
        worlds.append(screen(moved, table(y, "abcdefgh"), settings=settings).hits)
    assert counted.null_hits.tolist() == worlds


def test_every_target_has_its_null_band():
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(50, 20)), rng.normal(size=(50, 3))
    y[:, 1] += 2 * x[:, 4]
    y[:, 2] = 1.0
    found = screen(table(x, [f"f{place}" for place in range(20)]), table(y, "abc"), permutations=99)
    targets = pd.DataFrame(dict(found.targets)).set_index("other")
    assert targets["tested"].tolist() == [20, 20, 0]
    assert targets.loc["b", "best_image"] == "f4"
    assert targets.loc["b", "best_p"] < targets.loc["b", "null_low"]
    assert targets.loc["b", "p_best"] == pytest.approx(0.01)
    assert targets.loc["a", "null_low"] <= 0.05 <= targets.loc["a", "null_high"] * 2
    assert np.isnan(targets.loc["c", "best_p"])


def test_effects_within_strata_are_pooled_and_compared():
    rng = np.random.default_rng(9)
    half = np.repeat([0.0, 1.0], 40)
    x = rng.normal(size=(80, 2))
    y = np.c_[np.where(half == 1, x[:, 0], -x[:, 0]), x[:, 1]] + 0.5 * rng.normal(size=(80, 2))
    by = Table(half[:, None], people(80), (Column("grade", "categorical", levels=("2", "3")),))
    found = stratified(table(x, "ab"), table(y, "uv"), by)
    frame = found.to_pandas().set_index(["image", "other"])
    here = half == 0
    assert frame.loc[("a", "u"), "effect[2]"] == pytest.approx(stats.spearmanr(x[here, 0], y[here, 0]).statistic)
    assert frame.loc[("a", "u"), "p_interaction"] < 1e-6
    assert frame.loc[("b", "v"), "p_interaction"] > 0.01
    assert frame.loc[("b", "v"), "low"] > 0.5
    with pytest.raises(TableError, match="stratify"):
        stratified(table(x, "ab"), table(y, "uv"), table(x[:, :1], ["age"]))


def test_adjusted_worlds_stay_within_the_strata_of_site():
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    site = Table(np.repeat([[0.0], [1.0]], 20, axis=0), people(40), (Column("site", "categorical", levels=("A", "B")),))
    found = screen(table(x, "abc"), table(y, "uvw"), site, permutations=9)
    assert found.settings["null_adjusted"].endswith("within strata of site")
    few = Table(
        np.arange(40.0)[:, None] // 3, people(40), (Column("s", "categorical", levels=tuple(map(str, range(14)))),)
    )
    alone = screen(table(x, "abc"), table(y, "uvw"), few, permutations=2)
    assert "strata" not in alone.settings["null_adjusted"]


def test_a_batch_that_is_the_outcome_and_perfect_separation_are_said():
    rng = np.random.default_rng(11)
    x, batch = rng.normal(size=(40, 1)), np.repeat([0.0, 1.0], 20)[:, None]
    site = Table(batch, people(40), (Column("site", "categorical", levels=("A", "B")),))
    frame = screen(table(x, "a"), table(batch, ["outcome"], "binary"), site, permutations=5).to_pandas()
    assert frame["flag"].tolist() == [""]
    assert np.isnan(frame["p_adjusted"][0])
    assert frame["flag_adjusted"][0].startswith("the covariates explain")
    time = np.r_[np.arange(1.0, 21), np.arange(101.0, 121)]
    other = Table(np.c_[time, np.ones(40)], people(40), (Column("os", "time"), Column("os.event", "binary")))
    frame = screen(table(1 - batch, ["early"], "binary"), other, permutations=5).to_pandas()
    assert frame["p"][0] < 1e-6
    assert np.isnan(frame["effect"][0])
    assert frame["flag"][0] == "tested, but without finite effect: separated"


def test_duplicated_genes_get_equal_numbers_and_columns_without_values_a_reason():
    rng = np.random.default_rng(12)
    x, y = rng.normal(size=(30, 1)), rng.normal(size=(30, 1))
    other = table(np.c_[y, y, np.full((30, 1), np.nan), np.eye(30)[:, :1]], ["g", "copy", "empty", "one"])
    frame = screen(table(x, "a"), other, permutations=9).to_pandas().set_index("other")
    assert frame.loc["g", "p"] == frame.loc["copy", "p"]
    assert frame.loc["empty", "flag"] == "fewer than 10 patients"
    mutant = table(np.eye(30)[:, :1], ["mutant"], "binary")
    assert screen(table(x, "a"), mutant, permutations=0).pairs["flag"][0] == "fewer than 3 in the smallest group"
