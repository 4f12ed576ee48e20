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
_AMINO.update({"Ter": "*", "Sec": "U"})
_WORD = re.compile("|".join(_AMINO))
_A = "[ACDEFGHIKLMNPQRSTUVWY]"
_AT = r"(?P<start>[1-9]\d*)"
_REF = rf"(?P<ref>{_A}|\*)"
_SPAN = rf"{_REF}{_AT}(?:_(?:{_A}|\*)(?P<end>[1-9]\d*))?"
_BARE = rf"{_AT}_(?P<end>[1-9]\d*)"
_INSERTED = rf"(?P<alt>{_A}+\*?|\d+|X+|X\[\d+\]|\*\d*)"
_TEXTS: tuple[tuple[Kind, str], ...] = (
    ("splice", rf"(?P<ref>{_A}|[X*]){_AT}_splice"),
    ("start lost", rf"(?P<ref>M)(?P<start>1)(?:\?|(?P<alt>(?!M){_A})(?:ext-\d+)?)"),
    ("extension", r"(?P<ref>M)(?P<start>1)ext-\d+"),
    ("extension", rf"(?P<ref>[*X]){_AT}(?:{_A}?ext[*X]?(?:\d+|\?)?|{_A})"),
    ("frameshift", rf"(?P<ref>{_A}){_AT}{_A}?fs(?:[*X](?:\d+|\?)?|\d+|\?)?"),
    ("frameshift", rf"(?:-|(?P<ref>{_A}){_A}+){_AT}fs"),
    ("silent", rf"{_REF}{_AT}="),
    ("deletion-insertion", rf"{_SPAN}(?:del(?P<lost>{_A}*)ins|>){_INSERTED}"),
    ("deletion-insertion", rf"{_BARE}(?P<lost>{_A}+)>{_INSERTED}"),
    ("deletion", rf"{_SPAN}del(?P<lost>{_A}*|\d+)"),
    ("deletion", rf"(?P<lost>{_A}{{2,}}){_AT}del"),
    ("duplication", rf"{_SPAN}dup(?P<lost>{_A}*|\d+)"),
    ("insertion", rf"(?:{_SPAN}|{_BARE.replace('start', 'first').replace('end', 'last')})ins{_INSERTED}"),
    ("nonsense", rf"(?P<ref>{_A}){_AT}[*X]"),
    ("missense", rf"(?P<ref>{_A}){_AT}(?P<alt>{_A})"),
)
_FORMS = tuple((kind, re.compile(form, re.ASCII)) for kind, form in _TEXTS)


@dataclass(frozen=True)
class ProteinChange:
    """A protein change: its kind, first and last residue, the residues that come in, and the residue at `start`.

    `ref` is empty where the text does not say it.
    """

    kind: Kind
    ref: str
    start: int
    end: int
    alt: str = ""

    @property
    def growth(self) -> int:
        """Residues that come in less those that go (0 where the text does not say, or a stop comes in)."""
        lost = self.end - self.start + 1
        if "*" in self.alt:
            return 0
        if self.kind == "deletion":
            return -lost
        if self.kind == "duplication":
            return lost
        if self.kind == "deletion-insertion":
            return _length(self.alt) - lost
        return _length(self.alt) if self.kind == "insertion" else 0


def _length(alt: str) -> int:
    number = re.search(r"\d+", alt)
    return int(number[0]) if number else len(alt)


def parse_protein(text: str) -> ProteinChange | None:
    """Return a protein change, or None for a text that names none ("p.?", "p.=") or contradicts itself.

    Understands one and three letters, "p.", "p.(...)", a reference before a colon, Ter, * and X for stops, and the old
    forms of TCGA and COSMIC: E746_S752>V, delELREA, 307_309NVE>K, 317_318insM, SG140del, KIM2014fs, -920fs. A range
    that runs backwards, deleted residues that are more or fewer than the range, an insertion between residues that are
    no neighbours, a bracket that is never closed, and several changes in one text are None: not known, rather than
    guessed. Source: HGVS nomenclature, recommendations for protein variants.

    >>> parse_protein("NP_005219.2:p.(Glu746_Ala750del)")
    ProteinChange(kind='deletion', ref='E', start=746, end=750, alt='')
    >>> parse_protein("p.Arg132His").alt
    'H'
    >>> parse_protein("p.Ala750_Glu746del") is None
    True
    """
    word = _unwrapped(_unwrapped(text.strip().rpartition(":")[2].strip()).removeprefix("p.")).removeprefix("p.")
    word = _WORD.sub(lambda found: _AMINO[found[0]], word)
    for kind, form in _FORMS:
        if found := form.fullmatch(word):
            return _change(kind, {name: value or "" for name, value in found.groupdict().items()})
    return None


def _unwrapped(word: str) -> str:
    """Return what stands in brackets around the whole word."""
    while len(word) > 1 and word[0] + word[-1] in ("()", "[]"):
        word = word[1:-1]
    return word


def _change(kind: Kind, parts: Mapping[str, str]) -> ProteinChange | None:
    """Return the change that a form found, None where its parts contradict each other."""
    start = int(parts["start"] or parts["first"])
    last = parts.get("end") or parts.get("last") or ""
    lost, ref, alt = parts.get("lost", ""), parts.get("ref", ""), parts.get("alt", "")
    end = int(last) if last else start
    bare = bool(lost) and not ref  # the old forms: the letters tell the range, and 600_600D>DSSD is one
    if bare:
        ref, end = lost[0], end if last else start + len(lost) - 1
    told = int(lost) if lost.isdigit() else len(lost)
    if (last and (end < start or (end == start and not bare))) or (lost and told != end - start + 1):
        return None
    if kind == "insertion" and last and end != start + 1:
        return None
    if kind == "deletion-insertion" and start == end and len(alt) == 1 and alt.isalpha():
        kind = "missense"
    if kind == "missense" and alt == ref:
        kind = "silent"
    return ProteinChange(kind, ref, start, end, alt)


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
