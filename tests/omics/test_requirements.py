"""Derived variables on planted and on published data: what each must be able to do, in one number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genoxel.core.errors import OutcomeError, SettingsError
from genoxel.core.keys import as_keys
from genoxel.core.outcome import Outcome
from genoxel.core.table import Column, Table
from genoxel.io.expression import read_expression
from genoxel.io.genesets import read_centroids, read_edges
from genoxel.omics.axes import AXES, axis_scores
from genoxel.omics.expression import transform
from genoxel.omics.immune import cell_shares, marker_means, weighted_score
from genoxel.omics.modules import Metagenes
from genoxel.omics.recipe import MostVariable
from genoxel.omics.settings import TargetSettings
from genoxel.omics.subtypes import CentroidClassifier
from genoxel.omics.targets import cut_outcome, make_outcome


def _table(values: np.ndarray, genes: list[str]) -> Table:
    people = [f"P{number:03d}" for number in range(len(values))]
    return Table(values, as_keys(people), tuple(Column(gene, unit="log2") for gene in genes), "expression")


def test_real_modules_of_lung_tumours_are_stable(real_data: Callable[[str], Path]) -> None:
    table = transform(read_expression(real_data("nsclc-imagene44") / "expression.csv.gz"))
    found = Metagenes(10).fit(MostVariable(200).fit(table).transform(table))
    assert found.cophenetic > 0.9
    assert sum(len(genes) for genes in found.members.values()) == 200


def test_published_centroids_tell_their_simulated_tumours_and_need_a_mixed_cohort(
    real_data: Callable[[str], Path],
) -> None:
    genes, classes, centroids = read_centroids(real_data("genomics") / "breast_signatures" / "pam50_model.csv")
    random = np.random.default_rng(3)
    truth = np.arange(200) % len(classes)
    gene_level = random.normal(8, 2, size=len(genes))  # each gene has its own height on an array
    table = _table(gene_level + centroids.T[truth] + random.normal(0, 0.4, size=(200, len(genes))), list(genes))
    model = CentroidClassifier(genes, classes, centroids, "PAM50-like").fit(table)
    assert np.mean(model.transform(table)["PAM50-like"] == truth) > 0.95
    alone = table.take(truth == 0)  # centred on itself, a cohort of one subtype loses what makes it one
    own = CentroidClassifier(genes, classes, centroids, "PAM50-like").fit(alone).transform(alone)["PAM50-like"]
    assert np.mean(own == 0) < 0.6
    assert np.mean(model.transform(alone)["PAM50-like"] == 0) > 0.95


def test_a_recurrence_like_score_ranks_the_latent_risk() -> None:
    random = np.random.default_rng(4)
    risk, weights = random.normal(size=120), random.uniform(0.5, 1.5, size=16)
    genes = [f"G{at}" for at in range(16)]
    table = _table(risk[:, None] * weights + random.normal(0, 1.0, size=(120, 16)), genes)
    score = weighted_score(table, "recurrence-like", dict(zip(genes, weights.tolist(), strict=True)))
    ranks = [np.argsort(np.argsort(one)) for one in (risk, score["recurrence-like"])]
    assert np.corrcoef(*ranks)[0, 1] > 0.9


def test_immune_scores_rank_the_simulated_mixture() -> None:
    random = np.random.default_rng(5)
    share = random.uniform(0, 0.6, size=80)
    genes = ["CD8A", "CD8B", *(f"T{at}" for at in range(10)), *(f"C{at}" for at in range(20))]
    immune = np.array([100.0] * 12 + [5.0] * 20)
    tumour = np.array([2.0] * 12 + [80.0] * 20)
    mixed = share[:, None] * immune + (1 - share[:, None]) * tumour
    table = _table(mixed * np.exp(random.normal(0, 0.2, size=mixed.shape)), genes)
    logged = _table(np.log2(table.values + 1), genes)
    assert np.corrcoef(marker_means(logged)["CD8 T cells"], share)[0, 1] > 0.9
    found = cell_shares(table, genes, ["T", "tumour"], np.column_stack([immune, tumour]))
    assert np.corrcoef(found["T"], share)[0, 1] > 0.9


def test_the_shipped_axes_are_known_sets(real_data: Callable[[str], Path]) -> None:
    genes, _, _ = read_centroids(real_data("genomics") / "breast_signatures" / "pam50_model.csv")
    assert set(AXES["proliferation"]) <= set(genes)
    with pytest.raises(Exception, match="angiogenesis"):
        axis_scores(_table(np.ones((2, 1)), ["VEGFA"]), {"angiogenesis": AXES["angiogenesis"]})


def test_the_band_9p21_is_that_of_the_published_table(real_data: Callable[[str], Path]) -> None:
    import pandas as pd

    from genoxel.omics.genome import BANDS, arm_span

    bands = pd.read_csv(real_data("genomics") / "maftools" / "hg19_cytobands.tsv.gz", sep="\t")
    nine = bands[(bands["#chrom"] == "chr9") & bands["name"].str.startswith("p21")]
    assert BANDS["hg19"]["9p21"] == ("9", int(nine["chromStart"].min()) + 1, int(nine["chromEnd"].max()))
    first = nine[nine["name"] == "p21.3"]
    assert arm_span("9p21.3", "hg19") == ("9", int(first["chromStart"].iloc[0]) + 1, int(first["chromEnd"].iloc[0]))
    # the same three bands in the cytoBand table of hg38, as published by UCSC
    later = {"p21.3": (19900000, 25600000), "p21.2": (25600000, 28000000), "p21.1": (28000000, 33200000)}
    assert arm_span("9p21", "hg38") == ("9", later["p21.3"][0] + 1, later["p21.1"][1])
    assert arm_span("9p21.3", "hg38") == ("9", later["p21.3"][0] + 1, later["p21.3"][1])
    with pytest.raises(Exception, match="9p21 in hg18"):
        arm_span("9p21", "hg18")


@pytest.mark.parametrize(
    ("settings", "levels", "words"),
    [
        ({"cut": 2.0}, ("low", "high"), ["low", "high", "high", None]),
        ({"cut": "median"}, ("low", "high"), ["low", "high", "high", None]),
        ({"cut": {"quantile": 0.9}}, ("low", "high"), ["low", "low", "high", None]),
        ({"cut": "TMB"}, ("low", "high"), ["low", "low", "low", None]),
        ({"cut": 3.0, "levels": ["few", "many"]}, ("few", "many"), ["few", "few", "many", None]),
    ],
)
def test_cuts_of_a_number(settings: dict[str, object], levels: tuple[str, str], words: list[str | None]) -> None:
    values = Outcome("x", "value", ("A", "B", "C", "D"), np.array([1.0, 2.0, 3.0, np.nan]))
    found = cut_outcome(values, TargetSettings.model_validate({"score": "x", **settings}))
    assert found.levels == levels
    assert [None if np.isnan(code) else levels[int(code)] for code in found.values] == words


def test_classes_of_a_score_become_two() -> None:
    column = Column("type", "categorical", levels=("Basal", "LumA", "LumB"))
    table = Table(np.array([[0.0], [1.0], [2.0], [np.nan]]), as_keys("ABCD"), (column,), "types")
    basal = make_outcome("t", TargetSettings(score="type", positive=("basal",)), scores=[table])[0]
    assert (basal.levels, basal.counts()) == (("LumA or LumB", "Basal"), {"LumA or LumB": 2, "Basal": 1, "unknown": 1})
    pair = make_outcome("t", TargetSettings(score="type", positive=("Basal",), negative=("LumA",)), scores=[table])[0]
    assert pair.counts() == {"LumA": 1, "Basal": 1, "unknown": 2}
    with pytest.raises(SettingsError, match="Basal"):
        make_outcome("t", TargetSettings(score="type", positive=("Basl",)), scores=[table])
    with pytest.raises(OutcomeError, match="classes"):
        make_outcome("t", TargetSettings(score="type", cut=1.0), scores=[table])


def test_edges_that_are_damaged_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "edges.csv"
    path.write_text("a,b\nEGFR,KRAS\n")
    assert read_edges(path) == (("EGFR", "KRAS"),)
    path.write_text("a,b\nEGFR,1-Sep\n")
    with pytest.raises(Exception, match="1-Sep"):
        read_edges(path)
    path.write_text("a,b\nEGFR,\n")
    with pytest.raises(Exception, match="empty gene"):
        read_edges(path)
