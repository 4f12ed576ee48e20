"""The screen on real matched cohorts: bounded memory, honest null, known links, visible confounder."""

from __future__ import annotations

import resource

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from genoxel.associate import screen
from genoxel.core.table import Column, Table

pytestmark = pytest.mark.data


def numbers(path, index, kind):
    frame = pd.read_csv(path, dtype={index: str}).set_index(index)
    return Table.from_pandas(frame.select_dtypes("number"), kind)


def test_lung_radiomics_and_expression(real_data):
    folder = real_data("nsclc-imagene44")
    image = numbers(folder / "radiomic_features.csv.gz", "ID", "features")
    genes = numbers(folder / "expression.csv.gz", "ID", "expression")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = screen(image, genes, permutations=19)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    assert grown < 1.5  # GiB for 7.85 million pairs
    assert len(result.pairs["p"]) == 1522 * 5159
    assert result.null_hits.size == 19
    assert 0.75 < result.detectable < 0.82
    constant = result.pairs["flag"] == "image column constant"
    assert np.isnan(result.pairs["p"][constant]).all()
    assert result.settings["tested"] == (~constant).sum()
    # What this cohort supports: pairs pass 5 % FDR, yet none of them at 5 % family-wise.
    assert result.hits > 0
    assert np.nanmin(result.pairs["p_max"]) >= 1 / 20


@pytest.fixture(scope="module")
def glioma(real_data):
    folder = real_data("tcga-glioma")
    image = numbers(folder / "features_T1CE.csv.gz", "PatientID", "features")
    frame = pd.read_csv(folder / "molecular_ceccarelli2016.csv.gz", dtype=str).set_index("patient")
    return folder, image, frame


def molecular(frame):
    columns = (
        Column("IDH", "binary", levels=("WT", "Mutant")),
        Column("MGMT", "binary", levels=("Unmethylated", "Methylated")),
        Column(
            "expression cluster", "categorical", levels=tuple(sorted(frame["Transcriptome.Subtype"].dropna().unique()))
        ),
        Column("purity"),
    )
    sources = ("IDH.status", "MGMT.promoter.status", "Transcriptome.Subtype", "ABSOLUTE.purity")
    values = []
    for column, source in zip(columns, sources, strict=True):
        if column.levels:
            codes = pd.Categorical(frame[source], categories=column.levels).codes.astype(float)
            values.append(np.where(codes < 0, np.nan, codes))
        else:
            values.append(pd.to_numeric(frame[source]).to_numpy())
    return Table(np.column_stack(values), tuple(frame.index), columns, "molecular")


def test_glioma_idh_is_found_and_grade_is_shown_as_its_confounder(glioma):
    _, image, frame = glioma
    grade = frame["Grade"].map({"G2": 0.0, "G3": 1.0, "G4": 2.0}).to_numpy(dtype=float)
    covariate = Table(grade[:, None], tuple(frame.index), (Column("grade", "ordinal", levels=("G2", "G3", "G4")),))
    result = screen(image, molecular(frame), covariate, permutations=19)
    table = result.to_pandas()
    idh = table[table["other"] == "IDH"]
    assert (idh["q"] <= 0.05).sum() > 100
    assert result.null_hits.max() < (idh["q"] <= 0.05).sum() / 4
    passing = idh[idh["q"] <= 0.05]
    shrunk = (passing["effect_adjusted"] - 0.5).abs() < (passing["effect"] - 0.5).abs()
    assert shrunk.mean() > 0.8
    assert result.hits_adjusted < result.hits / 2
    assert result.adjusted_for == ("grade",)
    mgmt = table[table["other"] == "MGMT"]
    assert idh["p"].min() < mgmt["p"].min()


def test_glioma_features_against_expression(glioma):
    folder, image, _ = glioma
    frame = pd.read_csv(folder / "omics" / "rnaseq_z.csv.gz", dtype={"case_id": str}).set_index("case_id")
    result = screen(image, Table.from_pandas(frame, "expression"), permutations=9)
    assert int(result.pairs["n"].max()) == result.settings["patients"] == 85
    assert result.hits > 10 * max(1, result.null_hits.max())


def test_breast_tumour_volume_follows_the_risk_of_recurrence(real_data):
    """Larger tumours have a higher ROR-S and Oncotype score, the direction that was published."""
    folder = real_data("tcga-brca-imaging")
    image = numbers(folder / "quantitative_features_91.csv.gz", "patient", "features")
    assays = pd.read_csv(folder / "multigene_assays.csv.gz", dtype={"CLID": str})
    assays.index = pd.Index(assays["CLID"].str[:12], name="patient")
    scores = {"UNC_ROR_S_Model_JCO.2009_PMID.19204204": "ROR-S", "GHI_RS Score": "Oncotype"}
    risk = Table.from_pandas(assays[list(scores)].rename(columns=scores), "risk")
    (volume,) = [name for name in image.names if "Lesion volume" in name]
    found = screen(image, risk, permutations=19).to_pandas().set_index(["image", "other"])
    both = set(image.patients) & set(risk.patients)
    for score in scores.values():
        row = found.loc[(volume, score)]
        x, y = (table.of_patients(sorted(both))[name] for table, name in ((image, volume), (risk, score)))
        known = ~(np.isnan(x) | np.isnan(y))
        assert row["n"] == known.sum()
        assert row["effect"] == pytest.approx(spearmanr(x[known], y[known]).statistic)
        assert row["low"] > 0
