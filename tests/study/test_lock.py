from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest

from genoxel.core.errors import BusyError, OutputError
from genoxel.study.lock import StudyLock, holder


def test_a_second_run_is_refused_politely(tmp_path):
    path = tmp_path / "lock"
    with StudyLock(path):
        assert holder(path)["pid"] == os.getpid()
        with pytest.raises(BusyError) as caught, StudyLock(path):
            pass
        message = str(caught.value)
        assert str(os.getpid()) in message
        assert platform.node() in message
        assert "since 2" in message
    assert holder(path) == {}
    with StudyLock(path) as lock:
        assert lock.taken_over == ""


def test_another_process_is_refused_and_its_death_frees_the_lock(tmp_path):
    path = tmp_path / "lock"
    code = f"""
import sys, time
from pathlib import Path
from genoxel.study.lock import StudyLock
with StudyLock(Path({str(path)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline().strip() == "held"
    with pytest.raises(BusyError, match=str(other.pid)), StudyLock(path):
        pass
    other.kill()
    other.wait()
    other.stdout.close()
    assert holder(path) == {}
    with StudyLock(path) as lock:
        assert str(other.pid) in lock.taken_over


def test_a_stale_lock_of_a_dead_process_is_taken_over(tmp_path):
    path = tmp_path / "lock"
    dead = {"pid": 2**22 + 1, "host": platform.node(), "since": "2026-01-01T00:00:00+00:00", "started": 1.0}
    path.write_text(json.dumps(dead))
    with StudyLock(path) as lock:
        assert "2026-01-01" in lock.taken_over


def test_a_holder_on_another_machine_is_believed(tmp_path):
    path = tmp_path / "lock"
    path.write_text(json.dumps({"pid": 1, "host": "elsewhere", "since": "2026-01-01T00:00:00+00:00"}))
    with pytest.raises(BusyError, match=r"elsewhere.*delete"), StudyLock(path):
        pass
    assert holder(path)["host"] == "elsewhere"


@pytest.mark.parametrize("content", ["", "not json", "[1]", '{"pid": "x", "host": "%s"}'])
def test_a_damaged_lock_file_does_not_stop_a_run(tmp_path, content):
    path = tmp_path / "lock"
    path.write_text(content.replace("%s", platform.node()))
    with StudyLock(path):
        assert holder(path)["pid"] == os.getpid()


def test_where_the_system_has_no_locks_a_living_holder_still_counts(tmp_path, monkeypatch):
    monkeypatch.setattr("genoxel.study.lock._lock", lambda _: None)
    path = tmp_path / "lock"
    with StudyLock(path), pytest.raises(BusyError), StudyLock(path):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"), StudyLock(tmp_path / "file" / "lock"):
        pass
