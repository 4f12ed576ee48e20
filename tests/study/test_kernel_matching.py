"""CT kernels matched by the study file: sharp scans come near the smooth ones, each match is told, gaps are refused."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest

from genoxel.core.errors import InputError
from genoxel.core.image import Step
from genoxel.image.replay import replay
from genoxel.io import plainjson
from genoxel.io.images import read_image
from genoxel.io.inventory import inventory
from genoxel.simulate import SimulationSpec, simulate
from genoxel.study.check import check
from genoxel.study.pack import unpack
from genoxel.study.run import run
from genoxel.study.study import Study

SPEC = SimulationSpec(
    n=4, modality="ct", also=("sharp", "smooth"), seed=8, shape=(320, 320, 10), missing_contours=0, unknown=0.0
)
TEXT = """
[io.images]
folder = "dicom"
modality = "CT"
choose = ["description == 'Chest {which}'"]
[segment]
roi = ["GTV"]
[image]
{image}discretise = {{ bin_size = 25, anchor = -1000 }}
[features]
families = ["stat", "hist", "glcm", "ngtdm"]
"""
MATCHED = 'kernel = { tissue = "Heart", reference = "../smooth scans" }\n'


@pytest.fixture(scope="module")
def clinic(tmp_path_factory) -> Path:
    """Chests of two patients with a sharp and a smooth kernel; smooth scans of a third lie in another folder."""
    folder = tmp_path_factory.mktemp("clinic")
    simulate(SPEC, folder / "all")
    patients = sorted((folder / "all" / "dicom").iterdir())
    for home in patients[:2]:
        shutil.move(home, folder / "dicom" / home.name)
    for part in ("3_smooth", "RTSTRUCT"):
        shutil.move(patients[2] / part, folder / "smooth scans" / part)
    return folder


def study(clinic: Path, name: str, which: str, image: str = "") -> Path:
    folder = clinic / name
    folder.mkdir()
    (folder / "dicom").symlink_to(clinic / "dicom")
    (folder / "study.toml").write_text(TEXT.format(which=which, image=image), encoding="utf-8")
    return folder


def features(folder: Path) -> dict[str, np.ndarray]:
    with (folder / "results" / "tables" / "features_table.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if ".none." in name}


def variation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the median coefficient of variation between two scans of the same patients."""
    return float(np.median(np.abs(one - other) / np.sqrt(2) / np.maximum(np.abs(one + other) / 2, 1e-12)))


def test_features_of_sharp_scans_come_near_those_of_the_smooth_kernel(clinic: Path) -> None:
    folders = {
        "smooth": study(clinic, "smooth", "smooth"),
        "sharp": study(clinic, "sharp", "sharp"),
        "matched": study(clinic, "matched", "sharp", MATCHED),
    }
    assert check(Study.read(folders["matched"]), workers=1).errors == ()
    for folder in folders.values():
        assert run(Study.read(folder), workers=1).failed == ()
    smooth, sharp, matched = (features(folder) for folder in folders.values())
    before = {name: variation(smooth[name], sharp[name]) for name in smooth}
    after = {name: variation(smooth[name], matched[name]) for name in smooth}
    moved = [name for name in before if before[name] > 1e-6]
    assert len(moved) > 50
    assert np.mean([after[name] < before[name] for name in moved]) > 0.6
    assert np.median([after[name] for name in moved]) < 0.7 * np.median([before[name] for name in moved])
    told_and_replayed(folders["matched"], clinic)
    assert not (folders["sharp"] / "results" / "tables" / "kernel.csv").exists()


def told_and_replayed(folder: Path, clinic: Path) -> None:
    """Hold the record of a matched study against its tables, its report and the raw scans."""
    record = plainjson.load_file(folder / "results" / "processing.json")
    with (folder / "results" / "tables" / "kernel.csv").open(encoding="utf-8") as stream:
        rows = {(row["patient"], row["measure"]): float(row["value"]) for row in csv.DictReader(stream)}
    assert {patient for patient, _ in rows} == set(record)
    for patient in record:
        assert rows[patient, "deviation_after_hu"] < rows[patient, "deviation_before_hu"]
        assert 0 < rows[patient, "least_gain"] < 0.7
    patient = sorted(record)[0]
    steps = tuple(
        Step(one["step"], {k: v for k, v in one.items() if k != "step"}) for one in record[patient][0]["image"]
    )
    assert [step.name for step in steps][-2:] == ["kernel", "crop"]
    raw = read_image(next(one for one in inventory(clinic / "dicom" / patient).series if "sharp" in one.description))
    stored = (unpack(path.read_bytes()) for path in (folder / ".genoxel").rglob("*.zip"))
    arrays = next(one for one, facts, _ in stored if isinstance(facts, dict) and facts.get("patient") == patient)
    assert replay(steps, raw).values().tobytes() == arrays["0.image"].tobytes()
    page = (folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "CT kernels matched by their noise in the structure Heart" in page
    assert "least gain" in page


def test_scans_of_those_who_take_part_and_a_missing_tissue_are_refused_by_name(clinic: Path) -> None:
    own = study(clinic, "own", "sharp", MATCHED.replace("../smooth scans", "dicom"))
    with pytest.raises(InputError, match="patients who take part"):
        run(Study.read(own), workers=1)
    without = study(clinic, "without", "sharp", MATCHED.replace("Heart", "Liver"))
    with pytest.raises(InputError, match=r"no usable tissue 'Liver' among the structures of this image .*Heart"):
        run(Study.read(without), workers=1)
    smoother = study(clinic, "smoother", "smooth", MATCHED.replace("../smooth scans", "../sharp scans"))
    sharp_reference(clinic)
    cards = check(Study.read(smoother), workers=1).cards
    assert all(any("smoother than the reference scans" in flag for flag in card.flags) for card in cards)


def sharp_reference(clinic: Path) -> None:
    """Write the sharp scan of one patient, under another name, into a folder of its own."""
    home = sorted((clinic / "dicom").iterdir())[0]
    for path in [*(home / "2_sharp").iterdir(), *(home / "RTSTRUCT").iterdir()]:
        data = pydicom.dcmread(path)
        data.PatientID = "REF-1"
        target = clinic / "sharp scans" / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        data.save_as(target)


def test_kernels_are_for_ct_and_for_studies(make_study) -> None:
    folder = make_study("mr", ("[image]\n", "[image]\n" + MATCHED), brief=True)
    problems = check(Study.read(folder), workers=1).errors
    assert any(one.where == "image.kernel" and "T1CE" in one.got for one in problems)


def test_a_normalisation_that_would_reach_no_image_is_said_before_a_run(clinic: Path) -> None:
    folder = study(clinic, "scored", "sharp", 'normalise = "zscore"\n')
    (error,) = check(Study.read(folder), workers=1).errors
    assert error.where == "image.normalise"
    assert "override = { CT" in error.fix
