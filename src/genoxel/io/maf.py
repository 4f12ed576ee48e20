"""Mutation annotation format (MAF) files, and the lists of who was profiled.

MAF of GDC, TCGA, maftools and cBioPortal: tab-separated, `#` lines first, one row per variant and sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, nearest
from genoxel.core.ids import Barcode, clean_id, is_tcga
from genoxel.core.keys import RowKey
from genoxel.core.records import Records
from genoxel.io.columns import Block, ColumnFile, Growing
from genoxel.io.files import safe_text
from genoxel.io.streams import Progress
from genoxel.omics.settings import build_name

_REQUIRED = {
    "gene": "Hugo_Symbol",
    "classification": "Variant_Classification",
    "sample": "Tumor_Sample_Barcode",
}
_OPTIONAL: dict[str, tuple[str, ...]] = {
    "protein": ("HGVSp_Short", "Protein_Change", "amino_acid_change", "AAChange", "HGVSp"),
    "coding": ("HGVSc", "cDNA_Change"),
    "chromosome": ("Chromosome",),
    "ref": ("Reference_Allele",),
    "alt": ("Tumor_Seq_Allele2",),
    "variant_type": ("Variant_Type",),
    "context": ("CONTEXT",),
    "origin": ("Mutation_Status",),
}
_NUMBERS = {
    "start": ("Start_Position", "Start_position"),
    "end": ("End_Position", "End_position"),
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
    progress: Progress | None = None,
) -> Records:
    """Return the variants of a MAF file as `Records` of kind "variants", read block by block in bounded memory.

    Fields: gene, classification, sample, and where the file has them protein, coding, chromosome, start, end, ref,
    alt, variant_type, ref_count, alt_count, depth, context, origin (Mutation_Status), build. `profiled` is a list file
    (see `read_profiled`) or ids of samples or patients that were sequenced; without it nobody is wild type.
    `genes` limits the assay to a panel. `patients` maps sample -> patient (TCGA barcodes are cut by themselves, other
    sample names are taken as patients). `build` refuses a file of another genome build. `progress` is told (bytes
    read, bytes of the file). Raises `FileFormatError` for missing columns, ragged or cut lines and mixed builds.
    """
    file = ColumnFile(path, progress)
    wanted = {name: _required(file, header) for name, header in _REQUIRED.items()}
    for name, aliases in {**_OPTIONAL, **_NUMBERS, "build": ("NCBI_Build",)}.items():
        if (place := file.place(*aliases)) is not None:
            wanted[name] = place
    gathered = _Gathered(list(wanted), patients or {})
    for blocks in file.blocks(list(wanted.values())):
        gathered.add(dict(zip(wanted, blocks, strict=True)))
    fields = gathered.fields()
    if "build" in wanted:
        word = _one_build(file.name, gathered.shared["build"], build)
        fields["build"] = np.empty(len(gathered.rows), dtype=object)
        fields["build"].fill(word)  # one text for all rows; np.full would make one for each
    assayed = None
    if profiled is not None:
        ids = read_profiled(profiled) if isinstance(profiled, str | Path) else tuple(profiled)
        assayed = tuple(sample_key(sample, patients or {}, 0) for sample in ids)
    rows = tuple(gathered.rows)
    gathered.rows.clear()
    return Records("variants", rows, fields, assayed, None if genes is None else tuple(genes))


class _Gathered:
    """The columns of a MAF file as they come in, block by block."""

    def __init__(self, names: list[str], patients: Mapping[str, str]) -> None:
        self.patients = patients
        self.parts = {name: Growing(np.float64 if name in _NUMBERS else object) for name in names}
        self.shared: dict[str, dict[str, str]] = {name: {} for name in names}
        self.keys: dict[str, RowKey] = {}
        self.rows: list[RowKey] = []

    def add(self, blocks: Mapping[str, Block]) -> None:
        """Take in one block of rows."""
        for name, block in blocks.items():
            if name in _NUMBERS:
                self.parts[name].add(block.numbers())
            elif name == "build":
                _, words = block.codes()
                self.shared[name].update(zip(words, words, strict=True))
            else:
                self.parts[name].add(block.words(self.shared[name]))
        codes, samples = blocks["sample"].codes()
        for sample in samples:
            if sample not in self.keys:
                self.keys[sample] = self._key(sample, codes, samples, blocks["sample"])
        keys = [self.keys[sample] for sample in samples]
        self.rows += [keys[code] for code in codes.tolist()]

    def _key(self, sample: str, codes: npt.NDArray[np.intp], samples: list[str], block: Block) -> RowKey:
        if clean_id(sample):
            return sample_key(sample, self.patients, 0)
        row = int(np.flatnonzero(codes == samples.index(sample))[0])
        return sample_key(sample, self.patients, block.file.line(block.start + row))

    def fields(self) -> dict[str, npt.NDArray[Any]]:
        """Return the whole columns."""
        return {name: part.done() for name, part in self.parts.items() if name != "build"}


def _required(file: ColumnFile, header: str) -> int:
    place = file.place(header)
    if place is None:
        raise FileFormatError(
            f"{file.name} without the column {header} (its columns begin {', '.join(file.header[:8])})",
            f"{', '.join(_REQUIRED.values())} and more",
            nearest(header, file.header) or "is this a MAF file? a matrix of genes belongs under [omics.tables.NAME]",
        )
    return place


def _one_build(name: str, found: Iterable[str], wanted: str | None) -> str:
    words = sorted({word.strip() for word in found} - {""})
    builds = sorted({build_name(word) or word for word in words})
    if len(builds) > 1:
        raise FileFormatError(f"{name} with genome builds {', '.join(words)}", "one build", "lift one part over")
    check_build(name, words[0] if words else "", wanted)
    return builds[0] if builds else ""


def check_build(name: str, found: str, wanted: str | None) -> None:
    """Refuse a file of genome build `found` where the study asks for `wanted`; either may be unsaid."""
    asked = build_name(wanted) or wanted if wanted else None
    if asked and found and (build_name(found) or found) != asked:
        raise FileFormatError(
            f"{name} of genome build {found}", f"{asked}, as the study file says", "lift it over, or correct build"
        )


def sample_key(sample: str, patients: Mapping[str, str], line: int) -> RowKey:
    """Return the key of a sample: its patient by `patients`, by its TCGA barcode, or the sample itself."""
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
