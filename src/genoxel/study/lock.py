"""One run per study: a lock that says who holds it and that a dead holder cannot keep."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from genoxel.core.errors import BusyError, OutputError


class StudyLock:
    """Hold `path` for the time of a ``with`` block; `BusyError` names who else holds it.

    The operating system frees the lock of a process that ends in any way; what a dead run left in the file is
    taken over. A holder on another machine is believed until its file is removed by hand.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, StudyLock(Path(folder, "lock")) as lock:
    ...     lock.path.exists()
    True
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self.taken_over = ""

    def __enter__(self) -> StudyLock:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise OutputError(
                f"{self.path} that cannot be written ({error.strerror})",
                "a study folder that may be written to",
                "copy the study to a folder of your own",
            ) from error
        try:
            self._take(file)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def _take(self, file: int) -> None:
        locked = _lock(file)
        holder = _read(file)
        here = holder.get("host") == platform.node()
        if locked is False or (holder and not here) or (locked is None and here and _alive(holder)):
            raise _busy(self.path, holder)
        if holder:
            self.taken_over = f"process {holder.get('pid')} that began {holder.get('since')} and did not end well"
        content = {"pid": os.getpid(), "host": platform.node(), "since": _now(), "started": _started(os.getpid())}
        try:
            os.ftruncate(file, 0)
            os.lseek(file, 0, os.SEEK_SET)
            os.write(file, json.dumps(content).encode())
            os.fsync(file)
        except OSError as error:
            raise OutputError(f"{self.path} that cannot be written ({error.strerror})", "free disk space") from error


def holder(path: Path) -> dict[str, Any]:
    """Return who holds the lock at `path` (pid, host, since), or an empty dictionary."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return {}
    try:
        found = _read(file)
        return found if found and (found.get("host") != platform.node() or _alive(found)) else {}
    finally:
        os.close(file)


def _lock(file: int) -> bool | None:
    """Return whether the lock of the system was taken; None where the file system knows no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(file, 1 << 30, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def _read(file: int) -> dict[str, Any]:
    os.lseek(file, 0, os.SEEK_SET)
    try:
        content = json.loads(os.read(file, 4096) or b"{}")
    except (ValueError, OSError):
        return {}
    return content if isinstance(content, dict) else {}


def _alive(holder: dict[str, Any]) -> bool:
    started = _started(holder.get("pid"))
    return started is not None and abs(started - float(holder.get("started") or started)) < 2


def _started(pid: object) -> float | None:
    import psutil

    try:
        return float(psutil.Process(int(str(pid))).create_time())
    except (psutil.Error, ValueError):
        return None


def _busy(path: Path, holder: dict[str, Any]) -> BusyError:
    where = f"process {holder.get('pid', '?')} on {holder.get('host', '?')} since {holder.get('since', '?')}"
    fix = "wait for it to end, or stop it"
    if holder and holder.get("host") != platform.node():
        fix = f"wait for it to end; if that machine no longer runs it, delete {path}"
    return BusyError(f"a study that another run holds: {where}", "one run at a time per study", fix)


def _now() -> str:
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")
