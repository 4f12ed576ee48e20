"""Real input: DICOM of three modalities to a table, and ready-made features with molecular status to verdicts."""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from genoxel.io.dicom import read_series
from genoxel.io.inventory import inventory
from genoxel.io.rtstruct import rasterise, read_structures
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


ONE_GRID = """
[io.images]
folder = "dicom"
modalities = ["CT", "PT", "T1"]
[segment]
roi = ["GTV_Mass_CT"]
[image]
register = { to = "CT", kind = "grid" }
[features]
families = ["morph", "stat"]
"""


def test_pet_and_mr_of_a_real_case_are_measured_on_the_grid_of_its_ct(real_data, tmp_path):
    """One contour on three modalities; the values there are those of an independent resampler, SUV among them."""
    with tarfile.open(real_data("dicom") / "STS_025_ct_pet_mr_rtstruct.tar.xz") as archive:
        archive.extractall(tmp_path / "dicom", filter="data")
    (tmp_path / "study.toml").write_text(ONE_GRID)
    assert run(Study.read(tmp_path), workers=1).failed == ()
    table = read_table(tmp_path / "results/tables/features_table.parquet")
    found = inventory(tmp_path / "dicom")
    files = {one: list(found.series_of("STS_025", one)[0].files) for one in ("CT", "PT", "MR")}
    ct, contours = read_series(files["CT"]), next(one for one in found.structures if "GTV_Mass_CT" in one.names)
    inside = rasterise(read_structures(contours.file), "GTV_Mass_CT", ct).inside()
    volumes = {float(table[f"{one}.roi.none.morph.volume_voxels"][0]) for one in ("CT", "PT", "T1")}
    assert len(volumes) == 1
    assert volumes.pop() == pytest.approx(inside.sum() * ct.grid.voxel_volume, rel=1e-9)
    grids = {one: by_itk(paths) for one, paths in files.items()}
    for label, modality in (("CT", "CT"), ("PT", "PT"), ("T1", "MR")):
        there = sitk.Resample(sitk.Cast(grids[modality], sitk.sitkFloat64), grids["CT"], sitk.Transform())
        values = sitk.GetArrayFromImage(there).transpose(2, 1, 0)[inside]
        for name, wanted in (("mean", values.mean()), ("maximum", values.max()), ("variance", values.var())):
            assert float(table[f"{label}.roi.none.stat.{name}"][0]) == pytest.approx(wanted, rel=1e-5), (label, name)
    # ACQ-15: the mean SUV of the region is that of the PET's own voxels at the same places, within 1 %
    nearest = sitk.Resample(grids["PT"], grids["CT"], sitk.Transform(), sitk.sitkNearestNeighbor, 0.0, sitk.sitkFloat64)
    own = sitk.GetArrayFromImage(nearest).transpose(2, 1, 0)[inside].mean()
    assert float(table["PT.roi.none.stat.mean"][0]) == pytest.approx(own, rel=0.01)
    units = {column.name: column.unit for column in table.columns}
    assert units["PT.roi.none.stat.mean"] == "SUV"


def by_itk(paths):
    return sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(paths[0].parent)))


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
