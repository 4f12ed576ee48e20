"""Expression matrices: genes x samples or samples x genes, as text, packed or not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from genoxel.core.errors import FileFormatError, TableError
from genoxel.core.ids import Barcode, clean_id, is_tcga
from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Source, Table
from genoxel.io.delimited import Grid, read_grid
from genoxel.omics.symbols import damaged
from genoxel.omics.texts import is_missing

_GENE_WORDS = ("gene", "genes", "hugo_symbol", "symbol", "gene_symbol", "gene_name", "gene_id", "genesymbol", "hgnc")
_SAMPLE_WORDS = (
    *("patient", "patient_id", "patientid", "sample", "sample_id", "sampleid", "case", "case_id", "case id", "id"),
    "barcode",
)
_ANNOTATION = ("entrez_gene_id", "entrez", "entrezid", "description", "gene_type", "composite.element.ref", "cytoband")


def read_expression(path: str | Path, unit: str = "", ids: Collection[str] = (), skip: Sequence[str] = ()) -> Table:
    """Return an expression matrix as a `Table` of kind "expression": rows are samples, columns genes in `unit`.

    Which side holds the samples is seen by TCGA barcodes, by `ids` (patients or samples that are known), or by the
    word above the first column; otherwise the file is refused. TCGA barcodes are cut to the patient and kept as sample
    in the row key. `skip` names columns to leave out. Empty cells and NA are missing. Raises `TableError` for genes or
    samples that occur twice and for symbols damaged by a spreadsheet, `FileFormatError` for cells that are no number.
    """
    grid = _without(read_grid(path), {*(name.casefold() for name in skip), *_ANNOTATION})
    first = [clean_id(row[0]) for row in grid.rows]
    header = [clean_id(name) for name in grid.header[1:]]
    values = _numbers(grid)
    if _samples_in_header(grid, first, header, set(ids)):
        samples, genes, values = header, first, values.T
    else:
        samples, genes = first, header
    _check_genes(genes, grid.name)
    source = Source(family="expression")
    columns = tuple(Column(gene, unit=unit, source=source) for gene in genes)
    return Table(values, tuple(_key(sample, grid.name) for sample in samples), columns, "expression")


def _without(grid: Grid, names: set[str]) -> Grid:
    keep = [place for place, name in enumerate(grid.header) if place == 0 or name.casefold() not in names]
    rows = tuple(tuple(row[place] for place in keep) for row in grid.rows)
    return Grid(grid.name, tuple(grid.header[place] for place in keep), rows, grid.lines, grid.delimiter)


def _samples_in_header(grid: Grid, first: list[str], header: list[str], ids: set[str]) -> bool:
    """Return whether samples stand in the header; by barcodes, then known ids, then the word above the first column."""
    for known in (is_tcga, ids.__contains__):
        above, beside = (sum(map(known, names)) for names in (header, first))
        if above != beside:
            return above > beside
    word = grid.header[0].casefold()
    if word in _GENE_WORDS:
        return True
    if word in _SAMPLE_WORDS:
        return False
    raise FileFormatError(
        f"{grid.name}, in which samples cannot be told from genes (first column {grid.header[0]!r})",
        "'gene' or 'sample' above the first column, or TCGA barcodes",
        "rename the first column",
    )


def _numbers(grid: Grid) -> FloatArray:
    values = np.empty((len(grid.rows), len(grid.header) - 1))
    for place, (row, line) in enumerate(zip(grid.rows, grid.lines, strict=True)):
        try:
            values[place] = np.fromiter(map(float, row[1:]), np.float64, len(row) - 1)
        except ValueError:
            values[place] = [
                _number(cell, name, line, grid) for cell, name in zip(row[1:], grid.header[1:], strict=True)
            ]
    bad = np.argwhere(np.isinf(values))
    if len(bad):
        row, column = bad[0].tolist()
        raise FileFormatError(
            f"an infinite value in line {grid.lines[row]} of {grid.name} ({grid.header[column + 1]})",
            "finite numbers",
            "correct it, or leave it empty",
        )
    return values


def _number(cell: str, name: str, line: int, grid: Grid) -> float:
    if is_missing(cell):
        return np.nan
    try:
        return float(cell)
    except ValueError:
        raise FileFormatError(
            f"{cell!r} in line {line}, column {name!r} of {grid.name}",
            "numbers",
            f"correct it, or leave that column out: skip=({name!r},)",
        ) from None


def _check_genes(genes: Sequence[str], name: str) -> None:
    empty = sum(not gene for gene in genes)
    if empty:
        raise TableError(f"{empty} rows of {name} without gene name", "a gene in every row", "remove them")
    if len(set(genes)) < len(genes):
        seen: set[str] = set()
        twice = sorted({gene for gene in genes if gene in seen or seen.add(gene)})  # type: ignore[func-returns-value]
        some = ", ".join(twice[:5]) + (" ..." if len(twice) > 5 else "")
        raise TableError(f"{len(twice)} genes more than once in {name}: {some}", "each gene once", "keep one of each")
    lost = damaged(genes)
    if lost:
        some = ", ".join(f"{gene!r} ({' or '.join(was) or 'a gene'})" for gene, was in list(lost.items())[:5])
        raise TableError(
            f"gene names that a spreadsheet turned into dates or numbers in {name}: {some}",
            "gene symbols",
            "export the matrix again without a spreadsheet",
        )


def _key(sample: str, name: str) -> RowKey:
    if not sample:
        raise TableError(f"a sample without name in {name}", "an id for every sample", "name it")
    if not is_tcga(sample):
        return RowKey(sample)
    barcode = Barcode.parse(sample)
    return RowKey(barcode.patient, sample=sample if barcode.kind else "")
