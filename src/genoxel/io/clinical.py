"""The clinical table: one row per patient, every cell kept as text, numbers and dates read on request."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genoxel.core.errors import FileFormatError, InputError, TableError
from genoxel.core.ids import Barcode, clean_id, is_tcga
from genoxel.core.image import FloatArray
from genoxel.core.keys import as_keys
from genoxel.core.table import Column, Table
from genoxel.io.delimited import Grid, read_grid
from genoxel.io.files import existing
from genoxel.io.xlsx import read_sheets
from genoxel.omics.texts import is_missing, plain, read_dates, read_numbers

_FREE_TEXT = 20
"""A column of words with more distinct words than this, in most rows another, is free text and no category."""


@dataclass(frozen=True, repr=False)
class ClinicalSheet:
    """The cells of a clinical table as text: `rows` (patients x columns), and the row numbers in the file.

    >>> sheet = ClinicalSheet("a.csv", ("id", "age"), ("007",), (("007", "61,5"),), (2,))
    >>> sheet
    ClinicalSheet a.csv: 1 patients x 2 columns (id, age)
    >>> sheet.numbers("age")
    {'007': 61.5}
    """

    name: str
    columns: tuple[str, ...]
    patients: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    delimiter: str = ""
    sheet: str = ""

    def text(self, column: str) -> dict[str, str]:
        """Return patient -> cell; `TableError` names the nearest column."""
        place = self._grid().place(column)
        return {patient: row[place] for patient, row in zip(self.patients, self.rows, strict=True)}

    def texts(self) -> dict[str, dict[str, str]]:
        """Return column -> patient -> cell for all columns, as `omics.join.include` and targets take it."""
        return {column: self.text(column) for column in self.columns}

    def numbers(self, column: str) -> dict[str, float]:
        """Return patient -> number, NaN where missing; decimal commas are understood.

        Raises `TableError` naming the rows whose cell is no number (or could be two numbers, as "1,234").
        """
        numbers, odd = read_numbers(self.text(column), decimal_comma=self.delimiter == ";")
        if odd:
            raise self._no_numbers(column, odd)
        return numbers

    def dates(self, column: str) -> dict[str, dt.date | None]:
        """Return patient -> date, None where missing; `TableError` for what is no date or could be two."""
        return read_dates(self.text(column), f"column {column!r} of {self.name}")

    def to_table(self, columns: Sequence[str], ordered: Mapping[str, Sequence[str]] | None = None) -> Table:
        """Return the columns as a `Table` of kind "clinical", each typed by what it holds.

        Numbers become "real" (0 and 1 alone "binary"), words "categorical" with spellings that differ only in case or
        spaces taken together; `ordered` gives the levels of ordinal columns from low to high. Raises `TableError` for
        numbers with a few words among them, for free text, and for words outside the levels of an ordinal column.
        """
        levels = ordered or {}
        typed = [self._typed(column, levels.get(column)) for column in columns]
        values = np.array([numbers for _, numbers in typed], dtype=np.float64).reshape(len(typed), len(self.patients)).T
        return Table(values, as_keys(self.patients), tuple(record for record, _ in typed), "clinical")

    def _typed(self, column: str, levels: Sequence[str] | None) -> tuple[Column, FloatArray]:
        texts = self.text(column)
        if levels is not None:
            return self._ordinal(column, texts, levels)
        numbers, odd = read_numbers(texts, decimal_comma=self.delimiter == ";")
        known = sum(not np.isnan(number) for number in numbers.values())
        if not odd:
            values = np.array([numbers[patient] for patient in self.patients])
            binary = known > 0 and set(values[~np.isnan(values)].tolist()) <= {0.0, 1.0}
            return Column(column, "binary" if binary else "real"), values
        if known >= len(odd):
            raise self._no_numbers(column, odd)
        return self._categorical(column, texts)

    def _categorical(self, column: str, texts: Mapping[str, str]) -> tuple[Column, FloatArray]:
        spellings = Counter(" ".join(text.split()) for text in texts.values() if not is_missing(text))
        names: dict[str, str] = {}
        for spelling, _ in sorted(spellings.items(), key=lambda item: (-item[1], item[0])):
            names.setdefault(plain(spelling), spelling)
        if len(names) > _FREE_TEXT and len(names) > sum(spellings.values()) / 2:
            raise TableError(
                f"column {column!r} of {self.name} with {len(names)} different words (free text or identifiers)",
                "numbers or categories",
                "choose another column, or group its words",
            )
        levels = tuple(sorted(names.values()))
        code = {plain(level): float(place) for place, level in enumerate(levels)}
        values = np.array([np.nan if is_missing(text) else code[plain(text)] for text in texts.values()])
        merged = sorted(spelling for spelling in spellings if spelling not in levels)
        definition = f"also written {', '.join(merged)}" if merged else ""
        return Column(column, "categorical", levels=levels, definition=definition), values

    def _ordinal(self, column: str, texts: Mapping[str, str], levels: Sequence[str]) -> tuple[Column, FloatArray]:
        code = {plain(level): float(place) for place, level in enumerate(levels)}
        odd = {who: text for who, text in texts.items() if plain(text) not in code and not is_missing(text)}
        if odd:
            raise self._odd_cells(column, odd, f"one of the levels {', '.join(levels)}")
        values = np.array([code.get(plain(text), np.nan) for text in texts.values()])
        return Column(column, "ordinal", levels=tuple(levels)), values

    def _no_numbers(self, column: str, odd: Mapping[str, str]) -> TableError:
        return self._odd_cells(column, odd, "numbers, or an empty cell where there is none")

    def _odd_cells(self, column: str, odd: Mapping[str, str], legal: str) -> TableError:
        line = dict(zip(self.patients, self.lines, strict=True))
        some = ", ".join(f"{text!r} (row {line[who]})" for who, text in list(odd.items())[:5])
        more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
        return TableError(f"column {column!r} of {self.name} with {some}{more}", legal, "correct these cells")

    def _grid(self) -> Grid:
        return Grid(self.name, self.columns, self.rows, self.lines)

    def __repr__(self) -> str:
        names = ", ".join(self.columns[:4]) + (" ..." if len(self.columns) > 4 else "")
        return f"ClinicalSheet {self.name}: {len(self.patients)} patients x {len(self.columns)} columns ({names})"


def read_clinical(path: str | Path, patient: str, sheet: str | None = None) -> ClinicalSheet:
    """Return a clinical table (.xlsx, or text with ; , tab or |, a byte order mark, decimal commas) as text.

    `patient` names the id column; "tcga" finds the column of TCGA barcodes and cuts them to the patient, and reads a
    biotab of the BCR with its three header lines; a folder holds the BCR's XML files. Identifiers
    stay text (001, 1E5 and NA are kept). Without `sheet` the one sheet that has the id column is read. Raises
    `TableError` naming row numbers for patients without id or with several rows, `FileFormatError` for files that are
    damaged, ragged or of another encoding, `MissingFileError` when the file is not there.
    """
    from genoxel.io.bcr import is_biotab, read_bcr_xml, read_biotab

    if Path(path).is_dir():
        return read_bcr_xml(path)
    file = existing(path)
    try:
        if sheet is None and patient in ("tcga", "bcr_patient_barcode") and not is_workbook(file) and is_biotab(file):
            return read_biotab(file)
        return sheet_of(read_rows(file, patient, sheet), patient)
    except InputError as error:
        error.add_note(f"clinical table {file.name}")
        raise


def is_workbook(file: Path) -> bool:
    """Return whether a file is a spreadsheet by its name."""
    return file.suffix.casefold() in (".xlsx", ".xlsm", ".xls")


def read_rows(path: str | Path, column: str, sheet: str | None = None) -> Grid:
    """Return the cells of a spreadsheet or text table that has `column`, with as many rows per patient as there are.

    Raises as `read_clinical` does.
    """
    file = existing(path)
    if is_workbook(file):
        return _choose(read_sheets(file, sheet), column, file.name)
    if sheet is not None:
        raise TableError(f"sheet {sheet!r} of the text file {file.name}", "sheets in .xlsx only", "remove sheet")
    return read_grid(file)


def _choose(grids: list[Grid], patient: str, name: str) -> Grid:
    if not grids:
        raise FileFormatError(f"{name} without any cell", "a header and rows", "is this the right file?")
    if len(grids) == 1:
        return grids[0]
    fitting = [grid for grid in grids if patient in grid.header or (patient == "tcga" and _barcode_columns(grid))]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(grid.sheet for grid in (fitting or grids))
    found = f"{len(fitting)} sheets" if fitting else "no sheet"
    raise TableError(
        f"{found} of {name} with the column {patient!r}", f"one sheet (here: {names})", "say which: sheet = ..."
    )


def _barcode_columns(grid: Grid) -> list[str]:
    return [
        column
        for column in grid.header
        if (cells := [cell for cell in grid.column(column) if cell.strip()]) and all(is_tcga(cell) for cell in cells)
    ]


def sheet_of(grid: Grid, patient: str) -> ClinicalSheet:
    """Return the sheet of a grid whose ids stand in the column `patient`, or in the one of TCGA barcodes ("tcga")."""
    if patient == "tcga" and patient not in grid.header:
        barcodes = _barcode_columns(grid)
        if not barcodes:
            raise TableError(
                f"no column of TCGA barcodes in {grid.name}", "TCGA-XX-XXXX in every row", "name the column"
            )
        raw = [clean_id(cell) for cell in grid.column(barcodes[0])]
        ids = [Barcode.parse(cell).patient if cell else "" for cell in raw]
    else:
        ids = [clean_id(cell) for cell in grid.column(patient)]
    _check_ids(ids, grid)
    where = (grid.delimiter, grid.sheet)
    return ClinicalSheet(grid.name, grid.header, tuple(ids), grid.rows, grid.lines, *where)


def _check_ids(ids: Sequence[str], grid: Grid) -> None:
    if not ids:
        raise TableError(f"{grid.name} with a header but no rows", "one row per patient", "is this the right file?")
    empty = [line for name, line in zip(ids, grid.lines, strict=True) if not name]
    if empty:
        raise TableError(
            f"no patient id in row {_few(empty)} of {grid.name}", "an id in every row", "fill or delete it"
        )
    for fold, what in ((str, "more than one row"), (str.casefold, "ids that differ only in upper and lower case")):
        places: dict[str, list[int]] = {}
        for name, line in zip(ids, grid.lines, strict=True):
            places.setdefault(fold(name), []).append(line)
        twice = {name: lines for name, lines in places.items() if len(lines) > 1}
        if twice:
            some = "; ".join(f"{name} (rows {_few(lines)})" for name, lines in list(twice.items())[:5])
            raise TableError(
                f"{what} for {len(twice)} patients of {grid.name}: {some}",
                "one row per patient",
                "say which row counts",
            )


def _few(lines: Iterable[int]) -> str:
    some = list(lines)
    return ", ".join(str(line) for line in some[:5]) + (" ..." if len(some) > 5 else "")
