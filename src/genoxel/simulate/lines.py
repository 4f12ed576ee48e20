"""Links in one readable line: ``EGFR -> texture d = 2.3 exclusive | 0.6 mixed``, ``IDH1 -> survival HR = 0.4``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from genoxel.core.errors import SettingsError, nearest
from genoxel.simulate.traits import NONE, TRAITS

DEFAULT_D = 0.8
"""The size of a link written without one: large by Cohen's convention."""

LARGEST_D = 6.0
SCALES = {
    "age": "d",
    "grade": "d",
    "site": "OR",
    "sex": "OR",
    "response": "OR",
    "toxicity": "OR",
    "survival": "HR",
    "included": "OR",
}
"""What a gene or trait may be linked to outside the tissue, and the scale of the link ("included": selection)."""

_WORDS = {
    "frontal location": "location",
    "upper lobe": "location",
    "lateral location": "location",
    "suv": "uptake",
    "null": NONE,
    "nothing": NONE,
}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_LINE = re.compile(
    r"^\s*(?P<source>[^\s>]+)\s*->\s*(?P<target>[A-Za-z][A-Za-z ]*?)\s*(?P<rest>(?:(?:d|OR|HR)\s*=|;|:).*)?$"
)
_BOTH = re.compile(
    rf"^(?:d\s*=\s*(?P<all>{_NUMBER})\s*;\s*only when\s+)?(?:d\s*=)?\s*"
    rf"(?:exclusive:?\s*(?P<e1>{_NUMBER})|(?P<e2>{_NUMBER})\s*exclusive)\s*\|\s*"
    rf"(?:mixed:?\s*(?P<m1>{_NUMBER})|(?P<m2>{_NUMBER})\s*mixed)\s*$"
)
_ONE = re.compile(rf"^(?P<scale>d|OR|HR)\s*=\s*(?P<value>{_NUMBER})\s*$")
_LEGAL = "GENE -> trait d = 0.8, GENE -> trait d = 2.3 exclusive | 0.6 mixed, GENE -> survival HR = 0.4, GENE -> null"


@dataclass(frozen=True)
class Link:
    """A gene or trait linked to something outside the tissue: `value` on the scale of `SCALES`.

    d is the shift in SD for mutants (or per SD of a trait); OR and HR are ratios. Raises `SettingsError`.

    >>> Link.parse("IDH1 -> survival HR = 0.4")
    Link(source='IDH1', target='survival', value=0.4)
    """

    source: str
    target: str
    value: float

    def __post_init__(self) -> None:
        if self.target not in SCALES:
            raise SettingsError(
                f"a link to {self.target!r}", ", ".join(SCALES), nearest(self.target, SCALES) or "choose one"
            )
        ratio = SCALES[self.target] != "d"
        good = math.isfinite(self.value) and (0.02 <= self.value <= 50 if ratio else abs(self.value) <= LARGEST_D)
        if not good:
            legal = "a ratio, 0.02 to 50" if ratio else f"-{LARGEST_D:g} to {LARGEST_D:g}"
            raise SettingsError(f"{self}", legal, "1 is no link" if ratio else "0 is no link")

    @classmethod
    def parse(cls, text: str) -> Link:
        """Return the link written as ``SOURCE -> target SCALE = value``."""
        parts = split(text)
        if parts is None or parts.scale not in {SCALES.get(parts.target), ""}:
            raise SettingsError(f"the link {text!r}", _LEGAL, "state the scale that belongs to what is linked")
        return cls(parts.source, parts.target, parts.value)

    def __str__(self) -> str:
        return f"{self.source} -> {self.target} {SCALES[self.target]} = {self.value:g}"


@dataclass(frozen=True)
class Parts:
    """A line taken apart; `mixed` is None where the link does not depend on other drivers."""

    source: str
    target: str
    scale: str
    value: float
    mixed: float | None


def is_link(text: str) -> bool:
    """Return whether a line speaks of something outside the tissue.

    >>> is_link("IDH1 -> age d = -1"), is_link("IDH1 -> texture d = 1")
    (True, False)
    """
    found = _LINE.match(text)
    return found is not None and _target(found["target"]) in SCALES


def _target(words: str) -> str:
    plain = " ".join(words.lower().split())
    return _WORDS.get(plain, plain)


def split(text: str) -> Parts | None:
    """Return the parts of a line with an arrow, None when it is none; `SettingsError` for one that cannot be read.

    >>> split("EGFR -> texture d = 0.8; only when exclusive: 2.3 | mixed: 0.6").mixed
    0.6
    """
    if "->" not in text:
        return None
    found = _LINE.match(text)
    if found is None:
        raise SettingsError(f"the line {text!r}", _LEGAL, "write it like one of these")
    source, target = found["source"], _target(found["target"])
    rest = (found["rest"] or "").strip().lstrip(";:").strip()
    if target == NONE and not rest:
        return Parts(source, NONE, "", 0.0, None)
    if not rest and target in TRAITS:
        return Parts(source, target, "d", DEFAULT_D, None)
    both, one = _BOTH.match(rest), _ONE.match(rest)
    if both:
        return Parts(source, target, "d", float(both["e1"] or both["e2"]), float(both["m1"] or both["m2"]))
    if one:
        return Parts(source, target, one["scale"], float(one["value"]), None)
    raise SettingsError(f"the line {text!r}", _LEGAL, f"what follows {target} could not be read")
