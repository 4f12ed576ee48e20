"""The same tables as they come: ids spelled anew per file, rows twice, symbols and dates that a spreadsheet made."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genoxel._version import __version__
from genoxel.io.files import atomic_write, safe_text
from genoxel.simulate.plan import Person, stream
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.tables import clinical_rows, draw_calls, settled_workbook

MANGLED = {"SEPTIN9": "9-Sep", "MARCHF3": "3-Mar", "MARCHF1": "1-Mar"}
"""Symbols and what a spreadsheet makes of their older names; the last could have been MARC1 as well."""
_FILES = ("clinical", "mutations", "expression")
_TWICE, _REMARK = 0.05, ("präoperativ", "nach Überweisung", "")


def write_messy(spec: SimulationSpec, people: Sequence[Person], folder: Path) -> dict[str, object]:
    """Write messy/ beside the clean tables of `folder`; return the truth of every change.

    The clean twins are clinical.csv and mutations.maf themselves, and messy/clean/expression.tsv, which has the genes
    that are mangled as well. At least one row is there twice.
    """
    random = stream(spec, "messy")
    ids = {name: {one.name: _spelled(one.name, int(random.integers(5))) for one in people} for name in _FILES}
    target = folder / "messy"
    twice = _clinical(folder, target, ids["clinical"], random)
    rows = clinical_rows(spec, people, draw_calls(spec, people))
    atomic_write(target / "clinical.xlsx", _workbook(rows, ids["clinical"], random))
    atomic_write(target / "clinical_latin1.csv", _remarks(people, ids["clinical"], random).encode("latin-1"))
    repeated = _mutations(folder, target, ids["mutations"], random)
    _expression(folder, target, ids["expression"], random)
    return {
        "ids": ids,
        "clinical_rows_twice": twice,
        "maf_rows_twice": repeated,
        "mangled": {word: symbol for symbol, word in MANGLED.items()},
        "encodings": {"clinical_latin1.csv": "ISO-8859-1"},
        "clean": {
            "clinical.csv": "clinical.csv",
            "clinical.xlsx": "clinical.csv",
            "mutations.maf": "mutations.maf",
            "expression.tsv": "messy/clean/expression.tsv",
        },
    }


def _spelled(name: str, way: int) -> str:
    short = name.replace("-0", "-").replace("-0", "-")
    return (name, name.lower(), name.replace("-", "_"), name.replace("-", ""), short)[way]


def _some(lines: Sequence[str], random: np.random.Generator) -> list[str]:
    """Return a few of `lines` at random, one at least where there are any."""
    chosen = [line for line in lines if random.random() < _TWICE]
    return chosen or list(lines[:1])


def _clinical(folder: Path, target: Path, ids: Mapping[str, str], random: np.random.Generator) -> list[str]:
    """Write messy/clinical.csv and return who is in it twice."""
    clinical = safe_text(folder / "clinical.csv").lstrip("\ufeff").splitlines()
    mark = ";" if ";" in clinical[0] else ","
    twice = _some(clinical[1:], random)
    body = [mark.join([ids[name], rest]) for name, rest in (line.split(mark, 1) for line in [*clinical[1:], *twice])]
    atomic_write(target / "clinical.csv", "\n".join([clinical[0], *body]) + "\n")
    return [line.split(mark, 1)[0] for line in twice]


def _workbook(rows: Sequence[Sequence[Any]], ids: Mapping[str, str], random: np.random.Generator) -> bytes:
    """Return a workbook whose ages are numbers or text with a decimal comma, and whose dates are dates or German text.

    There is a column without a header and a second sheet of notes.
    """
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Tabelle1"
    names = list(rows[0])
    sheet.append([*names, None])
    for row in rows[1:]:
        cells = [ids[row[0]], *row[1:], None]
        age, day = names.index("age"), names.index("scan_date")
        if random.random() < 0.3:
            cells[age] = f"{row[age]:.1f}".replace(".", ",")
        date = dt.date.fromisoformat(str(row[day]))
        cells[day] = date if random.random() < 0.5 else f"{date:%d.%m.%Y}"
        sheet.append(cells)
    book.create_sheet("Notizen").append(["SIMULATED", "vorläufig"])
    book.properties.title = "SIMULATED"
    book.properties.creator = f"Genoxel {__version__}"
    buffer = io.BytesIO()
    book.save(buffer)
    return settled_workbook(buffer.getvalue())


def _remarks(people: Sequence[Person], ids: Mapping[str, str], random: np.random.Generator) -> str:
    lines = ["PatientID;Größe_cm;Bemerkung"]
    for person in people:
        remark = _REMARK[int(random.integers(len(_REMARK)))] if person.index else _REMARK[0]
        lines.append(f"{ids[person.name]};{random.normal(172, 9):.1f};{remark}".replace(".", ","))
    return "\r\n".join(lines) + "\r\n"


def _mutations(folder: Path, target: Path, ids: Mapping[str, str], random: np.random.Generator) -> int:
    """Write messy/mutations.maf, whose samples end in -T, and return how many of its rows are there twice."""
    lines = safe_text(folder / "mutations.maf").splitlines()
    head = [line for line in lines if line.startswith(("#", "Hugo_Symbol"))]
    body = [_sample(line, ids) for line in lines[len(head) :]]
    repeated = _some(body, random)
    atomic_write(target / "mutations.maf", "\n".join([*head, *body, *repeated]) + "\n")
    return len(repeated)


def _sample(line: str, ids: Mapping[str, str]) -> str:
    fields = line.split("\t")
    fields[14] = f"{ids[fields[14]]}-T"
    return "\t".join(fields)


def _expression(folder: Path, target: Path, ids: Mapping[str, str], random: np.random.Generator) -> None:
    expression = safe_text(folder / "expression.tsv").splitlines()
    header = expression[0].split("\t")
    spelled = [header[0], *(ids[name] for name in header[1:])]
    more = {symbol: "\t".join(f"{random.lognormal(2, 1):.3f}" for _ in header[1:]) for symbol in MANGLED}
    clean = [expression[0], *expression[1:], *(f"{symbol}\t{values}" for symbol, values in more.items())]
    messy = ["\t".join(spelled), *expression[1:], *(f"{MANGLED[symbol]}\t{values}" for symbol, values in more.items())]
    atomic_write(target / "clean" / "expression.tsv", "\n".join(clean) + "\n")
    atomic_write(target / "expression.tsv", "\n".join(messy) + "\n")
