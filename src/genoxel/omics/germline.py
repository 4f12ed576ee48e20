"""Polygenic scores: the user's weights on the user's dosages, with alleles brought to the same side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.table import Column, Source, Table

_PARTNER = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True)
class Weight:
    """One line of a score file: the weight of each copy of `effect` against `other`."""

    effect: str
    other: str
    weight: float


class PolygenicScore:
    """A polygenic score; `fit` learns the mean copies of each variant, which stand in where a dosage is missing.

    Dosages count copies (0 to 2) of the second of `alleles[variant]` = (reference, counted). A score file that counts
    the other allele is turned round (2 - dosage); one written for the other strand is matched by complement; A/T and
    C/G, which look alike on both strands, are left out. `left_out` says which and why.
    """

    def __init__(
        self, alleles: Mapping[str, tuple[str, str]], weights: Mapping[str, Weight], known: float = 0.9
    ) -> None:
        self.alleles, self.weights, self.known = dict(alleles), dict(weights), known
        self.left_out: dict[str, str] = {}
        self._means: dict[str, float] = {}

    def fit(self, table: Table) -> PolygenicScore:
        """Learn the means; `TableError` for dosages outside 0 to 2, and when too few variants can be used."""
        self.left_out, self._means = {}, {}
        for name, line in self.weights.items():
            if name not in table or name not in self.alleles:
                self.left_out[name] = "not measured"
            elif isinstance(turned := _turned(self.alleles[name], line), str):
                self.left_out[name] = turned
            else:
                copies = table[name][~np.isnan(table[name])]
                if copies.size and (copies.min() < 0 or copies.max() > 2):
                    got = f"a dosage outside 0 to 2 of {name}"
                    raise TableError(got, "0 to 2 copies", "are these allele fractions?")
                self._means[name] = float(copies.mean()) if copies.size else np.nan
        used = len(self._means)
        if used < self.known * len(self.weights):
            got, legal = f"{used} of {len(self.weights)} variants of the score usable", f"at least {self.known:.0%}"
            raise TableError(got, legal, "see why")
        return self

    def transform(self, table: Table) -> Table:
        """Return the score of each person."""
        score = np.zeros(len(table))
        for name, mean in self._means.items():
            line = self.weights[name]
            copies = np.where(np.isnan(table[name]), mean, table[name])
            score += line.weight * (2.0 - copies if _turned(self.alleles[name], line) is True else copies)
        words = f"sum of weights times copies, {len(self._means)} of {len(self.weights)} variants"
        column = Column("polygenic score", unit="score", definition=words, source=Source(family="germline"))
        return Table(score[:, None], table.rows, (column,), "germline")


def polygenic_score(
    dosages: Table, alleles: Mapping[str, tuple[str, str]], weights: Mapping[str, Weight], known: float = 0.9
) -> tuple[Table, dict[str, str]]:
    """Return (score per person, variants left out with the reason), learned and scored on the same people.

    See `PolygenicScore` for how alleles are matched. Raises `TableError` for dosages outside 0 to 2, and when less
    than the share `known` of the variants can be used.
    """
    scorer = PolygenicScore(alleles, weights, known).fit(dosages)
    return scorer.transform(dosages), scorer.left_out


def _turned(alleles: tuple[str, str], line: Weight) -> bool | str:
    """Return whether the score counts the reference allele; a text says why the variant cannot be used."""
    ref, alt = (allele.upper() for allele in alleles)
    effect, other = line.effect.upper(), line.other.upper()
    if ref.translate(_PARTNER) == alt:
        return "the same on both strands"
    for one, two in ((effect, other), (effect.translate(_PARTNER), other.translate(_PARTNER))):
        if (one, two) == (alt, ref):
            return False
        if (one, two) == (ref, alt):
            return True
    return f"other alleles ({ref}/{alt} measured, {effect}/{other} in the score)"
