"""`genoxel forget`: everything derived from one patient is removed, and the patient never enters this study again."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genoxel.core.errors import FileFormatError, InputError, nearest
from genoxel.io.files import atomic_write, output_error
from genoxel.study.ledger import Ledger
from genoxel.study.lock import StudyLock
from genoxel.study.study import Study

FILE = "forgotten.json"
OF_ONE = ("image", "features")
"""Steps whose work is that of one patient; what other steps made holds numbers of several and goes as well."""


@dataclass(frozen=True)
class Forgotten:
    """What was removed for one patient."""

    pieces: int
    folders: tuple[Path, ...]

    def lines(self) -> list[str]:
        """Return what the command prints."""
        places = ", ".join(str(folder) for folder in self.folders) or "no results"
        return [
            f"{self.pieces} pieces of work removed; emptied: {places}",
            " Results held numbers that this patient had a part in. Make them anew: genoxel run",
            " The originals are not touched: remove this patient's files and table rows yourself.",
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {"pieces": self.pieces, "emptied": [str(folder) for folder in self.folders]}


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
                f"a patient {patient!r} that this study does not hold", "one of its patients", nearest(patient, known)
            )
        _remember(study.folder / FILE, patient)
        pieces = ledger.forget(patient, OF_ONE)
        for name in ("inventory.jsonl",):
            _unlink(study.work / name)
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
    cache = study.work / "inventory.jsonl"
    if cache.is_file():
        for line in cache.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, KeyError, TypeError):
                known.add(str(json.loads(line)["record"].get("PatientID", "")))
    return known - {""}


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


def forgotten(study: Study, patients: Iterable[str]) -> set[str]:
    """Return those of `patients` that this study was told to forget."""
    salt, hashes = _read(study.folder / FILE)
    return {patient for patient in patients if _hash(salt, patient) in hashes} if hashes else set()
