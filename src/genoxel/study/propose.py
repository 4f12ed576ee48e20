"""Guesses that `genoxel init` writes down for a person to correct: id column, targets, comparators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from genoxel.core.ids import Barcode, clean_id, is_tcga
from genoxel.omics.settings import TargetSettings
from genoxel.omics.targets import Reading, read_words

_CHANGE = re.compile(
    r"^(p\.)?([A-Z]\d+([A-Z*]|fs.*|del|dup|ins.*|_.*)?|(exon ?\d+|\d+) ?(del|ins|dup)\w*)$", re.IGNORECASE
)
SMALLEST_SHARE = 0.5
"""A column is proposed as a target when at least this share of its cells is understood as one of two classes."""


def propose_id_column(columns: Mapping[str, Sequence[str]], patients: Iterable[str]) -> tuple[str, int]:
    """Return (the column that holds most of `patients`, how many); ties go to the first, no match gives ("", 0).

    A column of TCGA barcodes that match after cutting them to the patient is called "tcga".
    """
    wanted = set(patients)
    best, most = "", 0
    for name, cells in columns.items():
        ids = [clean_id(cell) for cell in cells]
        hits = len(wanted & set(ids))
        cut = len(wanted & {Barcode.parse(cell).patient for cell in ids if is_tcga(cell)})
        if max(hits, cut) > most:
            best, most = (name, hits) if hits >= cut else ("tcga", cut)
    return best, most


def propose_target(column: str, cells: Mapping[str, str]) -> tuple[TargetSettings, Reading] | None:
    """Return settings for a column whose words speak of two classes, and how it would be read; else None.

    Words that look like a protein change (L858R, 19del) are proposed as positive when the rest speaks of mutations.
    """
    first = read_words(cells, TargetSettings(column=column))
    changes = [word.word for word in first.not_understood if _CHANGE.match(word.word) and "mutant" in first.levels]
    spelled = _spellings(column, [word.word for word in first.not_understood], first.levels)
    settings = TargetSettings(
        column=column, positive=(*changes, *spelled[first.levels[1]]), negative=tuple(spelled[first.levels[0]])
    )
    reading = read_words(cells, settings)
    known = [word for word in reading.words if word.read_as is not None]
    classes = {word.read_as for word in known}
    if len(classes) < 2 or sum(word.count for word in known) < SMALLEST_SHARE * max(len(cells), 1):
        return None
    said = {level: tuple(word.word for word in known if word.read_as == level) for level in reading.levels}
    empty = tuple(word.word for word in reading.words if word.read_as is None and word.by != "nobody")
    full = TargetSettings(
        column=column, positive=said[reading.levels[1]], negative=said[reading.levels[0]], unknown=empty
    )
    return full, reading


def _spellings(column: str, words: Iterable[str], levels: tuple[str, str]) -> dict[str, list[str]]:
    """Return level -> words that are usual ones but for a full stop or hyphens ("Mut.", "wild-type")."""
    found: dict[str, list[str]] = {level: [] for level in levels}
    for word in words:
        bare = word.strip(" .").replace("-", " ")
        reading = read_words({"": bare}, TargetSettings(column=column, levels=levels))
        level = reading.status[""]
        if level is not None and bare != word:
            found[level].append(word)
    return found


def propose_clinical(columns: Mapping[str, Sequence[str]], taken: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that usually serve as clinical comparators, of those not `taken`."""
    usual = re.compile(r"^(age|sex|gender|smok\w*|stage|grade|ecog|kps|karnofsky|histology)\b", re.IGNORECASE)
    refused = set(taken)
    return tuple(name for name in columns if name not in refused and usual.match(name.strip().replace("_", " ")))


def propose_site(columns: Mapping[str, Sequence[str]], taken: Iterable[str]) -> str | None:
    """Return the column that names a centre or scanner, or None."""
    refused = set(taken)
    usual = re.compile(r"^(site|centre|center|hospital|scanner|institution)", re.IGNORECASE)
    return next((name for name in columns if name not in refused and usual.match(name.strip())), None)


def toml_value(value: object) -> str:
    """Return a text, number, switch or list as TOML writes it.

    >>> toml_value(["a b", "c"]), toml_value(True), toml_value(1.5)
    ('["a b", "c"]', 'true', '1.5')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(_sign(sign) for sign in escaped) + '"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(one) for one in value) + "]"
    return str(value)


def _sign(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 32 or ord(sign) == 127 else sign


def toml_key(name: str) -> str:
    """Return a key, quoted where TOML needs it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)
