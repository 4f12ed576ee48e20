"""The folder of results: each name is written once, and one dictionary says what every column is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from genoxel.core.errors import OutputError
from genoxel.core.keys import KEYS
from genoxel.core.table import Column, Table
from genoxel.io.spreadsheet import key_parts, write_rows
from genoxel.study.result import Lost

SOURCE = ("modality", "region", "filter", "family", "aggregation")
DICTIONARY = ("table", "column", "kind", "unit", "code", *SOURCE, "settings", "levels", "definition")
"""The columns of a data dictionary."""


def dictionary_rows(tables: Mapping[str, Table]) -> list[list[str]]:
    """Return one row per column of every table: what it is, in which unit, by which definition and settings."""
    rows = []
    for name, table in tables.items():
        rows += [[name, part, "key", *[""] * (len(DICTIONARY) - 4), KEYS[part]] for part in key_parts(table)]
        rows += [_described(name, column) for column in table.columns]
    return rows


def _described(table: str, column: Column) -> list[str]:
    source = [getattr(column.source, part) for part in SOURCE]
    about = [table, column.name, column.kind, column.unit, column.code, *source, column.settings]
    return [*about, " | ".join(column.levels), column.definition]


class Sink:
    """The folder of results: gives the path of a name and remembers that it was written.

    >>> sink = Sink(Path("results"))
    >>> sink("flow.csv").name, sorted(sink.written)
    ('flow.csv', ['flow.csv'])
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: set[str] = set()

    def __call__(self, name: str) -> Path:
        """Return the path of a result; a name is written once (`OutputError`)."""
        if name in self.written:
            raise OutputError(f"the result {name} twice", "distinct names", "this is a fault of Genoxel: report it")
        self.written.add(name)
        return self.folder / name


def write_failed(failed: Sequence[Lost], sink: Sink) -> None:
    """Write failed.csv: who could not be measured, at which step, why (only the header when nobody)."""
    rows = [[lost.patient, lost.step, lost.reason] for lost in failed]
    write_rows(["patient", "step", "reason"], rows, sink("failed.csv"))
