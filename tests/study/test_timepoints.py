"""Later time points laid on the first by the study file: growth survives, each fit is told, what is bad is refused."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pydicom
import pytest
from pydantic import ValidationError
from scipy.spatial.transform import Rotation

from genoxel.core.errors import GeometryError
from genoxel.core.image import Step
from genoxel.core.mask import Mask
from genoxel.image.register import Registration, apply_to_mask
from genoxel.image.replay import replay_mask
from genoxel.image.settings import ImageSettings
from genoxel.simulate import SimulationSpec, simulate
from genoxel.simulate.options import Course
from genoxel.study.check import check
from genoxel.study.run import run
from genoxel.study.study import Study

SPEC = SimulationSpec(
    n=4, shape=(96, 96, 32), seed=11, unknown=0.0, missing_contours=0,
    course=Course(points=2, patterns={"growth": 1.0}),
)  # fmt: skip
TEXT = """
[study]
name = "growth"
[cohort]
table = "clinical.xlsx"
patient = "PatientID"
[io.images]
folder = "dicom"
modality = "T1CE"
[segment]
roi = ["GTV*", "Tumo*r*"]
never = ["*PTV*"]
[image]
register = { to = "first time point", kind = "rigid" }
discretise = { bins = 8 }
[features]
families = ["morph"]
"""


def moved(data: pydicom.Dataset, turn: Rotation, shift: np.ndarray) -> None:
    """Give a DICOM image or structure set the place that it has when the patient lies turned and shifted."""

    def places(values) -> list[str]:
        points = turn.apply(np.array(values, float).reshape(-1, 3)) + shift
        return [f"{value:.7f}"[:15] for value in points.ravel()]

    if "ImagePositionPatient" in data:
        data.ImagePositionPatient = places(data.ImagePositionPatient)
        cosines = turn.apply(np.array(data.ImageOrientationPatient, float).reshape(2, 3))
        data.ImageOrientationPatient = [f"{value:.12f}" for value in cosines.ravel()]
    for roi in data.get("ROIContourSequence", []):
        for contour in roi.get("ContourSequence", []):
            contour.ContourData = places(contour.ContourData)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """A cohort with growth whose patients lay 5 to 15 mm and 3 to 6 degrees otherwise at the second visit."""
    folder = simulate(SPEC, tmp_path_factory.mktemp("growth") / "hospital")
    rng = np.random.default_rng(4)
    moves = {}
    for home in sorted((folder / "dicom").iterdir()):
        turn = Rotation.from_rotvec(rng.uniform(3, 6) * unit(rng), degrees=True)
        shift = rng.uniform(5, 15) * unit(rng)
        moves[home.name] = (turn, shift)
        for path in sorted((home / "visit2").rglob("*.dcm")):
            data = pydicom.dcmread(path)
            moved(data, turn, shift)
            data.save_as(path)
    (folder / "study.toml").write_text(TEXT, encoding="utf-8")
    return folder, moves


def unit(rng: np.random.Generator) -> np.ndarray:
    found = rng.normal(size=3)
    return found / np.linalg.norm(found)


def rows(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


def test_growth_is_measured_within_3_percent_and_the_motion_is_found(cohort):
    folder, moves = cohort
    assert check(Study.read(folder), workers=1).problems == ()
    result = run(Study.read(folder), workers=1)
    assert not result.failed
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    table = rows(folder / "results" / "tables" / "features_table.csv")
    assert len(table) == 4
    volume = next(name for name in table[0] if name.startswith("T1CE.") and name.endswith("morph.volume_voxels"))
    for row in table:
        told = truth["delivered"][row["patient"]]["visits"]
        wanted = told[1]["tumour_ml"] / told[0]["tumour_ml"]
        assert wanted > 1.1
        found = float(row[volume.replace("T1CE", "T1CE@2", 1)]) / float(row[volume])
        assert abs(found / wanted - 1) < 0.03
    record = json.loads((folder / "results" / "processing.json").read_text(encoding="utf-8"))
    quality = rows(folder / "results" / "tables" / "registration.csv")
    for patient, (turn, shift) in moves.items():
        later = next(one for one in record[patient] if one["series"] == "T1CE@2")
        step = next(one for one in later["image"] if one["step"] == "register")
        # the transform takes points of the first image to the later one: the motion itself
        corners = np.array([[-60, -60, -30], [60, -60, 30], [0, 60, 0], [0, 0, 0]], float)
        middle = np.array(step["affine"])[:3] @ [48, 48, 16, 1]
        there = (corners + middle) @ np.array(step["matrix"])[:3, :3].T + np.array(step["matrix"])[:3, 3]
        assert np.linalg.norm(there - (turn.apply(corners + middle) + shift), axis=1).max() < 2.1  # one voxel
        told = {one["measure"]: float(one["value"]) for one in quality if one["patient"] == patient}
        assert told["disagreement_mm"] < 3
        assert abs(told["volume_error"]) < 0.03


def test_a_bad_fit_costs_the_patient_with_the_reason(cohort, tmp_path):
    folder, _ = cohort
    strict = TEXT.replace('kind = "rigid"', 'kind = "rigid", refuse_mm = 0.0001')
    (tmp_path / "clinical.xlsx").symlink_to(folder / "clinical.xlsx")
    shutil.copytree(folder / "dicom" / "SIM-001", tmp_path / "dicom" / "SIM-001")
    (tmp_path / "study.toml").write_text(strict, encoding="utf-8")
    (card,) = check(Study.read(tmp_path), workers=1).cards
    assert card.png == b""
    assert "disagree by" in card.flags[0]


def test_what_would_take_growth_away_is_refused():
    with pytest.raises(ValidationError, match="scales the change"):
        ImageSettings.model_validate({"register": {"to": "first time point", "kind": "affine"}})
    with pytest.raises(ValidationError, match="reference tissue"):
        ImageSettings.model_validate(
            {"register": "first time point", "normalise": {"method": "reference", "tissue": "Cerebellum"}}
        )


def test_a_contour_is_moved_by_hand_calculation_replays_and_is_refused_beyond_the_grid():
    array = np.zeros((12, 12, 12), np.uint8)
    array[4:8, 4:7, 5:8] = 1
    array[4:8, 7:9, 5:8] = 3
    mask = Mask(array, np.eye(4), {1: "core", 3: "rim"})
    shift = np.eye(4)
    shift[0, 3] = 2.0  # a point of the fixed image lies 2 mm further along x in the moving one
    found = Registration("rigid", tuple(tuple(row) for row in (np.diag([1.0, 1, 1, 1]) @ shift).tolist()))
    laid = apply_to_mask(found, mask, mask.grid)
    np.testing.assert_array_equal(np.asarray(laid.array), np.roll(array, -2, axis=0))
    assert laid.labels == mask.labels
    assert isinstance(laid.history[-1], Step)
    np.testing.assert_array_equal(np.asarray(replay_mask(laid.history, mask).array), np.asarray(laid.array))
    shift[0, 3] = 6.0
    beyond = Registration("rigid", tuple(tuple(row) for row in shift.tolist()))
    with pytest.raises(GeometryError, match="reaches beyond"):
        apply_to_mask(beyond, mask, mask.grid)
