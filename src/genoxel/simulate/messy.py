"""The same tables as they come: ids in several spellings, samples twice, symbols that a spreadsheet took for dates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genoxel.io.files import atomic_write, safe_text
from genoxel.simulate.plan import Person, stream
from genoxel.simulate.spec import SimulationSpec

MANGLED = {"SEPTIN9": "9-Sep", "MARCHF1": "1-Mar", "DELEC1": "1-Dec"}
"""Symbols and what a spreadsheet makes of their older names."""


def write_messy(spec: SimulationSpec, people: Sequence[Person], folder: Path) -> dict[str, object]:
    """Write messy/ beside the clean tables of `folder`; return the truth of every change.

    The clean twins are clinical.csv, mutations.maf and expression.tsv themselves.
    """
    random = stream(spec, "messy")
    spelled = {person.name: _spelled(person.name, int(random.integers(4))) for person in people}
    target = folder / "messy"
    clinical = safe_text(folder / "clinical.csv").splitlines()
    twice = [line for line in clinical[1:] if random.random() < 0.05]
    body = [_renamed(line, spelled, clinical[0]) for line in [*clinical[1:], *twice]]
    atomic_write(target / "clinical.csv", "\n".join([clinical[0], *body]) + "\n")
    maf = safe_text(folder / "mutations.maf").splitlines()
    lines = [line if line.startswith(("#", "Hugo_Symbol")) else _sample(line, spelled) for line in maf]
    repeated = [line for line in lines[3:] if random.random() < 0.05]
    atomic_write(target / "mutations.maf", "\n".join([*lines, *repeated]) + "\n")
    expression = safe_text(folder / "expression.tsv").splitlines()
    header = expression[0].split("\t")
    columns = [header[0], *(spelled.get(name, name) for name in header[1:])]
    extra = ["\t".join([word, *(f"{random.lognormal(2, 1):.3f}" for _ in columns[1:])]) for word in MANGLED.values()]
    atomic_write(target / "expression.tsv", "\n".join(["\t".join(columns), *expression[1:], *extra]) + "\n")
    return {
        "ids": spelled,
        "clinical_rows_twice": [line.replace(";", ",").split(",")[0] for line in twice],
        "maf_rows_twice": len(repeated),
        "mangled": {word: symbol for symbol, word in MANGLED.items()},
    }


def _spelled(name: str, way: int) -> str:
    return (name, name.lower(), name.replace("-", "_"), name.replace("-", ""))[way]


def _renamed(line: str, spelled: dict[str, str], header: str) -> str:
    mark = ";" if ";" in header else ","
    name, rest = line.split(mark, 1)
    return f"{spelled[name]}{mark}{rest}"


def _sample(line: str, spelled: dict[str, str]) -> str:
    fields = line.split("\t")
    fields[14] = f"{spelled[fields[14]]}-T"
    return "\t".join(fields)
