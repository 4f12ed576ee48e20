"""Run a self-test and write its table and page."""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from genoxel._version import __version__
from genoxel.core.errors import OutputError, SettingsError, nearest
from genoxel.io.files import atomic_write
from genoxel.study.doctor import CORE
from genoxel.study.engine import Engine, library_versions
from genoxel.study.executors import Pool
from genoxel.study.ledger import Ledger
from genoxel.study.lock import StudyLock
from genoxel.study.progress import Progress
from genoxel.study.selftest.images import images_rows
from genoxel.study.selftest.install import install_rows
from genoxel.study.selftest.kept import Kept
from genoxel.study.selftest.page import page
from genoxel.study.selftest.rows import Row, SelfTest
from genoxel.study.selftest.stats import FULL, QUICK, stats_rows

AREAS = ("install", "images", "stats")
FILES = ("selftest.html", "selftest.csv", "selftest.json")
WORK = ".unfinished"


def selftest(
    areas: Sequence[str] = AREAS,
    full: bool = False,
    seed: int = 1,
    workers: int | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> SelfTest:
    """Return what the installed pipeline does where the truth is known, and write it to the folder `out` if given.

    `areas` are "install", "images" and "stats"; `full` takes about an hour instead of about a minute. What is finished
    is kept in `out` until the whole is: after a stop the same call goes on where it was. Raises `SettingsError` for an
    unknown area, `OutputError` for a folder that holds something else and `BusyError` for one in use.
    """
    for area in areas:
        if area not in AREAS:
            raise SettingsError(f"the area {area!r}", ", ".join(AREAS), nearest(area, AREAS) or "choose one")
    if out is None:
        with tempfile.TemporaryDirectory(prefix="genoxel-selftest-") as place:
            return _found(areas, full, seed, workers, Path(place), progress)
    _refuse_foreign(out)
    work = out / WORK
    with StudyLock(work / "lock"):
        found = _found(areas, full, seed, workers, work, progress)
        write(found, out)
    shutil.rmtree(work, ignore_errors=True)
    return found


def _found(
    areas: Sequence[str], full: bool, seed: int, workers: int | None, work: Path, progress: Progress | None
) -> SelfTest:
    rows: list[Row] = []
    effort = FULL if full else QUICK
    with Pool(workers) as pool, Ledger(work) as ledger, progress or Progress() as display:
        engine = Engine(ledger, pool, display)
        for area in [one for one in AREAS if one in areas]:
            kept = Kept(engine, area, [seed, full])
            if area == "install":
                rows += install_rows()
            elif area == "images":
                rows += images_rows(seed, full, kept)
            else:
                rows += stats_rows(effort, seed, kept)
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return SelfTest(tuple(rows), "full" if full else "quick", seed, library_versions(CORE), machine)


def write(found: SelfTest, out: Path) -> Path:
    """Write selftest.html, selftest.csv and selftest.json into `out` and return the page's path."""
    atomic_write(out / FILES[1], found.to_csv())
    atomic_write(out / FILES[2], json.dumps({**found.to_json(), "genoxel": __version__}, indent=1) + "\n")
    return atomic_write(out / FILES[0], page(found))


def _refuse_foreign(out: Path) -> None:
    try:
        foreign = out.is_file() or (out.is_dir() and any(path.name not in (*FILES, WORK) for path in out.iterdir()))
    except OSError as error:
        raise OutputError(f"the folder {out}: {error.strerror}", "a folder to write in", "name another") from error
    if foreign:
        raise OutputError(f"{out}, which holds something else", "a new folder or an earlier self-test", "name another")
