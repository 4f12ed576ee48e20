"""The one step of `genoxel extract`: a case measured by a worker, its rows kept in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genoxel.core.errors import TableError, describe
from genoxel.core.keys import RowKey
from genoxel.features.extract import Features
from genoxel.study.case import Case, ExtractSettings, Row, measure_case
from genoxel.study.engine import Job, Result, code_version
from genoxel.study.ledger import Ledger, key_of
from genoxel.study.pack import pack, unpack
from genoxel.study.result import Lost
from genoxel.study.steps.features import columns_of_text, columns_text

VERSION = "1"
ROOMS = ("core", "image", "features", "io", "segment", "study/case.py", "study/suspicions.py")


@dataclass(frozen=True)
class CaseWork:
    """What a worker needs: the case and the settings."""

    name: str
    case: Case
    settings: ExtractSettings


def do_case(work: CaseWork) -> bytes:
    """Measure one case; rows as plain facts."""
    try:
        found = measure_case(work.case, work.settings)
    except Exception as error:
        error.add_note(f"case {work.name}")
        raise
    rows = [
        {
            "key": list(row.key),
            "columns": columns_text(row.features.columns),
            "values": [row.features.values[column.name] for column in row.features.columns],
            "reasons": dict(row.features.reasons),
            "facts": dict(row.facts),
        }
        for row in found.rows
    ]
    return pack({}, {"rows": rows, "failed": dict(found.failed)})


def case_jobs(cases: Mapping[str, Case], settings: ExtractSettings, ledger: Ledger) -> list[Job]:
    """Return one job per case; its key holds the bytes of all its files, so that a changed file is read again."""
    code = code_version(VERSION, ROOMS)
    jobs = []
    with ledger.together():
        for name, case in cases.items():
            inputs = [[ledger.hash_of(file) for file in files_of(path)] for path in (case.image, case.mask)]
            about = [
                case.patient,
                case.timepoint,
                case.lesion,
                case.modality,
                list(case.labels),
                case.image.name,
                case.volume,
            ]
            key = key_of([about, inputs], settings.digest(), code)
            jobs.append(Job("extract", name, key, do_case, CaseWork(name, case, settings), ".zip"))
    return jobs


def files_of(path: Path) -> list[Path]:
    """Return the file at `path`, the files of a folder in a fixed order, or nothing where there is neither."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else []


def collect(results: Mapping[str, Result]) -> tuple[list[Row], list[Lost]]:
    """Return the rows of all cases in canonical order, and who could not be measured."""
    rows: dict[RowKey, Row] = {}
    lost = []
    for name, result in results.items():
        if result.path is None:
            lost.append(Lost(name, "extract", result.error))
            continue
        content = unpack(result.path.read_bytes())[1]
        lost += [Lost(name, "extract", reason) for reason in content["failed"].values()]
        for one in content["rows"]:
            try:
                _add(rows, _row(one))
            except TableError as error:
                lost.append(Lost(name, "extract", describe(error)))
    return [rows[key] for key in sorted(rows)], lost


def _row(one: Mapping[str, Any]) -> Row:
    columns = columns_of_text(one["columns"])
    values = dict(zip([column.name for column in columns], one["values"], strict=True))
    return Row(RowKey(*one["key"]), Features(values, columns, one["reasons"]), one["facts"])


def _add(rows: dict[RowKey, Row], row: Row) -> None:
    """Put a row where it belongs: beside that of another modality of the same region, or under a key of its own."""
    if row.key not in rows:
        rows[row.key] = row
        return
    first = rows[row.key]
    if set(first.features.values) & set(row.features.values):
        raise TableError(
            f"{row.key.text()} measured twice in {row.facts['modality'] or 'images'} of one kind",
            "one row per patient, time point, lesion, region and modality",
            "fill the column timepoint, lesion or modality",
        )
    rows[row.key] = first.beside(row)
