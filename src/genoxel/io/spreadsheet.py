"""Tables as CSV for spreadsheets: words for categories, and no cell that a spreadsheet would run as a formula."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Table
from genoxel.io.files import atomic_write

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(table: Table, path: str | Path) -> Path:
    """Write a table as CSV (comma, UTF-8; a byte order mark where Excel needs one to read letters beyond ASCII).

    Of the key stands what `key_parts` names; missing is an empty cell; numbers are written in full; text that
    begins like a formula gets an apostrophe in front. Raises `OutputError` when the file cannot be written.
    """
    names = key_parts(table)
    parts = [RowKey._fields.index(name) for name in names]
    return write_rows(
        [*names, *table.names],
        (
            [*(row[place] for place in parts), *map(_cell, values, table.columns)]
            for row, values in zip(table.rows, table.values.tolist(), strict=True)
        ),
        path,
    )


def key_parts(table: Table) -> list[str]:
    """Return the parts of the row key that a table shows: the patient and what is filled; of features all but sample.

    >>> key_parts(Table([[1.0]], ("P1",), (Column("age"),), "clinical"))
    ['patient']
    """
    always = RowKey._fields[: 4 if table.kind == "features" else 1]
    filled = (any(row[place] for row in table.rows) for place, _ in enumerate(RowKey._fields))
    return [name for name, some in zip(RowKey._fields, filled, strict=True) if some or name in always]


def write_rows(header: list[str], rows: object, path: str | Path) -> Path:
    """Write any rows of text and numbers as CSV under the same rules as `write_csv`."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")  # so that a lone \r in a cell is quoted too
    writer.writerow([escape(name) for name in header])
    for row in rows:  # type: ignore[attr-defined]
        writer.writerow([escape(cell) if isinstance(cell, str) else cell for cell in row])
    text = buffer.getvalue()
    return atomic_write(path, text if text.isascii() else "\ufeff" + text)


def escape(text: str) -> str:
    """Return text that no spreadsheet runs as a formula.

    >>> escape("=1+1"), escape("IDH1")
    ("'=1+1", 'IDH1')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cell(value: float, column: Column) -> str | float | int:
    if math.isnan(value):
        return ""
    if column.levels and value.is_integer() and 0 <= value < len(column.levels):
        return column.levels[int(value)]
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
