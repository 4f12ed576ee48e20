"""Immunohistochemistry as pathologists write it: percentages, scores, words, read by named cut-offs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from genoxel.core.errors import TableError, nearest
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Source, Table
from genoxel.io.clinical import ClinicalSheet
from genoxel.omics.subtypes import CUT_OFFS, classify, her2_class
from genoxel.omics.texts import is_missing, plain

MARKERS = ("HER2", *(name for name in CUT_OFFS if name != "TMB"))
_PERCENT = re.compile(r"(<|<=|≤|>|>=|≥|~|ca\.?)? ?(\d{1,3}(?:[.,]\d+)?) ?%?")
_RANGE = re.compile(r"(\d{1,3}) ?(?:-|–|to|bis) ?(\d{1,3}) ?%?")
_HER2 = re.compile(r"(?:score ?)?([0-3]) ?\+?(?: ?[,;/(]? ?(?:f?ish|sish|cish|ddish)[ :]*([a-z+ -]+)\)?)?")
_POSITIVE = ("positive", "pos", "+", "amplified", "amp", "yes", "positiv")
_NEGATIVE = ("negative", "neg", "-", "not amplified", "non-amplified", "nonamplified", "no", "negativ")


@dataclass(frozen=True, eq=False)
class IhcTable:
    """Markers as numbers and classes: `table` (patients x columns), and what each cell was `read` as.

    A percentage has two columns, MARKER (%) and its class, "MARKER class"; HER2 has its class alone. `unread` lists,
    by marker, patients whose cell is a word that settles no class ("positive" where the cut-off has three).
    """

    table: Table
    unread: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_ihc(
    sheet: ClinicalSheet, columns: Mapping[str, str], limits: Mapping[str, tuple[float, ...]] | None = None
) -> IhcTable:
    """Return markers of a clinical table, each by its cut-off (`omics.subtypes.CUT_OFFS` names the guideline).

    `columns` maps a marker (of `MARKERS`) to the column that holds it; `limits` replaces the limits of a marker. Cells
    are percentages ("80 %", "<1", ">90"), ranges that lie in one class ("1-5 %"), scores of HER2 ("2+ (FISH neg)") or
    the words positive and negative. What could mean two classes stays missing and is listed: "<5 %" of ER may be below
    1 %. HER2 2+ without in-situ hybridisation is open. Raises `TableError` naming the rows of any other cell, since a
    share of 0.8 and 80 % look alike: a column whose numbers all lie in 0 to 1 is refused.
    """
    unknown = [name for name in columns if name not in MARKERS]
    if unknown:
        raise TableError(f"the marker {unknown[0]!r}", ", ".join(MARKERS), nearest(unknown[0], MARKERS) or "choose one")
    made: list[tuple[Column, list[float]]] = []
    unread: dict[str, dict[str, str]] = {}
    for marker, column in columns.items():
        cells = _cells(sheet, column)
        if marker == "HER2":
            classes, odd, open_ones = _her2(cells)
            names: tuple[str, ...] = ("negative", "low", "positive")
            definition = "ASCO/CAP 2018, affirmed 2023 (doi:10.1200/JCO.22.02864); low: 1+, or 2+ without amplification"
        else:
            numbers, classes, odd, open_ones = _percent(marker, cells, (limits or {}).get(marker, ()))
            names, definition = CUT_OFFS[marker][2], CUT_OFFS[marker][0]
            values = [numbers.get(who, np.nan) for who in sheet.patients]
            made.append((Column(marker, unit="%", definition=definition, source=_SOURCE), values))
        if odd:
            raise _odd(sheet, column, marker, odd)
        unread[marker] = open_ones
        coded = [float(names.index(kind)) if (kind := classes.get(who)) else np.nan for who in sheet.patients]
        made.append((Column(f"{marker} class", "ordinal", definition=definition, source=_SOURCE, levels=names), coded))
    values_of = np.array([values for _, values in made], dtype=np.float64).T.reshape(len(sheet.patients), len(made))
    rows = tuple(RowKey(who) for who in sheet.patients)
    return IhcTable(Table(values_of, rows, tuple(column for column, _ in made), "ihc"), unread)


_SOURCE = Source(family="ihc")


def reaches(sheet: ClinicalSheet, column: str, limit: float) -> dict[str, bool | None]:
    """Return who has `limit` per cent or more (None: open), from cells as `read_ihc` reads them; a word settles it.

    "positive" reaches every limit, "negative" none. Raises `TableError` for cells that are neither number nor word.
    """
    cells = _cells(sheet, column)
    _, classes, odd, _ = _percent("PR", cells, (limit,), column)
    if odd:
        raise _odd(sheet, column, column, odd)
    known = {who: kind == CUT_OFFS["PR"][2][1] for who, kind in classes.items()}
    return {who: known.get(who) for who in sheet.patients}


def _cells(sheet: ClinicalSheet, column: str) -> dict[str, str]:
    """Return the cells that say something; + and - do."""
    cells = {who: text for who, text in sheet.text(column).items() if not is_missing(text) or text.strip() in "-+"}
    return {who: text for who, text in cells.items() if text.strip()}


def _odd(sheet: ClinicalSheet, column: str, marker: str, odd: Mapping[str, str]) -> TableError:
    lines = dict(zip(sheet.patients, sheet.lines, strict=True))
    some = ", ".join(f"{text!r} (row {lines[who]})" for who, text in list(odd.items())[:5])
    legal = "0, 1+, 2+ (FISH neg), 3+, positive, negative" if marker == "HER2" else "a percentage, positive or negative"
    return TableError(f"{some} in column {column!r} of {sheet.name}", legal, "correct them, or leave them empty")


def _her2(cells: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    classes: dict[str, str] = {}
    odd: dict[str, str] = {}
    still: dict[str, str] = {}
    for who, text in cells.items():
        word = plain(text)
        found = _HER2.fullmatch(word)
        if word in _POSITIVE:
            classes[who] = "positive"
        elif word in _NEGATIVE:
            still[who] = text  # 0 or low: the word does not tell
        elif found is None or (found[2] and found[2] not in (*_POSITIVE, *_NEGATIVE)):
            odd[who] = text
        else:
            kind = her2_class(found[1], None if not found[2] else found[2] in _POSITIVE)
            (classes if kind else still)[who] = kind or text
    return classes, odd, still


def _percent(
    marker: str, cells: Mapping[str, str], limits: tuple[float, ...], called: str = ""
) -> tuple[dict[str, float], dict[str, str], dict[str, str], dict[str, str]]:
    """Return the numbers, the classes, the cells that are nothing legal, and those that settle no class."""
    spans = {who: span for who, text in cells.items() if (span := _span(plain(text))) is not None}
    odd = {who: text for who, text in cells.items() if who not in spans and plain(text) not in (*_POSITIVE, *_NEGATIVE)}
    exact = {who: low for who, (low, high) in spans.items() if low == high}
    _refuse_shares(called or marker, exact)
    lower = classify(marker, {who: low for who, (low, _) in spans.items()}, limits)
    upper = classify(marker, {who: high for who, (_, high) in spans.items()}, limits)
    classes = {who: kind for who, kind in lower.items() if kind is not None and kind == upper[who]}
    names = CUT_OFFS[marker][2]
    if len(names) == 2:  # then the words settle it
        for who, text in cells.items():
            if plain(text) in _POSITIVE or plain(text) in _NEGATIVE:
                classes[who] = names[plain(text) in _POSITIVE]
    still = {who: text for who, text in cells.items() if who not in classes and who not in odd}
    return exact, classes, odd, still


def holds_percentages(cells: Iterable[str]) -> bool:
    """Return whether a column holds per cent, and not words or codes of 0 and 1 alone.

    >>> holds_percentages(["90", "<1 %", ""]), holds_percentages(["positive", "neg"]), holds_percentages(["0", "1"])
    (True, False, False)
    """
    words = {plain(cell) for cell in cells}
    return any(_span(word) is not None for word in words - {"0", "1"})


def _span(word: str) -> tuple[float, float] | None:
    """Return the lowest and highest percentage that a cell can mean, or None where it is none."""
    if found := _RANGE.fullmatch(word):
        low, high = float(found[1]), float(found[2])
        return (low, high) if low < high <= 100 else None
    found = _PERCENT.fullmatch(word)
    if found is None or float(found[2].replace(",", ".")) > 100:
        return None
    value = float(found[2].replace(",", "."))
    if not found[1] or found[1] in ("~", "ca", "ca."):
        return value, value
    if "<" in found[1] or found[1] == "≤":
        return 0.0, value if found[1] != "<" else np.nextafter(value, 0.0)
    return (value if found[1] != ">" else np.nextafter(value, 101.0)), 100.0


def _refuse_shares(marker: str, exact: Mapping[str, float]) -> None:
    """Refuse numbers that look like shares of 1: five or more, all between 0 and 1, not all 0 or 1."""
    values = list(exact.values())
    if len(values) >= _FEW and max(values) <= 1.0 and any(0.0 < value < 1.0 for value in values):
        raise TableError(
            f"{marker} whose {len(values)} numbers all lie between 0 and 1", "percentages (0 to 100)", "multiply by 100"
        )


_FEW = 5
