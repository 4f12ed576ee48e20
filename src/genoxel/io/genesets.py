"""Gene sets (GMT), signature weights, and mutational signatures as their publishers ship them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genoxel.core.errors import FileFormatError
from genoxel.core.image import FloatArray
from genoxel.io.files import safe_text
from genoxel.io.matrix import read_matrix
from genoxel.omics.symbols import damaged


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
