"""Runs that are stopped from outside: killed at any instant, out of disk, in a folder that may not be written."""

from __future__ import annotations

import ctypes
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study.conftest import command, results

FEW, MANY, HOUR = 3, 10, 50


def start(folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "genoxel", "run", str(folder), "-q", "-j", "2"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def duration(folder: Path) -> float:
    began = time.monotonic()
    assert start(folder).wait() == 0
    return time.monotonic() - began


def kill_at(folder: Path, seconds: float) -> bool:
    """Start a run and kill -9 it; tell whether it was still running."""
    process = start(folder)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def whole_files(folder: Path) -> None:
    """No result that carries its final name may be torn."""
    for path in (folder / "results").rglob("*.parquet"):
        if not path.name.startswith("."):
            assert path.read_bytes()[-4:] == b"PAR1"
    page = folder / "results/report.html"
    assert not page.exists() or page.read_text(encoding="utf-8").rstrip().endswith("</html>")


def kills(make_study, once, count: int, seed: int) -> None:
    rng, hit = random.Random(seed), 0
    length = duration(make_study("timed"))
    for round_ in range(count):
        folder = make_study(f"kill {round_}")
        hit += kill_at(folder, rng.uniform(0.05, 0.95) * length)
        whole_files(folder)
        assert start(folder).wait() == 0
        assert results(folder) == results(once)
    assert hit >= count * 0.6


def test_killed_three_times_in_one_study_the_tables_are_those_of_an_unbroken_run(make_study, once):
    folder = make_study("killed")
    length = duration(make_study("timed"))
    hit = [kill_at(folder, share * length) for share in (0.45, 0.6, 0.7)]
    whole_files(folder)
    assert any(hit)
    assert start(folder).wait() == 0
    assert results(folder) == results(once)
    assert not list(folder.rglob(".*.part"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_ten_random_instants(make_study, once):
    kills(make_study, once, MANY, seed=10)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_killed_at_fifty_random_instants(make_study, once):
    kills(make_study, once, HOUR, seed=50)


def test_a_stop_by_the_user_keeps_what_is_done(make_study):
    folder = make_study("interrupted")
    process = subprocess.Popen(
        [sys.executable, "-m", "genoxel", "run", str(folder), "-j", "2"], stderr=subprocess.PIPE, text=True
    )
    ledger = folder / ".genoxel/image"
    deadline = time.monotonic() + 120
    while not list(ledger.glob("*.zip")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (130, 0)
    if process.returncode == 130:
        assert "Nothing is lost" in said
        assert "Traceback" not in said
    done = command("run", folder, "--json")
    assert done.returncode == 0, done.stderr
    assert '"image": 0' not in done.stdout.split('"from_before"')[1]


@pytest.mark.parametrize("limit", [30_000, 120_000, 400_000])
def test_a_full_disk_leaves_the_old_results_and_says_so(finished, limit):
    path = finished / "study.toml"
    path.write_text(path.read_text().replace("bins = 8", "bins = 11").replace("seed = 5", "seed = 8"))
    done = command(
        "run", finished, "-j", "1", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    whole_files(finished)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr
    assert "to fix:" in done.stderr
    again = command("run", finished, "-j", "1")
    assert again.returncode == 0, again.stderr


def without_superpowers() -> None:
    """Drop the right of root to write where permissions forbid it (a call of Linux; others need no such thing)."""
    if os.geteuid() == 0:
        library = ctypes.CDLL(None)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            assert library.prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


@pytest.mark.parametrize("verb", ["run", "check"])
def test_a_folder_that_may_not_be_written_is_one_clear_message(make_study, verb):
    folder = make_study("readonly")
    folder.chmod(0o555)
    done = command(verb, folder, preexec_fn=without_superpowers)
    folder.chmod(0o755)
    assert done.returncode == 1
    assert done.stderr.count("error:") == 1
    assert "readonly" in done.stderr
    assert "to fix:" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["study.toml"]


def test_two_runs_at_once_from_two_processes(finished):
    code = f"""
from pathlib import Path
import time
from genoxel.study.lock import StudyLock
with StudyLock(Path({str(finished)!r}, ".genoxel", "lock")):
    print("held", flush=True)
    time.sleep(60)
"""
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    other.stdout.readline()
    done = command("run", finished)
    state = command("status", finished)
    other.kill()
    other.wait()
    other.stdout.close()
    assert done.returncode == 1
    assert str(other.pid) in done.stderr
    assert f"process {other.pid}" in state.stdout
    assert command("run", finished, "-q").returncode == 0
