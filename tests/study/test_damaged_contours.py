"""A damaged structure set: its patient counts as failed, with the file and its fault, and the others go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dicom_making import NAME, save, slices, uid
from genoxel.core.mask import Mask
from genoxel.io.dicom import read_series
from genoxel.io.rtstruct import write_rtstruct
from genoxel.study.check import check
from genoxel.study.init import propose
from genoxel.study.run import run
from genoxel.study.study import Study
from study.conftest import command

PATIENTS = ("P1", "P2", "P3")
STUDY = """[io.images]
folder = "data"
modality = "CT"
[features]
families = ["stat"]
"""


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """Three patients with a CT and a structure set each; that of P2 is cut off inside its contours."""
    for patient in PATIENTS:
        series = slices(patient=patient, series=f"ct {patient}")
        image = read_series(save(series, tmp_path / "data" / patient / "ct"))
        inside = np.zeros(image.shape, np.uint8)
        inside[3:10, 3:9, 2:6] = 1

        def own(word: str, patient: str = patient) -> str:
            return uid(patient, word)

        mask = Mask(inside, image.affine, {1: "GTV"})
        write_rtstruct(tmp_path / "data" / patient / "RS.dcm", {"GTV": mask}, series, own, "20200103", "101010")
    broken = tmp_path / "data" / "P2" / "RS.dcm"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size * 9 // 10])
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


def test_check_and_flow_name_the_damaged_file_and_why(hospital: Path) -> None:
    found = check(Study.read(hospital), workers=1)
    assert found.flow is not None
    assert found.flow.patients == ("P1", "P3")
    (step,) = (step for step in found.flow.steps if step.lost)
    lost = dict(step.lost)
    assert list(lost) == ["P2"]
    assert "RS.dcm" in lost["P2"]
    assert "damaged" in lost["P2"]
    shown = "\n".join(found.lines())
    assert "RS.dcm" in shown
    assert "damaged" in shown
    result = run(Study.read(hospital), workers=1)
    assert result.fresh["image"] + result.known["image"] == 2
    ((patient, step, reason),) = ((one.patient, one.step, one.reason) for one in result.failed)
    assert (patient, step) == ("P2", "image")
    assert reason.startswith("got RS.dcm, which is damaged")
    assert "to fix: fetch it again" in reason
    assert "no contour on the CT series" in reason
    for name in ("flow.csv", "failed.csv"):
        (line,) = (line for line in (hospital / "results" / name).read_text().splitlines() if "P2" in line)
        assert "RS.dcm, which is damaged" in line
        assert NAME.split("^")[0] not in shown + line
        assert str(hospital) not in line
    done = command("run", hospital / "study.toml", "-j", 1)
    assert done.returncode == 3
    assert "failed P2: got RS.dcm, which is damaged" in done.stdout
    assert "left out" not in done.stdout


def test_a_patient_without_any_contour_is_left_out_and_has_not_failed(hospital: Path) -> None:
    (hospital / "data" / "P2" / "RS.dcm").unlink()
    result = run(Study.read(hospital), workers=1)
    assert result.failed == ()
    (note,) = (note for note in result.notes if "P2" in note)
    assert "left out" in note
    assert "no file of contours" in note


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_structure_sets_in_a_folder_of_their_own_are_known_by_their_header(hospital: Path, share: float) -> None:
    """Wherever the file is cut: while the header still names its patient the fault is that patient's."""
    whole = (hospital / "data" / "P1" / "RS.dcm").read_bytes()
    for patient in PATIENTS:
        here = hospital / "data" / patient / "RS.dcm"
        there = hospital / "data" / "contours" / f"{patient}.dcm"
        there.parent.mkdir(exist_ok=True)
        here.rename(there)
    (hospital / "data" / "contours" / "P1.dcm").write_bytes(whole[: int(len(whole) * share)])
    failed = {one.patient: one.reason for one in run(Study.read(hospital), workers=1).failed}
    assert set(failed) == {"P1", "P2"}
    assert "got P1.dcm, which is damaged" in failed["P1"]
    assert "got P2.dcm, which is damaged" in failed["P2"]


def test_a_damaged_set_beside_a_whole_one_takes_nobody_out(hospital: Path) -> None:
    whole = (hospital / "data" / "P1" / "RS.dcm").read_bytes()
    (hospital / "data" / "P1" / "RS_old.dcm").write_bytes(whole[: len(whole) * 9 // 10])
    found = check(Study.read(hospital), workers=1)
    assert found.flow is not None
    assert found.flow.patients == ("P1", "P3")
    assert "RS_old.dcm" in "\n".join(found.lines())


def test_a_dose_grid_beside_the_images_is_neither_proposed_nor_measured(hospital: Path) -> None:
    """Folders of radiotherapy hold one for every patient, in the frame of reference of the contours."""
    (hospital / "data" / "P2" / "RS.dcm").unlink()
    for patient in PATIENTS:
        dose = slices(patient=patient, series=f"ct {patient}")[0]
        dose.Modality, dose.SOPClassUID, dose.NumberOfFrames = "RTDOSE", "1.2.840.10008.5.1.4.1.1.481.2", 2
        dose.SeriesInstanceUID, dose.SOPInstanceUID = uid(patient, "dose"), uid(patient, "dose object")
        dose.PixelData = dose.PixelData * 2
        dose.GridFrameOffsetVector, dose.DoseGridScaling = [0, 3], 1e-4
        save([dose], hospital / "data" / patient / "dose")
    (hospital / "clinical.csv").write_text("PatientID;age\nP1;60\nP2;61\nP3;62\n", encoding="utf-8")
    proposed = propose(hospital / "data", hospital / "clinical.csv", hospital / "proposed.toml")
    assert 'modality = "CT"' in proposed.text
    assert "RTDOSE" in "\n".join(proposed.lines)
    unnamed = STUDY.replace('modality = "CT"\n', "")
    for text, lost in ((unnamed, {"P2"}), (STUDY.replace('"CT"', '"RTDOSE"'), set(PATIENTS))):
        (hospital / "study.toml").write_text(text, encoding="utf-8")
        found = check(Study.read(hospital), workers=1)
        assert found.flow is not None
        assert set(PATIENTS) - set(found.flow.patients) == lost
    assert "dose is not read" in "\n".join(found.lines())
