"""Series of dated assays: ctDNA fractions, tumour cells in blood, serum markers; one row per patient and day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from genoxel.core.errors import FileFormatError
from genoxel.core.ids import clean_id
from genoxel.core.keys import RowKey
from genoxel.core.records import Records
from genoxel.io.delimited import read_grid
from genoxel.omics.barcodes import patient_of
from genoxel.omics.texts import is_missing, plain, read_dates, read_numbers

DETECTION_WORDS = ("not detected", "nd", "n.d.", "negative", "undetectable", "neg")


def read_series(
    path: str | Path, patient: str, date: str, values: Sequence[str], detection_limit: float | None = None
) -> Records:
    """Return a dated series as `Records` of kind "series": day (ordinal of the date) and one field per value.

    Empty cells are missing. "not detected" is missing too unless `detection_limit` is given: then it counts as half
    of the limit, and the field NAME_below says where. Raises `FileFormatError` for two rows of one patient and day,
    for rows without date, and for words and negative numbers among the values.
    """
    grid = read_grid(path)
    lines = [str(line) for line in grid.lines]
    people = [patient_of(clean_id(cell)) for cell in grid.column(patient)]
    dates = read_dates(dict(zip(lines, grid.column(date), strict=True)), f"column {date!r} of {grid.name}")
    seen: dict[tuple[str, object], str] = {}
    for who, line in zip(people, lines, strict=True):
        day = dates[line]
        if not who or day is None:
            raise FileFormatError(f"line {line} of {grid.name} without patient or date", "both in every row", "fill it")
        if (who, day) in seen:
            other = seen[who, day]
            raise FileFormatError(
                f"patient {who} twice on {day} in {grid.name} (lines {other} and {line})", "one row a day", "keep one"
            )
        seen[who, day] = line
    fields: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {
        "day": np.array([float(day.toordinal()) for line in lines if (day := dates[line])])
    }
    for name in values:
        numbers, below = _values(dict(zip(lines, grid.column(name), strict=True)), name, grid.name, detection_limit)
        fields[name], fields[f"{name}_below"] = numbers, below
    rows = tuple(RowKey(who, timepoint=str(dates[line])) for who, line in zip(people, lines, strict=True))
    return Records("series", rows, fields, tuple(RowKey(who) for who in dict.fromkeys(people)))


def _values(
    cells: dict[str, str], name: str, file: str, limit: float | None
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    silent = {line for line, cell in cells.items() if plain(cell) in DETECTION_WORDS}
    numbers, odd = read_numbers({line: "" if line in silent else cell for line, cell in cells.items()})
    negative = {line: cells[line] for line, number in numbers.items() if number < 0}
    if odd or negative:
        line, text = next(iter((odd or negative).items()))
        raise FileFormatError(
            f"{text!r} as {name} in line {line} of {file}", "a number of 0 or more, or 'not detected'", "correct it"
        )
    below = np.array(
        [float(line in silent) if not is_missing(cells[line]) or line in silent else np.nan for line in cells]
    )
    found = np.array([limit / 2 if line in silent and limit else numbers[line] for line in cells])
    return found, below
