"""Rules that name a molecular trait in a line: "1p and 19q arm loss", "CDKN2A deleted", "ALK fusion"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from genoxel.core.errors import SettingsError, nearest
from genoxel.core.records import Records
from genoxel.core.table import Table
from genoxel.omics.copynumber import CALLS, CopyRules, arm_levels, gene_status
from genoxel.omics.fusions import fusion_status
from genoxel.omics.genome import BANDS
from genoxel.omics.hgvs import tert_promoter

Truths = dict[str, bool | None]
Source = TypeVar("Source", Records, Table)

_ARM = re.compile(r"(?:chr(?:omosome)?\s*)?(\d{1,2}|X|Y)([pq]?)", re.IGNORECASE)
_WORDS = ("loss", "gain", "fusion", "methylated", "mutant", *CALLS)
_LEGAL = (
    "1p and 19q arm loss; 7 gain and 10 loss; 9p21 loss; CDKN2A deleted; EGFR amplified; ALK fusion; MGMT methylated; "
    "TERT promoter mutant"
)


@dataclass(frozen=True)
class RuleSources:
    """What rules are judged on; a rule whose source is missing is refused by name."""

    segments: Records | None = None
    build: str = ""
    copies: CopyRules | None = None
    calls: Table | None = None
    fusions: Records | None = None
    methylation: Table | None = None
    variants: Records | None = None

    @property
    def patients(self) -> tuple[str, ...]:
        """Everyone that any source knows."""
        known: dict[str, None] = {}
        for records in (self.segments, self.fusions, self.variants):
            if records is not None:
                known.update(dict.fromkeys([*records.patients, *(row.patient for row in records.profiled or ())]))
        for table in (self.calls, self.methylation):
            known.update(dict.fromkeys(table.patients if table is not None else ()))
        return tuple(known)


@dataclass(frozen=True)
class Clause:
    """One part of a rule: a subject and what is said of it."""

    subject: str
    word: str


def parse_rule(text: str) -> tuple[Clause, ...]:
    """Return the clauses of a rule, joined by "and"; a word at the end holds for the subjects before it as well.

    Raises `SettingsError` naming the nearest word for anything else.

    >>> parse_rule("1p and 19q arm loss")
    (Clause(subject='1p', word='loss'), Clause(subject='19q', word='loss'))
    """
    found: list[Clause] = []
    open_subjects: list[str] = []
    for part in re.split(r"\s+and\s+|\s*&\s*", text.strip()):
        words = [word for word in part.split() if word.casefold() != "arm"]
        if len(words) == 1:
            open_subjects.append(words[0])
            continue
        word = words[-1].casefold() if words else ""
        if word not in _WORDS:
            raise SettingsError(
                f"the rule {text!r}", _LEGAL, nearest(word, _WORDS) or f"end it with {', '.join(_WORDS)}"
            )
        subject = " ".join(words[:-1])
        found += [Clause(one, word) for one in (*open_subjects, subject)]
        open_subjects = []
    if open_subjects or not found:
        raise SettingsError(f"the rule {text!r}", _LEGAL, f"end it with {', '.join(_WORDS)}")
    return tuple(found)


def rule_status(text: str, sources: RuleSources, patients: Iterable[str]) -> Truths:
    """Return for each of `patients` whether every clause holds (None: unknown; one false clause settles it).

    Raises `SettingsError` when the data that a clause needs were not given.
    """
    whom = tuple(patients)
    parts = [_clause(clause, sources, whom) for clause in parse_rule(text)]
    found: Truths = {}
    for who in whom:
        truths = [part.get(who) for part in parts]
        found[who] = False if False in truths else None if None in truths else True
    return found


def _clause(clause: Clause, sources: RuleSources, whom: Sequence[str]) -> Mapping[str, bool | None]:
    if any(clause.subject in bands for bands in BANDS.values()) and clause.word in ("loss", "gain"):
        return _span(clause.subject, [clause.subject], clause.word, sources)
    arm = _ARM.fullmatch(clause.subject)
    if arm and clause.word in ("loss", "gain"):
        return _arm(arm, clause.word, sources)
    judges: dict[str, Callable[[], Mapping[str, bool | None]]] = {
        "fusion": lambda: fusion_status(_need(sources.fusions, "fusions", clause), clause.subject, whom),
        "methylated": lambda: _methylated(clause, sources),
        "mutant": lambda: _promoter(clause, sources, whom),
    }
    if clause.word in judges:
        return judges[clause.word]()
    word = {"loss": "lost", "gain": "gained"}.get(clause.word, clause.word)
    calls = _need(sources.calls, "copynumber", clause)
    return gene_status(calls, clause.subject, word)


def _need(source: Source | None, key: str, clause: Clause) -> Source:
    if source is None:
        raise SettingsError(
            f"the rule {clause.subject!r} {clause.word} without data",
            f"[omics] {key}",
            f"add {key} = ... under [omics]",
        )
    return source


def _arm(arm: re.Match[str], word: str, sources: RuleSources) -> Truths:
    name, side = arm[1].upper(), arm[2].lower()
    return _span(arm[0], [f"{name}{one}" for one in ([side] if side else ["p", "q"])], word, sources)


def _span(subject: str, spans: Sequence[str], word: str, sources: RuleSources) -> Truths:
    """Return who has all of some arms or bands lost or gained."""
    segments = _need(sources.segments, "copynumber segments", Clause(subject, word))
    table = arm_levels(segments, spans, sources.build, sources.copies)
    wanted = {"loss": 0.0, "neutral": 1.0, "gain": 2.0}[word]
    found: Truths = {}
    for row, key in enumerate(table.rows):
        truths = [None if np.isnan(value) else bool(value == wanted) for value in table.values[row]]
        found[key.patient] = False if False in truths else None if None in truths else True
    return found


def _methylated(clause: Clause, sources: RuleSources) -> Truths:
    table = _need(sources.methylation, "methylation", clause)
    if clause.subject != "MGMT":
        raise SettingsError(
            f"the rule {clause.subject!r} methylated", "MGMT methylated", "name a column of beta values"
        )
    values = table["MGMT methylated"]
    return {row.patient: None if np.isnan(v) else bool(v) for row, v in zip(table.rows, values.tolist(), strict=True)}


def _promoter(clause: Clause, sources: RuleSources, whom: Sequence[str]) -> Truths:
    if clause.subject.split() != ["TERT", "promoter"]:
        raise SettingsError(
            f"the rule {clause.subject!r} mutant",
            "TERT promoter mutant",
            "use gene = ... for genes, with hotspot = ...",
        )
    records = _need(sources.variants, "mutations", clause)
    hits = set()
    for place, gene in enumerate(records["gene"].tolist()):
        if gene == "TERT":
            coding = str(records["coding"][place]) if "coding" in records.fields else ""
            start = float(records["start"][place]) if "start" in records.fields else float("nan")
            build = str(records["build"][place]) if "build" in records.fields else sources.build
            if tert_promoter(coding, start, build):
                hits.add(records.rows[place].patient)
    # whether the promoter was sequenced is not told by a list of genes: nobody is called wild type
    return {who: True if who in hits else None for who in whom}
