"""Feature tables that others made: a patient column and numbers, one file or one per modality."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, TableError, nearest
from genoxel.core.ids import clean_id
from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Source, Table
from genoxel.io.delimited import Grid, read_grid
from genoxel.io.files import existing
from genoxel.io.parquet import is_ours, read_table
from genoxel.omics.texts import is_missing, read_numbers

_IDS = (
    "patient",
    "patientid",
    "patient_id",
    "patient id",
    "case id",
    "case_id",
    "caseid",
    "subject",
    "subject_id",
    "id",
)
_PARTS: Mapping[str, tuple[str, ...]] = {
    "timepoint": ("timepoint", "time_point", "visit"),
    "lesion": ("lesion", "lesion_id", "lesion name", "lesion_name"),
    "region": ("region", "roi"),
    "sample": ("sample", "sample_id"),
}
_ASIDE = ("diagnostics_", "general_info_")
"""Columns in which PyRadiomics keeps versions and settings, not features."""

ROW_FACTS = ("structure", "series_description", "modality", "spacing_mm", "image_id", "mask_id", "settings", "flags")
"""Columns in which `genoxel extract` keeps where a row comes from, not features."""

_VOLUMES = (
    (
        re.compile(r"Fmorph_vol(__|$)|MeshVolume$|(^|[._])morph[._]volume_mesh$|(^|_)volume_mesh$"),
        "RNU0",
        "mesh volume",
    ),
    (re.compile(r"Fmorph_approx_vol(__|$)|VoxelVolume$|volume_voxels$"), "YEKZ", "volume by voxel counting"),
)
"""Names under which well-known programs write the volume of the region, with its IBSI code: the commonest confounder
must be recognisable whoever measured it."""


def read_features(
    source: str | Path | Mapping[str, str | Path], patient: str | None = None, skip: Sequence[str] = ()
) -> Table:
    """Return a ready-made feature table (CSV, TSV, .gz, Parquet), or several joined by row: {modality: path}.

    `patient` names the id column (default: one with a usual name such as PatientID, else the first). Columns called
    timepoint, lesion, region or sample fill the row key. Of a mapping every column gets the modality as prefix
    (T1.name), and rows missing in one modality are missing there. A Parquet table written by Genoxel comes back as it
    was. Cells that are not finite become missing and the column's definition counts them. `skip` names columns to
    leave out. Raises `TableError` naming columns that hold words, columns to skip that no table has, and rows that
    occur twice.
    """
    if not isinstance(source, Mapping):
        return _Reader(patient, skip).read([source])[0]
    if not source:
        raise TableError("no feature files", "modality = path", "name at least one")
    tables = _Reader(patient, skip).read(list(source.values()))
    return _beside({name: _with_modality(table, name) for name, table in zip(source, tables, strict=True)})


class _Reader:
    """Reads tables, and knows afterwards which of the columns to skip were there."""

    def __init__(self, patient: str | None, skip: Sequence[str]) -> None:
        self.patient, self.skip = patient, tuple(skip)
        self.seen: dict[str, None] = {}

    def read(self, paths: Sequence[str | Path]) -> list[Table]:
        """Return one table a path; `TableError` for a column to skip that none of them has."""
        loaded = [self._load(path) for path in paths]
        for name in self.skip:
            if name not in self.seen:
                fix = nearest(name, list(self.seen)) or "write it as the header does, or remove it from skip"
                raise TableError(f"the column {name!r} to skip", ", ".join(list(self.seen)[:12]), fix)
        return [self._table(one) for one in loaded]

    def _load(self, path: str | Path) -> Table | Grid:
        file = existing(path)
        found: Table | Grid
        if file.suffix.casefold() not in (".parquet", ".pq"):
            found = read_grid(file)
        else:
            found = read_table(file) if is_ours(file) else _plain_parquet(file, self.patient)
        self.seen.update(dict.fromkeys(found.names if isinstance(found, Table) else found.header))
        return found

    def _table(self, found: Table | Grid) -> Table:
        if isinstance(found, Table):
            return found.where(lambda column: column.source.family != "record" and column.name not in self.skip)
        return _of_grid(found, self.patient, self.skip)


def _of_grid(grid: Grid, patient: str | None, skip: Sequence[str]) -> Table:
    id_place = _id_place(grid) if patient is None else grid.place(patient)
    parts = {id_place: "patient", **_part_places(grid, id_place)}
    names = [name for place, name in enumerate(grid.header) if place not in parts]
    names = [name for name in names if name not in {*skip, *_row_facts(grid)} and not name.startswith(_ASIDE)]
    columns, values, words = [], [], []
    for name in names:
        numbers, strange = _column(grid.column(name), grid.delimiter == ";")
        if numbers is None:
            words.append(name)
            continue
        columns.append(_record(name, strange))
        values.append(numbers)
    if words:
        some = ", ".join(words[:6]) + (" ..." if len(words) > 6 else "")
        raise TableError(
            f"columns of words in the feature table {grid.name}: {some}",
            "a patient column and numbers",
            f"leave them out with skip = {json.dumps(words[:6])}; clinical variables belong into the clinical table",
        )
    if not columns:
        raise TableError(f"no numeric column in {grid.name}", "a patient column and numbers", "is this the right file?")
    return Table(np.array(values).T, _keys(grid, parts), tuple(columns), "features")


def _row_facts(grid: Grid) -> tuple[str, ...]:
    """Return the columns of facts of a table of our own, which alone has both identifiers."""
    return ROW_FACTS if {"image_id", "mask_id"} <= set(grid.header) else ()


def _id_place(grid: Grid) -> int:
    """Return the column of identifiers: the one with a usual name, else the first."""
    folded = [name.casefold() for name in grid.header]
    return next((folded.index(word) for word in _IDS if word in folded), 0)


def _part_places(grid: Grid, id_place: int) -> dict[int, str]:
    return {
        place: part
        for part, words in _PARTS.items()
        for place, name in enumerate(grid.header)
        if place != id_place and name.casefold() in words
    }


def _keys(grid: Grid, parts: Mapping[int, str]) -> tuple[RowKey, ...]:
    keys = []
    for row, line in zip(grid.rows, grid.lines, strict=True):
        key = {part: clean_id(row[place]) for place, part in parts.items()}
        if not key["patient"]:
            raise TableError(f"no patient id in row {line} of {grid.name}", "an id in every row", "fill or delete it")
        keys.append(RowKey(**key))
    if len(set(keys)) < len(keys):
        first: dict[RowKey, int] = {}
        for key_, line in zip(keys, grid.lines, strict=True):
            if key_ in first:
                raise TableError(
                    f"{key_.text()!r} in rows {first[key_]} and {line} of {grid.name}",
                    "one row per patient (or per lesion, timepoint, region, sample in columns of that name)",
                    "say which row counts",
                )
            first[key_] = line
    return tuple(keys)


def _column(cells: Sequence[str], decimal_comma: bool) -> tuple[FloatArray | None, int]:
    """Return (numbers with NaN where missing or not finite, how many were not finite), None for words."""
    try:
        numbers: npt.NDArray[np.float64] = np.array(cells, dtype=np.float64)
    except ValueError:
        try:
            numbers = np.array([np.nan if is_missing(cell) else float(cell) for cell in cells])
        except ValueError:
            by_row, odd = read_numbers(dict(enumerate(cells)), decimal_comma) if decimal_comma else ({}, cells)
            if odd:
                return None, 0
            numbers = np.array(list(by_row.values()))
    strange = int(np.isinf(numbers).sum())
    return np.where(np.isfinite(numbers), numbers, np.nan), strange


def _record(name: str, strange: int) -> Column:
    code, definition = next(((code, text) for pattern, code, text in _VOLUMES if pattern.search(name)), ("", ""))
    if strange:
        note = f"{strange} infinite values in the file, read as missing"
        definition = f"{definition}; {note}" if definition else note
    parts = name.split(".")
    source = Source()
    if len(parts) in (5, 6):
        aggregation = parts[5] if len(parts) == 6 else ""
        source = Source(parts[0], parts[1], parts[2], parts[3], aggregation)
    unit = "mm3" if code else ""
    return Column(name, unit=unit, code=code, definition=definition, source=source)


def _with_modality(table: Table, modality: str) -> Table:
    columns = tuple(
        replace(column, name=f"{modality}.{column.name}", source=replace(column.source, modality=modality))
        for column in table.columns
    )
    return replace(table, columns=columns)


def _beside(tables: Mapping[str, Table]) -> Table:
    rows = tuple(dict.fromkeys(row for table in tables.values() for row in table.rows))
    joined = Table(np.empty((len(rows), 0)), rows, (), "features")
    for table in tables.values():
        joined = joined.beside(table)
    return joined


def _plain_parquet(file: Path, patient: str | None) -> Grid:
    """Return a Parquet file of pandas or others as text, which keeps the checks in one place."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = pq.read_table(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200]
        raise FileFormatError(f"a damaged Parquet file {file.name} ({reason})", ".parquet", "write it again") from error
    names = list(content.column_names)
    texts = [name for name in names if pa.types.is_string(content.schema.field(name).type)]
    first = patient or next(iter(texts), None)
    if first is None or first not in names or not pa.types.is_string(content.schema.field(first).type):
        raise TableError(
            f"{file.name} without a column of text identifiers", "a patient column of text", "write ids as text"
        )
    ordered = [first, *(name for name in names if name != first)]
    cells = [[_cell(value) for value in content.column(name).to_pylist()] for name in ordered]
    rows = tuple(zip(*cells, strict=True))
    return Grid(file.name, tuple(ordered), rows, tuple(range(1, len(rows) + 1)))


def _cell(value: Any) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
