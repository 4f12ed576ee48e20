"""Biopsies named in a study file are located in the regions of their images, one row a biopsy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genoxel.core.image import Image
from genoxel.core.keys import RowKey
from genoxel.core.mask import Mask
from genoxel.io.nifti import write_nifti
from genoxel.io.tables import read_table
from genoxel.study.check import check
from genoxel.study.run import run
from genoxel.study.study import Study

STUDY = """
[io.images]
folder = "images"
[segment]
regions = { core = 1, rim = 2 }
[features]
families = ["stat"]
[omics.biopsies]
file = "biopsies.csv"
space = "LPS"
values = ["vaf"]
radius = 1.0
"""
ROWS = [
    "P1,b1,4,5,5,0.4",  # core
    "P1,b2,9,5,5,0.1",  # rim
    "P1,b3,12.4,5,5,0.0",  # beside both
    "P2,b1,4,5,5,0.3",
    "P2,b2,-400,5,5,0.2",
    "P9,b1,4,5,5,0.2",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for patient in ("P1", "P2"):
        labels = np.zeros((14, 14, 10), np.uint8)
        labels[2:8, 2:12, 2:8] = 1
        labels[8:12, 2:12, 2:8] = 2
        place = tmp_path / "images" / patient
        place.mkdir(parents=True)
        values = np.arange(14 * 14 * 10, dtype=np.float64).reshape(labels.shape)
        write_nifti(place / f"{patient}_T1.nii.gz", Image(values, np.eye(4), modality="T1"))
        write_nifti(place / f"{patient}_seg.nii.gz", Mask(labels, np.eye(4)))
    (tmp_path / "biopsies.csv").write_text("\n".join(["patient,sample,x,y,z,vaf", *ROWS]) + "\n")
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


def test_each_biopsy_has_a_row_with_its_region_and_its_place_in_the_image(folder: Path) -> None:
    study = Study.read(folder)
    assert check(study, workers=1).errors == ()
    assert run(study, workers=1).failed == ()
    table = read_table(folder / "results/tables/biopsies_table.parquet")
    assert table.rows == (
        *(RowKey("P1", region="core", sample="b1"), RowKey("P1", region="rim", sample="b2")),
        *(RowKey("P1", sample="b3"), RowKey("P2", region="core", sample="b1"), RowKey("P2", sample="b2")),
    )
    np.testing.assert_array_equal(table["in region"], [1, 1, 0, 1, 0])
    np.testing.assert_array_equal(table["vaf"], [0.4, 0.1, 0.0, 0.3, 0.2])
    # a ball of 1 mm around a voxel is symmetric, so its mean is the value there: 140 x + 10 y + z
    np.testing.assert_allclose(table["T1.local.mean"][:2], [140 * 4 + 55, 140 * 9 + 55])
    assert np.isnan(table["T1.local.mean"][4])
    page = (folder / "results/report.html").read_text(encoding="utf-8")
    assert "biopsies: 5 of 2 patients; 2 in no region, 2 in core, 1 in rim" in page
    assert "biopsies: 1 of patients who take no part are left out" in page
    assert "biopsies: 1 lie far from every contour (P2/b2)" in page


def test_a_wrong_file_of_biopsies_is_told_by_check(folder: Path) -> None:
    (folder / "biopsies.csv").write_text("patient,sample,x,y,z,vaf\nP1,b1,4,5,,0.4\n")
    (problem,) = check(Study.read(folder), workers=1).errors
    assert problem.where == "omics.biopsies"
    assert "a sample without place in line 2" in problem.got
