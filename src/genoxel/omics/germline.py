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


def polygenic_score(
    dosages: Table, alleles: Mapping[str, tuple[str, str]], weights: Mapping[str, Weight], known: float = 0.9
) -> tuple[Table, dict[str, str]]:
    """Return (score per person, variants left out with the reason).

    `dosages` counts copies (0 to 2) of the second of `alleles[variant]` = (reference, counted). A score file that
    counts the other allele is turned round (2 - dosage); one written for the other strand is matched by complement;
    A/T and C/G, which look alike on both strands, are left out. Missing dosages take the mean of the others. Raises
    `TableError` for dosages outside 0 to 2, and when less than the share `known` of the variants can be used.
    """
    score = np.zeros(len(dosages))
    left_out: dict[str, str] = {}
    for name, line in weights.items():
        if name not in dosages or name not in alleles:
            left_out[name] = "not measured"
            continue
        turned = _turned(alleles[name], line)
        if isinstance(turned, str):
            left_out[name] = turned
            continue
        copies = dosages[name]
        if np.nanmin(copies) < 0 or np.nanmax(copies) > 2:
            raise TableError(f"a dosage outside 0 to 2 of {name}", "0 to 2 copies", "are these allele fractions?")
        copies = np.where(np.isnan(copies), np.nanmean(copies), copies)
        score += line.weight * (2.0 - copies if turned else copies)
    used = len(weights) - len(left_out)
    if used < known * len(weights):
        raise TableError(f"{used} of {len(weights)} variants of the score usable", f"at least {known:.0%}", "see why")
    words = f"sum of weights times copies, {used} of {len(weights)} variants"
    column = Column("polygenic score", unit="score", definition=words, source=Source(family="germline"))
    return Table(score[:, None], dosages.rows, (column,), "germline"), left_out


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
