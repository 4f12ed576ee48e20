"""Enrichment: GSEApy's numbers, a p that holds when genes are correlated, planted sets found, bad input refused."""

import numpy as np
import pytest

from genoxel.associate.enrich import EnrichRules, enrich, groups_table, over_represented, representatives
from genoxel.associate.walks import enrichment_scores, leading_edge
from genoxel.core.errors import InputError, TableError
from genoxel.core.table import Column, Source, Table

GENES = tuple(f"G{place:03d}" for place in range(240))
SETS = {f"set {number:02d}": GENES[number * 12 : (number + 1) * 12] for number in range(20)}


def people(n):
    return tuple(f"P{row:03d}" for row in range(n))


def cohort(seed, strength=0.0, correlated=0.0, n=40, features=1):
    """Return features of one family and genes whose sets go together; `strength` ties set 00 to the first feature."""
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=n)
    values = rng.normal(size=(n, len(GENES)))
    values += np.sqrt(correlated) * np.repeat(rng.normal(size=(n, 20)), 12, axis=1)
    values[:, :12] += strength * trait[:, None]
    image = rng.normal(size=(n, features))
    image[:, 0] += trait if strength else 0.0
    columns = tuple(
        Column(f"T1.roi.none.stat.f{place}", source=Source("T1", family="stat")) for place in range(features)
    )
    return Table(image, people(n), columns), Table(values, people(n), tuple(map(Column, GENES)), "expression")


def test_scores_and_p_of_moved_genes_are_those_of_gseapy():
    gseapy = pytest.importorskip("gseapy")
    import pandas as pd

    rng = np.random.default_rng(1)
    for seed in range(3):
        scores = rng.normal(size=(1, len(GENES)))
        places = [np.arange(number * 12, (number + 1) * 12) for number in range(20)]
        theirs = gseapy.prerank(
            pd.DataFrame({"s": scores[0]}, index=list(GENES)), dict(SETS), min_size=1, permutation_num=10,
            seed=seed, outdir=None, no_plot=True, threads=1,
        ).res2d.set_index("Term")  # fmt: skip
        own = enrichment_scores(scores, places)[0]
        np.testing.assert_allclose(own, [theirs.loc[name, "ES"] for name in SETS], atol=1e-10)
        for at, name in zip(places, SETS, strict=True):
            lead = {GENES[gene] for gene in leading_edge(scores[0], at)}
            assert lead == set(theirs.loc[name, "Lead_genes"].split(";"))


def test_over_representation_is_that_of_gseapy():
    gseapy = pytest.importorskip("gseapy")
    rng = np.random.default_rng(2)
    hits = rng.choice(GENES, 40, replace=False).tolist() + list(SETS["set 03"][:8])
    own = over_represented({"hits": hits}, SETS, GENES)
    theirs = gseapy.enrich(list(dict.fromkeys(hits)), dict(SETS), background=list(GENES), outdir=None, no_plot=True)
    table = theirs.results.set_index("Term")
    rows = {name: place for place, name in enumerate(own.rows["set"])}
    assert len(table) > 10
    for name, row in table.iterrows():
        assert own.rows["p"][rows[name]] == pytest.approx(row["P-value"], rel=1e-9)
    assert own.rows["set"][np.argmin(own.rows["p"])] == "set 03"


def test_the_planted_set_comes_first_and_alone():
    image, genes = cohort(3, strength=1.0, correlated=0.3)
    found = enrich(image, genes, SETS, rules=EnrichRules(permutations=499, genes=100))
    table = found.to_pandas().sort_values("p")
    assert table["set"].iloc[0] == "set 00"
    assert table["q"].iloc[0] <= 0.05
    assert found.passing == 1
    assert table["nes"].iloc[0] > 1
    assert set(table["leading"].iloc[0].split(", ")) <= set(SETS["set 00"])
    assert table["p_genes"].iloc[0] <= 0.05


def test_correlated_genes_deceive_the_p_of_moved_genes_and_not_that_of_moved_patients():
    """Cohorts without any link, 20 sets whose genes correlate at 0.5: FDR 5 % holds for one, fails for the other."""
    pytest.importorskip("gseapy")
    claims = {"q": 0, "q_genes": 0}
    cohorts = 40
    for seed in range(cohorts):
        image, genes = cohort(100 + seed, correlated=1.0)
        found = enrich(image, genes, SETS, rules=EnrichRules(permutations=399, genes=100, seed=seed))
        for name in claims:
            claims[name] += bool((found.rows[name] <= 0.05).any())
    error = np.sqrt(0.05 * 0.95 / cohorts)
    assert claims["q"] / cohorts <= 0.05 + 2 * error
    assert claims["q_genes"] / cohorts > 0.5


def test_a_covariate_that_makes_the_link_takes_it_away():
    rng = np.random.default_rng(5)
    n = 60
    volume = rng.normal(size=n)
    values = rng.normal(size=(n, len(GENES)))
    values[:, :12] += volume[:, None]
    image = Table((volume + 0.5 * rng.normal(size=n))[:, None], people(n), (Column("texture"),))
    genes = Table(values, people(n), tuple(map(Column, GENES)), "expression")
    size = Table(volume[:, None], people(n), (Column("volume"),))
    found = enrich(image, genes, SETS, adjust=size, rules=EnrichRules(permutations=299, genes=0))
    row = int(np.flatnonzero(found.rows["set"] == "set 00")[0])
    assert found.rows["q"][row] <= 0.1
    assert found.rows["p_adjusted"][row] > 0.05
    assert found.adjusted_for == ("volume",)


def test_a_family_that_says_the_same_is_told():
    image, genes = cohort(6, strength=1.0, features=30)
    alone = enrich(image, genes, SETS, image.names[:1], rules=EnrichRules(permutations=99, genes=0))
    row = int(np.argmin(alone.rows["p"]))
    assert alone.rows["p_family"][row] == pytest.approx(1 / 30)
    same = Table(image.values[:, :1] + 0.2 * np.random.default_rng(1).normal(size=(40, 30)), people(40), image.columns)
    crowd = enrich(same, genes, SETS, image.names[:1], rules=EnrichRules(permutations=99, genes=0))
    assert crowd.rows["p_family"][int(np.argmin(crowd.rows["p"]))] > 0.1
    assert crowd.rows["others"].tolist() == [29] * len(crowd.rows["p"])


def test_a_risk_group_is_asked_as_a_feature_is():
    image, genes = cohort(7, strength=1.2)
    risk = groups_table(dict(zip(image.patients, (image.values[:, 0] > 0).tolist(), strict=True)), "high risk")
    found = enrich(risk, genes, SETS, rules=EnrichRules(permutations=199, genes=0))
    assert found.rows["set"][int(np.argmin(found.rows["p"]))] == "set 00"


def test_representatives_are_chosen_without_the_genes():
    rng = np.random.default_rng(8)
    hidden = rng.normal(size=(50, 3))
    values = np.repeat(hidden, 4, axis=1) + 0.2 * rng.normal(size=(50, 12))
    table = Table(values, people(50), tuple(Column(f"f{place}") for place in range(12)))
    chosen = representatives(table, 3)
    assert sorted(int(name[1:]) // 4 for name in chosen) == [0, 1, 2]
    assert representatives(table, 20) == table.names


def test_metagenes_can_be_the_modules():
    from genoxel.omics.modules import Metagenes

    _, genes = cohort(9, correlated=3.0)
    members = Metagenes(20, halves=1).fit(genes).members
    found = over_represented(members, SETS, GENES)
    assert found.passing >= 15


def test_sets_and_patients_that_cannot_be_asked_are_refused():
    image, genes = cohort(10)
    with pytest.raises(TableError, match="no gene set that can be asked"):
        enrich(image, genes, {"other": ["X1", "X2", "X3", "X4", "X5"]})
    with pytest.raises(InputError, match="8 patients"):
        enrich(image.take(slice(0, 8)), genes, SETS)
    kinds = Table(np.zeros((40, 1)), people(40), (Column("type", "categorical", levels=("a",)),))
    with pytest.raises(TableError, match="categorical"):
        enrich(kinds, genes, SETS)
    with pytest.raises(TableError, match="constant column"):
        enrich(Table(np.ones((40, 1)), people(40), (Column("f"),)), genes, SETS)
    with pytest.raises(TableError, match="no gene with a value"):
        enrich(image, Table(np.full((40, 240), np.nan), people(40), genes.columns), SETS)
    with pytest.raises(TableError, match="without a measured gene"):
        over_represented({"hits": ["X1"]}, SETS, GENES)
    with pytest.raises(TableError, match="twice"):
        Table(np.ones((40, 2)), people(40), (Column("TP53"), Column("TP53")), "expression")


def test_genes_named_twice_in_a_set_count_once():
    image, genes = cohort(11)
    once = enrich(image, genes, {"a": SETS["set 00"]}, rules=EnrichRules(permutations=9, genes=0))
    twice = enrich(image, genes, {"a": SETS["set 00"] * 2}, rules=EnrichRules(permutations=9, genes=0))
    assert once.rows["es"].tolist() == twice.rows["es"].tolist()
    assert twice.rows["size"].tolist() == [12]
