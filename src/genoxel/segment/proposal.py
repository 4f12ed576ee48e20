"""A first proposal of contour patterns from the structure names that a folder holds, for a person to correct."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genoxel.core.errors import MaskError
from genoxel.segment.contours import choose
from genoxel.segment.settings import ContourSettings

_LESION = re.compile(
    r"gtv|tumou?r|lesion|mass(?![a-z])|carcinom|cancer|metasta|^mets?\b|malign|^(roi|seg|mask|label)\b"
)
_NEVER = {
    "*PTV*": re.compile(r"ptv"),
    "*CTV*": re.compile(r"ctv"),
    "*ITV*": re.compile(r"itv"),
    "*node*": re.compile(r"node|nodal"),
    "*LN*": re.compile(r"(?<![a-z])ln(?![a-z])|ln[ _-]?\d"),
    "*ring*": re.compile(r"ring(?![a-z])"),
    "*margin*": re.compile(r"margin"),
    "*edema*": re.compile(r"edema"),
    "*oedema*": re.compile(r"oedema"),
    "*dose*": re.compile(r"dose"),
}


@dataclass(frozen=True)
class Proposal:
    """Proposed patterns, who has several hits, who has none, and the names that no pattern takes (name -> patients)."""

    roi: tuple[str, ...]
    never: tuple[str, ...]
    several: tuple[str, ...]
    none: tuple[str, ...]
    other: Mapping[str, int]


def propose(names: Mapping[str, Sequence[str]]) -> Proposal:
    """Return proposed `roi` and `never` patterns from structure name -> patients (`Inventory.structure_names`).

    Names that speak of a lesion are taken, the most frequent first; names that differ in case or a final number
    share a pattern; `never` holds the usual companions (PTV, nodes, ...) that occur. Only a proposal: nothing is
    chosen by it without being written into the study file.

    >>> propose({"GTV-1": ["P1", "P2"], "PTV": ["P1"], "Lung": ["P1"]}).roi
    ('GTV-1',)
    """
    never = tuple(pattern for pattern, word in _NEVER.items() if any(word.search(name.casefold()) for name in names))
    lesions = {
        name: set(owners)
        for name, owners in names.items()
        if _LESION.search(name.casefold()) and not any(word.search(name.casefold()) for word in _NEVER.values())
    }
    roi = _patterns(lesions)
    settings = ContourSettings(roi=roi, never=never)
    patients = sorted({patient for owners in names.values() for patient in owners})
    hits = {patient: _count([name for name in names if patient in names[name]], settings) for patient in patients}
    taken = set(lesions)
    return Proposal(
        roi,
        never,
        tuple(patient for patient, count in hits.items() if count > 1),
        tuple(patient for patient, count in hits.items() if count == 0),
        {name: len(owners) for name, owners in names.items() if name not in taken},
    )


def _count(names: Sequence[str], settings: ContourSettings) -> int:
    if not settings.roi:
        return 0
    try:
        return len(choose(names, settings).names)
    except MaskError:
        return 0


def _patterns(lesions: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Order by number of patients; names with one stem (case and final number aside) become one pattern."""
    stems: dict[str, list[str]] = {}
    for name in lesions:
        stems.setdefault(re.sub(r"[\s_.-]*\d*$", "", name.strip().casefold()), []).append(name)
    ranked = sorted(stems.values(), key=lambda group: (-len(set().union(*(lesions[name] for name in group))), group))
    patterns = []
    for group in ranked:
        folded = {name.strip().casefold() for name in group}
        patterns.append(
            _literal(group[0]) if len(folded) == 1 else _literal(re.sub(r"[\s_.-]*\d*$", "", group[0])) + "*"
        )
    return tuple(patterns)


def _literal(name: str) -> str:
    return re.sub(r"[\[*?]", "?", name.strip())
