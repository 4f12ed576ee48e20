"""Consent and forgetting: who did not consent never enters a step, and who is forgotten leaves no derived byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from dicom_making import save, slices, uid
from genoxel.core.errors import FileFormatError, InputError, SettingsError
from genoxel.study.check import check
from genoxel.study.forget import FILE, forget, forget_in
from genoxel.study.plan import look
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


SAID = {
    "results/flow.csv",
    "results/tables/lost.csv",
    "results/report.html",
    "results/paper/flow.svg",
    "check/flow.csv",
}
"""Where somebody left out is named on purpose, with the reason: identifier and reason, nothing from a header."""


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
    for who in ("BERT-02", "CARL-03"):
        assert [name for name in holds(study, who) if name not in SAID] == []
    assert "ANNA-01" in (study / ".genoxel/inventory.jsonl").read_text()
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


def test_headers_of_who_did_not_consent_are_not_kept(tmp_path: Path) -> None:
    for patient in ("P1", "P2"):
        save(slices(shape=(6, 5, 3), patient=patient, series=f"of {patient}"), tmp_path / "data" / patient)
    (tmp_path / "clinical.csv").write_text("id,consent\nP1,yes\nP2,no\n")
    text = STUDY.format(consent='consent = "consent"').replace('clinical = ["age"]\n', "").replace('"T1"', '"CT"')
    (tmp_path / "study.toml").write_text(text)
    asked = Study.read(tmp_path)
    first = look(asked)
    assert first is not None
    assert first.patients == ("P1", "P2")
    remembered = (tmp_path / ".genoxel/inventory.jsonl").read_text()
    assert uid("P1", "of P1") in remembered
    assert uid("P2", "of P2") not in remembered
    assert '"P2' not in remembered
    assert look(asked) == first
    (tmp_path / "clinical.csv").write_text("id,consent\nP1,no\nP2,no\n")
    assert look(Study.read(tmp_path)) == first
    assert "P1" not in (tmp_path / ".genoxel/inventory.jsonl").read_text()
    (tmp_path / "study.toml").write_text(text.replace('consent = "consent"', 'consent = "unknown"'))
    look(Study.read(tmp_path))
    assert "P1" not in (tmp_path / ".genoxel/inventory.jsonl").read_text()


def command(*words: object) -> str:
    call = [sys.executable, "-m", "genoxel", *map(str, words)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_table_of_cases_forgets_whom_it_measured(study: Path) -> None:
    paths = {who: f"data/{who}/{who}_T1" for who in PATIENTS}
    rows = ["patient,image,mask", *(f"{who},{path}.nii.gz,{path}_seg.nii.gz" for who, path in paths.items())]
    (study / "cases.csv").write_text("\n".join(rows) + "\n")
    command("extract", study / "cases.csv", "--out", study / "out", "-j", 1)
    (study / "out" / "mine.txt").write_text("kept")
    told = command("forget", "CARL-03", study / "cases.csv", "--out", study / "out")
    assert "1 pieces of work removed" in told
    assert [name for name in holds(study, "CARL-03") if name != "cases.csv"] == []
    assert sorted(path.name for path in (study / "out").iterdir()) == ["mine.txt"]
    told = command("extract", study / "cases.csv", "--out", study / "out", "-j", 1)
    assert "3 rows of 3 patients" in told
    assert "3 cases from before" in told
    assert [name for name in holds(study, "CARL-03") if name != "cases.csv"] == []
    with pytest.raises(InputError, match="did you mean 'DORA-04'"):
        forget_in(study / "cases.csv", "DORA-4")


def test_a_file_of_headers_forgets_whom_it_names(study: Path) -> None:
    cache = study / "headers.jsonl"
    command("inventory", study / "data", "--cache", cache)
    assert "CARL-03" in cache.read_text()
    command("forget", "CARL-03", cache)
    assert "CARL-03" not in cache.read_text()
    assert "DORA-04" in cache.read_text()
    with pytest.raises(InputError, match="does not name"):
        forget_in(cache, "CARL-03")
