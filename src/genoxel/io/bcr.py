"""Clinical files of the Biospecimen Core Resource (TCGA): biotab tables and one XML per patient.

Sources: the biotab form (names, their other names, CDE numbers, then one row a patient) and the BCR's XML schema, in
which an element's attribute `procurement_status` says whether its text was procured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from genoxel.core.errors import FileFormatError, InputError
from genoxel.core.ids import Barcode, clean_id, is_tcga
from genoxel.io.clinical import ClinicalSheet, sheet_of
from genoxel.io.delimited import Grid, headers
from genoxel.io.files import existing, safe_text
from genoxel.omics.texts import is_missing

_BARCODE = "bcr_patient_barcode"
_LONGEST = 2**20
_LARGEST = 64 * 2**20
"""One patient's XML is a few hundred kilobytes; a larger file is none."""


def read_biotab(path: str | Path) -> ClinicalSheet:
    """Return a biotab clinical table as a `ClinicalSheet` whose ids are TCGA patients.

    The three lines above the patients are understood; where the second names a column otherwise than the first, the
    first counts. Cells such as [Not Available] stay as they are: they are words that say "no value". Raises
    `FileFormatError` for a file of another form, ragged or shifted rows, `TableError` for a patient with two rows (a
    follow-up or drug table has several: read those as what they are).
    """
    file = existing(path)
    rows = [line.split("\t") for line in safe_text(file).splitlines() if line.strip()]
    if len(rows) < 4 or _BARCODE not in rows[0] or not rows[2][0].startswith("CDE_ID"):
        raise FileFormatError(
            f"{file.name} without the three header lines of a biotab (names, other names, CDE_ID)",
            f"a column {_BARCODE} and rows below a line of CDE numbers",
            "read other tables with read_clinical",
        )
    width = len(rows[0])
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise FileFormatError(
                f"{len(row)} cells in line {number} of {file.name}", f"{width} cells", "fetch it again"
            )
        if number > 3:
            _check_barcode(row[rows[0].index(_BARCODE)], number, file.name)
    lines = tuple(range(4, len(rows) + 1))
    grid = Grid(file.name, headers(rows[0], file.name), tuple(map(tuple, rows[3:])), lines, "\t")
    return sheet_of(grid, "tcga")


def is_biotab(path: Path) -> bool:
    """Return whether a text file has the line of CDE numbers of a biotab, looking at its first three lines alone."""
    with path.open("rb") as file:
        lines = [file.readline(_LONGEST) for _ in range(3)]
    return lines[2].startswith(b"CDE_ID") and _BARCODE.encode() in lines[0]


def read_bcr_xml(paths: str | Path | Iterable[str | Path]) -> ClinicalSheet:
    """Return clinical XML files (a folder of them, or their paths), one patient each, as one `ClinicalSheet`.

    A column is an element of the patient's own record, by its name; what hangs below follow-ups, drugs and radiations
    is left out, since it occurs several times. Only procured text counts; all else is empty. Raises `FileFormatError`
    for a file that is no such XML, has two patients, none, or two values of one element, and for document types with
    entities.
    """
    if isinstance(paths, str | Path) and Path(paths).is_dir():
        files = sorted(Path(paths).glob("*.xml"))
    else:
        files = [existing(paths)] if isinstance(paths, str | Path) else [existing(path) for path in paths]
    if not files:
        raise FileFormatError(f"no .xml in {paths}", "clinical XML files of the BCR", "check the folder")
    found = [_patient(file) for file in files]
    names = list(dict.fromkeys(name for record in found for name in record))
    names.insert(0, names.pop(names.index(_BARCODE)))
    rows = tuple(tuple(record.get(name, "") for name in names) for record in found)
    grid = Grid("clinical XML", tuple(names), rows, tuple(range(1, len(rows) + 1)), "\t")
    return sheet_of(grid, "tcga")


def _check_barcode(cell: str, line: int, name: str) -> None:
    barcode = clean_id(cell)
    if not is_tcga(barcode) or Barcode.parse(barcode).patient != barcode.upper():
        raise FileFormatError(
            f"{cell[:40]!r} as patient in line {line} of {name}",
            "a barcode such as TCGA-02-0001",
            "were columns shifted?",
        )


def _patient(file: Path) -> dict[str, str]:
    try:
        root = _root(file)
        patients = [item for item in root if _plain(item.tag) == "patient"]
        if len(patients) != 1:
            raise FileFormatError(f"{len(patients)} patients in {file.name}", "one patient a file", "fetch it again")
        record: dict[str, str] = {}
        for name, text in _facts(patients[0]):
            if record.setdefault(name, text) != text:
                raise FileFormatError(
                    f"{name} twice in {file.name}: {record[name][:30]!r} and {text[:30]!r}", "one value", "look it up"
                )
        if _BARCODE not in record:
            raise FileFormatError(
                f"{file.name} without {_BARCODE}", "clinical XML of the BCR", "is it biospecimen XML?"
            )
        _check_barcode(record[_BARCODE], 1, file.name)
    except InputError as error:
        error.add_note(f"clinical XML {file.name}")
        raise
    return record


def _root(file: Path) -> ET.Element:
    if file.stat().st_size > _LARGEST:
        raise FileFormatError(
            f"{file.name} of {file.stat().st_size} bytes", "one patient's XML", "is it the right file?"
        )
    text = safe_text(file)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise FileFormatError(f"{file.name} with a document type", "plain XML", "fetch it again")
    try:
        root = ET.fromstring(text.encode("utf-8"))  # noqa: S314 - entities are refused above
    except ET.ParseError as error:
        raise FileFormatError(f"{file.name} that is no whole XML ({error})", "XML", "fetch it again") from error
    if _plain(root.tag) != "tcga_bcr":
        raise FileFormatError(f"{file.name} with the root {_plain(root.tag)!r}", "tcga_bcr", "is it the right file?")
    return root


_SEVERAL = ("follow_ups", "drugs", "radiations", "new_tumor_events", "additional_studies", "samples")


def _facts(item: ET.Element) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of every leaf that belongs to the patient alone."""
    for child in item:
        name = _plain(child.tag)
        if name in _SEVERAL:
            continue
        if len(child):
            yield from _facts(child)
        else:
            told = (child.text or "").strip()
            procured = child.get("procurement_status", "Completed") == "Completed"
            yield name, "" if not procured or is_missing(told) else told


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]
