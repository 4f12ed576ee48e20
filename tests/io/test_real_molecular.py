"""Every molecular file of the real data folders is read without help, or refused for the fault it has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genoxel.core.errors import InputError
from genoxel.io.cbioportal import read_cbioportal
from genoxel.io.clinical import read_clinical
from genoxel.io.cn_segments import read_gene_copies, read_lesions
from genoxel.io.expression import MatrixRules, read_expression
from genoxel.io.genesets import read_gmt
from genoxel.io.maf import read_maf
from genoxel.omics.scores import SetRules, SetScorer

FLAT = MatrixRules(twice="mean")


MATRICES = [
    ("tcga-glioma", "omics/rnaseq_z.csv.gz"),
    ("tcga-glioma", "gbm84_exp.csv.gz"),
    ("tcga-glioma", "gbm84_mut.csv.gz"),
    ("tcga-brca-imaging", "omics/rnaseq_z.csv.gz"),
    ("nsclc-imagene44", "expression.csv.gz"),
    ("genomics", "breast_tcga_mixomics/train_mrna.csv.gz"),
    ("genomics", "breast_tcga_mixomics/train_mirna.csv.gz"),
    ("genomics", "breast_tcga_mixomics/train_protein.csv.gz"),
]


@pytest.mark.parametrize(("folder", "name"), MATRICES)
def test_matrices_agree_with_pandas(real_data: Callable[[str], Path], folder: str, name: str) -> None:
    path = real_data(folder) / name
    frame = pd.read_csv(path, index_col=0, float_precision="round_trip")
    frame.index = frame.index.astype(str)
    table = read_expression(path, ids=list(frame.index))
    assert table.patients == tuple(frame.index)
    assert table.names == tuple(frame.columns)
    assert np.array_equal(table.values, frame.to_numpy(dtype=float), equal_nan=True)


def test_probes_of_the_same_gene_are_refused_or_merged(real_data: Callable[[str], Path]) -> None:
    path = real_data("genomics") / "leukemia" / "Leukemia_hgu95av2.trim.txt.gz"
    with pytest.raises(InputError, match="genes more than once"):
        read_expression(path)
    table = read_expression(path, rules=FLAT)
    raw = pd.read_csv(path, sep="\t").drop(columns="NAME").groupby("Gene", sort=False).mean()
    assert table.names == tuple(raw.index)
    assert table.values == pytest.approx(raw.to_numpy().T)


def test_calls_mutations_and_clinical_tables(real_data: Callable[[str], Path]) -> None:
    glioma, breast, lung = real_data("tcga-glioma"), real_data("tcga-brca-imaging"), real_data("nsclc-radiogenomics")
    for folder in (glioma, breast):
        path = folder / "omics" / "cnv_gistic.csv.gz"
        assert read_gene_copies(path).values.shape == pd.read_csv(path, index_col=0).shape
        mutated = read_expression(folder / "omics" / "mutation.csv.gz")
        assert set(np.unique(mutated.values)) == {0.0, 1.0}
    tables = {
        glioma / "molecular_ceccarelli2016.csv.gz": "patient",
        breast / "clinical.csv.gz": "tcga",
        breast / "molecular_subtypes_pangyn.csv.gz": "tcga",
        lung / "clinical_molecular.csv": "Case ID",
    }
    for path, patient in tables.items():
        assert len(read_clinical(path, patient).patients) == len(pd.read_csv(path))


def test_a_study_folder_and_mutation_files(real_data: Callable[[str], Path]) -> None:
    genomics = real_data("genomics")
    assert len(read_cbioportal(genomics / "cbioportal_study_es_0").tables) == 6
    sizes = {name: len(read_maf(genomics / "maftools" / f"{name}.maf.gz")) for name in ("tcga_laml", "brca")}
    assert sizes["tcga_laml"] == 2207
    assert read_lesions(genomics / "maftools" / "all_lesions.conf_99.txt").values.shape[0] == 191


def test_pathways_of_lung_tumours_follow_their_genes(real_data: Callable[[str], Path]) -> None:
    """ssGSEA of GSEApy 1.3.1 on these 44 tumours and 50 hallmarks was 2058.73 at most; ours differs by 1e-11."""
    table = read_expression(real_data("nsclc-imagene44") / "expression.csv.gz")
    sets = read_gmt(real_data("genomics") / "genesets" / "hallmark_h.all.v7.0.symbols.gmt.gz")
    found = SetScorer(sets, "ssgsea", SetRules(known=0.0)).transform(table)
    assert found.values.shape == (44, 50)
    assert np.abs(found.values).max() == pytest.approx(2058.734902938534, rel=1e-9)
