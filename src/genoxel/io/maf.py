"""Mutation annotation format (MAF) files, and the lists of who was profiled.

MAF of GDC, TCGA, maftools and cBioPortal: tab-separated, `#` lines first, one row per variant and sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, nearest
from genoxel.core.ids import Barcode, clean_id, is_tcga
from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey
from genoxel.core.records import Records
from genoxel.io.delimited import Grid, read_grid
from genoxel.io.files import safe_text
from genoxel.omics.settings import build_name
from genoxel.omics.texts import read_numbers

_REQUIRED = {
    "gene": "Hugo_Symbol",
    "classification": "Variant_Classification",
    "sample": "Tumor_Sample_Barcode",
}
_OPTIONAL: dict[str, tuple[str, ...]] = {
    "protein": ("HGVSp_Short", "Protein_Change", "amino_acid_change", "AAChange", "HGVSp"),
    "chromosome": ("Chromosome",),
    "ref": ("Reference_Allele",),
    "alt": ("Tumor_Seq_Allele2",),
    "variant_type": ("Variant_Type",),
}
_NUMBERS = {
    "start": ("Start_Position",),
    "end": ("End_Position",),
    "ref_count": ("t_ref_count",),
    "alt_count": ("t_alt_count",),
    "depth": ("t_depth",),
}
_LIST_HEADERS = ("sample", "sample_id", "patient", "patient_id", "patientid", "tumor_sample_barcode", "case_id", "id")


def read_maf(
    path: str | Path,
    profiled: str | Path | Iterable[str] | None = None,
    genes: Iterable[str] | None = None,
    patients: Mapping[str, str] | None = None,
    build: str | None = None,
) -> Records:
    """Return the variants of a MAF file as `Records` of kind "variants".

    Fields: gene, classification, sample, and where the file has them protein, chromosome, start, end, ref, alt,
    variant_type, ref_count, alt_count, depth, build. `profiled` is a list file (see `read_profiled`) or ids of the
    samples or patients that were sequenced; without it `Records.profiled` is None and nobody is wild type. `genes`
    limits the assay to a panel. `patients` maps sample -> patient (TCGA barcodes are cut by themselves, other sample
    names are taken as patients). `build` refuses a file of another genome build. Raises `FileFormatError` for missing
    columns, ragged or cut lines and mixed builds.
    """
    grid = read_grid(path, delimiter="\t", quotes=False)
    fields: dict[str, npt.NDArray[np.object_] | FloatArray] = {}
    for name, header in _REQUIRED.items():
        fields[name] = _texts(grid, _required(grid, header))
    for name, aliases in _OPTIONAL.items():
        if (place := _place(grid, aliases)) is not None:
            fields[name] = _texts(grid, place)
    for name, aliases in _NUMBERS.items():
        if (place := _place(grid, aliases)) is not None:
            fields[name] = _numbers(grid, place)
    if (place := _place(grid, ("NCBI_Build",))) is not None:
        fields["build"] = _one_build(grid, place, build)
    known = patients or {}
    keys: dict[str, RowKey] = {}
    for sample, line in zip(fields["sample"].tolist(), grid.lines, strict=True):
        if sample not in keys:
            keys[sample] = _key(sample, known, line)
    rows = tuple(keys[sample] for sample in fields["sample"].tolist())
    assayed = None
    if profiled is not None:
        ids = read_profiled(profiled) if isinstance(profiled, str | Path) else tuple(profiled)
        assayed = tuple(_key(sample, known, 0) for sample in ids)
    return Records("variants", rows, fields, assayed, None if genes is None else tuple(genes))


def _place(grid: Grid, aliases: tuple[str, ...]) -> int | None:
    folded = {name.casefold(): place for place, name in enumerate(grid.header)}
    return next((folded[alias.casefold()] for alias in aliases if alias.casefold() in folded), None)


def _required(grid: Grid, header: str) -> int:
    place = _place(grid, (header,))
    if place is None:
        raise FileFormatError(
            f"{grid.name} without the column {header} (its columns begin {', '.join(grid.header[:8])})",
            f"{', '.join(_REQUIRED.values())} and more",
            nearest(header, grid.header) or "is this a MAF file?",
        )
    return place


def _texts(grid: Grid, place: int) -> npt.NDArray[np.object_]:
    cells: dict[str, str] = {}
    shared = [cells.setdefault(text, text) for text in (row[place].strip() for row in grid.rows)]
    return np.array(shared, dtype=object)


def _numbers(grid: Grid, place: int) -> FloatArray:
    cells = [row[place] for row in grid.rows]
    if all(cell.isascii() and cell.isdigit() for cell in cells):
        return np.array(cells, dtype=np.float64)
    numbers, odd = read_numbers(dict(zip(grid.lines, cells, strict=True)))
    if odd:
        line, text = next(iter(odd.items()))
        raise FileFormatError(
            f"{text!r} as {grid.header[place]} in line {line} of {grid.name}", "a number", "correct that line"
        )
    return np.array(list(numbers.values()), dtype=np.float64)


def _one_build(grid: Grid, place: int, wanted: str | None) -> npt.NDArray[np.object_]:
    words = sorted({row[place].strip() for row in grid.rows} - {""})
    builds = sorted({build_name(word) or word for word in words})
    if len(builds) > 1:
        raise FileFormatError(f"{grid.name} with genome builds {', '.join(words)}", "one build", "lift one part over")
    asked = build_name(wanted) or wanted if wanted else None
    if asked and builds and builds[0] != asked:
        raise FileFormatError(
            f"{grid.name} of genome build {words[0]}",
            f"{asked}, as the study file says",
            "lift it over, or correct build",
        )
    return np.array([builds[0] if builds else ""] * len(grid.rows), dtype=object)


def _key(sample: str, patients: Mapping[str, str], line: int) -> RowKey:
    name = clean_id(sample)
    if not name:
        raise FileFormatError(f"a variant without sample in line {line}", "a Tumor_Sample_Barcode", "correct that line")
    if name in patients:
        return RowKey(patients[name], sample=name)
    if is_tcga(name):
        barcode = Barcode.parse(name)
        return RowKey(barcode.patient, sample=name.upper().replace(".", "-") if barcode.kind else "")
    return RowKey(name)


def read_profiled(path: str | Path) -> tuple[str, ...]:
    """Return the samples or patients of a list: one id a line, the first column of a table, or a cBioPortal case list.

    Raises `FileFormatError` for an empty list and for ids listed twice.
    """
    file = Path(path)
    lines = [line.strip() for line in safe_text(file).splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    lists = [line.partition(":")[2] for line in lines if line.startswith("case_list_ids:")]
    if lists:
        ids = [part for part in lists[0].split("\t") if part.strip()]
    else:
        ids = [_first_cell(line) for line in lines]
        if ids and ids[0].casefold() in _LIST_HEADERS:
            ids = ids[1:]
    names = [clean_id(text) for text in ids]
    if not names:
        raise FileFormatError(f"no id in {file.name}", "one sample or patient a line", "check the list")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise FileFormatError(f"{', '.join(twice[:5])} more than once in {file.name}", "each id once", "remove one")
    return tuple(names)


def _first_cell(line: str) -> str:
    for sign in ("\t", ";", ","):
        if sign in line:
            return line.split(sign, maxsplit=1)[0].strip('"')
    return line.strip('"')
