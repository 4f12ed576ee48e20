"""Gene sets (GMT), signature weights, and mutational signatures as their publishers ship them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from genoxel.core.errors import FileFormatError
from genoxel.core.image import FloatArray
from genoxel.io.delimited import Grid, read_grid
from genoxel.io.files import safe_text
from genoxel.io.matrix import read_matrix
from genoxel.omics.symbols import current, damaged
from genoxel.omics.texts import read_numbers


def read_gmt(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Return name -> genes of a GMT file: name, description, then genes, tab-separated; genes keep their order.

    Weights after a comma (as Enrichr writes them) are dropped; a gene named twice counts once. Raises
    `FileFormatError` for sets without genes, sets named twice, and genes that a spreadsheet damaged.
    """
    sets: dict[str, tuple[str, ...]] = {}
    file = Path(path)
    for number, line in enumerate(safe_text(file).splitlines(), 1):
        if not line.strip():
            continue
        name, *rest = line.split("\t")
        genes = tuple(dict.fromkeys(cell.partition(",")[0].strip() for cell in rest[1:] if cell.strip()))
        lost = damaged(genes)
        if not genes or name in sets or lost:
            reason = (
                "named twice" if name in sets else f"with the gene {next(iter(lost))!r}" if lost else "without genes"
            )
            raise FileFormatError(
                f"the gene set {name[:40]!r} {reason} in line {number} of {file.name}",
                "name, description, genes, separated by tabs; each set once",
                "correct that line",
            )
        sets[name.strip()] = genes
    if not sets:
        raise FileFormatError(f"{file.name} without any gene set", "a GMT file", "is this the right file?")
    return sets


def read_weights(path: str | Path) -> tuple[tuple[str, ...], tuple[str, ...], FloatArray]:
    """Return (row names, column names, numbers) of a table of weights: centroids, signatures, cell types.

    COSMIC's file of mutational signatures has this form: 96 rows such as A[C>A]A, one column per signature.
    """
    matrix = read_matrix(path)
    return matrix.first, matrix.header, np.array(matrix.values())


_GENE = ("symbol", "gene", "genes", "gene_symbol", "gene.symbol", "hugo_symbol", "hgnc_symbol", "hugo.gene.symbol")
_WEIGHT = ("weight", "weights", "coefficient", "coefficients", "coef", "beta", "loading")


def read_gene_weights(path: str | Path) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return (gene -> weight, genes without one) of a score, such as the reference genes of an assay.

    Genes stand in a column of a usual name (else the first), weights in one called weight, coefficient, ...; a file
    without such a name may have one column of numbers only, since an Entrez number is no weight. Raises
    `FileFormatError` for several, for a weight that is a word, and for genes that are empty, damaged or named twice.
    """
    grid = read_grid(path)
    folded = [name.casefold().strip() for name in grid.header]
    genes = next((folded.index(name) for name in _GENE if name in folded), 0)
    place = next((folded.index(name) for name in _WEIGHT if name in folded), None)
    if place is None:
        numbers = [at for at in range(len(folded)) if at != genes and not _odd_number(grid, at)]
        if len(numbers) != 1:
            some = ", ".join(grid.header[at] for at in numbers) or "none"
            got = f"{grid.name} with these columns of numbers beside the genes: {some}"
            raise FileFormatError(got, "one column called weight", "name the column of weights so")
        place = numbers[0]
    if odd := _odd_number(grid, place):
        raise FileFormatError(f"{odd} of {grid.name}", "a number", "correct it, or remove the row")
    found: dict[str, float] = {}
    for row, line in zip(grid.rows, grid.lines, strict=True):
        gene = current(row[genes].strip())
        if not gene or gene in found or damaged([gene]):
            got = f"the gene {gene!r} {'twice' if gene in found else ''} in line {line} of {grid.name}"
            raise FileFormatError(" ".join(got.split()), "each gene once, as a symbol", "correct that line")
        found[gene] = read_numbers({"": row[place]})[0][""]
    without = tuple(gene for gene, weight in found.items() if math.isnan(weight))
    if len(without) == len(found):
        raise FileFormatError(f"{grid.name} without any weight", "a number beside each gene", "is this the right file?")
    return {gene: weight for gene, weight in found.items() if gene not in without}, without


def _odd_number(grid: Grid, place: int) -> str:
    """Return the first cell of a column that is a word, and its line; empty where all are numbers or missing."""
    cells = dict(zip(grid.lines, (row[place] for row in grid.rows), strict=True))
    numbers, odd = read_numbers(cells)
    line = next((one for one in grid.lines if one in odd or math.isinf(numbers[one])), None)
    return "" if line is None else f"{cells[line]!r} as {grid.header[place]} in line {line}"


def read_edges(path: str | Path) -> tuple[tuple[str, str], ...]:
    """Return the pairs of genes of a network: a table whose first two columns name genes (others are ignored).

    Genes take their current names. Raises `FileFormatError` for an empty name, and for names that a spreadsheet
    damaged.
    """
    grid = read_grid(path)
    if len(grid.header) < 2:
        raise FileFormatError(f"{grid.name} with one column", "two columns of genes", "check the separator")
    lost = damaged(cell for row in grid.rows for cell in row[:2])
    if lost:
        raise FileFormatError(f"the gene {next(iter(lost))!r} in {grid.name}", "gene symbols", "export it again")
    for row, line in zip(grid.rows, grid.lines, strict=True):
        if not row[0].strip() or not row[1].strip():
            raise FileFormatError(f"an empty gene in line {line} of {grid.name}", "two genes per row", "remove the row")
    return tuple((current(row[0].strip()), current(row[1].strip())) for row in grid.rows)


def read_centroids(path: str | Path) -> tuple[tuple[str, ...], tuple[str, ...], FloatArray]:
    """Return (genes, classes, centroids) of a file of centroids, genes in their current names.

    Reads a plain table (genes x classes) and the form of the R package genefu, in which lines such as
    `# centroid.LumA: 0.1 0.2 ...` stand above the list of genes. Raises `FileFormatError` when they do not fit.
    """
    text = safe_text(path)
    heads = [line for line in text.splitlines() if line.startswith("# centroid.")]
    if not heads:
        genes, classes, values = read_weights(path)
        return tuple(current(gene) for gene in genes), classes, values
    grid = read_grid(path)
    genes = tuple(current(cell) for cell in grid.column(grid.header[0]))
    found = {}
    for line in heads:
        name, _, numbers = line.removeprefix("# centroid.").partition(":")
        found[name.strip()] = [float(number) for number in numbers.split()]
        if len(found[name.strip()]) != len(genes):
            raise FileFormatError(
                f"{len(found[name.strip()])} numbers of centroid {name} for {len(genes)} genes in {Path(path).name}",
                "one number per gene",
                "copy the file again",
            )
    return genes, tuple(found), np.array(list(found.values())).T


def read_hgnc(path: str | Path) -> dict[str, str]:
    """Return older name or alias -> current symbol of HGNC's file hgnc_complete_set.txt.

    A name that is current itself, or that leads to several genes, is left out: it is never replaced.
    """
    grid = read_grid(path, delimiter="\t", quotes=False)
    symbols = [cell.strip() for cell in grid.column("symbol")]
    targets: dict[str, set[str]] = {}
    for column in ("prev_symbol", "alias_symbol"):
        for symbol, cell in zip(symbols, grid.column(column), strict=True):
            for name in cell.strip().strip('"').split("|"):
                if name:
                    targets.setdefault(name, set()).add(symbol)
    known = set(symbols)
    return {name: next(iter(found)) for name, found in targets.items() if len(found) == 1 and name not in known}
