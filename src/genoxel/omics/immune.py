"""Immune context from expression: cytolytic activity, marker sets, and shares of cell types by the user's signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.image import FloatArray
from genoxel.core.table import Column, Source, Table

MARKERS: Mapping[str, tuple[str, ...]] = {
    "CD8 T cells": ("CD8A", "CD8B"),
    "checkpoints": ("PDCD1", "CD274", "CTLA4", "LAG3", "HAVCR2", "TIGIT"),
}
_SOURCE = Source(family="immune")


def cytolytic_activity(table: Table, offset: float = 0.01) -> Table:
    """Return the geometric mean of GZMA and PRF1 plus `offset`, from TPM (not logged).

    Raises `TableError` for negative values, which logged or scaled matrices have. Source: Rooney et al., Cell 2015.

    >>> tpm = Table(np.array([[4.0, 9.0]]), ("P1",), (Column("GZMA", unit="tpm"), Column("PRF1", unit="tpm")))
    >>> float(cytolytic_activity(tpm, offset=0.0)["cytolytic activity"][0])
    6.0
    """
    pair = np.asarray(table.select(["GZMA", "PRF1"]).values)
    logged = any(table.column(gene).unit.startswith(("log", "z")) for gene in ("GZMA", "PRF1"))
    if logged or (pair < 0).any():
        raise TableError("cytolytic activity of a logged or scaled matrix", "TPM or FPKM", "read it without transform")
    score = np.sqrt((pair[:, 0] + offset) * (pair[:, 1] + offset))
    words = f"geometric mean of GZMA and PRF1, each + {offset:g}"
    unit = table.column("GZMA").unit
    column = Column("cytolytic activity", unit=unit, definition=words, source=_SOURCE)
    return Table(score[:, None], table.rows, (column,), "immune")


def marker_means(table: Table, markers: Mapping[str, Sequence[str]] = MARKERS) -> Table:
    """Return the mean of each set's measured genes (log expression); a set without a measured gene is left out."""
    there = {name: [gene for gene in genes if gene in table] for name, genes in markers.items()}
    there = {name: genes for name, genes in there.items() if genes}
    if not there:
        raise TableError("no marker gene measured", "CD8A, PDCD1 and the like", "are these HGNC symbols?")
    values = np.column_stack([np.asarray(table.select(genes).values).mean(axis=1) for genes in there.values()])
    columns = tuple(
        Column(name, unit=table.column(genes[0]).unit, definition=f"mean of {', '.join(genes)}", source=_SOURCE)
        for name, genes in there.items()
    )
    return Table(values, table.rows, columns, "immune")


def weighted_score(table: Table, name: str, weights: Mapping[str, float], known: float = 0.8) -> Table:
    """Return the weighted sum of genes, for the user's recurrence-like or cell-cycle-like score.

    The weights are the user's; the name should end in "-like", since a research score is not a licensed assay. Raises
    `TableError` when less than the share `known` of the genes was measured.
    """
    there = [gene for gene in weights if gene in table]
    if len(there) < known * len(weights):
        lacking = [gene for gene in weights if gene not in table]
        raise TableError(
            f"{len(there)} of {len(weights)} genes of {name} measured (without {', '.join(lacking[:5])})",
            f"at least {known:.0%}",
            "check the symbols",
        )
    score = np.asarray(table.select(there).values) @ np.array([weights[gene] for gene in there])
    words = f"weighted sum of {len(there)} of {len(weights)} genes"
    return Table(score[:, None], table.rows, (Column(name, unit="score", definition=words, source=_SOURCE),), "immune")


def cell_shares(table: Table, genes: Sequence[str], types: Sequence[str], profile: FloatArray) -> Table:
    """Return the share of each cell type and how well the mixture fits, by non-negative least squares.

    `profile` (genes x types) is the user's signature on the scale of `table` (not logged). Shares sum to 1 among the
    types of the signature: they say nothing about cells that it does not hold. Raises `TableError` when fewer than
    half of the genes were measured.
    """
    from scipy.optimize import nnls

    shared = [place for place, gene in enumerate(genes) if gene in table]
    if len(shared) < max(len(types), len(genes) / 2):
        raise TableError(
            f"{len(shared)} of {len(genes)} signature genes measured", "at least half", "check the symbols"
        )
    matrix = np.asarray(profile, dtype=np.float64)[shared]
    values = np.asarray(table.select([genes[place] for place in shared]).values)
    found = np.full((len(values), len(types) + 1), np.nan)
    for row, sample in enumerate(values):
        if np.isnan(sample).any() or not sample.any():
            continue
        shares, _ = nnls(matrix, sample)
        if shares.sum() > 0:
            found[row, :-1] = shares / shares.sum()
            found[row, -1] = np.corrcoef(matrix @ shares, sample)[0, 1]
    words = f"share by non-negative least squares over {len(shared)} genes"
    columns = (
        *(Column(name, unit="share", definition=words, source=_SOURCE) for name in types),
        Column("mixture fit", unit="r", definition="correlation of mixture and sample", source=_SOURCE),
    )
    return Table(found, table.rows, columns, "immune")
