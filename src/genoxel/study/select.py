"""Which series of a patient is meant: sequences by what the scanner says, several by rules, a tie never silently."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from genoxel.core.errors import InputError, SettingsError

_CONTRAST = re.compile(r"\+ ?c\b|\bce\b|t1 ?c\b|t1ce|gd|gad|post|contrast|km\b|enhanc", re.IGNORECASE)
_NATIVE = re.compile(r"\bpre\b|native|without|w/o|\bnon.?contrast|plain", re.IGNORECASE)
_SYNONYMS = {
    **dict.fromkeys(("t1c", "t1ce", "t1gd", "t1post", "t1wce", "t1km"), "T1CE"),
    **dict.fromkeys(("t1", "t1w", "t1n", "t1pre"), "T1"),
    **dict.fromkeys(("t2", "t2w"), "T2"),
    **dict.fromkeys(("flair", "t2f", "t2flair"), "FLAIR"),
    **dict.fromkeys(("pt", "pet"), "PT"),
    **dict.fromkeys(("mr", "mri"), "MR"),
    "ct": "CT",
    "adc": "ADC",
    "dwi": "DWI",
}

NO_IMAGES = ("RTDOSE", "OT", "XC")
"""What archives keep beside images and nobody contours: dose grids, screenshots, photographs; never proposed."""

UNITS = {"CT": "HU", "PT": "SUV"}
"""Modality -> the unit of its intensities, where files always have one."""


def canonical(label: str) -> str:
    """Return one name for the many spellings of a modality or sequence.

    >>> canonical("T1Gd"), canonical("PET"), canonical("perfusion")
    ('T1CE', 'PT', 'PERFUSION')
    """
    plain = re.sub(r"[^a-z0-9]", "", label.casefold())
    return _SYNONYMS.get(plain, label.strip().upper())


def sequence_of(modality: str, description: str, tags: Mapping[str, Any]) -> str:
    """Return the MR sequence that description and timing speak of, or the modality itself.

    >>> sequence_of("MR", "Ax T1 SE post Gd", {}), sequence_of("MR", "Ax T2 FLAIR", {}), sequence_of("CT", "Chest", {})
    ('T1CE', 'FLAIR', 'CT')
    """
    name = canonical(modality)
    if name != "MR":
        return name
    text = description.casefold().replace("_", " ").replace("-", " ")
    if "flair" in text:
        return "FLAIR"
    if re.search(r"\badc\b|apparent", text):
        return "ADC"
    if re.search(r"\bdwi\b|diffusion", text):
        return "DWI"
    if re.search(r"t1|mprage|spgr|bravo", text):
        agent = bool(str(tags.get("ContrastBolusAgent") or "").strip())
        given = (agent or _CONTRAST.search(text) is not None) and _NATIVE.search(text) is None
        return "T1CE" if given else "T1"
    if re.search(r"t2", text):
        return "T2"
    return _by_timing(tags)


def _by_timing(tags: Mapping[str, Any]) -> str:
    try:
        repetition, echo = float(tags.get("RepetitionTime") or 0), float(tags.get("EchoTime") or 0)
        inversion = float(tags.get("InversionTime") or 0)
    except (TypeError, ValueError):
        return "MR"
    if inversion > 1500 and echo > 60:
        return "FLAIR"
    if repetition > 2000 and echo > 60:
        return "T2"
    if 0 < repetition < 1000 and 0 < echo < 30:
        return "T1CE" if str(tags.get("ContrastBolusAgent") or "").strip() else "T1"
    return "MR"


def narrow(candidates: Mapping[str, Mapping[str, str]], rules: Sequence[str]) -> tuple[str, str]:
    """Return (the one series that remains, why): `candidates` maps a series to its facts as text.

    The first rule that leaves exactly one series decides; rules that leave several narrow the choice for the next.
    Raises `InputError` naming the candidates when none decides.
    """
    from genoxel.omics.join import Criterion

    remaining = list(candidates)
    if len(remaining) == 1:
        return remaining[0], "the only one"
    facts = sorted({fact for one in candidates.values() for fact in one})
    texts = {fact: {name: candidates[name].get(fact, "") for name in remaining} for fact in facts}
    for rule in rules:
        try:
            test = Criterion(rule, texts)
        except SettingsError as error:
            error.add_note("io.images.choose")
            raise
        kept = [name for name in remaining if test(name) is True]
        if len(kept) == 1:
            return kept[0], f"the only one with {rule}"
        remaining = kept or remaining
    shown = "; ".join(_describe(candidates[name]) for name in remaining[:4])
    raise InputError(
        f"{len(remaining)} series that fit: {shown}",
        "one series, or rules that leave one",
        "add a rule such as slice_mm <= 3 or description == '...' to io.images.choose",
    )


def _describe(facts: Mapping[str, str]) -> str:
    return f"{facts.get('description') or 'no description'} ({facts.get('slices', '?')} slices)"
