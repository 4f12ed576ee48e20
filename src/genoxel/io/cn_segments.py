"""Copy-number segments, loci, and the gene and lesion tables of GISTIC."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from genoxel.core.errors import FileFormatError, TableError
from genoxel.core.ids import clean_id
from genoxel.core.keys import RowKey
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table
from genoxel.io.delimited import Grid, read_grid
from genoxel.io.expression import MatrixRules, read_expression
from genoxel.io.maf import sample_key
from genoxel.omics.genome import LENGTHS, chromosome_name
from genoxel.omics.settings import build_name
from genoxel.omics.texts import read_numbers

_NAMES = {
    "sample": ("sample", "id", "sample_id", "gdc_aliquot", "'id", "barcode", "tumor_sample_barcode"),
    "chromosome": ("chromosome", "chrom", "chr"),
    "start": ("start", "loc.start", "start.bp", "start_position"),
    "end": ("end", "loc.end", "end.bp", "end_position"),
    "value": ("segment_mean", "seg.mean", "seg.cn", "log2ratio", "log2", "copy_number", "total_cn"),
}
_COPIES = ("copy_number", "total_cn")


def read_segments(
    path: str | Path,
    build: str,
    patients: Mapping[str, str] | None = None,
    wanted: Collection[str] = (),
    overlap: Literal["refuse", "unknown"] = "refuse",
    say: Callable[[str], None] | None = None,
) -> Records:
    """Return copy-number segments as `Records` of kind "segments": chromosome, start, end, log2 (of copies / 2).

    Reads SEG of cBioPortal and DNAcopy, GDC segment tables, and tables with absolute copies (then log2 of copies / 2,
    -10 for none); a segment without value stays unknown. Every sample of the file counts as profiled. `build` must be
    said, since the file does not: a segment that ends beyond its chromosome refutes it. Raises `FileFormatError` for
    that, for segments that end before they begin, for what is no number, and for overlapping segments (two samples
    under one name) unless `overlap` is "unknown": then that sample counts as not profiled, and `say` is told.
    """
    grid = read_grid(path)
    place = {name: _place(grid, name) for name in _NAMES}
    copies = grid.header[place["value"]].casefold() in _COPIES
    known = build_name(build)
    if known is None:
        raise TableError(f"genome build {build!r}", ", ".join(LENGTHS), "say which: build = ...")
    keys: dict[str, RowKey] = {}
    for row, line in zip(grid.rows, grid.lines, strict=True):
        sample = clean_id(row[place["sample"]])
        if sample not in keys:
            keys[sample] = sample_key(sample, patients or {}, line)
    names = [clean_id(row[place["sample"]]) for row in grid.rows]
    numbers = {name: _numbers(grid, place[name]) for name in ("start", "end", "value")}
    chromosomes = np.array([chromosome_name(row[place["chromosome"]]) for row in grid.rows], dtype=object)
    _check_ends(grid, chromosomes, numbers["start"], numbers["end"], known)
    value = numbers["value"]
    if copies:
        value = np.where(value <= 0, -10.0, np.log2(np.maximum(value, 1e-9) / 2.0))
    fields = {"chromosome": chromosomes, "start": numbers["start"], "end": numbers["end"], "log2": value}
    records = Records("segments", tuple(keys[name] for name in names), fields, tuple(keys.values()))
    inside = chromosomes != ""
    if wanted:
        inside &= np.array([name in wanted for name in names])
    records = records.take(inside)
    doubtful = _overlapping(records)
    if doubtful and overlap == "refuse":
        key, where = next(iter(doubtful.items()))
        raise FileFormatError(
            f"overlapping segments of {key.text()} at {where} in {grid.name}"
            + (f", and of {len(doubtful) - 1} more" if len(doubtful) > 1 else ""),
            "one value for each place",
            "two samples under one name? name them apart, or read with overlap = 'unknown' to leave them out",
        )
    if doubtful and say is not None:
        whom = ", ".join(key.text() for key in doubtful)
        say(f"{grid.name}: segments of {whom} overlap (two samples under one name?): their copy number is unknown")
    kept = records.take([place for place, row in enumerate(records.rows) if row not in doubtful])
    return replace(kept, profiled=tuple(row for row in kept.profiled or () if row not in doubtful))


def _place(grid: Grid, name: str) -> int:
    folded = {header.casefold(): place for place, header in enumerate(grid.header)}
    found = next((folded[alias] for alias in _NAMES[name] if alias in folded), None)
    if found is None:
        raise FileFormatError(
            f"{grid.name} without a column for {name} (it has {', '.join(grid.header[:8])})",
            ", ".join(_NAMES[name][:4]),
            "is this a segment file? rename its columns",
        )
    return found


def _numbers(grid: Grid, place: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    numbers, odd = read_numbers({line: row[place] for row, line in zip(grid.rows, grid.lines, strict=True)})
    lacking = grid.header[place].casefold() not in _NAMES["value"]  # a segment without value is simply not known
    missing = [line for line, number in numbers.items() if np.isnan(number)] if lacking else []
    if odd or missing:
        line = next(iter(odd), None) or missing[0]
        raise FileFormatError(
            f"{odd.get(line, '(empty)')!r} as {grid.header[place]} in line {line} of {grid.name}",
            "a number",
            "correct it",
        )
    return np.array([numbers[line] for line in grid.lines])


def _check_ends(grid: Grid, chromosomes: object, start: object, end: object, build: str) -> None:
    triples = zip(np.asarray(chromosomes), np.asarray(start), np.asarray(end), grid.lines, strict=True)
    for name, first, last, line in triples:
        if last < first:
            raise FileFormatError(
                f"a segment that ends before it begins in line {line} of {grid.name}", "start <= end", "exchange them"
            )
        if name and last > LENGTHS[build][name]:
            raise FileFormatError(
                f"a segment that ends at {last:.0f} of chromosome {name} in line {line} of {grid.name}",
                f"at most {LENGTHS[build][name]} in {build}",
                "the file is of another build: correct build, or lift it over",
            )


def _overlapping(records: Records) -> dict[RowKey, str]:
    """Return the samples with overlapping segments, each with the first place."""
    chromosomes, keys = records["chromosome"].tolist(), records.rows
    start, end = records["start"].tolist(), records["end"].tolist()
    found: dict[RowKey, str] = {}
    order = sorted(range(len(keys)), key=lambda place: (keys[place], chromosomes[place], start[place]))
    for before, after in pairwise(order):
        same = keys[before] == keys[after] and chromosomes[before] == chromosomes[after]
        if same and start[after] < end[before]:
            found.setdefault(keys[after], f"{chromosomes[after]}:{start[after]:.0f}")
    return found


def read_loci(path: str | Path) -> dict[str, tuple[str, int, int]]:
    """Return name -> (chromosome, first base, last base) of a BED file: chrom, start (from 0), end, name.

    Raises `FileFormatError` for other columns, unknown chromosomes and names that occur twice.
    """
    from genoxel.io.files import safe_text

    loci: dict[str, tuple[str, int, int]] = {}
    for number, line in enumerate(safe_text(path).splitlines(), 1):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        cells = line.split("\t")
        named = len(cells) >= 4 and cells[1].isdigit() and cells[2].isdigit() and chromosome_name(cells[0])
        if not named or cells[3] in loci or int(cells[2]) <= int(cells[1]):
            raise FileFormatError(
                f"line {number} of {Path(path).name}: {line[:60]!r}",
                "chromosome, start from 0, end, a name that occurs once (tab-separated)",
                "correct that line",
            )
        loci[cells[3].strip()] = (chromosome_name(cells[0]), int(cells[1]) + 1, int(cells[2]))
    return loci


def read_gene_copies(path: str | Path, rules: MatrixRules | None = None) -> Table:
    """Return gene-level copy-number calls from -2 (homozygous loss) to 2 (amplification) as a `Table`.

    Reads GISTIC's all_thresholded.by_genes, cBioPortal's wide matrix and its long form (one row per gene and sample).
    Raises `TableError` for other values: a matrix of log ratios is no matrix of calls.
    """
    chosen = rules or MatrixRules()
    if _is_long(path):
        table = _long(read_grid(path, delimiter="\t", quotes=False))
    else:
        kind = MatrixRules(chosen.damage, chosen.twice, chosen.names, chosen.versions, "copynumber", chosen.say)
        table = read_expression(path, unit="call", skip=("locus id", "cytoband", "gene id"), rules=kind)
    known = table.values[~np.isnan(table.values)]
    odd = known[~np.isin(known, (-2.0, -1.5, -1.0, 0.0, 1.0, 2.0))]
    if len(odd):
        raise TableError(
            f"the value {odd[0]:.4g} among copy-number calls of {Path(path).name}",
            "-2, -1, 0, 1, 2",
            "log ratios are another profile: read them as a matrix of numbers",
        )
    return table


def _is_long(path: str | Path) -> bool:
    from genoxel.io.streams import TextStream

    with TextStream(path) as stream:
        line = next((line for line in stream.lines() if line.strip() and not line.startswith("#")), "")
    return {"sample_id", "value"} <= {cell.strip().casefold() for cell in line.split("\t")}


def _long(grid: Grid) -> Table:
    place = {name.casefold(): at for at, name in enumerate(grid.header)}
    genes, samples, cell = place["hugo_symbol"], place["sample_id"], place["value"]
    numbers, odd = read_numbers({line: row[cell] for row, line in zip(grid.rows, grid.lines, strict=True)})
    if odd:
        line, text = next(iter(odd.items()))
        raise FileFormatError(f"{text!r} in line {line} of {grid.name}", "a number", "correct that line")
    columns = {name: at for at, name in enumerate(dict.fromkeys(row[genes].strip() for row in grid.rows))}
    rows = {name: at for at, name in enumerate(dict.fromkeys(clean_id(row[samples]) for row in grid.rows))}
    values = np.full((len(rows), len(columns)), np.nan)
    seen: set[tuple[int, int]] = set()
    for row, line in zip(grid.rows, grid.lines, strict=True):
        at = rows[clean_id(row[samples])], columns[row[genes].strip()]
        if at in seen:
            fix = "keep one of them"
            raise FileFormatError(f"a gene and sample twice, in line {line} of {grid.name}", "each pair once", fix)
        seen.add(at)
        values[at] = numbers[line]
    source = Source(family="copynumber")
    records = tuple(Column(name, unit="call", source=source) for name in columns)
    return Table(values, tuple(sample_key(name, {}, 0) for name in rows), records, "copynumber")


def read_lesions(path: str | Path) -> Table:
    """Return GISTIC's all_lesions table: one row per sample, one column per peak with its level (0, 1, 2)."""
    grid = read_grid(path, delimiter="\t", quotes=False)
    first = next((at for at, name in enumerate(grid.header) if name.casefold() == "amplitude threshold"), None)
    if first is None:
        raise FileFormatError(f"{grid.name} without 'Amplitude Threshold'", "all_lesions of GISTIC 2", "other file?")
    rows = [row for row in grid.rows if "actual copy change" not in row[first].casefold()]
    samples = grid.header[first + 1 :]
    values = np.array([[float(cell) for cell in row[first + 1 :]] for row in rows]).reshape(len(rows), len(samples)).T
    source = Source(family="copynumber")
    columns = tuple(
        Column(
            " ".join(row[0].split()),
            "ordinal",
            definition=row[1].strip(),
            source=source,
            levels=("none", "low", "high"),
        )
        for row in rows
    )
    return Table(values, tuple(sample_key(clean_id(name), {}, 0) for name in samples), columns, "copynumber")
