"""Features as a generic assay of cBioPortal: written for its importer, and read back as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from genoxel.core.errors import FileFormatError, TableError
from genoxel.core.table import Column, Table
from genoxel.io.columns import ColumnFile
from genoxel.io.expression import MatrixRules, read_expression
from genoxel.io.files import atomic_write

_HEAD = ("ENTITY_STABLE_ID", "NAME", "DESCRIPTION", "UNIT")


def write_generic_assay(table: Table, folder: str | Path, study: str, name: str = "imaging_features") -> list[Path]:
    """Write `table` as a generic assay (LIMIT-VALUE): meta_NAME.txt and data_NAME.txt; return both paths.

    One row per column of numbers, one column per sample (the patient where no sample is named); categories are left to
    other tables. Numbers keep every bit. Raises `TableError` when two rows would be the same sample.
    """
    numbers = table.select([column.name for column in table.columns if not column.levels])
    samples = [row.sample or row.patient for row in numbers.rows]
    twice = sorted({sample for sample in samples if samples.count(sample) > 1})
    if twice:
        raise TableError(
            f"{len(twice)} samples in several rows ({', '.join(twice[:5])})", "one row per sample", "aggregate first"
        )
    if any("\t" in text or "\n" in text for text in (*numbers.names, *samples)):
        raise TableError("a tab or line break in a name", "plain names", "rename it")
    lines = ["\t".join([*_HEAD, *samples])]
    for column, values in zip(numbers.columns, np.asarray(numbers.values).T, strict=True):
        cells = ["NA" if np.isnan(value) else repr(value) for value in values.tolist()]
        lines.append("\t".join([column.name, column.name, _plain(column), column.unit or "none", *cells]))
    meta = {
        "cancer_study_identifier": study,
        "genetic_alteration_type": "GENERIC_ASSAY",
        "generic_assay_type": "IMAGING",
        "datatype": "LIMIT-VALUE",
        "stable_id": name,
        "profile_name": "Image features",
        "profile_description": f"{len(numbers.columns)} features of {len(samples)} samples, measured by Genoxel.",
        "data_filename": f"data_{name}.txt",
        "show_profile_in_analysis_tab": "false",
        "generic_entity_meta_properties": "NAME,DESCRIPTION,UNIT",
    }
    place = Path(folder)
    return [
        atomic_write(place / f"meta_{name}.txt", "".join(f"{key}: {value}\n" for key, value in meta.items())),
        atomic_write(place / f"data_{name}.txt", "\n".join(lines) + "\n"),
    ]


def _plain(column: Column) -> str:
    return " ".join((column.definition or column.name).split())


def read_generic_assay(path: str | Path) -> Table:
    """Return a generic assay of numbers as a `Table` of kind "assay", with descriptions and units as it has them."""
    file = ColumnFile(path)
    place = file.place("ENTITY_STABLE_ID")
    if place is None:
        raise FileFormatError(f"{file.name} without ENTITY_STABLE_ID", "a generic assay of cBioPortal", "other file?")
    table = read_expression(path, skip=("NAME", "DESCRIPTION", "UNIT", "URL"), rules=MatrixRules(kind="assay"))
    about = {name: at for name in ("DESCRIPTION", "UNIT") if (at := file.place(name)) is not None}
    texts: dict[str, list[str]] = {name: [] for name in about}
    for blocks in file.blocks(list(about.values())) if about else ():
        for name, block in zip(about, blocks, strict=True):
            texts[name] += block.words({}).tolist()
    columns = list(table.columns)
    for number, column in enumerate(columns):
        unit = texts["UNIT"][number] if "UNIT" in texts else ""
        text = texts["DESCRIPTION"][number] if "DESCRIPTION" in texts else ""
        columns[number] = replace(
            column, unit="" if unit == "none" else unit, definition="" if text == column.name else text
        )
    return replace(table, columns=tuple(columns))
