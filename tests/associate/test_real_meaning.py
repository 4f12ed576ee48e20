"""What real cohorts say about meaning and groups: no finding where patients that are moved give as much."""

import numpy as np
import pandas as pd
import pytest

from genoxel.associate import EnrichRules, GroupRules, enrich, phenotypes
from genoxel.associate.enrich import representatives
from genoxel.core.table import Table
from genoxel.io.genesets import read_gmt

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.timeout(3600)]


def numbers(path, index, kind):
    frame = pd.read_csv(path, dtype={index: str}).set_index(index)
    return Table.from_pandas(frame.select_dtypes("number"), kind)


@pytest.fixture(scope="module")
def lung(real_data):
    folder = real_data("nsclc-imagene44")
    image = numbers(folder / "radiomic_features.csv.gz", "ID", "features")
    return image, numbers(folder / "expression.csv.gz", "ID", "expression")


def test_lung_features_have_no_gene_set_that_moved_patients_would_not_have(lung, real_data):
    """Moved genes claim dozens of sets in the cohort, and as many once its patients are exchanged."""
    pytest.importorskip("gseapy")
    image, genes = lung
    sets = read_gmt(real_data("genomics") / "genesets" / "hallmark_h.all.v7.0.symbols.gmt.gz")
    chosen = representatives(image, 5)
    found = enrich(image, genes, sets, chosen, rules=EnrichRules(permutations=1999, genes=200))
    assert len(found.rows["p"]) == 250
    assert found.passing == 0
    assert found.rows["p"].min() > 0.001
    order = np.random.default_rng(0).permutation(len(image.rows))
    moved = Table(image.values[order], image.rows, image.columns)
    world = enrich(moved, genes, sets, chosen, rules=EnrichRules(permutations=499, genes=200))
    assert world.passing == 0
    claims = [int((one.rows["q_genes"] <= 0.05).sum()) for one in (found, world)]
    assert min(claims) > 10


def test_lung_cancers_are_one_group_by_their_images(lung):
    image, genes = lung
    rules = GroupRules(resamples=30, worlds=19)
    assert phenotypes(image, rules=rules).k == 1
    assert phenotypes(image, genes, rules=rules).k == 1


def test_gliomas_are_more_than_one_group_by_their_images_without_clear_borders(real_data):
    image = numbers(real_data("tcga-glioma") / "features_T1CE.csv.gz", "PatientID", "features")
    found = phenotypes(image, rules=GroupRules(worlds=39))
    assert found.k > 1
    assert found.counts["pac"][found.k - 2] > 0.2
