"""What a row of a study lacks is named with its reason: single features, and whole regions that other patients have."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.nifti import write_nifti
from genoxel.study.run import run
from genoxel.study.study import Study

STUDY = """
[io.images]
folder = "images"

[segment]
regions = { core = 1, necrosis = 2 }

[features]
families = ["stat", "pet"]
"""


def test_a_region_that_one_patient_lacks_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    labels = np.zeros((14, 14, 10), np.uint8)
    labels[2:8, 2:12, 2:8] = 1
    for patient, second in (("P1", 2), ("P2", 0)):
        labels[8:12, 2:12, 2:8] = second
        folder = tmp_path / "images" / patient
        folder.mkdir(parents=True)
        values = rng.normal(100, 9, labels.shape)
        write_nifti(folder / f"{patient}_T1.nii.gz", Image(values, np.eye(4), modality="T1"))
        write_nifti(folder / f"{patient}_seg.nii.gz", Mask(labels, np.eye(4)))
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    assert run(Study.read(tmp_path), workers=1).failed == ()
    with (tmp_path / "results/tables/not_defined.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row["patient"], row["feature"], row["reason"]) for row in csv.DictReader(file)]
    absent = [row for row in rows if row[1] == "T1.necrosis"]
    assert absent == [("P2", "T1.necrosis", "this row has not a region necrosis in the mask; others have")]
    uptake = [row for row in rows if ".pet." in row[1]]
    assert {row[0] for row in uptake} == {"P1", "P2"}
    assert all("SUV" in row[2] for row in uptake)
