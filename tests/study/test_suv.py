"""PET in Bq/ml from its files to features in SUV, by the command and by a study, against numbers worked out by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dicom_corpus import SHAPE, by_hand, pet
from dicom_making import save, uid
from genoxel.core.mask import Mask
from genoxel.io.dicom import read_series
from genoxel.io.dicom_seg import write_seg
from genoxel.io.tables import read_table
from genoxel.study.run import run
from genoxel.study.study import Study

STUDY = """[io.images]
folder = "data"
modality = "PT"
{suv}
[features]
families = ["stat", "ivh"]
"""
SETTINGS = "[features]\nfamilies = ['stat']\n[io.images]\nsuv = '{suv}'\n"
# Janmahasatian et al. 2005 for a man of 70 kg and 1.75 m
LEAN = 9270 * 70 / (6680 + 216 * 70 / 1.75**2)


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """A folder with one raw PET (START-corrected, injected an hour before) and one segmentation."""
    series = pet()
    paths = save(series, tmp_path / "data" / "pet")
    image = read_series(paths)
    write_seg(
        tmp_path / "data" / "SEG.dcm", Mask(tumour(), image.affine, {1: "GTV"}), series, uid, "20200103", "101010"
    )
    return tmp_path


def tumour() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[3:10, 3:9, 2:7] = 1
    labels[3, 3, 2] = 0
    return labels


def expected(values: np.ndarray) -> dict[str, float]:
    inside = values[tumour() > 0]
    return {
        "mean": float(inside.mean()),
        "maximum": float(inside.max()),
        "median": float(np.median(inside)),
        "variance": float(inside.var()),
    }


@pytest.mark.parametrize(("suv", "grams", "unit"), [("bw", 70_000.0, "SUV"), ("lbm", 1000 * LEAN, "SUVlbm")])
def test_the_command_measures_suv(hospital: Path, suv: str, grams: float, unit: str) -> None:
    (hospital / "settings.toml").write_text(SETTINGS.format(suv=suv))
    words = ["extract", "data/pet", "data/SEG.dcm", "--settings", "settings.toml", "--json"]
    call = [sys.executable, "-m", "genoxel", *words]
    done = subprocess.run(call, cwd=hospital, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["features"]
    for name, wanted in expected(by_hand(3600, grams)).items():
        (value,) = (value for key, value in row["values"].items() if key.endswith(f".stat.{name}"))
        assert value == pytest.approx(wanted, rel=1e-6), name


def test_a_study_measures_suv(hospital: Path) -> None:
    (hospital / "study.toml").write_text(STUDY.format(suv='suv = "bw"'))
    assert run(Study.read(hospital), workers=1).failed == ()
    table = read_table(hospital / "results/tables/features_table.parquet")
    for name, wanted in expected(by_hand(3600)).items():
        assert float(table[f"PT.roi.none.stat.{name}"][0]) == pytest.approx(wanted, rel=1e-6), name
    units = {column.name: column.unit for column in table.columns}
    assert units["PT.roi.none.stat.mean"] == "SUV"
    processing = json.loads((hospital / "results/processing.json").read_text())
    assert "suv" in [step["step"] for step in processing["P1"][0]["image"]]


def test_a_pet_without_its_dose_is_named_and_no_other_number_stands_in(hospital: Path) -> None:
    series = pet()
    for dataset in series:
        del dataset.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose
    save(series, hospital / "data" / "pet")
    call = [sys.executable, "-m", "genoxel", "extract", "data/pet", "data/SEG.dcm"]
    done = subprocess.run(call, cwd=hospital, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RadionuclideTotalDose (0018,1074)" in done.stderr
