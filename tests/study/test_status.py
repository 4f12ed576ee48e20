"""What `status` says of a study at every stage, and what a ledger answers that may only be read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from genoxel.core.errors import FileFormatError, OutputError
from genoxel.study.ledger import Entry, Ledger
from genoxel.study.lock import StudyLock
from genoxel.study.status import status
from genoxel.study.study import Study


@pytest.fixture
def study(tmp_path) -> Study:
    (tmp_path / "study.toml").write_text('[study]\nname = "tiny"\n')
    return Study.read(tmp_path)


def test_a_study_that_never_ran_and_one_that_was_killed(study):
    assert status(study).lines() == ["tiny", " not run yet. Next: genoxel check"]
    with Ledger(study.work) as ledger:
        ledger.begin_run("run")
    (killed,) = [line for line in status(study).lines() if "stopped" in line]
    assert "genoxel run goes on there" in killed


def test_what_is_done_what_failed_and_who_holds_it(study):
    with Ledger(study.work) as ledger:
        number = ledger.begin_run("run")
        (study.work / "a.zip").write_bytes(b"x" * 2**20)
        ledger.record(Entry("image", "P1", "k", "a.zip", "0"))
        ledger.record(Entry("image", "P2", "k", error="got a hole", kind="MaskError"))
        ledger.end_run(number, "partly")
    study.results.mkdir()
    (study.results / "failed.csv").write_text("patient,step,reason\nP2,image,got a hole\n", encoding="utf-8-sig")
    (study.results / "report.html").write_text("<html>")
    with StudyLock(study.work / "lock"):
        said = "\n".join(status(study).lines())
        assert "running   process" in said
    found = status(study)
    said = "\n".join(found.lines())
    assert ": partly" in said
    assert " image     1 done, 1 failed" in said
    assert " failed    P2 at image: got a hole" in said
    assert "MB of finished work" in said
    assert str(study.results / "report.html") in said
    assert found.to_json()["bytes_kept"] >= 2**20


def test_asking_changes_nothing(study):
    with Ledger(study.work) as ledger:
        ledger.begin_run("run")
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in study.work.iterdir()}
    status(study)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in study.work.iterdir()} == before


def test_a_ledger_opened_to_read_refuses_to_write_and_sees_a_run_at_work(tmp_path):
    with Ledger(tmp_path) as writer:
        writer.record(Entry("image", "P1", "k", error="x", kind="MaskError"))
        with Ledger(tmp_path, read_only=True) as reader:
            assert reader.counts() == {"image": {"done": 0, "failed": 1}}
            with pytest.raises(OutputError, match="cannot be written"):
                reader.record(Entry("image", "P2", "k", error="x", kind="MaskError"))


def test_a_ledger_of_another_version_is_not_believed(tmp_path):
    Ledger(tmp_path).close()
    base = sqlite3.connect(tmp_path / "ledger.sqlite")
    base.execute("PRAGMA user_version=99")
    base.close()
    with pytest.raises(FileFormatError, match="version 99"):
        Ledger(tmp_path, read_only=True)


def test_a_ledger_that_is_none_is_not_believed(tmp_path):
    Path(tmp_path, "ledger.sqlite").write_bytes(b"no database at all " * 60)
    with pytest.raises(FileFormatError, match="damaged ledger"):
        Ledger(tmp_path, read_only=True)
