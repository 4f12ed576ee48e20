"""Variant call format (VCF): annotated calls of one or many samples, read line by line in bounded memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, TableError, nearest
from genoxel.core.extras import require
from genoxel.core.ids import Barcode, is_tcga
from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey
from genoxel.core.records import Records
from genoxel.io.consequences import Annotation, classification
from genoxel.io.files import existing
from genoxel.io.maf import check_build, read_profiled, sample_key
from genoxel.io.streams import Progress, TextStream, not_ended

NO_CALL = "No_Call"
"""Class of a sample without genotype at a site where others have one: neither mutant nor wild type there."""

_FIXED = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
_LENGTHS = {247249719: "hg18", 249250621: "hg19", 248956422: "hg38"}
_INFO = re.compile(r'##INFO=<ID=([^,>]+).*?Description="(.*)".*>')
_CONTIG = re.compile(r"##contig=<.*ID=(?:chr)?1,.*length=(\d+)")
_CARRIER = re.compile(r"\t(?!0[/|]0(?:[:\t]|$))[^\t]*")
"""A sample's cell, with the tab before it, that is not homozygous for the reference."""
_NORMALS = frozenset(["normal", "blood", "germline", "control"])
_TEXTS = ("gene", "classification", "sample", "protein", "coding", "chromosome", "ref", "alt", "variant_type", "build")
_NUMBERS = ("start", "end", "ref_count", "alt_count", "depth")


@dataclass(frozen=True)
class VcfOptions:
    """How calls are read.

    `filters` are the words of FILTER that pass. `samples` limits the columns; normals (named NORMAL, by
    ##normal_sample, or by their TCGA barcode) are left out. `no_call` says what a sample without genotype is at a site
    where others have a variant: "unknown", or "wild type" (for files merged from single samples).
    """

    filters: tuple[str, ...] = ("PASS", ".")
    samples: tuple[str, ...] = ()
    no_call: str = "unknown"
    say: Callable[[str], None] | None = None
    progress: Progress | None = None


def read_vcf(
    path: str | Path,
    profiled: str | Path | Iterable[str] | None = None,
    genes: Iterable[str] | None = None,
    patients: Mapping[str, str] | None = None,
    build: str | None = None,
    options: VcfOptions | None = None,
) -> Records:
    """Return the variants of an annotated VCF (text, .gz, or .bcf with the extra `omics`), one event per carrier.

    Fields are those of `read_maf`, with positions and alleles written as in a MAF file, so that the same calls give
    the same table. The samples of the file count as profiled unless `profiled` says otherwise; `genes` is the panel
    that was covered. `options.say` is told how many sites a filter left out. Raises `FileFormatError` for a damaged
    or unannotated file, another build, and lines that are ragged or cut.
    """
    chosen = options or VcfOptions()
    file = existing(path)
    reader = _Reader(file.name, chosen, patients or {})
    for number, line in _lines(file, chosen.progress):
        reader.take(line, number)
    if not reader.columns:
        raise FileFormatError(f"{file.name} without the line #CHROM", "a VCF file", "check the export")
    check_build(file.name, reader.build, build)
    reader.tell()
    if profiled is None:
        assayed = tuple(reader.keys)
    else:
        ids = read_profiled(profiled) if isinstance(profiled, str | Path) else tuple(profiled)
        assayed = tuple(sample_key(sample, patients or {}, 0) for sample in ids)
    return Records("variants", tuple(reader.rows), reader.fields(), assayed, None if genes is None else tuple(genes))


def _lines(file: Path, progress: Progress | None) -> Iterator[tuple[int, str]]:
    if file.suffix.casefold() == ".bcf":
        yield from enumerate(_bcf_lines(file), 1)
        return
    with TextStream(file, progress) as stream:
        number, line = 0, ""
        for number, line in enumerate(stream.lines(), 1):
            if line:
                yield number, line
        if not stream.ended and not line.startswith("#"):
            raise not_ended(file.name, number, line.rpartition("\t")[2])


def _bcf_lines(file: Path) -> Iterator[str]:
    reader = require("cyvcf2", "omics").VCF(str(file))
    yield from (line for line in reader.raw_header.split("\n") if line)
    for variant in reader:
        yield str(variant).rstrip("\n")


@dataclass
class _Column:
    """One sample's column: its name and its row key."""

    name: str
    key: RowKey


@dataclass
class _Reader:
    """Takes the lines of a VCF one by one and keeps the events."""

    name: str
    options: VcfOptions
    patients: Mapping[str, str]
    infos: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    build: str = ""
    columns: list[_Column] = field(default_factory=list)
    places: dict[int, _Column] = field(default_factory=dict)
    width: int = 0
    rows: list[RowKey] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    dropped: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.texts: dict[str, list[str]] = {name: [] for name in _TEXTS if name != "build"}
        self.numbers: dict[str, list[float]] = {name: [] for name in _NUMBERS}
        self.open: set[tuple[str, str]] = set()
        self.shared: dict[str, str] = {}
        self.annotation: Annotation | None = None
        self.filters = frozenset(self.options.filters)

    @property
    def keys(self) -> list[RowKey]:
        """The row keys of the samples that are read."""
        return [column.key for column in self.columns]

    def take(self, line: str, number: int) -> None:
        """Take one line."""
        if not line.startswith("#"):
            self._site(line, number)
        elif line.startswith("##"):
            self._about(line)
        else:
            self._header(line)

    def _about(self, line: str) -> None:
        if found := _INFO.match(line):
            self.infos[found[1]] = found[2]
        elif found := _CONTIG.match(line):
            self.build = _LENGTHS.get(int(found[1]), self.build)
        elif line.startswith(("##tumor_sample=", "##normal_sample=")):
            role, _, sample = line[2:].partition("_sample=")
            self.roles[sample.strip()] = role

    def _header(self, line: str) -> None:
        cells = line.split("\t")
        if cells[:9] != _FIXED or len(cells) < 10:
            fix = "a VCF with genotypes; sites alone name nobody"
            raise FileFormatError(
                f"{self.name} with the header {line[:60]!r}", "\\t".join(_FIXED) + " and samples", fix
            )
        names = cells[9:]
        if len(set(names)) < len(names):
            raise FileFormatError(
                f"a sample more than once in the header of {self.name}", "each sample once", "rename one of them"
            )
        for wanted in self.options.samples:
            if wanted not in names:
                raise TableError(
                    f"sample {wanted!r} of {self.name}",
                    ", ".join(names[:12]),
                    nearest(wanted, names) or "name one of these",
                )
        self.width = len(cells)
        self.annotation = Annotation(self.infos, self.name)
        for place, sample in enumerate(names, 9):
            if self._wanted(sample):
                self.columns.append(_Column(sample, sample_key(sample, self.patients, 0)))
                self.places[place] = self.columns[-1]
            else:
                self.dropped.append(sample)
        if not self.columns:
            raise FileFormatError(f"{self.name} without tumour sample", "at least one", "name it: samples = (...)")

    def _wanted(self, sample: str) -> bool:
        if self.options.samples:
            return sample in self.options.samples
        if self.roles.get(sample) == "normal" or sample.casefold() in _NORMALS:
            return False
        return not (is_tcga(sample) and Barcode.parse(sample).normal)

    def _site(self, line: str, number: int) -> None:
        cells = line.split("\t", 9)
        count = line.count("\t") + 1
        if self.annotation is None or count != self.width:
            raise FileFormatError(
                f"{count} cells in line {number} of {self.name}",
                f"{self.width} cells as in the header" if self.width else "the line #CHROM first",
                "copy the file again: it may have been cut short",
            )
        if not self.filters.issuperset(cells[6].split(";")):
            self.left_out[cells[6]] += 1
            return
        carriers = self._carriers(cells, number)
        if carriers:
            self._events(cells, carriers, number)

    def _carriers(self, cells: list[str], number: int) -> list[tuple[_Column, str]]:
        """Return (column, its cell) of everyone who is not homozygous for the reference."""
        if cells[8].split(":", 1)[0] != "GT":
            raise FileFormatError(
                f"line {number} of {self.name} without genotypes (FORMAT {cells[8][:30]!r})",
                "GT first",
                "add genotypes",
            )
        found = []
        samples = f"\t{cells[9]}"
        for match in _CARRIER.finditer(samples):
            text = match[0][1:]
            if text.split(":", 1)[0].strip("0/|"):
                column = self.places.get(8 + samples.count("\t", 0, match.start() + 1))
                found += [(column, text)] if column is not None else []
        return found

    def _events(self, cells: list[str], carriers: list[tuple[_Column, str]], number: int) -> None:
        assert self.annotation is not None  # noqa: S101 - _site has checked
        ref, alts = cells[3], cells[4].split(",")
        value = _info(cells[7], self.annotation.key)
        for place, alt in enumerate(alts, 1):
            if alt in ("*", ".", "<NON_REF>"):
                continue
            effect = self.annotation.effect(value, ref, alts, alt) if value else None
            if effect is None or not effect.gene:
                continue
            word = classification(effect.terms, ref, alt)
            facts = {"gene": effect.gene, "classification": word, "protein": effect.protein, "coding": effect.coding}
            facts.update(self._where(cells, ref, alt, number))
            index = str(place)
            for column, text in carriers:
                genotype = text.split(":", 1)[0]
                if index in re.split(r"[/|]", genotype):
                    self._add(column, facts, _counts(cells[8], text, place))
                elif "." in genotype:
                    self._leave_open(column, facts)

    def _where(self, cells: list[str], ref: str, alt: str, number: int) -> dict[str, str]:
        """Return position and alleles as a MAF file writes them: without the shared first base."""
        if not cells[1].isdigit():
            raise FileFormatError(f"{cells[1]!r} as POS in line {number} of {self.name}", "a number", "correct it")
        start = int(cells[1])
        while ref and alt and len(ref) != len(alt) and ref[0] == alt[0]:
            ref, alt, start = ref[1:], alt[1:], start + 1
        kind = "SNP" if len(ref) == len(alt) == 1 else "INS" if not ref else "DEL" if not alt else "ONP"
        last = start + max(len(ref), 1) - 1
        if kind == "INS":  # MAF names the two bases between which it lies
            start, last = start - 1, start
        return {
            "chromosome": cells[0],
            "start": str(start),
            "end": str(last),
            "ref": ref or "-",
            "alt": alt or "-",
            "variant_type": kind,
        }

    def _leave_open(self, column: _Column, facts: Mapping[str, str]) -> None:
        known = (column.name, facts["gene"])
        if self.options.no_call == "unknown" and known not in self.open:
            self.open.add(known)
            nowhere = {**facts, "classification": NO_CALL, "protein": ""}
            self._add(column, nowhere, {"ref_count": np.nan, "alt_count": np.nan, "depth": np.nan})

    def _add(self, column: _Column, facts: Mapping[str, str], counts: Mapping[str, float]) -> None:
        self.rows.append(column.key)
        for name, values in self.texts.items():
            text = column.name if name == "sample" else facts[name]
            values.append(self.shared.setdefault(text, text))
        for name, numbers in self.numbers.items():
            numbers.append(float(facts[name]) if name in facts else counts[name])

    def tell(self) -> None:
        """Say what was left out."""
        if self.options.say is None:
            return
        if self.left_out:
            words = ", ".join(f"{word} {count}" for word, count in self.left_out.most_common(5))
            self.options.say(f"{self.name}: {sum(self.left_out.values())} sites left out by FILTER ({words})")
        if self.dropped:
            self.options.say(f"{self.name}: {len(self.dropped)} samples left out ({', '.join(self.dropped[:5])})")

    def fields(self) -> dict[str, npt.NDArray[np.object_] | FloatArray]:
        """Return the fields as arrays."""
        fields: dict[str, npt.NDArray[np.object_] | FloatArray] = {
            name: np.array(values, dtype=object) for name, values in self.texts.items()
        }
        fields.update({name: np.array(values, dtype=np.float64) for name, values in self.numbers.items()})
        fields["build"] = np.empty(len(self.rows), dtype=object)
        fields["build"].fill(self.build)
        return fields


def _info(text: str, key: str) -> str:
    begin = text.find(f"{key}=") if text.startswith(f"{key}=") else text.find(f";{key}=") + 1
    if begin == 0 and not text.startswith(f"{key}="):
        return ""
    return text[begin + len(key) + 1 :].split(";", 1)[0]


def _counts(form: str, text: str, allele: int) -> dict[str, float]:
    """Return read counts of the reference and the allele from AD, and the depth from DP, NaN where not given."""
    given = dict(zip(form.split(":"), text.split(":"), strict=False))
    parts = given.get("AD", "").split(",")
    numbers = [float(part) if part.isdigit() else np.nan for part in parts]
    ref = numbers[0] if len(numbers) > allele else np.nan
    alt = numbers[allele] if len(numbers) > allele else np.nan
    depth = given.get("DP", "")
    return {"ref_count": ref, "alt_count": alt, "depth": float(depth) if depth.isdigit() else ref + alt}


def sample_names(path: str | Path) -> Sequence[str]:
    """Return the samples that the header of a VCF names, normals included."""
    with TextStream(path) as stream:
        for line in stream.lines():
            if line.startswith("#CHROM"):
                return line.split("\t")[9:]
    raise FileFormatError(f"{Path(path).name} without the line #CHROM", "a VCF file", "check the export")
