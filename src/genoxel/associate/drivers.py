"""Drivers and images: patients with one mutation alone, with company, and with none, beside each other.

A gene's link with an image may be that of its companions. Each gene is therefore set apart three times, as paper-like
contrasts with Cohen's d (mutant only v wild type, co-mutated v wild type, mutant only v co-mutated), and once jointly,
in one linear model of all genes, where d is what a gene adds at equal status of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genoxel.associate.numbers import FEWEST_IN_GROUP, GroupPairs, Measured
from genoxel.core.errors import TableError
from genoxel.core.image import frozen
from genoxel.core.table import Table
from genoxel.stats.multiple import benjamini_hochberg
from genoxel.stats.ranks import FloatArray

if TYPE_CHECKING:
    import pandas as pd

CONTRASTS = ("mutant only v wild type", "co-mutated v wild type", "mutant only v co-mutated", "joint model")
FLAG_FEW = f"fewer than {FEWEST_IN_GROUP} in a group"


@dataclass(frozen=True, eq=False)
class DriverContrasts:
    """Image features against exclusive and joint drivers.

    `counts` maps gene -> patients mutant only, co-mutated, wild type in all genes, and left out since a gene is
    unknown. `rows` holds, per gene, contrast and feature: n1, n0 (patients in the first and second group), d, low,
    high, p, q (Benjamini-Hochberg over all rows) and flag.
    """

    genes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    rows: Mapping[str, npt.NDArray[Any]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", frozen(self.counts))
        object.__setattr__(self, "rows", frozen(self.rows))

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per gene, contrast and feature."""
        import pandas as pd

        return pd.DataFrame(dict(self.rows))

    def __repr__(self) -> str:
        with np.errstate(invalid="ignore"):
            passing = int((np.asarray(self.rows["q"]) <= 0.05).sum())
        return f"DriverContrasts of {', '.join(self.genes)}: {passing} of {len(self.rows['q'])} contrasts at q <= 0.05"


def drivers(image: Table, status: Table) -> DriverContrasts:
    """Return the contrasts of every image feature with the genes of `status` (binary, 1 mutant, NaN unknown).

    A patient of whom any gene is unknown is left out and counted: exclusive is only who is known to be wild type in
    all others. d > 0 means higher values in the first group; intervals are noncentral t. Raises `TableError` for
    fewer than two genes or other values than 0 and 1.

    >>> from genoxel.core.table import Column
    >>> rng = np.random.default_rng(1)
    >>> people = [f"P{i}" for i in range(60)]
    >>> genes = Table(rng.random((60, 2)) < 0.4, people, (Column("EGFR", "binary"), Column("KRAS", "binary")))
    >>> size = Table(genes.values[:, :1] + rng.normal(size=(60, 1)), people, (Column("volume"),))
    >>> found = drivers(size, genes)
    >>> bool(found.counts["EGFR"]["co-mutated"] + found.counts["EGFR"]["mutant only"] == genes["EGFR"].sum())
    True
    """
    left, right = image.per_patient("only"), status.per_patient("only")
    common = sorted(set(left.patients) & set(right.patients))
    x, y = left.of_patients(common), right.of_patients(common)
    _check(y)
    known = np.asarray(~np.isnan(y.values).any(axis=1))
    mutant = np.where(known[:, None], y.values, np.nan)
    others = np.nansum(mutant, axis=1)[:, None] - mutant
    none = np.asarray(np.nansum(mutant, axis=1) == 0)
    parts, counts = [], {}
    for place, gene in enumerate(y.names):
        mine, more = np.asarray(mutant[:, place] == 1), np.asarray(others[:, place] > 0)
        only, company = known & mine & ~more, known & mine & more
        wild = known & none
        counts[gene] = {
            "mutant only": int(only.sum()),
            "co-mutated": int(company.sum()),
            "wild type": int(wild.sum()),
            "left out, a gene unknown": int((~known).sum()),
        }
        for name, first, second in zip(CONTRASTS, (only, company, only), (wild, wild, company), strict=False):
            group = np.where(first, 1.0, np.where(second, 0.0, np.nan))
            parts.append(_rows(x, gene, name, group, _measured(x.values, group, None)))
        rest = np.delete(mutant, place, axis=1)
        parts.append(_rows(x, gene, CONTRASTS[3], mutant[:, place], _measured(x.values, mutant[:, place], rest)))
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows["q"] = benjamini_hochberg(rows["p"])
    return DriverContrasts(y.names, counts, {name: rows[name] for name in _ORDER})


_ORDER = ("gene", "contrast", "image", "n1", "n0", "d", "low", "high", "p", "q", "flag")


def _check(status: Table) -> None:
    if len(status.columns) < 2:
        raise TableError(f"{len(status.columns)} gene", "two genes or more", "use screen for a single one")
    known = status.values[~np.isnan(status.values)]
    if not np.isin(known, (0, 1)).all():
        raise TableError("values other than 0 and 1 of mutation status", "0 wild type, 1 mutant", "leave unknown empty")


def _measured(x: FloatArray, group: FloatArray, rest: FloatArray | None) -> Measured:
    if rest is None:
        return GroupPairs(x, group[:, None], None, "cohens_d").measure()
    block = GroupPairs(x, group[:, None], rest, "cohens_d")
    found, raw = block.adjusted(), block.measure()
    found.flag[:] = np.where((found.flag == 0) & np.isnan(found.p), 3, np.maximum(found.flag, raw.flag))
    return found


def _rows(x: Table, gene: str, contrast: str, group: FloatArray, found: Measured) -> dict[str, npt.NDArray[Any]]:
    size = len(x.columns)
    inside = ~np.isnan(x.values)
    n1 = (inside & (group == 1)[:, None]).sum(axis=0)
    n0 = (inside & (group == 0)[:, None]).sum(axis=0)
    few = np.minimum(n1, n0) < FEWEST_IN_GROUP
    flag = np.where(few, FLAG_FEW, np.where(found.flag[:, 0] == 0, "", "too few patients, constant, or explained"))
    values = {name: np.where(few, np.nan, getattr(found, key)[:, 0]) for name, key in _VALUES.items()}
    return {
        "gene": np.full(size, gene, dtype=object),
        "contrast": np.full(size, contrast, dtype=object),
        "image": np.array(x.names, dtype=object),
        "n1": n1,
        "n0": n0,
        **values,
        "flag": flag.astype(object),
    }


_VALUES = {"d": "effect", "low": "low", "high": "high", "p": "p"}
