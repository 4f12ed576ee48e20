"""`genoxel ibsi`: every published value from every source, and a miss that cannot hide."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from genoxel.core.errors import FileFormatError, MissingFileError
from genoxel.features import compliance
from genoxel.features.catalog import FAMILIES
from genoxel.study import ibsi

DataDoor = Callable[[str], Path]


def command(*words: object) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "genoxel", "ibsi", *map(str, words)]
    return subprocess.run(call, capture_output=True, text=True, timeout=240, check=False)


def test_every_published_value_is_met_from_nifti_and_from_dicom(real_data: DataDoor):
    found = ibsi.check_ibsi(real_data("ibsi"))
    assert [line for line in found.lines() if "missed" in line] == []
    assert {source: len(checks) for source, checks in found.checks.items()} == {"": 482, "NIfTI": 1322, "DICOM": 1322}
    assert len(found.columns()) == 11
    assert found.counts("glcm", "A", "DICOM") == (100, 100)
    assert found.notes == ()


def test_both_ways_into_the_phantom_give_one_grid_and_one_region(real_data: DataDoor):
    folder = real_data("ibsi") / ibsi.CT
    image, mask = ibsi.from_nifti(folder)
    with ibsi._dicom_folder(folder) as place:
        other, drawn = ibsi.from_dicom(place)
    assert image.grid.same_as(other.grid)
    assert (image.values() == other.values()).all()
    assert (mask.inside() == drawn.inside()).all()


def test_the_command_without_data_checks_the_digital_phantom():
    done = command()
    assert done.returncode == 0, done.stderr
    assert "482/482" in done.stdout
    assert "150/150" in done.stdout


def test_a_miss_is_named_counted_and_ends_with_code_1(monkeypatch: pytest.MonkeyPatch):
    checks = compliance.compliance()
    place = next(i for i, check in enumerate(checks) if check.feature == "joint_entropy")
    wrong = [*checks[:place], checks[place]._replace(ok=False, got=9.0), *checks[place + 1 :]]
    monkeypatch.setattr(ibsi, "compliance", lambda: wrong)
    found = ibsi.check_ibsi()
    (line,) = found.miss_lines()
    assert "glcm.joint_entropy" in line
    assert "[TU9B]" in line
    assert "got 9" in line
    assert "149/150" in "".join(found.lines())
    assert found.to_json()["met"] == 481
    from genoxel.app import cli

    with pytest.raises(SystemExit) as ended:
        cli.ibsi(as_json=True)
    assert ended.value.code == 1


def test_json_holds_every_family(capsys: pytest.CaptureFixture[str]):
    from genoxel.app import cli

    cli.ibsi(as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["met"] == said["of"] == 482
    assert {one["family"] for one in said["counts"]} == set(FAMILIES)


def test_a_folder_without_the_reference_table_is_refused(tmp_path: Path):
    with pytest.raises(MissingFileError, match="ibsi1_reference_values"):
        ibsi.check_ibsi(tmp_path)
    assert command("--data", tmp_path).returncode == 1


def test_an_archive_that_is_none_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "dicom_ct_rtstruct.tar.xz").write_bytes(b"no archive")
    with pytest.raises(FileFormatError, match="cannot be unpacked"), ibsi._dicom_folder(tmp_path):
        pass
    with tarfile.open(tmp_path / "dicom_ct_rtstruct.tar.xz", "w:xz") as tar:
        member = tarfile.TarInfo("dicom/image/a.dcm")
        member.size = 2000
        tar.addfile(member, io.BytesIO(bytes(2000)))
    with ibsi._dicom_folder(tmp_path) as folder:
        assert len(ibsi._files(folder / "image")) == 1
        with pytest.raises(MissingFileError, match="mask"):
            ibsi._files(folder / "mask")
    monkeypatch.setattr(ibsi, "_LARGEST", 1000)
    with pytest.raises(FileFormatError, match="more than a phantom"), ibsi._dicom_folder(tmp_path):
        pass
