"""Clinical and molecular tables with the same pseudonyms as the images; columns that may name a person go."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genoxel.core.errors import TableError
from genoxel.core.ids import clean_id
from genoxel.io.deidentify.dataset import OLDEST
from genoxel.io.deidentify.key import Key
from genoxel.io.delimited import Grid, read_grid
from genoxel.io.files import existing


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PERSON = re.compile(
    r"name|vorname|nachname|adress|street|stra(ss|ß)e|zip|plz|postal|city|ort$|phone|tel|mail|mrn|ssn|insurance|versicher"
    r"|birth|geburt|dob$|physician|doctor|arzt|surgeon|operator|institution|hospital|klinik|comment|remark|note|bemerk"
    r"|freitext|freetext|accession|uid$|url|file|path$|fallnummer|casenumber|case_number"
)
_IDS = frozenset(
    {"patient", "patientid", "caseid", "subject", "subjectid", "id", "sample", "sampleid", "tumorsamplebarcode"}
)
_MOLECULAR = _listed(
    """
    hugosymbol genesymbol gene entrezgeneid ncbibuild chromosome chrom startposition endposition start end
    strand variantclassification varianttype referenceallele tumorseqallele1 tumorseqallele2 hgvsc hgvsp
    hgvspshort proteinposition trefcount taltcount tdepth nummark nummarkers segmean segmentmean
    """
)
"""Columns of molecular tables that speak of genes and positions; they stay as they are."""

_MOST_WORDS, _LONGEST = 30, 40
_ID_DIGITS = 6


@dataclass(frozen=True)
class CleanTable:
    """A table with its identities taken out, and what became of each column."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[tuple[str, str], ...]


def deidentify_table(path: Path, key: Key, patient: str = "") -> list[CleanTable]:
    """Return the clean tables of a CSV or TSV file, or of the sheets of a workbook.

    `patient` names the id column (default: one with a usual name, or one that holds patients of the key). Raises
    `TableError` when nothing tells whose the rows are.
    """
    file = existing(path)
    if file.suffix.casefold() == ".xlsx":
        from genoxel.io.xlsx import read_sheets

        grids = read_sheets(file)
    else:
        grids = [read_grid(file)]
    return [_clean(grid, key, patient, place) for place, grid in enumerate(grids, 1)]


def _clean(grid: Grid, key: Key, patient: str, place: int) -> CleanTable:
    known = dict(key.patients)
    columns = [tuple(row[number] for row in grid.rows) for number in range(len(grid.header))]
    owner = _id_column(grid, columns, patient, known)
    across = sum(clean_id(name) in known for name in grid.header) >= 2
    if owner is None and not across:
        raise TableError(
            f"{grid.name} without a column of patients",
            "an id column",
            "name it: --id-column",
        )
    owners = [clean_id(_whose(cell, known)) for cell in columns[owner]] if owner is not None else [""] * len(grid.rows)
    made: dict[str, list[str]] = {}
    told: list[tuple[str, str]] = []
    for number, name in enumerate(grid.header):
        cells: list[str] | None
        if number == owner:
            cells, what = [_mapped(cell, known, key) for cell in columns[number]], "ids replaced"
        else:
            cells, what = _column(name, columns[number], owners, key)
        shown = key.pseudonym(clean_id(name)) if clean_id(name) in known else name
        shown = f"column {number + 1}" if cells is None else shown
        told.append((shown, what))
        if cells is not None:
            made[shown] = cells
    rows = tuple(zip(*made.values(), strict=True)) if made else ()
    return CleanTable(f"table{place}", tuple(made), rows, tuple(told))


def _id_column(grid: Grid, columns: Sequence[Sequence[str]], patient: str, known: dict[str, str]) -> int | None:
    if patient:
        return grid.place(patient)
    shares = [sum(_whose(cell, known) in known for cell in cells) / max(1, len(cells)) for cells in columns]
    best = max(range(len(shares)), key=lambda place: shares[place], default=0)
    if shares and shares[best] >= 0.5:
        return best
    named = [place for place, name in enumerate(grid.header) if _plain(name) in _IDS]
    return named[0] if named else None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def _whose(cell: str, known: dict[str, str]) -> str:
    """Return the patient of a cell: itself, or the known patient that a sample's name begins with."""
    text = clean_id(cell)
    if text in known:
        return text
    hits = [one for one in known if text.startswith(one) and not text[len(one)].isalnum()]
    return max(hits, key=len, default=text)


def _mapped(cell: str, known: dict[str, str], key: Key) -> str:
    if not cell.strip():
        return ""
    text, owner = clean_id(cell), _whose(cell, known)
    rest = text[len(owner) :] if re.fullmatch(r"[-_.][A-Za-z0-9]{1,4}", text[len(owner) :]) else ""
    return key.pseudonym(owner) + rest


def _column(name: str, cells: Sequence[str], owners: Sequence[str], key: Key) -> tuple[list[str] | None, str]:
    """Return the cells with which a column stays and what was done, or None and why it goes."""
    plain, filled = _plain(name), [cell.strip() for cell in cells if cell.strip()]
    if plain in _MOLECULAR:
        return list(cells), "kept: genes and positions"
    if _PERSON.search(name.casefold()):
        return None, "removed: its name speaks of a person"
    if filled and all(_date(cell) for cell in filled):
        if not all(owners):
            return None, "removed: dates of nobody in particular"
        days = [_date(cell) for cell in cells]
        moved = [key.moved(day, who).isoformat() if day else "" for day, who in zip(days, owners, strict=True)]
        return moved, "dates moved back"
    if filled and all(number_of_text(cell) is not None for cell in filled):
        return _numbers(plain, cells, filled)
    words = set(filled)
    if not words:
        return None, "removed: empty"
    if len(words) <= _MOST_WORDS and all(len(word) <= _LONGEST for word in words) and not _holds(words, key):
        return list(cells), f"kept: {len(words)} words, please look at them"
    return None, "removed: free text, or an identifier"


def _numbers(plain: str, cells: Sequence[str], filled: Sequence[str]) -> tuple[list[str] | None, str]:
    if "age" in plain or plain == "alter":
        old = any(float(number_of_text(cell) or 0) > OLDEST for cell in filled)
        capped = ["90" if (number_of_text(cell) or 0) > OLDEST else cell for cell in cells]
        return capped, "kept: ages above 89 given as 90" if old else "kept: ages"
    unique = len(set(filled)) > 0.9 * len(filled) and len(filled) > 2
    if unique and all(cell.isdigit() and len(cell) >= _ID_DIGITS for cell in filled):
        return None, "removed: long whole numbers, each once: an identifier"
    return list(cells), "kept: numbers"


def _holds(words: set[str], key: Key) -> bool:
    return any(_whose(word, key.patients) in key.patients for word in words)


def number_of_text(text: str) -> float | None:
    """Return the finite number that a cell holds, or None."""
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(text: str) -> dt.date | None:
    text = text.strip()[:10]
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y%m%d"):
        try:
            found = dt.datetime.strptime(text, form).date()
        except ValueError:
            continue
        return found if found.year > 1900 else None
    return None
