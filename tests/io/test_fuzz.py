"""Damaged files: every cut is refused, and what is accepted after flipped bits equals what a strict parser reads.

Each file is read in a process that the system ends at 5 s of CPU time, after two minutes without an answer, or at 2 GiB
(`fuzz_worker`). The long run of 10,000 files: `pytest -m slow tests/io/test_fuzz.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fuzz_formats import FORMATS

TESTS = Path(__file__).parents[1]
CPU_SECONDS = 5.0
MANY = -(-10_000 // len(FORMATS))
SURE = {"NIfTI gzip"}
"""Formats in which a checksum covers nearly every bit, so that few damaged files are accepted."""
EMPTY_ENDS = {"DICOM RLE", "DICOM JPEG", "DICOM JPEG-LS", "DICOM JPEG 2000"}
"""Behind packed pixels stands an empty mark alone: the last byte may be missing."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits of a process are those of Linux")


class Worker:
    """A process that reads damaged files; what it dies of is told as the number of the file and the signal."""

    def __init__(self, seconds: float = CPU_SECONDS) -> None:
        paths = os.pathsep.join([str(TESTS), *sys.path])
        env = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        call = [sys.executable, "-W", "error", str(TESTS / "fuzz_worker.py"), str(seconds)]
        self.process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def __call__(self, kind: str, start: int, stop: int, way: str) -> dict[str, Any]:
        """Return how many files were accepted and what went wrong."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{kind}\t{start}\t{stop}\t{way}\n")
        self.process.stdin.flush()
        number = ""
        while (line := self._line()).isdigit():
            number = line
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        return {"accepted": 0, "faults": {number: signal.Signals(-self.process.wait()).name}}

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


Workers = Callable[[], Worker]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """Return what gives the module's worker, a new one when a file ended the last."""
    found: list[Worker] = []

    def give() -> Worker:
        if not found or found[-1].process.poll() is not None:
            found.append(Worker())
        return found[-1]

    yield give
    for one in found:
        one.close()


@pytest.mark.parametrize("kind", FORMATS)
def test_flipped_bits_are_refused_or_read_as_a_strict_parser_does(workers: Workers, kind: str) -> None:
    found = workers()(kind, 0, 60, "flip")
    assert found["faults"] == {}
    assert (0 if kind in SURE else 1) <= found["accepted"] < 60


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", FORMATS)
def test_ten_thousand_damaged_files(workers: Workers, kind: str) -> None:
    found = workers()(kind, 60, 60 + MANY, "flip")
    assert found["faults"] == {}
    assert found["accepted"] < MANY


@pytest.mark.parametrize("kind", FORMATS)
def test_every_cut_is_refused(workers: Workers, kind: str) -> None:
    assert workers()(kind, 1, 100, "cut") == {"accepted": 0, "faults": {}}


def test_readers_that_misbehave_would_be_found_out() -> None:
    worker = Worker(seconds=0.3)
    wanted = {
        "claim": "MemoryError",
        "hide": "FaultError: more than 2 GiB asked for",
        "invent": "FaultError: values that a strict parser does not read",
        "hang": "SIGPROF",
    }
    found = {reader: worker(reader, 50, 51, "cut")["faults"]["50"] for reader in wanted}
    worker.close()
    assert {reader: found[reader].startswith(fault) for reader, fault in wanted.items()} == dict.fromkeys(wanted, True)
