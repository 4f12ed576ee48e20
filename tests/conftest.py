"""Shared by all tests: the door to real data, and nothing written outside temporary folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # as the workers of a run: many small products wait for threads, not for sums

_skipped: list[str] = []
_REQUIRED = "GENOXEL_TEST_DATA_REQUIRED"


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Return a function that gives a folder of real data, or skips naming it; GENOXEL_TEST_DATA says where."""

    def folder(name: str) -> Path:
        root = os.environ.get("GENOXEL_TEST_DATA")
        path = Path(root, name) if root else None
        if path is not None and path.exists():
            return path
        if os.environ.get(_REQUIRED):
            pytest.fail(f"real data {name!r} are required here but were not found under {root!r}")
        _skipped.append(name)
        pytest.skip(f"real data {name!r}: set GENOXEL_TEST_DATA to a folder that holds it")

    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests had no real data, so that a green run without data cannot be mistaken for a full one."""
    reports = terminalreporter.stats.get("skipped", [])
    count = sum("real data" in str(report.longrepr) for report in reports)
    where = os.environ.get("GENOXEL_TEST_DATA", "unset")
    terminalreporter.write_line(f"tests skipped for want of real data: {count} (GENOXEL_TEST_DATA is {where})")
