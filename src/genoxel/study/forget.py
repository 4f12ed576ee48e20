"""`genoxel forget`: everything derived from one patient is removed, and the patient never comes back by itself."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genoxel.core.errors import FileFormatError, InputError, nearest
from genoxel.io.files import atomic_write, existing, output_error
from genoxel.io.inventory_cache import forget_in_cache, patients_in
from genoxel.study.ledger import Ledger
from genoxel.study.lock import StudyLock
from genoxel.study.study import Study

FILE = "forgotten.json"
CACHE = "inventory.jsonl"
"""What a study remembers of headers, in its work folder."""
OF_ONE = ("image", "features")
"""Steps whose work is that of one patient; what other steps made holds numbers of several and goes as well."""


@dataclass(frozen=True)
class Forgotten:
    """What was removed for one patient."""

    pieces: int
    folders: tuple[Path, ...]
    again: str = "genoxel run"

    def lines(self) -> list[str]:
        """Return what the command prints."""
        places = ", ".join(str(folder) for folder in self.folders) or "no results"
        return [
            f"{self.pieces} pieces of work removed; emptied: {places}",
            f" What held numbers of several patients went as a whole. Make it anew: {self.again}",
            " The originals are not touched: remove this patient's files and table rows yourself.",
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {"pieces": self.pieces, "emptied": [str(folder) for folder in self.folders]}


def forget_in(place: Path, patient: str, out: Path | None = None) -> Forgotten:
    """Forget a patient in a study (file or folder), in a table of cases, or a file of headers (.jsonl)."""
    from genoxel.study.extract import TABLES

    if place.suffix.casefold() == ".jsonl":
        return forget_headers(place, patient)
    if place.suffix.casefold() in TABLES:
        return forget_cases(place, patient, out)
    return forget(Study.read(place), patient)


def forget(study: Study, patient: str) -> Forgotten:
    """Remove every derived row of a patient: measurements, pictures, results of all, remembered headers and hashes.

    The study keeps a salted hash of the identifier in forgotten.json, so that later runs leave the patient out without
    a trace of the name. Raises `InputError` for a patient that this study does not know.
    """
    from genoxel.study.run import PROVENANCE
    from genoxel.study.steps.output import listed_outputs

    with StudyLock(study.work / "lock"), Ledger(study.work) as ledger:
        known = _known(study, ledger)
        if patient not in known:
            raise InputError(
                f"a patient {patient!r} that this study does not hold",
                f"one of its {len(known)} patients",
                nearest(patient, known)
                or "look for the id that images and tables have: genoxel inventory FOLDER --json",
            )
        _remember(study.folder / FILE, patient)
        pieces = ledger.forget([patient], OF_ONE)
        _unlink(study.work / CACHE)
    emptied = []
    for name in (*listed_outputs(study.results / PROVENANCE), PROVENANCE):
        _unlink(study.results / name)
    for folder in (study.results, study.folder / "check"):
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            emptied.append(folder)
    return Forgotten(pieces, tuple(emptied))


def _known(study: Study, ledger: Ledger) -> set[str]:
    from genoxel.study.steps.who import read_sheet

    known = set(ledger.items(OF_ONE))
    sheet = read_sheet(study)
    known |= set(sheet.patients) if sheet else set()
    return known | patients_in(study.work / CACHE)


def forget_cases(table: Path, patient: str, out: Path | None = None) -> Forgotten:
    """Remove what `genoxel extract` derived from one patient of a table of cases, who is never measured there again.

    The measurements kept beside the table go, and the tables in `out` (default: features-NAME), which hold rows of
    several patients. Raises `InputError` for a patient that neither the table nor earlier work knows.
    """
    from genoxel.study.cases import read_cases
    from genoxel.study.rows import EXTRACTED

    target = out if out is not None else features_folder(table)
    with StudyLock(table.parent / ".genoxel" / "lock"), Ledger(table.parent / ".genoxel") as ledger:
        items = ledger.items(("extract",))
        known = {case.patient for case in read_cases(table).values()} | {item.split("/")[0] for item in items}
        if patient not in known:
            raise InputError(
                f"a patient {patient!r} that {table.name} does not hold",
                f"one of its {len(known)} patients",
                nearest(patient, known) or f"look for the id in {table.name}",
            )
        _remember(table.parent / FILE, patient)
        pieces = ledger.forget([item for item in items if item.split("/")[0] == patient], ("extract",))
    there = [target / name for name in EXTRACTED if (target / name).is_file()]
    for file in there:
        _unlink(file)
    return Forgotten(pieces, (target,) if there else (), f"genoxel extract {table.name}")


def forget_headers(cache: Path, patient: str) -> Forgotten:
    """Remove what a file of `genoxel inventory --cache` remembers of one patient.

    Raises `InputError` when it names no such patient.
    """
    lines = forget_in_cache(existing(cache), patient)
    if not lines:
        raise InputError(
            f"a patient {patient!r} whom {cache.name} does not name",
            "one that it names",
            "look for the id: genoxel inventory FOLDER --json",
        )
    return Forgotten(lines, (), f"genoxel inventory FOLDER --cache {cache.name}")


def features_folder(table: Path) -> Path:
    """Return where the features of a table of cases go when nothing else is said."""
    return table.parent / f"features-{table.stem}"


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(path, error) from error


def _remember(path: Path, patient: str) -> None:
    salt, hashes = _read(path)
    salt = salt or secrets.token_hex(16)
    hashes.add(_hash(salt, patient))
    atomic_write(path, json.dumps({"salt": salt, "patients": sorted(hashes)}, indent=1) + "\n")


def _read(path: Path) -> tuple[str, set[str]]:
    if not path.is_file():
        return "", set()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return str(content["salt"]), set(content["patients"])
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path.name}, which is damaged", "what genoxel forget wrote", "restore it") from error


def _hash(salt: str, patient: str) -> str:
    return hmac.new(bytes.fromhex(salt), patient.encode(), hashlib.sha256).hexdigest()


def forgotten(folder: Path, patients: Iterable[str]) -> set[str]:
    """Return those of `patients` that the study, or the table of cases, in a folder was told to forget."""
    salt, hashes = _read(folder / FILE)
    return {patient for patient in patients if _hash(salt, patient) in hashes} if hashes else set()
