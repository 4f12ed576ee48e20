"""Run many small pieces of work through the ledger: what is done is not done again, what breaks is recorded."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from genoxel.core.errors import SettingsError
from genoxel.core.settings import digest
from genoxel.io.files import atomic_write
from genoxel.study.executors import Failure, Pool, Task
from genoxel.study.ledger import Entry, Ledger
from genoxel.study.progress import Progress

Work = Callable[[Any], bytes]

NUMERIC_LIBRARIES = ("numpy", "scipy", "numba", "scikit-learn", "scikit-image", "SimpleITK", "pydicom", "nibabel")


@dataclass(frozen=True)
class Job:
    """One piece of work: `function` (top level, so that it can cross to a worker) turns `payload` into a file."""

    step: str
    item: str
    key: str
    function: Work
    payload: Any
    suffix: str = ".json"

    @property
    def place(self) -> str:
        """Path of the result inside the ledger's folder."""
        return f"{self.step}/{digest([self.item, self.key])}{self.suffix}"


@dataclass(frozen=True)
class Result:
    """What a job came to: a file with its hash, or an error with its kind."""

    item: str
    path: Path | None
    sha256: str = ""
    error: str = ""
    kind: str = ""
    reused: bool = False
    seconds: float = 0.0
    where: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return not self.error


class Engine:
    """Jobs, a ledger, workers and a display brought together; a `frozen` engine refuses to compute anything."""

    def __init__(self, ledger: Ledger, pool: Pool, progress: Progress, frozen: bool = False) -> None:
        self.ledger, self.pool, self.progress, self.frozen = ledger, pool, progress, frozen
        self.fresh: dict[str, int] = {}
        self.known: dict[str, int] = {}

    def run(self, step: str, jobs: Sequence[Job], note: str = "") -> dict[str, Result]:
        """Return item -> result, in the order of `jobs`; only what the ledger does not hold is computed.

        An `OutputError` (disk full, read-only) ends the run: it is no fault of one patient.
        """
        began = time.monotonic()
        self.progress.begin(step, len(jobs))
        found = {job.item: self._known(job) for job in jobs}
        for result in found.values():
            if result is not None:
                self.progress.advance(result.ok, reused=True)
        todo = {job.item: job for job in jobs if found[job.item] is None}
        self.fresh[step] = self.fresh.get(step, 0) + len(todo)
        self.known[step] = self.known.get(step, 0) + len(jobs) - len(todo)
        if todo and self.frozen:
            raise SettingsError(
                f"{len(todo)} of {len(jobs)} pieces of work of the step {step} that are not done",
                "a study that has run with these settings",
                "genoxel run",
            )

        def done(task: Task, value: Any) -> None:
            result = self._record(todo[task.name], value)
            found[task.name] = result
            self.progress.advance(result.ok)

        self.pool.run(_work, [Task(job.item, (job, str(self.ledger.folder))) for job in todo.values()], done)
        took = f"{time.monotonic() - began:.0f} s"
        self.progress.end(f"{note}, {took}" if note else took)
        return {item: result for item, result in found.items() if result is not None}

    def _known(self, job: Job) -> Result | None:
        entry = self.ledger.look_up(job.step, job.item, job.key)
        if entry is None:
            return None
        if entry.failed:
            failure = Failure(entry.kind, entry.error)
            return Result(job.item, None, "", entry.error, entry.kind, True) if failure.expected else None
        return Result(job.item, self.ledger.folder / entry.path, entry.sha256, reused=True, seconds=entry.seconds)

    def _record(self, job: Job, value: Any) -> Result:
        if isinstance(value, Failure):
            if value.kind == "OutputError":
                raise value.error()
            self.ledger.record(Entry(job.step, job.item, job.key, error=value.reason, kind=value.kind))
            return Result(job.item, None, "", value.reason, value.kind, where=value.where)
        sha256, seconds = value
        self.ledger.record(Entry(job.step, job.item, job.key, job.place, sha256, seconds=seconds))
        return Result(job.item, self.ledger.folder / job.place, sha256, seconds=seconds)


def _work(argument: tuple[Job, str]) -> tuple[str, float]:
    job, folder = argument
    began = time.monotonic()
    data = job.function(job.payload)
    atomic_write(Path(folder, job.place), data)
    return hashlib.sha256(data).hexdigest(), time.monotonic() - began


@cache
def code_version(constant: str, rooms: tuple[str, ...]) -> str:
    """Return the version of a step: its own `constant`, the source of the `rooms` it uses, the numeric libraries.

    >>> code_version("1", ("core",)) == code_version("2", ("core",))
    False
    """
    root = Path(__file__).parents[1]
    sources = {room: _hash_sources(root / room) for room in rooms}
    return digest([constant, sources, library_versions(NUMERIC_LIBRARIES)])


def _hash_sources(place: Path) -> str:
    files: Iterable[Path] = [place] if place.is_file() else sorted(place.rglob("*.py"))
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.relative_to(place.parent).as_posix().encode() + b"\0" + file.read_bytes())
    return whole.hexdigest()


def library_versions(names: Sequence[str]) -> Mapping[str, str]:
    """Return the installed version of each library ('absent' when it is not installed)."""
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
