"""A damaged structure set: its patient is left out by name of file and reason, and the others go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dicom_making import NAME, save, slices, uid
from genoxel.core.mask import Mask
from genoxel.io.dicom import read_series
from genoxel.io.rtstruct import write_rtstruct
from genoxel.study.check import check
from genoxel.study.run import run
from genoxel.study.study import Study

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
    (line,) = (line for line in (hospital / "results/flow.csv").read_text().splitlines() if ",P2," in line)
    assert "RS.dcm" in line
    assert "damaged" in line
    assert NAME.split("^")[0] not in shown + line
    assert str(hospital) not in line


def test_a_damaged_set_beside_a_whole_one_takes_nobody_out(hospital: Path) -> None:
    whole = (hospital / "data" / "P1" / "RS.dcm").read_bytes()
    (hospital / "data" / "P1" / "RS_old.dcm").write_bytes(whole[: len(whole) * 9 // 10])
    found = check(Study.read(hospital), workers=1)
    assert found.flow is not None
    assert found.flow.patients == ("P1", "P3")
    assert "RS_old.dcm" in "\n".join(found.lines())
