"""What is done, what failed, who holds the study, and how much room finished work takes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genoxel.study.ledger import Ledger
from genoxel.study.lock import holder
from genoxel.study.study import Study


@dataclass(frozen=True)
class Status:
    """The state of a study on disk."""

    name: str
    last_run: Mapping[str, str]
    steps: Mapping[str, Mapping[str, int]]
    holder: Mapping[str, Any]
    report: Path | None
    failed: tuple[Mapping[str, str], ...]
    bytes_kept: int

    def lines(self) -> list[str]:
        """Return the state in lines for people."""
        lines = [self.name]
        if self.holder:
            lines.append(f" running   process {self.holder.get('pid')} since {self.holder.get('since')}")
        elif self.last_run.get("state") == "running":
            lines.append(f" stopped   the run of {self.last_run['started']} did not end; genoxel run goes on there")
        elif self.last_run:
            lines.append(f" last run  {self.last_run['started']}: {self.last_run['state']}")
        else:
            lines.append(" not run yet. Next: genoxel check")
        for step, count in self.steps.items():
            failed = f", {count['failed']} failed" if count["failed"] else ""
            lines.append(f" {step:<9} {count['done']} done{failed}")
        lines += [f" failed    {row['patient']} at {row['step']}: {row['reason']}" for row in self.failed]
        if self.steps:
            lines.append(f" kept      {self.bytes_kept / 2**20:.1f} MB of finished work")
        if self.report:
            lines.append(f" report    {self.report}")
        return lines

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return {**vars(self), "report": str(self.report) if self.report else None}


def status(study: Study) -> Status:
    """Return the state of a study; nothing is changed, and a study that runs may be asked."""
    base = study.work / "ledger.sqlite"
    last: dict[str, str] = {}
    steps: dict[str, dict[str, int]] = {}
    if base.is_file():
        with Ledger(study.work, read_only=True) as ledger:
            last, steps = ledger.last_run(), ledger.counts()
    report = study.results / "report.html"
    return Status(
        study.settings.study.name or study.path.stem,
        last,
        steps,
        holder(study.work / "lock"),
        report if report.is_file() else None,
        tuple(_failed(study.results / "failed.csv")),
        _bytes(study.work),
    )


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        with suppress(OSError):  # a run at work renames its files
            total += path.stat().st_size if path.is_file() else 0
    return total


def _failed(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{key: row.get(key) or "" for key in ("patient", "step", "reason")} for row in csv.DictReader(file)]
