"""How far readers agree who graded the same patients: [cohort.readers]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from genoxel.core.errors import NotDefinedError, SettingsError, TableError, nearest
from genoxel.core.ids import clean_id
from genoxel.core.image import FloatArray
from genoxel.io.clinical import ClinicalSheet, read_clinical, read_rows
from genoxel.omics.texts import is_missing, plain
from genoxel.report.content import Agreement
from genoxel.stats.kappa import cohen_kappa, fleiss_kappa, observed_agreement
from genoxel.study.settings import FIRST_READER, ReadersSettings
from genoxel.study.study import Study

MOST_GRADES = 20
"""Readings of more different words than this are no gradings."""

FEWEST_SHARED = 10
"""Two of several readers are compared alone where they share this many cases."""

Gradings = Mapping[str, Mapping[str, str]]
"""Reader -> patient -> cell."""


def agreements(
    study: Study, sheet: ClinicalSheet | None, patients: Sequence[str] | None = None
) -> tuple[Agreement, ...]:
    """Return how far the readers of each trait agree in `patients` (None: all graded), and pairs of three or more.

    Nothing without [cohort.readers]. Raises `SettingsError` or `TableError` for gradings that cannot be read, or that
    are of none of these patients.
    """
    settings = study.settings.cohort.readers
    if settings is None:
        return ()
    found: list[Agreement] = []
    for trait, gradings in gradings_of(study, settings, sheet).items():
        codes = _codes(trait, gradings, _graded(trait, gradings, patients), settings.ordered.get(trait))
        names, weights = tuple(gradings), "linear" if trait in settings.ordered else "none"
        found.append(_agreement(trait, names, codes, weights))
        if len(names) > 2:
            for pair in combinations(range(len(names)), 2):
                both = codes[:, pair]
                if (~np.isnan(both)).all(axis=1).sum() >= FEWEST_SHARED:
                    found.append(_agreement(trait, tuple(names[place] for place in pair), both, weights))
    return tuple(found)


def gradings_of(study: Study, settings: ReadersSettings, sheet: ClinicalSheet | None) -> dict[str, Gradings]:
    """Return trait -> reader -> patient -> cell."""
    found: dict[str, Gradings] = {}
    for trait, columns in settings.columns.items():
        found[trait] = {column: _known(sheet, "columns").text(column) for column in columns}
    patient = settings.patient or study.settings.cohort.patient
    if settings.table is not None:
        return {**found, **_one_table(study, settings, patient)}
    sheets = {who: read_clinical(study.file(name), patient) for who, name in settings.tables.items()}
    for trait in settings.traits:
        own = {FIRST_READER: _known(sheet, "traits").text(trait)}
        found[trait] = {**own, **{who: one.text(trait) for who, one in sheets.items()}}
    return found


def _graded(trait: str, gradings: Gradings, patients: Sequence[str] | None) -> list[str]:
    """Return the patients of the study whom anybody graded."""
    graded = {one for cells in gradings.values() for one in cells}
    found = sorted(graded if patients is None else graded.intersection(patients))
    if not found:
        got = f"readings of {trait!r} of {', '.join(sorted(graded)[:3]) or 'nobody'}, no patient of this study"
        raise TableError(got, "patients written alike in both tables", "check the identifier column")
    return found


def _known(sheet: ClinicalSheet | None, key: str) -> ClinicalSheet:
    if sheet is None:
        raise SettingsError(f"[cohort.readers] {key} without a clinical table", "[cohort] table", "name the table")
    return sheet


def _one_table(study: Study, settings: ReadersSettings, patient: str) -> dict[str, Gradings]:
    """Return the gradings of a table with one row per patient and reader; `TableError` for two of them."""
    grid = read_rows(study.file(str(settings.table)), patient)
    names = [clean_id(cell) for cell in grid.column(patient)]
    readers = [" ".join(cell.split()) for cell in grid.column(str(settings.reader))]
    seen: dict[tuple[str, str], int] = {}
    for who, reader, line in zip(names, readers, grid.lines, strict=True):
        if not who or not reader:
            raise TableError(f"no patient or no reader in row {line} of {grid.name}", "both", "fill or delete it")
        if (who, reader) in seen:
            got = f"{reader} twice for {who} in {grid.name} (rows {seen[who, reader]} and {line})"
            raise TableError(got, "one row per patient and reader", "say which row counts")
        seen[who, reader] = line
    found: dict[str, Gradings] = {}
    for trait in settings.traits:
        cells: dict[str, dict[str, str]] = {reader: {} for reader in dict.fromkeys(readers)}
        for who, reader, cell in zip(names, readers, grid.column(trait), strict=True):
            cells[reader][who] = cell
        found[trait] = cells
    return found


def _codes(trait: str, gradings: Gradings, patients: Sequence[str], order: Sequence[str] | None) -> FloatArray:
    """Return the grades as codes (patients, readers), NaN where a cell is empty or says that there is none."""
    cells = [[gradings[reader].get(one, "") for reader in gradings] for one in patients]
    words = {plain(cell): " ".join(cell.split()) for row in cells for cell in row if not is_missing(cell)}
    levels = sorted(words) if order is None else [plain(word) for word in order]
    if order is None and len(levels) > MOST_GRADES:
        got = f"readers' trait {trait!r} with {len(levels)} different words"
        raise TableError(got, f"{MOST_GRADES} grades or fewer", "choose another trait; kappa is not for measurements")
    odd = [shown for word, shown in words.items() if word not in levels]
    if odd:
        legal = ", ".join(order or ())
        raise TableError(
            f"the grade {odd[0]!r} of {trait!r}", legal, nearest(odd[0], order or ()) or "add it to ordered"
        )
    code = {word: float(place) for place, word in enumerate(levels)}
    coded = [[code.get(plain(cell), np.nan) if not is_missing(cell) else np.nan for cell in row] for row in cells]
    return np.array(coded, dtype=np.float64).reshape(len(patients), len(gradings))


def _agreement(trait: str, readers: tuple[str, ...], codes: FloatArray, weights: str) -> Agreement:
    read = codes[(~np.isnan(codes)).sum(axis=1) > 1]
    grades = len(np.unique(read[~np.isnan(read)]))
    about = trait, readers, _METHODS[len(readers) > 2, weights], len(read), grades, observed_agreement(codes)
    try:
        if len(readers) > 2:
            return Agreement(*about, fleiss_kappa(codes))
        return Agreement(*about, cohen_kappa(codes[:, 0], codes[:, 1], "linear" if weights == "linear" else "none"))
    except NotDefinedError as error:
        return Agreement(*about, None, str(error.got))


_METHODS = {
    (False, "none"): "Cohen",
    (False, "linear"): "Cohen, linear weights",
    (True, "none"): "Fleiss",
    (True, "linear"): "Fleiss, order not used",
}
