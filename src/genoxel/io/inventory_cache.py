"""What an inventory remembers of a folder: one line of JSON for what it came to as a whole, then one for each file.

As long as no file has changed, the first line alone is read, which spares the records of many thousand slices.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from genoxel.io.files import atomic_write
from genoxel.io.headers import VERSION, Record

Key = tuple[int, ...]
"""What tells whether a file has changed: its size and time of change (ns), and those of the notes beside it."""


def stamp_of(keys: Mapping[str, Key]) -> str:
    """Return a digest of all files and their keys."""
    words = "\n".join(f"{place}\0{key}" for place, key in keys.items())
    return hashlib.blake2b(f"{VERSION}\n{words}".encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def whole(cache: Path, stamp: str) -> dict[str, Any] | None:
    """Return what a folder came to as plain values, or None unless the cache was written with the same stamp."""
    try:
        with cache.open(encoding="utf-8") as stream:
            found = json.loads(stream.readline())
    except (OSError, ValueError):
        return None
    return found["found"] if isinstance(found, dict) and found.get("whole") == stamp and "found" in found else None


def remembered(cache: Path, keys: Mapping[str, Key]) -> tuple[dict[str, Record], int]:
    """Return the records that a cache holds of unchanged files, and of how many files it holds one."""
    known: dict[str, Record] = {}
    try:
        lines = cache.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return known, 0
    entries = [entry for entry in _entries(lines) if not (isinstance(entry, dict) and "whole" in entry)]
    for entry in entries:
        with suppress(KeyError, TypeError):
            if entry["version"] == VERSION and keys.get(entry["path"]) == tuple(entry["key"]):
                known[entry["path"]] = entry["record"]
    return known, len(entries)


def _entries(lines: Sequence[str]) -> list[Any]:
    """Return what the lines of a cache hold; damaged lines are passed over."""
    with suppress(ValueError):
        return list(json.loads(f"[{','.join(lines)}]"))
    found = []
    for line in lines:
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def remember(
    cache: Path, keys: Mapping[str, Key], known: Mapping[str, Record], found: Mapping[str, Any] | None = None
) -> None:
    """Write the records of the files in `known`, and first what the folder came to (None: that is not to be kept)."""
    lines = [] if found is None else [_line({"whole": stamp_of(keys), "found": found})]
    for place, record in known.items():
        lines.append(_line({"path": place, "key": keys[place], "record": record}))
    atomic_write(cache, "\n".join(lines) + "\n")


def _line(entry: dict[str, Any]) -> str:
    return json.dumps({"version": VERSION, **entry}, sort_keys=True)


def patients_in(cache: Path) -> set[str]:
    """Return the patients of DICOM files that a cache names (empty without one)."""
    found = set()
    with suppress(OSError, ValueError):
        for entry in _entries(cache.read_text(encoding="utf-8").splitlines()):
            with suppress(KeyError, TypeError, AttributeError):
                found.add(str(entry["record"].get("PatientID", "")))
    return found - {""}


def forget_in_cache(cache: Path, patient: str) -> int:
    """Remove every line that names a patient, in a header or in a path; return how many."""
    word = json.dumps(patient)[1:-1]
    lines = cache.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if word not in line]
    atomic_write(cache, "".join(f"{line}\n" for line in _without_whole(kept)))
    return len(lines) - len(kept)


def _without_whole(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if '"whole": ' not in line]
