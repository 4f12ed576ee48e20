"""What leaves the report for other programs: verdicts as JSON, tables as CSV, and the dictionary of all columns."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from genoxel.report.content import ReportContent
from genoxel.report.tables.build import build
from genoxel.report.tables.sheet import Sheet, Value

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def verdicts_json(content: ReportContent) -> str:
    """Return verdicts.json: per target the word, the numbers behind it, the rule and the next step; NaN is null.

    >>> from genoxel.report.content import StudyFacts
    >>> json.loads(verdicts_json(ReportContent(StudyFacts("x"))))["targets"]
    []
    """
    sheet = build(content)["verdicts"]
    targets = []
    for row, result in enumerate(content.targets):
        numbers = {field.name: _plain(sheet.rows[row][place]) for place, field in enumerate(sheet.fields)}
        verdict = result.verdict
        words = {"reason": verdict.reason, "next_step": verdict.next_step, "rule": verdict.rule}
        targets.append({**numbers, "smallest_useful": result.smallest_useful, **words})
    whole = {
        "study": content.study.name,
        "simulated": content.simulated,
        "research_use_only": True,
        "looks": content.looks_counted,
        "targets": targets,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def csv_files(content: ReportContent) -> dict[str, str]:
    """Return every table that has rows as CSV text by file name, and 'data_dictionary.csv' describing all columns.

    Numbers are written in full, missing ones are empty; text that a spreadsheet would run as a formula gets a quote
    mark before it.
    """
    sheets = [sheet for sheet in build(content).values() if sheet.rows]
    files = {f"{sheet.key}.csv": _csv([field.name for field in sheet.fields], sheet.rows) for sheet in sheets}
    return {**files, "data_dictionary.csv": _dictionary(sheets)}


def _dictionary(sheets: list[Sheet]) -> str:
    head = ("table", "title", "column", "label", "kind", "unit", "definition")
    rows = [
        (f"{sheet.key}.csv", sheet.title, field.name, field.label, field.kind, field.unit, field.definition)
        for sheet in sheets
        for field in sheet.fields
    ]
    return _csv(head, rows)


def _csv(head: Iterable[str], rows: Iterable[tuple[Value, ...]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return stream.getvalue()


def _cell(value: Value) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    if isinstance(plain, str):
        return f"'{plain}" if plain.startswith(_FORMULA) else plain
    return repr(plain)


def _plain(value: Value) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
