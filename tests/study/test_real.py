"""Real input: DICOM of three modalities to a table, and ready-made features with molecular status to verdicts."""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile

import numpy as np
import pytest

from genoxel.io.tables import read_table
from genoxel.study.check import check
from genoxel.study.run import run
from genoxel.study.study import Study

SARCOMA = """
[io.images]
folder = "dicom"
modalities = ["CT", "PT", "T1"]
[segment]
roi = ["GTV_Mass*"]
[image]
resample_mm = [3, 3, 3]
[image.override]
CT = { discretise = { bin_size = 25, anchor = -1000 } }
PT = { discretise = { bin_size = 0.25, anchor = 0 } }
[features]
families = ["morph", "stat", "glcm"]
"""

GLIOMA = """
[study]
name = "IDH and MGMT in glioma"
seed = 1
[cohort]
table = "molecular.csv"
patient = "patient"
clinical = ["Age..years.at.diagnosis.", "Gender"]
include = [RULE]
[target.IDH]
column = "IDH.status"
positive = ["Mutant"]
negative = ["WT"]
[target.MGMT]
column = "MGMT.promoter.status"
positive = ["Methylated"]
negative = ["Unmethylated"]
[io.images.features]
T1CE = "features_T1CE.csv.gz"
FLAIR = "features_T2F.csv.gz"
[associate]
against = ["IDH", "MGMT"]
adjust = ["volume"]
correct = { permutations = 9 }
[learn]
compare = ["prevalence", "volume", "clinical"]
validate = { outer = 5, inner = 3, repeats = 2, permutations = 19, permutation_repeats = 1 }
"""


def test_dicom_of_three_modalities_with_structures_becomes_one_row(real_data, tmp_path):
    with tarfile.open(real_data("dicom") / "STS_025_ct_pet_mr_rtstruct.tar.xz") as archive:
        archive.extractall(tmp_path / "dicom", filter="data")
    (tmp_path / "study.toml").write_text(SARCOMA)
    result = run(Study.read(tmp_path), workers=1)
    assert result.failed == ()
    table = read_table(tmp_path / "results/tables/features_table.parquet")
    assert len(table) == 1
    modalities = {column.source.modality for column in table.columns if column.kind == "real"}
    assert modalities == {"CT", "PT", "T1"}
    volumes = [float(table[f"{one}.roi.none.morph.volume_mesh"][0]) for one in ("CT", "PT", "T1")]
    assert 2.5e4 < min(volumes) < max(volumes) < 3.5e4
    assert max(volumes) / min(volumes) < 1.05  # one tumour, drawn once and carried to three grids
    assert np.isfinite(table["PT.roi.none.stat.mean"]).all()


@pytest.fixture
def glioma(real_data, tmp_path):
    source = real_data("tcga-glioma")

    def make(rule: str):
        for name in ("features_T1CE.csv.gz", "features_T2F.csv.gz"):
            shutil.copy(source / name, tmp_path / name)
        with gzip.open(source / "molecular_ceccarelli2016.csv.gz") as packed:
            (tmp_path / "molecular.csv").write_bytes(packed.read())
        (tmp_path / "study.toml").write_text(GLIOMA.replace("RULE", rule))
        return Study.read(tmp_path)

    return make


def test_idh_is_found_in_all_gliomas(glioma):
    study = glioma("")
    found = check(study, workers=1)
    assert found.errors == ()
    counts = {outlook.name: outlook.counts for outlook in found.outlooks}
    assert min(counts["IDH"]) > 50
    result = run(study, workers=2)
    idh, _ = result.targets
    assert idh.verdict.word in ("supported", "above chance, no gain shown")
    assert 0.82 < idh.primary.interval.estimate < 0.97
    assert result.maps["targets"].hits > 50
    assert json.loads((study.results / "verdicts.json").read_text())["targets"][0]["target"] == "IDH"


def test_mgmt_within_glioblastoma_is_not_claimed(glioma):
    study = glioma("\"Study == 'Glioblastoma multiforme'\"")
    result = run(study, workers=2)
    idh, mgmt = result.targets
    assert idh.verdict.word == "not testable"
    assert mgmt.verdict.word in ("inconclusive", "not supported")
    assert mgmt.primary.interval.low < 0.5
    assert mgmt.primary.n > 40
    assert "Study == 'Glioblastoma multiforme'" in (study.results / "flow.csv").read_text()
