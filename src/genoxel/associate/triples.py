"""Concordant triples: a gene whose copies drive its expression, and a feature that follows both in one direction.

A triple is claimed only if all three links stand: copies with expression (more copies, more expression), feature with
copies, feature with expression, the last two of one sign. Its p is the largest of the three (intersection-union test),
so that a single strong link never carries a triple.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError, TableError
from genoxel.core.image import frozen
from genoxel.core.table import Table
from genoxel.stats.multiple import benjamini_hochberg
from genoxel.stats.rankp import rank_correlation_p
from genoxel.stats.ranks import FloatArray, ranks

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 10


@dataclass(frozen=True, eq=False)
class Triples:
    """Gene by feature: rho_dosage (copies, expression), rho_copies and rho_expression (feature), p, q, concordant.

    q is Benjamini-Hochberg over all triples; p is 1 where the signs do not agree. `left_out` counts genes in both
    tables that have a missing or constant value, or no feature.
    """

    rows: Mapping[str, npt.NDArray[Any]]
    n: int
    genes: int
    left_out: int
    q: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", frozen(self.rows))

    @property
    def passing(self) -> int:
        """How many triples are concordant at the false discovery rate."""
        return int(np.asarray(self.rows["concordant"]).sum())

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per gene and feature."""
        import pandas as pd

        return pd.DataFrame(dict(self.rows))

    def __repr__(self) -> str:
        return f"Triples: {self.passing} of {len(self.rows['q'])} concordant at q <= {self.q:g}, n = {self.n}"


def triples(image: Table, copynumber: Table, expression: Table, q: float = 0.05) -> Triples:
    """Return the triples of every gene in both molecular tables and every feature, by Spearman's rho.

    Patients are those of all three tables. Raises `InputError` for fewer than 10 of them, `TableError` when no gene
    stands in both tables, or no column is complete and varies.

    >>> from genoxel.core.table import Column
    >>> rng = np.random.default_rng(0)
    >>> people, copies = [f"P{i}" for i in range(50)], rng.normal(size=(50, 2))
    >>> genes = (Column("EGFR"), Column("TP53"))
    >>> made = copies * [1, 0] + 0.5 * rng.normal(size=(50, 2))
    >>> found = triples(Table(made[:, :1], people, (Column("texture"),)), Table(copies, people, genes, "copynumber"),
    ...                 Table(made, people, genes, "expression"))
    >>> found.rows["gene"][found.rows["concordant"]].tolist()
    ['EGFR']
    """
    tables = [table.per_patient("only") for table in (image, copynumber, expression)]
    shared = sorted(set.intersection(*(set(table.patients) for table in tables)))
    if len(shared) < FEWEST:
        raise InputError(f"{len(shared)} patients with all three", f"at least {FEWEST}", "pool sites")
    inside = set(tables[2].names)
    genes = [name for name in tables[1].names if name in inside]
    if not genes:
        raise TableError("copy number and expression without a gene in common", "the same symbols", "rename one")
    x, copies, made = (
        table.of_patients(shared).select(names).values
        for table, names in zip(tables, (tables[0].names, genes, genes), strict=True)
    )
    numeric = [column.kind in ("real", "count", "ordinal", "binary") for column in tables[0].columns]
    good_x = _usable(x) & np.array(numeric)
    good = _usable(copies) & _usable(made)
    if not good.any() or not good_x.any():
        raise TableError("no complete column that varies in all three tables", "one of each", "choose other columns")
    features = [name for name, keep in zip(tables[0].names, good_x, strict=True) if keep]
    kept = [gene for gene, keep in zip(genes, good, strict=True) if keep]
    rows = _rows(_unit(x[:, good_x]), _unit(copies[:, good]), _unit(made[:, good]))
    rows["gene"] = np.repeat(np.array(kept, dtype=object), len(features))
    rows["image"] = np.tile(np.array(features, dtype=object), len(kept))
    rows["q"] = benjamini_hochberg(rows["p"])
    rows["concordant"] = rows["q"] <= q
    return Triples({name: rows[name] for name in _ORDER}, len(shared), len(kept), len(genes) - len(kept), q)


_ORDER = ("gene", "image", "rho_dosage", "rho_copies", "rho_expression", "p", "q", "concordant")


def _usable(values: FloatArray) -> npt.NDArray[np.bool_]:
    known = ~np.isnan(values).any(axis=0)
    return np.asarray(known & (np.ptp(np.where(known, values, 0.0), axis=0) > 0))


def _unit(values: FloatArray) -> FloatArray:
    centred = ranks(values) - (len(values) + 1) / 2
    return np.asarray(centred / np.sqrt((centred**2).sum(axis=0)))


def _rows(x: FloatArray, copies: FloatArray, made: FloatArray) -> dict[str, npt.NDArray[Any]]:
    n = np.full(1, len(x))
    dosage = (copies * made).sum(axis=0)[:, None]
    with_copies, with_expression = copies.T @ x, made.T @ x
    agree = (np.sign(with_copies) == np.sign(with_expression)) & (dosage > 0)
    cis = rank_correlation_p(dosage, n) / 2  # more copies, more expression: one-sided
    largest = np.maximum(rank_correlation_p(with_copies, n), rank_correlation_p(with_expression, n))
    p = np.where(agree, np.maximum(largest, cis), 1.0)
    return {
        "rho_dosage": np.broadcast_to(dosage, p.shape).ravel(),
        "rho_copies": with_copies.ravel(),
        "rho_expression": with_expression.ravel(),
        "p": p.ravel(),
    }
