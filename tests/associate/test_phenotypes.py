"""Groups of patients: one where there is one, the planted ones where there are more, tested only on what is new."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score

from genoxel.associate.consensus import Cloud, Consensus, cut, normal_scores, spread_within
from genoxel.associate.fusion import affinity, fuse
from genoxel.associate.groups import differences, replicate, survival_of
from genoxel.associate.phenotypes import GroupRules, phenotypes
from genoxel.core.errors import InputError, TableError
from genoxel.core.table import Column, Table

RULES = GroupRules(most=4, resamples=20, worlds=19)


def table(values, name="f", kind="features", first=0):
    people = tuple(f"P{row + first:03d}" for row in range(len(values)))
    return Table(values, people, tuple(Column(f"{name}{place}") for place in range(values.shape[1])), kind)


def one_group(kind, rng, n=36):
    if kind == "independent":
        return rng.normal(size=(n, 30))
    if kind == "factors":
        return rng.normal(size=(n, 3)) @ rng.normal(size=(3, 30)) + 0.5 * rng.normal(size=(n, 30))
    if kind == "skewed":
        return np.exp(rng.normal(size=(n, 2)) @ rng.normal(size=(2, 30)) + 0.5 * rng.normal(size=(n, 30)))
    return rng.normal(size=(n, 200)) + rng.normal(size=(n, 1))


KINDS = ("independent", "factors", "skewed", "one strong factor")


def claims(cohorts, seed):
    found = []
    for cohort in range(cohorts):
        rng = np.random.default_rng([seed, cohort])
        values = one_group(KINDS[cohort % 4], rng)
        found.append(phenotypes(table(values), rules=dataclasses.replace(RULES, seed=cohort)).k > 1)
    return np.mean(found)


def test_one_group_is_called_one_group():
    cohorts = 32
    assert claims(cohorts, 1) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / cohorts)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_one_group_is_called_one_group_in_many_cohorts():
    cohorts = 400
    assert claims(cohorts, 2) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / cohorts)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_one_group_in_two_blocks_that_share_a_trait_is_called_one_group():
    cohorts, found = 60, []
    for cohort in range(cohorts):
        rng = np.random.default_rng([3, cohort])
        trait = rng.normal(size=(36, 1))
        blocks = (rng.normal(size=(36, 20)) + trait, rng.normal(size=(36, 30)) + trait)
        rules = dataclasses.replace(RULES, seed=cohort)
        found.append(phenotypes(table(blocks[0]), table(blocks[1], "g", "expression"), rules=rules).k > 1)
    assert np.mean(found) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / cohorts)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_planted_groups_are_found_and_counted(k):
    rng = np.random.default_rng(10)
    truth = np.arange(60) % k
    values = rng.normal(size=(60, 40)) + 2.0 * rng.normal(size=(k, 40))[truth]
    values[rng.random(values.shape) < 0.02] = np.nan
    found = phenotypes(table(values), rules=RULES)
    assert found.k == k
    assert adjusted_rand_score(truth, found.groups) > 0.95
    assert found.counts["pac"][k - 2] < 0.05 < found.counts["null_mean"][k - 2]
    assert found.certainty.min() > 0.8
    assert np.bincount(found.groups)[1:].tolist() == sorted(np.bincount(truth).tolist(), reverse=True)


def joint(seed, n=60):
    """Three groups that neither the image nor the expression alone can tell apart."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 3
    x, y = rng.normal(size=(n, 40)), rng.normal(size=(n, 60))
    x[truth == 1, :20] += 1.8
    y[truth == 2, :20] += 1.8
    return truth, table(x), table(y, "g", "expression")


def test_joint_groups_need_both_blocks():
    truth, image, genes = joint(11)
    both = phenotypes(image, genes, rules=RULES)
    assert both.k == 3
    assert adjusted_rand_score(truth, both.groups) > 0.8
    alone = phenotypes(image, rules=RULES)
    assert adjusted_rand_score(truth, alone.groups) < 0.7


def test_groups_come_back_in_other_patients_and_live_as_planted():
    """Groups of one half, survival of the other: the comparison that finding the groups cannot have spoiled."""
    truth, image, genes = joint(12, n=160)
    first, second = slice(0, 80), slice(80, 160)
    found = phenotypes(image.take(first), genes.take(first), rules=RULES)
    again = replicate(found, image.take(second), genes.take(second), worlds=99)
    assert adjusted_rand_score(truth[second], again.groups) > 0.8
    assert again.passing == 3
    assert again.p <= 0.01
    rng = np.random.default_rng(1)
    time = rng.exponential(np.where(truth == 1, 5.0, 30.0))
    event = (rng.random(160) < 0.8).astype(float)
    columns = (Column("os", "time"), Column("os.event", "binary"))
    survival = Table(np.c_[np.ceil(time), event], image.rows, columns, "survival")
    tested = survival_of(again.table(), survival)
    assert tested.p < 0.001
    assert tested.rows["n"].sum() == 80
    assert not tested.why


def test_what_is_no_group_does_not_come_back():
    """A cut through one cloud, laid over another cloud of the same kind."""
    claimed = np.zeros(2)
    for seed in range(20):
        rng = np.random.default_rng([13, seed])
        axes = rng.normal(size=(2, 20))
        clouds = [rng.normal(size=(40, 2)) @ axes + 0.5 * rng.normal(size=(40, 20)) for _ in range(2)]
        cloud = Cloud.of([normal_scores(clouds[0])])
        codes = cut(cloud.distances(), (2,))[0]
        found = phenotypes(table(clouds[0]), rules=RULES)
        forced = dataclasses.replace(found, k=2, groups=codes + 1)
        again = replicate(forced, table(clouds[1], first=40), worlds=99, seed=seed)
        claimed += np.array([again.passing > 0, again.p <= 0.05])
    assert (claimed <= 0.05 * 20 + 2 * np.sqrt(20 * 0.05 * 0.95)).all()


def test_hazard_ratios_are_those_of_lifelines():
    from lifelines import CoxPHFitter

    rng = np.random.default_rng(14)
    code = np.arange(90) % 3
    age = rng.normal(size=90)
    time = rng.exponential(np.exp(-0.8 * (code == 1) - 0.5 * age)) * 100
    event = (rng.random(90) < 0.8).astype(float)
    rows = tuple(f"P{row:03d}" for row in range(90))
    groups = Table(code[:, None].astype(float), rows, (Column("g", "categorical", levels=("a", "b", "c")),), "g")
    survival = Table(np.c_[time, event], rows, (Column("os", "time"), Column("os.event", "binary")), "survival")
    own = survival_of(groups, survival, Table(age[:, None], rows, (Column("age"),), "clinical"))
    import pandas as pd

    frame = pd.DataFrame({"b": code == 1, "c": code == 2, "age": age, "t": time, "e": event}).astype(float)
    raw = CoxPHFitter().fit(frame.drop(columns="age"), "t", "e").summary
    both = CoxPHFitter().fit(frame, "t", "e").summary
    np.testing.assert_allclose(own.rows["hazard_ratio"][1:], raw["exp(coef)"], rtol=1e-4)
    np.testing.assert_allclose(own.rows["low_adjusted"][1:], both["exp(coef) lower 95%"][:2], rtol=1e-4)
    np.testing.assert_allclose(own.rows["high_adjusted"][1:], both["exp(coef) upper 95%"][:2], rtol=1e-4)
    assert own.adjusted_for == ("age",)


def test_what_made_the_groups_is_never_tested_between_them():
    _, image, genes = joint(15)
    found = phenotypes(image, rules=RULES)
    assert found.k > 1
    renamed = Table(image.values[:, :3], image.rows, tuple(map(Column, "abc")), "other")
    named = Table(np.random.default_rng(1).normal(size=(60, 1)), image.rows, (Column("f3"),), "other")
    for makers in (image.select(["f0"]), renamed, named):
        with pytest.raises(TableError, match="made the groups"):
            differences(found, makers)
    tested = differences(found, genes)
    assert len(tested.pairs["p"]) == 60
    joined = phenotypes(image, genes, rules=RULES)
    with pytest.raises(TableError, match="made the groups"):
        differences(joined, genes)


def test_molecular_differences_of_groups_without_any_keep_the_false_discovery_rate():
    cohorts, found = 20, 0
    _, image, _ = joint(16)
    groups = phenotypes(image, rules=RULES)
    for seed in range(cohorts):
        noise = table(np.random.default_rng([16, seed]).normal(size=(60, 50)), "g", "expression")
        found += differences(groups, noise).hits > 0
    assert found <= 0.05 * cohorts + 2 * np.sqrt(cohorts * 0.05 * 0.95)


SNFPY = [0.02169589, 0.01687778, 0.01692212, 0.00492856, 0.01754943, 0.00900535, 0.00626462, 0.01963251]
"""snf.compute.affinity_matrix(d, K=8, mu=0.5)[0, 1:9] of snfpy 0.2.2 on the first block below."""

FUSED = [0.039266, 0.039607, 0.035973, 0.045762, 0.041726, 0.041569, 0.040503, 0.037599, 0.037175, 0.035413, 0.037751]
FUSED += [0.038551, 0.039415, 0.044138, 0.035243, 0.037183, 0.036484, 0.039077, 0.036998, 0.03633, 0.040763, 0.037655]
"""snf.compute.snf(both, K=8, t=20)[0, 1:23] of snfpy 0.2.2."""


def test_fused_networks_are_those_of_snfpy():
    """Affinities are equal; snfpy normalises fused networks in another way than the paper, so these agree in order."""
    rng = np.random.default_rng(20)
    truth = np.repeat([0, 1, 2], 8)
    x, y = rng.normal(size=(24, 6)), rng.normal(size=(24, 5))
    x[truth == 1] += 1.5
    y[truth == 2] += 1.5
    both = [affinity(cdist(block, block), 8) for block in (x, y)]
    np.testing.assert_allclose(both[0][0, 1:9], SNFPY, atol=1e-8)
    fused = fuse(both, 8)
    assert np.corrcoef(fused[0, 1:23], FUSED)[0, 1] > 0.95


def test_pac_and_cdf_are_what_they_say():
    together = np.zeros((1, 4, 4))
    for (a, b), value in {(0, 1): 1.0, (0, 2): 0.5, (0, 3): 0.0, (1, 2): 0.9, (1, 3): 0.1, (2, 3): 0.95}.items():
        together[0, a, b] = together[0, b, a] = value
    found = Consensus((2,), together)
    assert found.pac.tolist() == [pytest.approx(2 / 6)]
    assert found.cdf[0, [0, 10, 50, 90, 100]].tolist() == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 1.0])


def test_a_turned_cloud_keeps_its_correlations():
    rng = np.random.default_rng(17)
    cloud = Cloud((rng.normal(size=(20, 6)), rng.normal(size=(20, 30))))
    turned = cloud.one_group(rng)
    whole = [np.hstack(one.blocks) - np.hstack(one.blocks).mean(axis=0) for one in (cloud, turned)]
    np.testing.assert_allclose(whole[0].T @ whole[0], whole[1].T @ whole[1], atol=1e-9)
    assert not np.allclose(whole[0], whole[1])


def test_spread_within_is_that_of_the_definition():
    rng = np.random.default_rng(18)
    points, codes = rng.normal(size=(15, 3)), np.arange(15) % 3
    inside = sum(((points[codes == code] - points[codes == code].mean(axis=0)) ** 2).sum() for code in range(3))
    assert spread_within([cdist(points, points)], codes) == pytest.approx(
        inside / ((points - points.mean(axis=0)) ** 2).sum()
    )


def test_bad_input_is_refused():
    rng = np.random.default_rng(19)
    good = table(rng.normal(size=(40, 5)))
    with pytest.raises(InputError, match="8 patients"):
        phenotypes(good.take(slice(0, 8)))
    with pytest.raises(InputError, match="up to 30 groups of 40"):
        phenotypes(good, rules=GroupRules(most=30))
    with pytest.raises(InputError, match="5 worlds"):
        phenotypes(good, rules=GroupRules(worlds=5))
    with pytest.raises(InputError, match="no table"):
        phenotypes()
    with pytest.raises(TableError, match="no usable number in the expression table"):
        phenotypes(good, table(np.full((40, 3), np.nan), "g", "expression"))
    with pytest.raises(InputError, match="0 patients in all 2"):
        phenotypes(good, table(rng.normal(size=(40, 3)), "g", "expression", first=100))
    found = phenotypes(good, rules=RULES)
    assert found.k == 1
    assert "one group explains the data" in repr(found)
    with pytest.raises(TableError, match="one group"):
        differences(found, table(rng.normal(size=(40, 3)), "g", "expression"))
    with pytest.raises(InputError, match="nothing to replicate"):
        replicate(found, good)
    two = dataclasses.replace(found, k=2, groups=np.arange(40) % 2 + 1)
    with pytest.raises(InputError, match="40 patients who made the groups"):
        replicate(two, good)


def test_too_few_events_give_a_reason_instead_of_a_p():
    rows = tuple(f"P{row:03d}" for row in range(40))
    groups = Table((np.arange(40) % 2)[:, None].astype(float), rows, (Column("g", "binary", levels=("a", "b")),), "g")
    event = (np.arange(40) < 6).astype(float)
    survival = Table(np.c_[np.arange(1.0, 41), event], rows, (Column("os", "time"), Column("e", "binary")), "survival")
    found = survival_of(groups, survival)
    assert np.isnan(found.p)
    assert found.why == "6 events, 10 needed"
