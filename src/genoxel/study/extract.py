"""`genoxel extract`: features of one case at once, or of a table of cases with ledger, resume and workers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genoxel.core.errors import InputError, SettingsError
from genoxel.study.case import Case, ExtractSettings, Measured, Row, measure_case
from genoxel.study.result import Lost
from genoxel.study.rows import write_features
from genoxel.study.sink import Sink, write_failed

if TYPE_CHECKING:
    from genoxel.study.progress import Progress

SUFFIXES = (".csv", ".parquet")
TABLES = (".csv", ".tsv", ".txt", ".xlsx")


@dataclass(frozen=True, eq=False)
class Extraction:
    """What an extraction came to: rows, who could not be measured, and the files written."""

    rows: tuple[Row, ...]
    failed: tuple[Lost, ...] = ()
    files: tuple[Path, ...] = ()
    fresh: int = 0
    known: int = 0
    seconds: float = 0.0
    on_screen: bool = field(default=False)

    def lines(self) -> list[str]:
        """Return the table on screen for a case without a file, else what was written."""
        lines = []
        if self.on_screen:
            lines += [line for row in self.rows for line in _screen(row)]
        else:
            lines.append(self._work_line())
            lines += self._flag_lines()
        lines += [f" wrote {file}" for file in self.files]
        return lines + self.failed_lines()

    def _flag_lines(self) -> list[str]:
        """Return one line per kind of oddity, with the rows that have it."""
        found: dict[str, list[str]] = {}
        for row in self.rows:
            for flag in filter(None, row.facts["flags"].split("; ")):
                found.setdefault(flag, []).append(row.key.text())
        return [f" look at {_few(names)}: {flag}" for flag, names in found.items()]

    def _work_line(self) -> str:
        patients = len({row.key.patient for row in self.rows})
        columns = len({name for row in self.rows for name in row.features.values})
        missing = sum(len(row.features.reasons) for row in self.rows)
        before = f", {_count(self.known, 'case')} from before" if self.known else ""
        lacking = f", {missing} values not defined" if missing else ""
        shape = f"{_count(len(self.rows), 'row')} of {_count(patients, 'patient')} x {_count(columns, 'feature')}"
        return f"{shape}{lacking}{before}, {self.seconds:.0f} s"

    def failed_lines(self) -> list[str]:
        """Return one line per case or structure that could not be measured."""
        return [f" not measured: {lost.patient}: {lost.reason}" for lost in self.failed]

    def to_json(self) -> dict[str, Any]:
        """Return every row with its values and reasons, or, when files were written, where they lie."""
        content: dict[str, Any] = {
            "rows": len(self.rows),
            "failed": [vars(lost) for lost in self.failed],
            "files": [str(file) for file in self.files],
            "computed": self.fresh,
            "from_before": self.known,
        }
        if self.on_screen:
            content["features"] = [
                {
                    **row.key._asdict(),
                    **row.facts,
                    "values": dict(row.features.values),
                    "not_defined": dict(row.features.reasons),
                }
                for row in self.rows
            ]
        return content


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _screen(row: Row) -> list[str]:
    facts = row.facts
    lines = [
        f"{row.key.text()}  {facts['modality'] or 'image'} of {facts['spacing_mm']} mm ({facts['series_description']})",
        f" structure {facts['structure']}   image {facts['image_id']}   mask {facts['mask_id']}"
        f"   settings {facts['settings']}",
    ]
    lines += [f" look: {facts['flags']}"] if facts["flags"] else []
    reasons: dict[str, list[str]] = {}
    for column in row.features.columns:
        value = row.features.values[column.name]
        if np.isnan(value):
            reasons.setdefault(row.features.reasons[column.name], []).append(column.name)
        else:
            lines.append(f" {column.name:<58} {value:>14.7g} {column.unit:<8} {column.code}".rstrip())
    lines += [f" not defined: {_few(names)}: {reason}" for reason, names in reasons.items()]
    return lines


def _few(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def extract_one(case: Case, settings: ExtractSettings, out: Path | None = None) -> Extraction:
    """Return the features of one case; `out` (.csv or .parquet) is where they are written.

    Beside it: what is not defined and why, the data dictionary, and the IBSI reporting items.
    Raises what the readers raise when nothing could be measured, and `SettingsError` for another ending of `out`.
    """
    began = time.monotonic()
    _check_out(out)
    found = measure_case(case, settings)
    failed = tuple(Lost(f"{case.patient}/{name}", "extract", reason) for name, reason in found.failed.items())
    files = _write(found, settings, out) if out is not None else ()
    return Extraction(found.rows, failed, files, 1, 0, time.monotonic() - began, on_screen=out is None)


def _check_out(out: Path | None) -> None:
    if out is not None and out.suffix.casefold() not in SUFFIXES:
        raise SettingsError(f"--out {out.name}", " or ".join(SUFFIXES), "name the file so")


def _write(found: Measured, settings: ExtractSettings, out: Path) -> tuple[Path, ...]:
    sink = Sink(out.parent)
    names = write_features(found.rows, settings, out.stem, sink, parquet=out.suffix.casefold() == ".parquet")
    return tuple(out.parent / name for name in names)


def extract_cases(
    table: Path,
    settings: ExtractSettings,
    out: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Extraction:
    """Measure every case of a table and write the features as CSV and Parquet; the same call goes on after any stop.

    Results go to `out`, or to features-NAME beside NAME.csv; finished work is kept in .genoxel beside the table. A
    case that cannot be read is recorded in failed.csv and the others go on. Raises `TableError` for the table itself,
    `BusyError` when another run holds the folder, `InputError` when nobody could be measured.
    """
    from genoxel.study import cases as tables
    from genoxel.study.engine import Engine
    from genoxel.study.executors import Pool
    from genoxel.study.forget import features_folder, forgotten
    from genoxel.study.ledger import Ledger
    from genoxel.study.lock import StudyLock
    from genoxel.study.progress import Progress
    from genoxel.study.steps.extract import case_jobs, collect

    began = time.monotonic()
    if table.is_dir() or table.suffix.casefold() not in TABLES:
        raise SettingsError(
            f"the image {table.name} without a mask", "an image and its mask", "or a table of cases (.csv, .xlsx)"
        )
    cases = tables.read_cases(table)
    gone = forgotten(table.parent, {case.patient for case in cases.values()})
    cases = {name: case for name, case in cases.items() if case.patient not in gone}
    work = table.parent / ".genoxel"
    target = out if out is not None else features_folder(table)
    if target.suffix:
        raise SettingsError(f"--out {target.name} for a table of cases", "a folder", "name a folder without ending")
    with StudyLock(work / "lock"), Ledger(work) as ledger, progress or Progress() as display, Pool(workers) as pool:
        engine = Engine(ledger, pool, display)
        results = engine.run("extract", case_jobs(cases, settings, ledger))
        rows, lost = collect(results)
        sink = Sink(target)
        write_failed(lost, sink)
        if not rows:
            raise _nobody(lost)
        names = write_features(rows, settings, "features", sink, parquet=True)
    counts = (engine.fresh.get("extract", 0), engine.known.get("extract", 0))
    files = tuple(target / name for name in names)
    return Extraction(tuple(rows), tuple(lost), files, *counts, time.monotonic() - began)


def _nobody(lost: list[Lost]) -> InputError:
    reasons = "; ".join(f"{one.patient}: {one.reason}" for one in lost[:3])
    return InputError(f"no case that could be measured ({reasons})", "at least one image with a mask", "see failed.csv")
