"""Gene sets (GMT), signature weights, and mutational signatures as their publishers ship them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genoxel.core.errors import FileFormatError
from genoxel.core.image import FloatArray
from genoxel.io.delimited import read_grid
from genoxel.io.files import safe_text
from genoxel.io.matrix import read_matrix
from genoxel.omics.symbols import current, damaged


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
