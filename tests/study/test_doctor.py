"""What `doctor` says of installations that are good, poor or broken."""

from __future__ import annotations

import json
import sys
from collections import namedtuple

import pytest

from genoxel.study import doctor
from genoxel.study.doctor import examine
from genoxel.study.executors import Failure

GIB = 2**30
Usage = namedtuple("Usage", "total used free")
Memory = namedtuple("Memory", "total available")


def found(name, folder=None):
    return next(one for one in examine(folder, warm=False).findings if one.what == name)


def test_a_good_installation(tmp_path):
    whole = examine(tmp_path, warm=False)
    assert {one.what for one in whole.findings} >= {"Python", "libraries", "cores", "memory", "disk", "kernel cache"}
    assert all(line for line in whole.lines())
    assert json.loads(json.dumps(whole.to_json()))["versions"]["numpy"] == whole.versions["numpy"]
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_stops_work_and_a_missing_extra_does_not(monkeypatch):
    monkeypatch.setattr(doctor, "library_versions", lambda names: dict.fromkeys(names, "absent"))
    whole = examine(warm=False)
    libraries = next(one for one in whole.bad if one.what == "libraries")
    assert "missing numpy, scipy" in libraries.found
    assert "!!" in libraries.line()
    extra = next(one for one in whole.findings if one.what == "extra ml")
    assert extra.good
    assert 'pip install "genoxel[ml]"' in extra.line()
    assert whole.lines()[-1].endswith("to mend.")
    assert whole.to_json()["ok"] is False


def test_little_memory_and_little_disk(monkeypatch):
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(8 * GIB, GIB // 2))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: Usage(9 * GIB, 8 * GIB, GIB // 4))
    assert "2 GiB are needed" in found("memory").fix
    assert "1 GiB is needed" in found("disk").fix


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    def refuse(**more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    one = found("this folder", tmp_path)
    assert not one.good
    assert "Permission denied" in one.found


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    assert "3.11" in found("Python").fix


def test_where_compiled_kernels_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert found("kernel cache").found == str(tmp_path)
    monkeypatch.setattr(doctor.os, "access", lambda place, mode: False)
    assert "NUMBA_CACHE_DIR" in found("kernel cache").fix


Row = namedtuple("Row", "ok")


@pytest.mark.parametrize(
    ("value", "good", "words"),
    [
        ([Row(True), Row(True)], True, "2 of 2"),
        ([Row(True), Row(False)], False, "1 of 2"),
        (Failure("RuntimeError", "unexpected RuntimeError: no compiler\nmore"), False, "no compiler"),
    ],
)
def test_kernels_that_are_exact_wrong_or_broken(monkeypatch, value, good, words):
    monkeypatch.setattr(doctor, "attempt", lambda function, argument: value)
    one = examine().findings[-1]
    assert one.what == "kernels"
    assert one.good is good
    assert words in one.found
    assert "more" not in one.found
