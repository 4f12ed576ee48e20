"""Protein changes in HGVS and its older dialects, and the classes that clinics speak of."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal[
    "missense",
    "nonsense",
    "silent",
    "deletion",
    "insertion",
    "duplication",
    "deletion-insertion",
    "frameshift",
    "extension",
    "splice",
    "start lost",
]

_THREE = "AlaArgAsnAspCysGlnGluGlyHisIleLeuLysMetPheProSerThrTrpTyrVal"
_AMINO = {_THREE[3 * place : 3 * place + 3]: letter for place, letter in enumerate("ARNDCQEGHILKMFPSTWYV")}
_AMINO.update({"Ter": "*", "Sec": "U", "Xaa": "X"})
_WORD = re.compile("|".join(_AMINO))
_SPAN = r"([A-Z*])(\d+)(?:_([A-Z*])?(\d+))?"
_FORMS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("splice", re.compile(r"([A-Z*])(\d+)_splice")),
    ("start lost", re.compile(r"(M)(1)(?:\?|[A-Z]ext.*)")),
    ("extension", re.compile(r"([*X])(\d+)(?:[A-Z]?ext.*|[A-WYZ])")),
    ("frameshift", re.compile(r"([A-Z*])(\d+)[A-Z]?fs.*")),
    ("silent", re.compile(r"([A-Z*])(\d+)=")),
    ("deletion-insertion", re.compile(_SPAN + r"(?:del[A-Z]*ins|>)([A-Z*]+|\d+)")),
    ("deletion", re.compile(_SPAN + r"del(?:[A-Z]*|\d+)")),
    ("duplication", re.compile(_SPAN + r"dup[A-Z]*")),
    ("insertion", re.compile(_SPAN + r"ins([A-Z*]+|\d+)")),
    ("nonsense", re.compile(r"([A-Z])(\d+)[*X]")),
    ("missense", re.compile(r"([A-Z])(\d+)([A-Z])")),
)


@dataclass(frozen=True)
class ProteinChange:
    """A protein change: its kind, first and last residue, the residues that come in, and the residue at `start`."""

    kind: Kind
    ref: str
    start: int
    end: int
    alt: str = ""

    @property
    def growth(self) -> int:
        """Residues that come in less those that go (0 where the text does not say)."""
        lost = self.end - self.start + 1
        if self.kind == "deletion":
            return -lost
        if self.kind == "duplication":
            return lost
        if self.kind == "deletion-insertion":
            return (int(self.alt) if self.alt.isdigit() else len(self.alt)) - lost
        return (int(self.alt) if self.alt.isdigit() else len(self.alt)) if self.kind == "insertion" else 0


def parse_protein(text: str) -> ProteinChange | None:
    """Return a protein change, or None for a text that names none ("p.?", "p.=", an empty cell).

    Understands one and three letters, "p.", "p.(...)", a reference before a colon, Ter, * and X for stops, and the old
    forms E746_S752>V and delELREA. Source: HGVS nomenclature, recommendations for protein variants.

    >>> parse_protein("NP_005219.2:p.(Glu746_Ala750del)")
    ProteinChange(kind='deletion', ref='E', start=746, end=750, alt='')
    >>> parse_protein("p.Arg132His").alt
    'H'
    """
    word = text.strip().rpartition(":")[2].strip()
    word = word.removeprefix("p.").strip("()[]").removeprefix("p.")
    word = _WORD.sub(lambda found: _AMINO[found[0]], word)
    for kind, form in _FORMS:
        if found := form.fullmatch(word):
            return _change(kind, found)
    return None


def _change(kind: Kind, found: re.Match[str]) -> ProteinChange:
    parts = found.groups()
    start = int(parts[1])
    spanned = kind in ("deletion-insertion", "deletion", "duplication", "insertion")
    end = int(parts[3]) if spanned and parts[3] else start
    alt = parts[4] if kind in ("deletion-insertion", "insertion") else parts[2] if kind == "missense" else ""
    if kind == "missense" and alt == parts[0]:
        kind = "silent"
    return ProteinChange(kind, parts[0] or "", start, end, alt or "")


Test = Callable[[ProteinChange], bool]


def _residue(ref: str, place: int, alt: str = "") -> Test:
    return lambda one: one.kind == "missense" and (one.ref, one.start) == (ref, place) and (not alt or one.alt == alt)


def _other(ref: str, place: int, but: str) -> Test:
    return lambda one: one.kind == "missense" and (one.ref, one.start) == (ref, place) and one.alt not in but


def _deletion(first: int, last: int) -> Test:
    return lambda one: (
        one.kind in ("deletion", "deletion-insertion") and one.growth < 0 and first <= one.start and one.end <= last
    )


def _insertion(first: int, last: int) -> Test:
    return lambda one: (
        one.kind in ("insertion", "duplication", "deletion-insertion")
        and one.growth > 0
        and (first <= one.start <= last)
    )


def _either(*tests: Test) -> Test:
    return lambda one: any(test(one) for test in tests)


_H3 = {"K27M": _either(_residue("K", 27, "M"), _residue("K", 28, "M"))}
_H3["G34R/V"] = _either(*(_residue("G", place, alt) for place in (34, 35) for alt in "RV"))
_RAS: dict[str, Test] = {f"G12{alt}": _residue("G", 12, alt) for alt in "ACDRSV"}
_RAS.update({"G12 other": _other("G", 12, "ACDRSV"), "G13": _residue("G", 13), "Q61": _residue("Q", 61)})

CLASSES: Mapping[str, Mapping[str, Test]] = MappingProxyType(
    {
        "EGFR": {
            "exon 19 deletion": _deletion(729, 761),
            "exon 20 insertion": _insertion(762, 823),
            "L858R": _residue("L", 858, "R"),
            "T790M": _residue("T", 790, "M"),
            "C797S": _residue("C", 797, "S"),
            "G719X": _residue("G", 719),
            "S768I": _residue("S", 768, "I"),
            "L861Q": _residue("L", 861, "Q"),
        },
        "KRAS": _RAS,
        "NRAS": _RAS,
        "HRAS": _RAS,
        "BRAF": {"V600E": _residue("V", 600, "E"), "V600 other": _other("V", 600, "E")},
        "IDH1": {"R132H": _residue("R", 132, "H"), "R132 other": _other("R", 132, "H")},
        "IDH2": {"R172": _residue("R", 172), "R140": _residue("R", 140)},
        **dict.fromkeys(("H3-3A", "H3F3A", "H3-3B", "H3F3B", "H3C2", "HIST1H3B", "H3C3", "HIST1H3C"), _H3),
        "ERBB2": {"exon 20 insertion": _insertion(770, 831)},
        "MET": {"exon 14 splice": lambda one: one.kind == "splice" and 963 <= one.start <= 1010},
        "PIK3CA": {
            "E542K": _residue("E", 542, "K"),
            "E545K": _residue("E", 545, "K"),
            "H1047R": _residue("H", 1047, "R"),
        },
        "KIT": {"exon 11": lambda one: one.kind not in ("silent", "splice") and 550 <= one.start <= 592},
    }
)
"""Gene -> class -> test of a protein change. Histone H3 is numbered as in the clinic (K27) or in HGVS (K28). Residues
of exons: EGFR exon 19 is 729-761 and exon 20 is 762-823, ERBB2 exon 20 is 770-831, MET exon 14 is 963-1010, KIT exon
11 is 550-592."""


def variant_classes(gene: str, text: str) -> tuple[str, ...]:
    """Return the named classes of a protein change of a gene; none for other changes and other genes.

    >>> variant_classes("EGFR", "p.L747_P753delinsS")
    ('exon 19 deletion',)
    >>> variant_classes("H3-3A", "p.Lys28Met")
    ('K27M',)
    """
    change = parse_protein(text)
    if change is None:
        return ()
    return tuple(name for name, test in CLASSES.get(gene, {}).items() if test(change))


_PROMOTER_TEXT = {"c.-124C>T": "C228T", "c.-146C>T": "C250T"}
_PROMOTER = {
    "hg19": {1295228: "C228T", 1295250: "C250T"},
    "hg38": {1295113: "C228T", 1295135: "C250T"},
}


def tert_promoter(coding: str = "", start: float = float("nan"), build: str = "") -> str:
    """Return "C228T" or "C250T" for the two hotspots of the TERT promoter, an empty text for anything else.

    They are told by c.-124C>T and c.-146C>T, or by their place on chromosome 5. Source: Huang et al., Science 2013;
    Horn et al., Science 2013.

    >>> tert_promoter(start=1295228, build="hg19"), tert_promoter("c.-146C>T")
    ('C228T', 'C250T')
    """
    name = _PROMOTER_TEXT.get(coding.strip().rpartition(":")[2])
    if name:
        return name
    return "" if math.isnan(start) else _PROMOTER.get(build, {}).get(int(start), "")
