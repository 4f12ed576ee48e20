"""Small published gene sets that stand for one theme each, scored as the mean of their measured genes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from genoxel.core.errors import TableError
from genoxel.core.table import Table
from genoxel.omics.immune import marker_means

AXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "proliferation": (
            *("BIRC5", "CCNB1", "CDC20", "NUF2", "CEP55", "NDC80", "MKI67", "PTTG1", "RRM2", "TYMS", "UBE2C"),
        ),
        "angiogenesis": ("VEGFA", "KDR", "ESM1", "PECAM1", "ANGPTL4", "CD34"),
        "T effector": ("CD8A", "EOMES", "PRF1", "IFNG", "CD274"),
    }
)
"""Proliferation: the 11 genes of Nielsen et al., Clin Cancer Res 2010 (all of them PAM50 genes). Angiogenesis and
T effector: IMmotion150, McDermott et al., Nat Med 2018. Other themes (hypoxia, ...) come from the user's GMT file."""


def axis_scores(table: Table, sets: Mapping[str, tuple[str, ...]] = AXES, known: float = 0.5) -> Table:
    """Return the mean of each set's measured genes (log expression), one column per set.

    Raises `TableError` for a set of which less than the share `known` of the genes was measured.

    >>> import numpy as np
    >>> from genoxel.core.table import Column
    >>> names = AXES["angiogenesis"]
    >>> table = Table(np.arange(6.0)[None, :], ("P1",), tuple(Column(name) for name in names), "expression")
    >>> float(axis_scores(table, {"angiogenesis": names})["angiogenesis"][0])
    2.5
    """
    for name, genes in sets.items():
        there = [gene for gene in genes if gene in table]
        if len(there) < known * len(genes):
            lacking = ", ".join(gene for gene in genes if gene not in table)
            raise TableError(
                f"{len(there)} of {len(genes)} genes of the axis {name!r} measured (without {lacking})",
                f"at least {known:.0%}",
                "are the genes written as HGNC symbols? else leave the axis out",
            )
    return marker_means(table, sets)
