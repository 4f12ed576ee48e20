"""Consent and forgetting: who did not consent never enters a step, and who is forgotten leaves no derived byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from genoxel.core.errors import FileFormatError, InputError, SettingsError
from genoxel.study.check import check
from genoxel.study.forget import FILE, forget
from genoxel.study.run import run
from genoxel.study.study import Study

PATIENTS = ("ANNA-01", "BERT-02", "CARL-03", "DORA-04")
STUDY = """[study]
data_use = "for this question alone, until 2030"
[cohort]
table = "clinical.csv"
patient = "id"
clinical = ["age"]
{consent}
[io.images]
folder = "data"
modality = "T1"
[features]
families = ["stat"]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    inside = np.zeros((20, 20, 12), np.uint8)
    inside[5:12, 5:12, 3:9] = 1
    for patient in PATIENTS:
        home = tmp_path / "data" / patient
        home.mkdir(parents=True)
        array = rng.normal(100, 20, inside.shape).astype(np.int16)
        nib.save(nib.Nifti1Image(array, np.eye(4)), home / f"{patient}_T1.nii.gz")
        nib.save(nib.Nifti1Image(inside, np.eye(4)), home / f"{patient}_T1_seg.nii.gz")
    rows = ["id,age,consent", "ANNA-01,40,yes", "BERT-02,91,no", "CARL-03,60,", "DORA-04,50,Yes"]
    (tmp_path / "clinical.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "study.toml").write_text(STUDY.format(consent=""))
    return tmp_path


def holds(folder: Path, text: str) -> list[str]:
    """Return the files below a folder whose bytes or path hold a text, the originals left out."""
    ours = [path for path in folder.rglob("*") if path.is_file() and "data" not in path.relative_to(folder).parts]
    found = [path for path in ours if text.encode() in path.read_bytes() or text in str(path.relative_to(folder))]
    return [path.relative_to(folder).as_posix() for path in found if path.name not in ("clinical.csv", "study.toml")]


def test_without_consent_on_record_nobody_enters_a_step(study: Path) -> None:
    (study / "study.toml").write_text(STUDY.format(consent='consent = "consent"'))
    result = run(Study.read(study), workers=1)
    assert result.fresh["image"] == 2
    rows = (study / "results/tables/features_table.csv").read_text()
    assert [row.split(",")[0] for row in rows.splitlines()[1:]] == ["ANNA-01", "DORA-04"]
    flow = (study / "results/flow.csv").read_text()
    assert "consent given,4,2,BERT-02,no consent on record" in flow
    assert "consent given,4,2,CARL-03,no consent on record" in flow
    assert not list((study / "results/tables").glob("comparison*")), "nor are they described as those left out"
    assert "until 2030" in (study / "results/methods.md").read_text()
    assert holds(study / ".genoxel/image", "BERT-02") == []
    found = check(Study.read(study), workers=1)
    assert found.flow is not None
    assert found.flow.patients == ("ANNA-01", "DORA-04")


def test_a_consent_that_cannot_be_read_is_refused(study: Path) -> None:
    (study / "study.toml").write_text(STUDY.format(consent='consent = "consnt"'))
    with pytest.raises(SettingsError, match="did you mean 'consent'"):
        run(Study.read(study), workers=1)


def test_who_is_forgotten_leaves_no_byte_and_never_comes_back(study: Path) -> None:
    run(Study.read(study), workers=1)
    check(Study.read(study), workers=1)
    assert holds(study, "CARL-03")
    call = [sys.executable, "-m", "genoxel", "forget", "CARL-03", str(study)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "originals are not touched" in done.stdout
    assert holds(study, "CARL-03") == []
    again = run(Study.read(study), workers=1)
    assert (again.fresh["image"], again.known["image"]) == (0, 3)
    assert again.patients == 3
    check(Study.read(study), workers=1)
    assert holds(study, "CARL-03") == []
    assert holds(study, "DORA-04")


def test_only_patients_of_the_study_can_be_forgotten(study: Path) -> None:
    run(Study.read(study), workers=1)
    with pytest.raises(InputError, match="did you mean 'CARL-03'"):
        forget(Study.read(study), "CARL-3")
    assert not (study / FILE).exists()
    (study / FILE).write_text("{}")
    with pytest.raises(FileFormatError, match="damaged"):
        run(Study.read(study), workers=1)
