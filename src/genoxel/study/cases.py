"""A table of cases and a settings file: what `genoxel extract` is given."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from genoxel.core.errors import SettingsError, TableError, nearest
from genoxel.core.ids import clean_id
from genoxel.io.delimited import Grid, read_grid
from genoxel.io.files import existing, safe_text
from genoxel.io.settings import ReadingSettings
from genoxel.study.case import Case, ExtractSettings
from genoxel.study.problems import StudyError
from genoxel.study.toml import parse_content, parse_toml

NEEDED = ("patient", "image", "mask")
OPTIONAL = ("label", "timepoint", "lesion", "modality", "volume")
_OTHER_SECTIONS = ("study", "cohort", "target", "io", "omics", "associate", "learn", "report")


def read_settings(path: Path | None) -> ExtractSettings:
    """Return [image], [features], [segment] and how [io.images] reads of a TOML file; the rest is passed over.

    A YAML or JSON file is a parameter file of PyRadiomics.

    Raises `StudyError` with every problem at once, `MissingFileError` when there is no such file.
    """
    if path is None:
        return ExtractSettings()
    if path.suffix.casefold() in {".yaml", ".yml", ".json"}:
        return with_pyradiomics(ExtractSettings(), path)
    text = safe_text(existing(path))
    try:
        content = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        settings, problems = parse_toml(text, ExtractSettings)
    else:
        own = {key: value for key, value in content.items() if key not in _OTHER_SECTIONS}
        images = content.get("io", {}).get("images", {})
        own["reading"] = {key: images[key] for key in ReadingSettings.model_fields if key in images}
        settings, problems = parse_content(own, ExtractSettings)
    if settings is None:
        raise StudyError(f"the settings file {path.name}", problems)
    return settings


def with_pyradiomics(settings: ExtractSettings, path: Path) -> ExtractSettings:
    """Return `settings` with the parameter file of PyRadiomics at `path` (YAML or JSON)."""
    from genoxel.features.pyradiomics import read_parameters
    from genoxel.io.yaml import read_yaml

    try:
        return settings.model_copy(update={"pyradiomics": read_parameters(read_yaml(path))})
    except SettingsError as error:
        error.add_note(f"parameter file {path.name}")
        raise


def read_cases(path: Path) -> dict[str, Case]:
    """Return name -> case of every row of a table with the columns patient, image and mask.

    Columns label (several parted by ;), timepoint, lesion, modality and volume (of 4D, from 1) may follow; paths are
    relative to the table.
    Raises `TableError` for missing or unknown columns, empty cells, and rows that speak of the same thing.
    """
    grid = _grid_of(existing(path))
    _check_columns(grid)
    cases: dict[str, Case] = {}
    for cells, line in zip(grid.rows, grid.lines, strict=True):
        row = {name: cell.strip() for name, cell in zip(grid.header, cells, strict=True)}
        empty = [name for name in NEEDED if not row[name]]
        if empty:
            raise TableError(f"row {line} of {grid.name} without {' and '.join(empty)}", "all three", "fill the cells")
        case = _case(row, path.parent)
        name = "/".join(
            part for part in (case.patient, case.timepoint, case.lesion, *case.labels, case.modality) if part
        )
        if name in cases:
            raise TableError(
                f"row {line} of {grid.name}, which names {name} again",
                "one row per patient, time point, lesion, label and modality",
                "fill the column timepoint or lesion",
            )
        cases[name] = case
    if not cases:
        raise TableError(f"{grid.name} with a header but no rows", "one row per case", "is this the right file?")
    return cases


def _grid_of(file: Path) -> Grid:
    if file.suffix.casefold() != ".xlsx":
        return read_grid(file)
    from genoxel.io.xlsx import read_sheets

    sheets = read_sheets(file)
    if len(sheets) != 1:
        raise TableError(
            f"{file.name} with {len(sheets)} filled sheets", "one", "keep the cases in a file of their own"
        )
    return sheets[0]


def _check_columns(grid: Grid) -> None:
    missing = [name for name in NEEDED if name not in grid.header]
    if missing:
        hint = nearest(missing[0], grid.header)
        raise TableError(
            f"{grid.name} without the column {', '.join(missing)}", ", ".join((*NEEDED, *OPTIONAL)), hint or "add it"
        )
    unknown = [name for name in grid.header if name not in (*NEEDED, *OPTIONAL)]
    if unknown:
        hint = nearest(unknown[0], OPTIONAL) or "remove it"
        raise TableError(f"the column {unknown[0]!r} of {grid.name}", ", ".join((*NEEDED, *OPTIONAL)), hint)


def _case(row: Mapping[str, str], folder: Path) -> Case:
    labels = tuple(part.strip() for part in row.get("label", "").split(";") if part.strip())
    told = {name: row.get(name, "") for name in ("timepoint", "lesion", "modality")}
    volume = _volume(row.get("volume", ""))
    return Case(clean_id(row["patient"]), folder / row["image"], folder / row["mask"], labels, **told, volume=volume)


def _volume(text: str) -> int:
    if text and not (text.isdecimal() and int(text)):
        raise TableError(f"volume {text!r}", "a whole number from 1", "count the volumes of the file from 1")
    return int(text) if text else 0
