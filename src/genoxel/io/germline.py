"""Files of polygenic scores: the alleles that dosages count, and the weights of a score."""

from __future__ import annotations

import math
from pathlib import Path

from genoxel.core.errors import FileFormatError
from genoxel.io.delimited import Grid, read_grid
from genoxel.omics.germline import Weight

_BASES = frozenset("ACGT")


def read_alleles(path: str | Path) -> dict[str, tuple[str, str]]:
    """Return variant -> (reference, counted) of a table with the columns variant, ref, counted.

    Raises `FileFormatError` for a variant named twice and for alleles that are no bases.
    """
    grid = read_grid(path)
    return {
        name: (_allele(ref, grid, name), _allele(counted, grid, name))
        for name, ref, counted in zip(_names(grid), grid.column("ref"), grid.column("counted"), strict=True)
    }


def read_weights_of_variants(path: str | Path) -> dict[str, Weight]:
    """Return variant -> weight of a score file with the columns variant, effect, other, weight.

    Raises `FileFormatError` for a variant named twice, alleles that are no bases, and weights that are no numbers.
    """
    grid = read_grid(path)
    found = {}
    rows = zip(_names(grid), grid.column("effect"), grid.column("other"), grid.column("weight"), strict=True)
    for name, effect, other, weight in rows:
        try:
            number = float(weight)
        except ValueError:
            raise FileFormatError(f"the weight {weight!r} of {name} in {grid.name}", "a number", "correct it") from None
        if not math.isfinite(number):
            raise FileFormatError(f"the weight {weight!r} of {name} in {grid.name}", "a finite number", "correct it")
        found[name] = Weight(_allele(effect, grid, name), _allele(other, grid, name), number)
    return found


def _names(grid: Grid) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in grid.column("variant"))
    twice = sorted({name for name in names if names.count(name) > 1 or not name})
    if twice:
        raise FileFormatError(f"the variant {twice[0]!r} twice or empty in {grid.name}", "each once", "keep one row")
    return names


def _allele(text: str, grid: Grid, name: str) -> str:
    allele = text.strip().upper()
    if not allele or set(allele) - _BASES:
        raise FileFormatError(f"the allele {text!r} of {name} in {grid.name}", "A, C, G, T", "correct it")
    return allele
