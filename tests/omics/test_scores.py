"""Gene-set scores and normalisation beside GSEApy 1.3.1 and PyDESeq2 (numbers printed by them), and by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from genoxel.core.errors import TableError
from genoxel.core.table import Column, Table
from genoxel.io.expression import read_expression
from genoxel.omics.immune import cell_shares, cytolytic_activity, marker_means, weighted_score
from genoxel.omics.modules import Metagenes, smooth
from genoxel.omics.normalise import QuantileNormaliser, SizeFactors, cpm, tpm
from genoxel.omics.scores import Method, SetRules, SetScorer
from genoxel.omics.subtypes import CentroidClassifier

SSGSEA = [
    [-7.428159584697704, 1.2026131909812037, 4.196125692503834],
    [1.1310672042039016, 1.347650987386782, 5.119033795726217],
    [-1.848042181155499, 7.123048178470938, 1.1015021863128247],
    [-1.6825771494174084, -1.1457991193142298, 5.941797792747074],
    [-1.2843983373369774, 1.540426294965524, 3.7752642074684672],
    [1.1681246216011338, 5.083171728866009, 3.9514781636526735],
]
"""gseapy.ssgsea(..., sample_norm_method="rank", weight=0.25, min_size=2): column ES of the matrix below."""

GSVA = [
    [-0.5166666666666666, -0.05131964809384168, 0.13444976076555032],
    [0.4854166666666667, -0.11339198435972628, -0.03398058252427186],
    [0.05686274509803932, 0.3863718738673435, -0.2373737373737374],
    [0.24385964912280714, -0.43930390492359905, 0.041884816753926635],
    [-0.1531531531531531, -0.10847217298830197, 0.15288461538461549],
    [0.4186813186813189, 0.36100036245016326, -0.0054945054945055305],
]
"""gseapy.gsva(..., kcdf="Gaussian", weight=1, mx_diff=True, abs_rnk=False, min_size=2): column ES."""

SIZE_FACTORS = [0.3994417681371745, 0.7966456572765764, 1.653622375827721]
SIZE_FACTORS += [2.427268501607288, 1.201485519026923, 0.6505243081068294]
"""pydeseq2.preprocessing.deseq2_norm of the counts below."""

GENES = [f"G{place}" for place in range(40)]
SETS = {"A": GENES[:10], "B": [*GENES[5:30:3], "XX"], "C": GENES[20:]}


def _table(values: np.ndarray, genes: list[str] | None = None) -> Table:
    names = genes or [f"G{place}" for place in range(values.shape[1])]
    people = tuple(f"S{place}" for place in range(len(values)))
    return Table(values, people, tuple(Column(name) for name in names), "expression")


def _made() -> Table:
    values = np.round(np.random.default_rng(5).gamma(2, 3, size=(40, 6)), 2)
    values[3] = values[7]
    return _table(values.T)


@pytest.mark.parametrize(("method", "expected"), [("ssgsea", SSGSEA), ("gsva", GSVA)])
def test_scores_are_those_of_gseapy(method: Method, expected: list[list[float]]) -> None:
    table = _made()
    found = SetScorer(SETS, method, SetRules(smallest=2)).fit(table).transform(table)
    assert found.names == ("A", "B", "C")
    assert np.abs(found.values - np.array(expected)).max() <= 1e-6


def test_learned_scores_use_the_training_samples_alone() -> None:
    table = _made()
    scorer = SetScorer(SETS, "zmean", SetRules(smallest=2)).fit(table.take(slice(0, 4)))
    new = scorer.transform(table.take(slice(4, 6)))
    training = table.values[:4]
    z = (table.values[4:] - training.mean(axis=0)) / training.std(axis=0, ddof=1)
    assert new["A"] == pytest.approx(z[:, :10].mean(axis=1))
    alone = SetScorer(SETS, "gsva", SetRules(smallest=2)).fit(table.take(slice(0, 4)))
    pair, single = alone.transform(table.take(slice(4, 6))), alone.transform(table.take(slice(4, 5)))
    assert np.array_equal(pair.values[:1], single.values)
    with pytest.raises(TableError, match="never fitted"):
        SetScorer(SETS, "zmean").transform(table)


def test_sets_that_cannot_be_scored_are_listed() -> None:
    table = _made()
    scorer = SetScorer({"A": SETS["A"], "small": GENES[:2], "all": GENES, "none": ["X1", "X2", "X3", "X4", "X5"]})
    assert scorer.transform(table).names == ("A",)
    assert scorer.left_out == {
        "small": "2 of 2 genes measured",
        "all": "it holds every gene that was measured",
        "none": "0 of 5 genes measured",
    }
    with pytest.raises(TableError, match="no gene set that can be scored"):
        SetScorer({"none": ["X1"]}).transform(table)
    holes = np.array(table.values)
    holes[0, 0] = np.nan
    with pytest.raises(TableError, match="missing expression of G0 in S0"):
        SetScorer(SETS).transform(_table(holes))


def test_size_factors_are_those_of_deseq2() -> None:
    random = np.random.default_rng(11)
    means = random.gamma(2, 40, size=50)[None, :] * np.array([0.5, 1, 2, 3, 1.5, 0.8])[:, None]
    counts = _table(random.poisson(means).astype(float))
    assert SizeFactors().fit(counts).factors(counts) == pytest.approx(SIZE_FACTORS, rel=1e-12)
    learned = SizeFactors().fit(counts.take(slice(0, 4)))
    both, one = learned.factors(counts.take(slice(4, 6))), learned.factors(counts.take(slice(4, 5)))
    assert both[0] == one[0]
    with pytest.raises(TableError, match="negative counts"):
        SizeFactors().fit(_table(np.array([[-1.0, 2.0]])))


def test_cpm_tpm_and_quantiles_by_hand() -> None:
    counts = _table(np.array([[1.0, 3.0], [10.0, 30.0]]))
    assert cpm(counts, log=True)["G0"] == pytest.approx([np.log2(250001)] * 2)
    assert tpm(counts, {"G0": 1000, "G1": 3000}).values == pytest.approx(np.full((2, 2), 5e5))
    with pytest.raises(TableError, match="without length"):
        tpm(counts, {"G0": 1000})
    with pytest.raises(TableError, match="without any count"):
        cpm(_table(np.zeros((1, 2))))
    values = np.random.default_rng(1).normal(size=(5, 30))
    learned = QuantileNormaliser().fit(_table(values))
    new = learned.transform(_table(np.random.default_rng(2).normal(3, 2, size=(2, 30))))
    assert np.sort(new.values, axis=1)[0] == pytest.approx(np.sort(values, axis=1).mean(axis=0))


def test_immune_context_by_hand() -> None:
    genes = ["GZMA", "PRF1", "CD8A", "CD8B", "X"]
    table = _table(np.array([[4.0, 9.0, 1.0, 3.0, 0.0]]), genes)
    assert cytolytic_activity(table, 0.0).values[0, 0] == 6.0
    assert marker_means(table)["CD8 T cells"].tolist() == [2.0]
    assert weighted_score(table, "risk-like", {"GZMA": 2.0, "X": 1.0})["risk-like"].tolist() == [8.0]
    with pytest.raises(TableError, match=r"1 of 2 genes of risk-like measured \(without Y\)"):
        weighted_score(table, "risk-like", {"GZMA": 2.0, "Y": 1.0})
    with pytest.raises(TableError, match="logged or scaled"):
        cytolytic_activity(_table(np.array([[-1.0, 2.0, 0, 0, 0]]), genes))


def test_cell_shares_find_the_mixture() -> None:
    random = np.random.default_rng(3)
    profile = random.gamma(1, 10, size=(60, 3))
    truth = random.dirichlet(np.ones(3), size=40)
    mixed = truth @ profile.T * random.lognormal(0, 0.1, size=(40, 60))
    found = cell_shares(_table(mixed), [f"G{place}" for place in range(60)], ["a", "b", "c"], profile)
    for place, name in enumerate("abc"):
        assert np.corrcoef(found[name], truth[:, place])[0, 1] > 0.9
    assert (found["mixture fit"] > 0.9).all()


def test_metagenes_find_planted_modules_and_stay_with_training() -> None:
    random = np.random.default_rng(4)
    drivers = random.normal(size=(80, 3))
    values = np.hstack([drivers[:, [place]] + 0.4 * random.normal(size=(80, 12)) for place in range(3)])
    table = _table(values)
    model = Metagenes(3).fit(table)
    assert [len(genes) for genes in model.members.values()] == [12, 12, 12]
    assert model.stability > 0.9
    scores = model.transform(table.take(slice(0, 5)))
    assert abs(np.corrcoef(model.transform(table)["metagene 1"], drivers[:, 0])[0, 1]) > 0.9
    assert scores.values == pytest.approx(model.transform(table).values[:5], rel=1e-10)  # sums by BLAS differ in ulps
    noise = Metagenes(3).fit(_table(random.normal(size=(80, 36))))
    assert noise.stability < 0.3
    parts = Metagenes(3, "nmf").fit(_table(np.exp(values)))
    assert parts.transform(table.take(slice(0, 2))).values.min() >= 0


@pytest.mark.parametrize("method", ["cluster", "nmf"])
def test_a_metagene_named_after_a_gene_is_the_module_that_holds_it(method: Literal["cluster", "nmf"]) -> None:
    random = np.random.default_rng(4)
    drivers = random.normal(size=(80, 3))
    table = _table(np.exp(np.hstack([drivers[:, [at]] + 0.4 * random.normal(size=(80, 12)) for at in range(3)])))
    numbered = Metagenes(3, method).fit(table)
    found = Metagenes(3, method, of=["G30", "G2"]).fit(table).transform(table)
    assert found.names == ("metagene of G30", "metagene of G2")
    for gene in ("G30", "G2"):
        whole = next(name for name, genes in numbered.members.items() if gene in genes)
        np.testing.assert_array_equal(found[f"metagene of {gene}"], numbered.transform(table)[whole])
    told = found.column("metagene of G2").definition.rpartition("genes: ")[2].removesuffix(", ...").split(", ")
    assert len(told) == 10
    assert set(told) < set(next(genes for genes in numbered.members.values() if "G2" in genes))
    with pytest.raises(TableError, match="no metagene of G99"):
        Metagenes(3, method, of=["G99"]).fit(table)


def test_smoothing_keeps_lonely_genes_and_the_sum_of_a_pair() -> None:
    table = _table(np.array([[1.0, 0.0, 5.0]]))
    found = smooth(table, [("G0", "G1")], restart=0.5)
    assert found["G2"].tolist() == pytest.approx([5.0])
    assert found.values[0, :2] == pytest.approx([2 / 3, 1 / 3])  # (1 - a) sum of (a W)^k over even and odd k, a = 1/2


def test_centroids_find_their_classes() -> None:
    random = np.random.default_rng(6)
    centroids = random.normal(size=(50, 5))
    truth = np.repeat(np.arange(5), 30)
    values = centroids[:, truth].T + random.normal(0, 0.8, size=(150, 50)) + random.normal(8, 2, size=50)
    table = _table(values)
    names = ["Basal", "Her2", "LumA", "LumB", "Normal"]
    model = CentroidClassifier(table.names, names, centroids, "PAM50-like").fit(table)
    found = model.transform(table)
    assert (found["PAM50-like"] == truth).mean() > 0.95
    assert found.column("PAM50-like").levels == tuple(names)
    flat = model.transform(_table(np.tile(np.median(values, axis=0), (2, 1))))
    assert np.isnan(flat["PAM50-like"]).all()
    with pytest.raises(TableError, match="of the 50 genes"):
        CentroidClassifier(table.names, names, centroids, "x").fit(table.select(["G1", "G2"]))


def test_real_glioblastoma_groups_are_told_by_centroids_of_the_training_fold(real_data: Callable[[str], Path]) -> None:
    import pandas as pd

    path = real_data("tcga-glioma") / "gbm_core_expression_clanc840.csv.gz"
    table = read_expression(path, skip=["verhaak_subtype"])
    frame = pd.read_csv(path, index_col=0)
    labels = frame["verhaak_subtype"].to_numpy()
    names = sorted(set(labels))
    fold = np.random.default_rng(0).permutation(len(labels)) % 5
    right = 0
    for one in range(5):
        training, test = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        inside = table.take(training)
        middle = np.median(inside.values, axis=0)
        groups = [inside.values[labels[training] == name] for name in names]
        centroids = np.column_stack([group.mean(axis=0) - middle for group in groups])
        model = CentroidClassifier(table.names, names, centroids, "GBM-like").fit(inside)
        found = model.transform(table.take(test))["GBM-like"]
        right += sum(
            not np.isnan(code) and names[int(code)] == labels[at] for code, at in zip(found, test, strict=True)
        )
    assert right / len(labels) > 0.85


def test_real_pam50_centroids_are_read_and_find_themselves(real_data: Callable[[str], Path]) -> None:
    from genoxel.io.genesets import read_centroids

    genes, classes, centroids = read_centroids(real_data("genomics") / "breast_signatures" / "pam50_model.csv")
    assert len(genes) == 50
    assert set(classes) == {"Basal", "Her2", "LumA", "LumB", "Normal"}
    assert (
        centroids[genes.index("ESR1"), classes.index("LumA")] > centroids[genes.index("ESR1"), classes.index("Basal")]
    )
    values = np.repeat(centroids.T, 4, axis=0) + np.random.default_rng(0).normal(0, 0.3, size=(20, 50))
    found = CentroidClassifier(genes, classes, centroids, "PAM50-like").fit(_table(values, list(genes)))
    labels = found.transform(_table(values, list(genes)))["PAM50-like"]
    assert (labels == np.repeat(np.arange(5), 4)).mean() > 0.9
