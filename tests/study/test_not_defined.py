"""What a row of a study lacks is named with its reason: single features, and whole regions that other patients have."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.nifti import write_nifti
from genoxel.io.tables import read_table
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


def cohort(folder: Path, second: dict[str, int]) -> Study:
    """Write patients whose necrosis has as many slices as `second` says, and the study of them."""
    rng = np.random.default_rng(4)
    for patient, slices in second.items():
        labels = np.zeros((14, 14, 10), np.uint8)
        labels[2:8, 2:12, 2:8] = 1
        labels[8:12, 2:12, 2 : 2 + slices] = 2
        place = folder / "images" / patient
        place.mkdir(parents=True)
        values = rng.normal(100, 9, labels.shape)
        write_nifti(place / f"{patient}_T1.nii.gz", Image(values, np.eye(4), modality="T1"))
        write_nifti(place / f"{patient}_seg.nii.gz", Mask(labels, np.eye(4)))
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return Study.read(folder)


def listed(folder: Path) -> list[tuple[str, str, str]]:
    """Return (patient, feature, reason) of tables/not_defined.csv."""
    with (folder / "results/tables/not_defined.csv").open(newline="", encoding="utf-8") as file:
        return [(row["patient"], row["feature"], row["reason"]) for row in csv.DictReader(file)]


def test_a_region_that_one_patient_lacks_is_named(tmp_path: Path) -> None:
    assert run(cohort(tmp_path, {"P1": 6, "P2": 0}), workers=1).failed == ()
    rows = listed(tmp_path)
    absent = [row for row in rows if row[1] == "T1.necrosis"]
    assert absent == [("P2", "T1.necrosis", "this row has not a region necrosis in the mask; others have")]
    uptake = [row for row in rows if ".pet." in row[1]]
    assert {row[0] for row in uptake} == {"P1", "P2"}
    assert all("SUV" in row[2] for row in uptake)


def test_a_region_too_small_to_measure_does_not_cost_the_others(tmp_path: Path) -> None:
    assert run(cohort(tmp_path, {"P1": 6, "P2": 1}), workers=1).failed == ()
    (small,) = (row for row in listed(tmp_path) if row[1] == "T1.necrosis")
    assert small[0] == "P2"
    assert "40 voxels" in small[2]
    table = read_table(tmp_path / "results/tables/features_table.parquet")
    core, necrosis = table["T1.core.none.stat.mean"], table["T1.necrosis.none.stat.mean"]
    assert np.isfinite(core).all()
    assert np.isnan(necrosis).tolist() == [False, True]
