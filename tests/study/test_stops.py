"""Runs that are stopped from outside: killed at any instant, out of disk, in a folder that may not be written."""

from __future__ import annotations

import ctypes
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genoxel.study.run import run
from genoxel.study.study import Study
from study.conftest import command, results

MANY, HOUR = 10, 50


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


def kill_once_there_are(folder: Path, step: str, count: int) -> None:
    """Start a run and kill -9 it as soon as a step has left so many results."""
    process = start(folder)
    deadline = time.monotonic() + 120
    while len(list((folder / ".genoxel" / step).glob("*"))) < count and time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_killed_in_two_steps_the_tables_are_those_of_an_unbroken_run(make_study, once):
    folder = make_study("killed")
    kill_once_there_are(folder, "image", 5)
    kill_once_there_are(folder, "learn", 1)
    whole_files(folder)
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
    # A shell that starts the tests in the background ignores SIGINT, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = make_study("interrupted", brief=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "genoxel", "run", str(folder), "-j", "2"], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    # A result is on disk a moment before it is in the ledger: with two workers, two may be lost.
    while len(list((folder / ".genoxel/image").glob("*.zip"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Nothing is lost" in said
    assert "Traceback" not in said
    assert run(Study.read(folder), workers=1).known["image"] >= 2


@pytest.mark.parametrize("limit", [30_000, 400_000])
def test_a_full_disk_leaves_the_old_results_and_says_so(finished, limit):
    path = finished / "study.toml"
    path.write_text(path.read_text().replace("bins = 8", "bins = 11").replace("seed = 5", "seed = 8"))
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it writes files as well
    done = command(
        "run",
        finished,
        "-j",
        "1",
        env=plain,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    whole_files(finished)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr
    assert "to fix:" in done.stderr
    assert run(Study.read(finished), workers=1).report.exists()


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


def test_status_works_where_nothing_may_be_written(finished):
    places = [finished, *(path for path in finished.rglob("*") if path.is_dir())]
    for place in places:
        place.chmod(0o555)
    done = command("status", finished, "--json", preexec_fn=without_superpowers)
    for place in places:
        place.chmod(0o755)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["last_run"]["state"] == "done"
    assert content["steps"]["image"] == {"done": 23, "failed": 0}


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
    assert run(Study.read(finished), workers=1).report.exists()
