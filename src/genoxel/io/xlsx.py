"""Excel workbooks as text: every cell as the person sees it, numbers in full, dates in ISO."""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genoxel.core.errors import FileFormatError, TableError, nearest
from genoxel.io.delimited import Grid, headers, without_empty_columns
from genoxel.io.files import existing

_ZEROS = re.compile(r"0{2,}")
_MAX_UNPACKED = 2 * 2**30
_ERRORS = ("#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!")


def read_sheets(path: str | Path, sheet: str | None = None) -> list[Grid]:
    """Return the sheets of an .xlsx workbook that hold anything, or the one named `sheet`.

    Numbers keep all digits (7 is "7"; a cell shown as 007 by its number format is "007"), dates are ISO, formulas
    count with the value that was last calculated. Raises `FileFormatError` for workbooks that cannot be read, for
    formulas never calculated, for cells that show an error and for duplicate headers.
    """
    file = existing(path)
    _refuse_unreadable(file)
    with _workbook(file, values=True) as book:
        if sheet is not None and sheet not in book.sheetnames:
            fix = nearest(sheet, book.sheetnames) or "name one of these"
            raise TableError(f"sheet {sheet!r} of {file.name}", ", ".join(book.sheetnames), fix)
        names = [sheet] if sheet is not None else list(book.sheetnames)
        contents = {name: _cells(book[name], f"{file.name}, sheet {name!r}") for name in names}
    _refuse_uncalculated(file, {name: rows for name, rows in contents.items() if rows})
    return [_grid(f"{file.name}, sheet {name!r}", rows, name) for name, rows in contents.items() if rows]


def _refuse_unreadable(file: Path) -> None:
    with file.open("rb") as raw:
        start = raw.read(8)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileFormatError(
            f"{file.name} in the old .xls format or with a password", ".xlsx without password", "save it as .xlsx"
        )
    try:
        with zipfile.ZipFile(file) as packed:
            size = sum(item.file_size for item in packed.infolist())
            broken = packed.testzip() if size <= _MAX_UNPACKED else None
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise FileFormatError(f"a damaged workbook {file.name} ({error})", ".xlsx", "save it again as .xlsx") from error
    if size > _MAX_UNPACKED:
        raise FileFormatError(f"{size / 2**30:.1f} GiB unpacked in {file.name}", "smaller sheets", "save it as CSV")
    if broken:
        raise FileFormatError(f"a damaged part {broken} of {file.name}", "a whole workbook", "copy it again")


@contextmanager
def _workbook(file: Path, values: bool) -> Iterator[Any]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=values)
        except (KeyError, ValueError, TypeError, SyntaxError, OSError) as error:
            raise FileFormatError(
                f"a workbook {file.name} that cannot be read ({error})", ".xlsx", "save it again as .xlsx"
            ) from error
        try:
            yield book
        finally:
            book.close()


def _cells(sheet: Any, where: str) -> dict[int, dict[int, str]]:
    """Return row number -> column number -> text of all cells that hold something."""
    if hasattr(sheet, "reset_dimensions"):
        sheet.reset_dimensions()  # some programs write a wrong size, which would hide cells
    rows: dict[int, dict[int, str]] = {}
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value is None:
                continue
            text = _text(cell, where)
            if text.strip():
                rows.setdefault(cell.row, {})[cell.column] = text
    return rows


def _text(cell: Any, where: str) -> str:
    value = cell.value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format or ""))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if cell.data_type == "e" and value in _ERRORS:
        raise FileFormatError(
            f"{value} in row {cell.row}, column {cell.column} of {where}", "values", "correct the formula in that cell"
        )
    return str(value).replace("_x000D_", "")


def _number(value: float, shown: str) -> str:
    if float(value).is_integer() and abs(value) < 2**53:
        text = str(int(value))
        return text.zfill(len(shown)) if _ZEROS.fullmatch(shown) and not text.startswith("-") else text
    return repr(float(value))


def _refuse_uncalculated(file: Path, contents: dict[str, dict[int, dict[int, str]]]) -> None:
    """Refuse formulas without a stored value, which would read as empty cells."""
    with _workbook(file, values=False) as book:
        for name, rows in contents.items():
            for row in book[name].iter_rows():
                for cell in row:
                    if cell.data_type == "f" and cell.column not in rows.get(cell.row, {}):
                        raise FileFormatError(
                            f"a formula without value in row {cell.row}, column {cell.column} of {file.name}, "
                            f"sheet {name!r}",
                            "formulas that were calculated",
                            "open the file in the spreadsheet program, save it, or paste values",
                        )


def _grid(where: str, rows: dict[int, dict[int, str]], sheet: str) -> Grid:
    first = min(rows)
    width = max(max(cells) for cells in rows.values())
    names = headers((rows[first].get(place, "") for place in range(1, width + 1)), where)
    lines = tuple(sorted(set(rows) - {first}))
    body = tuple(tuple(rows[line].get(place, "") for place in range(1, width + 1)) for line in lines)
    return without_empty_columns(Grid(where, names, body, lines, sheet=sheet))
