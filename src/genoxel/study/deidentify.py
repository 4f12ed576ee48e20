"""`genoxel deidentify`: a folder of DICOM files and the tables that go with it, given away without identities."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genoxel._version import __version__
from genoxel.core.errors import InputError, SettingsError
from genoxel.io.deidentify.dataset import OPTIONS
from genoxel.io.deidentify.faces import heads_of
from genoxel.io.deidentify.files import Faces, Outcome, look_and_clean, summed
from genoxel.io.deidentify.key import Key, open_key, save_key
from genoxel.io.deidentify.tables import CleanTable, deidentify_table, number_of_text
from genoxel.io.files import atomic_write, hash_file
from genoxel.io.spreadsheet import escape, write_rows

FEW = 200
"""Fewer files are not worth a second process."""

REPORT, LISTING = "deidentification.json", "deidentification.csv"
_SIGN = "Looked at and released by: ____________________   on: ____________"


@dataclass(frozen=True)
class Deidentified:
    """What became of a folder: how many files went out, which were held back and why, and the tables."""

    folder: Path
    key: Path
    written: int
    patients: int
    held: dict[str, int]
    heads: int
    unstated: int
    tables: tuple[CleanTable, ...] = ()
    files: tuple[Path, ...] = ()
    defaced: int = 0

    def lines(self) -> list[str]:
        """Return what the command prints; nothing of it names a person."""
        lines = [f"{self.written} files of {self.patients} patients written to {self.folder}"]
        lines += self.held_lines()
        if self.defaced:
            lines.append(f" {self.defaced} images of heads had their face removed: look at some of them")
        if self.heads:
            lines.append(f" {self.heads} images show a head and are marked so: a face can be recognised")
        if self.unstated:
            lines.append(f" {self.unstated} images do not say which part of the body they show: look for heads")
        for table in self.tables:
            gone = sum(what.startswith("removed") for _, what in table.columns)
            lines.append(f" {table.name}: {len(table.header)} columns kept, {gone} removed")
        lines += [f" report {self.folder / REPORT}, one line per file in {LISTING}: look at both before you sign"]
        return [*lines, f" key    {self.key} (its owner alone may read it): keep it apart, never give it away"]

    def held_lines(self) -> list[str]:
        """Return one line per reason for which files were held back."""
        return [f" held back {count}: {reason}" for reason, count in sorted(self.held.items())]

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {
            "folder": str(self.folder),
            "key": str(self.key),
            "written": self.written,
            "patients": self.patients,
            "held": self.held,
            "heads": self.heads,
            "defaced": self.defaced,
            "region_not_stated": self.unstated,
            "files": [str(path) for path in self.files],
        }


def deidentify(
    folder: Path,
    out: Path,
    key_file: Path | None = None,
    tables: Sequence[Path] = (),
    id_column: str = "",
    faces: Faces = "hold",
    looked_at: Path | None = None,
    workers: int = 1,
) -> Deidentified:
    """Write the DICOM files of `folder` and the tables to `out` without identities; the key stands apart from them.

    `key_file` (default: beside `out`) holds the secret and whose pseudonym is whose; with the same file later batches
    get the same pseudonyms, UIDs and dates. `looked_at` lists files, one a line, in which somebody has looked for
    burned-in text. Raises `SettingsError` for a key inside `out` and for an `out` inside `folder` or not empty,
    `InputError` when there is nothing to do.
    """
    place = key_file if key_file is not None else out.with_name(f"{out.name}-key.json")
    _refuse(folder, out, place)
    key = open_key(place)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "DICOMDIR")
    seen = frozenset(looked_at.read_text(encoding="utf-8").splitlines()) if looked_at else frozenset[str]()
    found = _cleaned([path for path in paths if _is_dicom(path)], key, faces, seen, workers)
    if not found and not tables:
        raise InputError(f"no DICOM file in {folder}", "DICOM files", "name their folder")
    written = _write(found, out, key)
    made = [table for path in tables for table in _tables(path, out, key, id_column)]
    save_key(key, place)
    files = [*written, *(out / table.name for table in made)]
    outcomes = [one for _, one in found if isinstance(one, Outcome)]
    held = Counter(one.held for one in outcomes if one.held)
    held.update("damaged, or no DICOM file that can be read" for _, one in found if isinstance(one, str))
    held.update({"no DICOM file": count} if (count := len(paths) - len(found)) else {})
    result = Deidentified(
        *(out, place, len(written), len({one.patient for one in outcomes if one.place}), dict(held)),
        *(sum(one.head for one in outcomes if one.place), sum(not one.region_known for one in outcomes if one.place)),
        tables=tuple(made),
        files=tuple(files),
        defaced=sum(one.defaced for one in outcomes),
    )
    _report(result, outcomes, out)
    return result


def _refuse(folder: Path, out: Path, key: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"no folder {folder}", "a folder of DICOM files", "check the path")
    if out.resolve() == folder.resolve() or folder.resolve() in out.resolve().parents:
        raise SettingsError(f"--out {out} inside the folder of the originals", "a folder elsewhere", "name another one")
    if out.is_dir() and any(out.iterdir()):
        raise SettingsError(f"--out {out}, which holds files already", "a new folder", "name another one")
    if out.resolve() in key.resolve().parents:
        raise SettingsError(f"--key {key} inside what is given away", "a file elsewhere", "keep the key apart")


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _cleaned(
    paths: Sequence[Path], key: Key, faces: Faces, seen: frozenset[str], workers: int
) -> list[tuple[str, Outcome | str]]:
    heads = heads_of(paths) if faces == "deface" else {}
    tasks = [(path, Key(key.secret), faces, seen, heads) for path in paths]
    if workers == 1 or len(tasks) < FEW:
        return [look_and_clean(task) for task in tasks]
    import multiprocessing

    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(look_and_clean, tasks, chunksize=16))


def _write(found: Iterable[tuple[str, Outcome | str]], out: Path, key: Key) -> list[Path]:
    """Write the clean files and note in the key where each original went, or why it was held back."""
    written = []
    for path, one in found:
        if isinstance(one, str):
            key.places[path] = f"held back: {one}"
            continue
        key.places[path] = one.place or f"held back: {one.held}"
        if one.original:
            key.pseudonym(one.original)
        if one.place:
            written.append(atomic_write(out / one.place, one.data))
    return written


def _tables(path: Path, out: Path, key: Key, id_column: str) -> list[CleanTable]:
    """Write the clean tables of a file, parted by tabs where the original is no CSV."""
    made = []
    for table in deidentify_table(path, key, id_column):
        kind = path.name.casefold().removesuffix(".gz").rsplit(".", 1)[-1]
        suffix = kind if kind in ("tsv", "txt", "maf") else "csv"
        name = f"table-{len(list(out.glob('table-*'))) + 1}.{suffix}"
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, delimiter="," if suffix == "csv" else "\t", lineterminator="\n")
        writer.writerow([_plain(cell) for cell in table.header])
        writer.writerows([_plain(cell) for cell in row] for row in table.rows)
        atomic_write(out / name, stream.getvalue())
        made.append(CleanTable(name, table.header, table.rows, table.columns))
    return made


def _plain(cell: str) -> str:
    """Return a cell that no spreadsheet runs; numbers and strands stay as they are."""
    return cell if number_of_text(cell) is not None or cell in ("+", "-") else escape(cell)


def _report(result: Deidentified, outcomes: Sequence[Outcome], out: Path) -> None:
    """Write what was done, and one line per file with its hash; originals are named in the key alone."""
    done = summed(outcomes)
    actions: dict[str, dict[str, int]] = {}
    for (action, keyword), count in sorted(done.items()):
        actions.setdefault(action, {})[keyword] = count
    rows = [[path.relative_to(out).as_posix(), hash_file(path), ""] for path in result.files]
    write_rows(["file", "sha256", "looked_at_by"], rows, out / LISTING)
    content = {
        "software": f"Genoxel {__version__}",
        "method": "PS3.15 Annex E by allow-list: what no list names is removed",
        "options": [meaning for _, meaning in OPTIONS],
        "not_done": [
            "pixels were not searched for text: burned-in text is known from attributes and modality alone",
            "ears and the forehead stay where a face was removed; other images of heads are held back or marked",
            "tables: words that stay are listed below and must be looked at",
        ],
        "written": result.written,
        "patients": result.patients,
        "held_back": result.held,
        "heads_marked": result.heads,
        "faces_removed": result.defaced,
        "part_of_body_not_stated": result.unstated,
        "actions": actions,
        "tables": {table.name: dict(table.columns) for table in result.tables},
        "listing_sha256": hash_file(out / LISTING),
        "sign_off": _SIGN,
    }
    atomic_write(out / REPORT, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
