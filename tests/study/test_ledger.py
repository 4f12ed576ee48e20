from __future__ import annotations

import os
import sqlite3
import time

import pytest

from genoxel.core.errors import FileFormatError, OutputError
from genoxel.io.files import hash_file
from genoxel.study.ledger import Entry, Ledger, key_of


def test_a_result_counts_only_while_its_bytes_are_what_was_recorded(tmp_path):
    with Ledger(tmp_path / "x") as ledger:
        result = tmp_path / "x" / "image" / "P1.json"
        result.parent.mkdir()
        result.write_text("1")
        ledger.record(Entry("image", "P1", "k", "image/P1.json", hash_file(result)))
        assert ledger.look_up("image", "P1", "k").path == "image/P1.json"
        assert ledger.look_up("image", "P1", "other") is None
        assert ledger.look_up("features", "P1", "k") is None
        result.write_text("2")
        assert ledger.look_up("image", "P1", "k") is None
        result.unlink()
        assert ledger.look_up("image", "P1", "k") is None
    with Ledger(tmp_path / "x") as again:
        assert again.counts() == {"image": {"done": 1, "failed": 0}}


def test_failures_are_kept_with_their_reason(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.record(Entry("image", "P1", "k", error="41 voxels", kind="MaskError"))
        entry = ledger.look_up("image", "P1", "k")
    assert entry.failed
    assert entry.error == "41 voxels"


def test_keys_depend_on_inputs_settings_and_code():
    keys = {key_of(["a"], "s", "1"), key_of(["b"], "s", "1"), key_of(["a"], "t", "1"), key_of(["a"], "s", "2")}
    assert len(keys) == 4


def test_hashes_are_read_again_only_when_the_file_changed(tmp_path, monkeypatch):
    calls = []
    real = hash_file
    monkeypatch.setattr("genoxel.study.ledger.hash_file", lambda path: calls.append(path) or real(path))
    file = tmp_path / "a.dcm"
    file.write_bytes(b"one")
    with Ledger(tmp_path / "l") as ledger:
        with ledger.together():
            first = ledger.hash_of(file)
        assert ledger.hash_of(file) == first
        assert len(calls) == 1
        stamp = file.stat()
        time.sleep(0.02)
        file.write_bytes(b"two")
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # same size, same modification time
        assert ledger.hash_of(file) != first


def test_a_block_that_fails_writes_nothing(tmp_path):
    with Ledger(tmp_path) as ledger:
        with pytest.raises(RuntimeError), ledger.together():  # noqa: PT012
            ledger.record(Entry("s", "i", "k", error="e"))
            raise RuntimeError
        assert ledger.look_up("s", "i", "k") is None


def test_runs_are_noted(tmp_path):
    with Ledger(tmp_path) as ledger:
        assert ledger.last_run() == {}
        number = ledger.begin_run("first")
        assert ledger.last_run()["state"] == "running"
        ledger.end_run(number, "done")
        assert ledger.last_run()["state"] == "done"


def test_a_damaged_or_newer_ledger_is_refused_with_its_fix(tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "ledger.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(FileFormatError, match=r"delete the folder \.genoxel"):
        Ledger(tmp_path / "bad")
    Ledger(tmp_path / "new").close()
    base = sqlite3.connect(tmp_path / "new" / "ledger.sqlite")
    base.execute("PRAGMA user_version=99")
    base.close()
    with pytest.raises(FileFormatError, match="version 99"):
        Ledger(tmp_path / "new")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        Ledger(tmp_path / "file" / "deeper")


def test_a_full_database_is_an_output_error(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger._base.execute("PRAGMA max_page_count=1")
        with pytest.raises(OutputError, match="full"):  # noqa: PT012
            for place in range(1000):
                ledger.record(Entry("s", str(place), "k" * 500, error="e" * 500))
