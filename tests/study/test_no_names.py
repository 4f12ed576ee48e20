"""No protected health information in messages, logs, records, ledgers, pictures' facts or results."""

from __future__ import annotations

import json
import logging
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from dicom_corpus import CASES
from dicom_making import save, slices, uid
from genoxel.core.errors import GenoxelError, describe
from genoxel.core.mask import Mask
from genoxel.io.dicom import read_series
from genoxel.io.headers import look_at
from genoxel.io.rtstruct import read_structures, write_rtstruct
from genoxel.study.case import Case, ExtractSettings, measure_case

PLANTED = {
    "PatientName": "Canaryname^Canaryfirst",
    "PatientBirthDate": "19470203",
    "OtherPatientIDs": "CANARYID77",
    "PatientAddress": "Canary Street 9",
    "PatientTelephoneNumbers": "0777CANARY",
    "PatientMotherBirthName": "Canarymother",
    "ReferringPhysicianName": "Canarydoctor^R",
    "PerformingPhysicianName": "Canarydoctor^P",
    "OperatorsName": "Canaryoperator",
    "InstitutionName": "Canary Hospital",
    "InstitutionAddress": "Canary Avenue",
    "StationName": "CANARYSTATION",
    "AccessionNumber": "CANARYACC",
    "StudyID": "CANARYSTUDY",
    "DeviceSerialNumber": "CANARYSERIAL",
    "PatientComments": "canary comment",
    "ImageComments": "canary image comment",
    "RequestingPhysician": "Canaryrequester",
    "StudyDescription": "canary study words",
}
"""Tags that name people and places; every value holds the word canary or is the birth date."""


def plant(dataset: Any) -> Any:
    """Give a dataset the planted tags and the same words in a private element."""
    for keyword, value in PLANTED.items():
        setattr(dataset, keyword, value)
    dataset.private_block(0x0031, "CANARY CREATOR", create=True).add_new(0x01, "LO", "canary private")
    return dataset


def refuse_canaries(text: str) -> None:
    """Fail when any planted word is in a text."""
    assert "canary" not in text.casefold()
    assert "19470203" not in text


@pytest.mark.parametrize(
    "case", [case if place % 4 == 0 else pytest.param(case, marks=pytest.mark.slow) for place, case in enumerate(CASES)]
)
def test_neither_errors_nor_images_nor_records_nor_logs_name_anyone(
    tmp_path: Path, case: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    made = CASES[case]()
    for dataset in made.series:
        birth = dataset.PatientBirthDate
        plant(dataset)
        dataset.PatientBirthDate = birth or dataset.PatientBirthDate
    paths = made.write(tmp_path)
    told = [json.dumps(look_at(path)) for path in paths]
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            image = read_series(paths, **made.kwargs)
            told += [repr(image.history), repr(dict(image.tags)), repr(image), image._repr_html_()]
        except GenoxelError as error:
            told += [describe(error), repr(error)]
    shown = capfd.readouterr()
    refuse_canaries(" ".join([*told, caplog.text, shown.out, shown.err, *(str(one.message) for one in warned)]))


def test_rows_of_features_and_structure_sets_name_nobody(tmp_path: Path) -> None:
    series = [plant(dataset) for dataset in slices(shape=(30, 26, 8))]
    paths = save(series, tmp_path / "image")
    image = read_series(paths)
    inside = np.zeros(image.shape, np.uint8)
    inside[5:15, 5:15, 2:6] = 1
    drawn = write_rtstruct(tmp_path / "RS.dcm", {"GTV": Mask(inside, image.affine)}, series, uid, "20200103", "101010")
    refuse_canaries(repr(read_structures(drawn)) + json.dumps(look_at(drawn)))
    case = Case("P1", tmp_path / "image", drawn)
    rows = measure_case(case, ExtractSettings.model_validate({"features": {"families": ["morph"]}})).rows
    refuse_canaries(repr([(row.key, dict(row.facts)) for row in rows]))


def texts_of(folder: Path) -> str:
    """Return every byte of every file under a folder as text, zipped files unpacked."""
    parts = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        parts.append(f"{path.name} " + path.read_bytes().decode("latin-1"))
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                parts += [packed.read(name).decode("latin-1") for name in packed.namelist()]
    return " ".join(parts)


@pytest.mark.slow
def test_a_whole_study_writes_no_name_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from genoxel.app.cli import app

    def command(*words: object) -> str:
        done = CliRunner().invoke(app, [str(word) for word in words])
        return done.output + str(done.exception or "")

    home = tmp_path / "home"
    command("simulate", home, "-n", 4, "--effect", "IDH1:none", "--modality", "ct", "-q")
    for path in sorted((home / "dicom").rglob("*.dcm")):
        plant(pydicom.dcmread(path)).save_as(path)
    broken = next((home / "dicom").rglob("IM*.dcm"))
    broken.write_bytes(broken.read_bytes()[:-500])
    monkeypatch.chdir(home)
    shown = command("inventory", "dicom") + command("init", "dicom", "clinical.csv")
    path = home / "study.toml"
    path.write_text(path.read_text().replace('set = "ibsi1"', 'families = ["morph", "stat"]'))
    shown += command("check", "-j", 1) + command("run", "-j", 1) + command("status", "--json")
    refuse_canaries(shown)
    assert "not readable" in shown or "bytes of PixelData" in shown or "failed" in shown
    for part in ("results", "check", ".genoxel", "study.toml"):
        here = home / part
        if here.exists():
            refuse_canaries(texts_of(here) if here.is_dir() else here.read_text())
    assert (home / "results").is_dir()
