"""What is done, in one transactional database: a result counts only while its bytes are what was recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from genoxel.core.errors import FileFormatError, OutputError
from genoxel.core.settings import digest
from genoxel.io.files import hash_file

SCHEMA = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    step TEXT NOT NULL, item TEXT NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL,
    error TEXT NOT NULL, kind TEXT NOT NULL, seconds REAL NOT NULL, at TEXT NOT NULL, PRIMARY KEY (step, item, key));
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, started TEXT NOT NULL, ended TEXT NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Entry:
    """One thing done: a result file (relative to the ledger's folder) with its hash, or the reason of a failure."""

    step: str
    item: str
    key: str
    path: str = ""
    sha256: str = ""
    error: str = ""
    kind: str = ""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether this step gave no result for this item."""
        return bool(self.error)


def key_of(inputs: object, settings: str, code: str) -> str:
    """Return the key of a piece of work: what went in, how it was set, and the version of the code that does it.

    >>> key_of(["a"], "s", "1") == key_of(["a"], "s", "2")
    False
    """
    return digest({"inputs": inputs, "settings": settings, "code": code})


class Ledger:
    """The ledger of one study in `folder`; every entry is one transaction, on disk when `record` returns.

    `read_only` opens one that exists for questions alone, also where nothing may be written.
    """

    def __init__(self, folder: Path, read_only: bool = False) -> None:
        self.folder = folder
        self.path = folder / "ledger.sqlite"
        if read_only:
            with self._guard():
                self._base = self._open_to_read()
            return
        with self._guard():
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(
                    f"{folder} that cannot be made ({error.strerror})", "a folder that may be written to"
                ) from error
            self._base = sqlite3.connect(self.path, isolation_level=None, timeout=30)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            self._check_version()
            self._base.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={SCHEMA}; COMMIT;")

    def _open_to_read(self) -> sqlite3.Connection:
        place = self.path.resolve().as_uri()
        # Without its log nobody is writing, and then SQLite need not make files of its own beside the database.
        kinds = ["mode=ro", "immutable=1"] if self.path.with_name(f"{self.path.name}-wal").exists() else ["immutable=1"]
        for kind in kinds:
            base = sqlite3.connect(f"{place}?{kind}", uri=True, isolation_level=None, timeout=30)
            try:
                base.execute("SELECT COUNT(*) FROM runs")
                break
            except sqlite3.DatabaseError as error:
                base.close()
                if kind == kinds[-1] or not isinstance(error, sqlite3.OperationalError):
                    raise
        self._base = base
        self._check_version()
        return base

    def _check_version(self) -> None:
        version = int(self._base.execute("PRAGMA user_version").fetchone()[0])
        if version not in (0, SCHEMA):
            raise FileFormatError(
                f"a ledger of version {version} at {self.path}",
                f"version {SCHEMA}",
                "use the Genoxel that wrote it, or delete the folder .genoxel (only finished work is lost)",
            )

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._base.close()

    def look_up(self, step: str, item: str, key: str) -> Entry | None:
        """Return what was done under this key, or None; a result whose file is missing or changed does not count."""
        with self._guard():
            row = self._base.execute(
                "SELECT step, item, key, path, sha256, error, kind, seconds FROM entries"
                " WHERE step=? AND item=? AND key=?",
                (step, item, key),
            ).fetchone()
        if row is None:
            return None
        entry = Entry(*row)
        return entry if entry.failed or self._intact(entry) else None

    def record(self, entry: Entry) -> None:
        """Write one entry in one transaction, in place of an older one with the same key."""
        with self._guard():
            self._base.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(entry.step, entry.item, entry.key, entry.path, entry.sha256),
                    *(entry.error, entry.kind, entry.seconds, now()),
                ),
            )

    def hash_of(self, path: Path) -> str:
        """Return the SHA-256 of a file; it is read again only when its size or one of its times has changed."""
        found = path.stat()
        stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        with self._guard():
            row = self._base.execute("SELECT size, mtime, ctime, sha256 FROM files WHERE path=?", (str(path),))
            known = row.fetchone()
            if known is not None and tuple(known[:3]) == stamp:
                return str(known[3])
            fresh = hash_file(path)
            self._base.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", (str(path), *stamp, fresh))
        return fresh

    def items(self, steps: Sequence[str]) -> list[str]:
        """Return the items that these steps have worked on."""
        marks = ",".join("?" * len(steps))
        with self._guard():
            rows = self._base.execute(f"SELECT DISTINCT item FROM entries WHERE step IN ({marks})", tuple(steps))  # noqa: S608
            return [str(item) for (item,) in rows.fetchall()]

    def forget(self, items: Sequence[str], of_one: Sequence[str]) -> int:
        """Remove the work on some items, the work of all steps not named in `of_one`, and the remembered file hashes.

        Files are removed before their entries, and the database is rewritten, so that no byte of them is left in it.
        Returns how many entries were removed.
        """
        marks = ",".join("?" * len(of_one))
        where = f"item IN ({','.join('?' * len(items))}) OR step NOT IN ({marks})"
        with self._guard():
            query = f"SELECT path FROM entries WHERE {where}"  # noqa: S608  (the marks are our own)
            rows = self._base.execute(query, (*items, *of_one)).fetchall()
            for (path,) in rows:
                if path:
                    (self.folder / path).unlink(missing_ok=True)
            self._base.execute(f"DELETE FROM entries WHERE {where}", (*items, *of_one))  # noqa: S608
            self._base.execute("DELETE FROM files")
            self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._base.execute("VACUUM")
            self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return len(rows)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write everything inside the block in one transaction (for many small entries such as file hashes)."""
        with self._guard():
            self._base.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def begin_run(self, note: str) -> int:
        """Note the start of a run and return its number."""
        with self._guard():
            row = self._base.execute("INSERT INTO runs VALUES (NULL, ?, '', 'running', ?)", (now(), note))
        return int(row.lastrowid or 0)

    def end_run(self, number: int, state: str) -> None:
        """Note the end of a run: done, partly, stopped or refused."""
        with self._guard():
            self._base.execute("UPDATE runs SET ended=?, state=? WHERE id=?", (now(), state, number))

    def last_run(self) -> dict[str, str]:
        """Return start, end, state and note of the last run (empty when there was none)."""
        with self._guard():
            row = self._base.execute("SELECT started, ended, state, note FROM runs ORDER BY id DESC LIMIT 1").fetchone()
        return dict(zip(("started", "ended", "state", "note"), row, strict=True)) if row else {}

    def counts(self) -> dict[str, dict[str, int]]:
        """Return step -> how many items are done and how many failed, over everything in the ledger."""
        with self._guard():
            rows = self._base.execute(
                "SELECT step, COUNT(DISTINCT CASE WHEN error='' THEN item END),"
                " COUNT(DISTINCT CASE WHEN error<>'' THEN item END) FROM entries GROUP BY step ORDER BY step"
            ).fetchall()
        return {str(step): {"done": int(done), "failed": int(failed)} for step, done, failed in rows}

    def _intact(self, entry: Entry) -> bool:
        path = self.folder / entry.path
        return path.is_file() and hash_file(path) == entry.sha256

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"a ledger {self.path} that cannot be written ({error})",
                "free disk space and a folder that may be written to",
                "make room or move the study; what was done is kept",
            ) from error
        except sqlite3.DatabaseError as error:
            raise FileFormatError(
                f"a damaged ledger {self.path} ({error})",
                "an SQLite database",
                "delete the folder .genoxel beside the study file (only finished work is lost, no input)",
            ) from error


def now() -> str:
    """Return the time with its zone, to the second."""
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")
