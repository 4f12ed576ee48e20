"""Targets: how the words of a column, a gene or a score become an outcome. Every word is accounted for by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from genoxel.core.errors import OutcomeError, SettingsError, nearest
from genoxel.core.outcome import Outcome
from genoxel.core.records import Records
from genoxel.core.table import Table
from genoxel.omics.rules import RuleSources, rule_status
from genoxel.omics.settings import TargetSettings
from genoxel.omics.subtypes import CUT_OFFS, classify
from genoxel.omics.texts import MISSING_WORDS, plain, read_numbers
from genoxel.omics.variants import status

By = Literal["study file", "usual words", "nobody"]

Words = tuple[str, ...]

VOCABULARIES: tuple[tuple[tuple[str, str], Words, Words], ...] = (
    (
        ("wild type", "mutant"),
        ("wt", "wild type", "wildtype", "wild-type", "not mutated", "non-mutated", "unmutated", "no mutation"),
        ("mut", "mutant", "mutated", "mutation", "mutation detected"),
    ),
    (
        ("unmethylated", "methylated"),
        ("unmethylated", "not methylated", "non-methylated"),
        ("methylated", "hypermethylated"),
    ),
    (
        ("non-codel", "codel"),
        ("non-codel", "non-codeleted", "not codeleted", "intact"),
        ("codel", "codeleted", "co-deleted", "codeletion"),
    ),
    (("negative", "positive"), ("neg", "negative", "neg."), ("pos", "positive", "pos.")),
)
"""Usual words of two-class columns: (names of the classes, negative words, positive words). Numbers are never usual
words: whether 1 is mutant is for the study file to say."""

_UNKNOWN = MISSING_WORDS | {"equivocal", "indeterminate", "inconclusive", "failed", "insufficient", "not interpretable"}


@dataclass(frozen=True)
class WordReading:
    """One distinct value of a target column: how often it occurs, how it was read (None: unknown) and who said so."""

    word: str
    count: int
    read_as: str | None
    by: By


@dataclass(frozen=True)
class Reading:
    """How a target column was read: every distinct value, and the class of each patient (None: unknown)."""

    levels: tuple[str, str]
    words: tuple[WordReading, ...]
    status: Mapping[str, str | None]

    @property
    def not_understood(self) -> tuple[WordReading, ...]:
        """Values that nobody explained; their patients are unknown until the study file says more."""
        return tuple(word for word in self.words if word.by == "nobody")

    def outcome(self, name: str) -> Outcome:
        """Return the outcome, levels negative first."""
        return Outcome.of_classes(name, self.status, self.levels)

    def describe(self) -> str:
        """Return the lines that `init` and the report print: every value, its count, how it was read."""
        negative, positive = self.levels
        lines = [
            f"{level}: {_listed(word for word in self.words if word.read_as == level)}"
            for level in (positive, negative)
        ]
        unknown = [word for word in self.words if word.read_as is None and word.by != "nobody"]
        lines.append(f"unknown: {_listed(unknown)}")
        if self.not_understood:
            lines.append(f"I do not know: {_listed(self.not_understood)} (unknown until you say it)")
        return "\n".join(lines)


def _listed(words: Iterable[WordReading]) -> str:
    return ", ".join(f"{word.word or '(empty)'} {word.count}" for word in words) or "none"


def read_words(texts: Mapping[str, str], settings: TargetSettings) -> Reading:
    """Return how the words of a two-class column were read; `texts` maps patient -> cell.

    Words of the study file win; then the usual words of one vocabulary apply (case and spaces are ignored); the rest
    stays unknown by name. Raises `SettingsError` when a listed word occurs nowhere but nearly does.

    >>> reading = read_words({"P1": "mut", "P2": "WT", "P3": "", "P4": "WT?"}, TargetSettings(column="EGFR"))
    >>> print(reading.describe())
    mutant: mut 1
    wild type: WT 1
    unknown: (empty) 1
    I do not know: WT? 1 (unknown until you say it)
    """
    cells = {patient: " ".join(text.split()) for patient, text in texts.items()}
    present = {plain(cell) for cell in cells.values()}
    _refuse_near_words(settings, present)
    levels, negative, positive = _vocabulary(settings, present)
    rules: dict[str, tuple[str | None, By]] = {}
    for words, level in ((negative, levels[0]), (positive, levels[1]), (_UNKNOWN, None)):
        rules.update({plain(word): (level, "usual words") for word in words})
    for words, level in ((settings.negative, levels[0]), (settings.positive, levels[1]), (settings.unknown, None)):
        rules.update({plain(word): (level, "study file") for word in words})
    known = {cell: rules.get(plain(cell), (None, "nobody")) for cell in cells.values()}
    counts = Counter(cells.values())
    listed = [WordReading(word, count, *known[word]) for word, count in counts.items()]
    listed.sort(key=lambda item: (-item.count, item.word))
    return Reading(levels, tuple(listed), {patient: known[cell][0] for patient, cell in cells.items()})


def _vocabulary(settings: TargetSettings, present: set[str]) -> tuple[tuple[str, str], Words, Words]:
    """Return the names of the classes and the usual words: the vocabulary that knows most of what is there."""
    said = {plain(word) for word in (*settings.positive, *settings.negative)}
    scores = [len((said | present) & {*negative, *positive}) for _, negative, positive in VOCABULARIES]
    best = int(np.argmax(scores))
    levels = VOCABULARIES[best][0] if scores[best] else ("negative", "positive")
    if settings.levels:
        levels = settings.levels
    signs = VOCABULARIES[-1]
    return levels, (*VOCABULARIES[best][1], *signs[1]), (*VOCABULARIES[best][2], *signs[2])


def _refuse_near_words(settings: TargetSettings, present: set[str]) -> None:
    for word in (*settings.positive, *settings.negative):
        if plain(word) in present or len(word) < 5 or any(sign.isdigit() for sign in word):
            continue
        hint = nearest(plain(word), [other for other in present if other and other not in _UNKNOWN])
        listed = {plain(other) for other in (*settings.positive, *settings.negative)}
        if hint and hint.split("'")[1] not in listed and _very_near(plain(word), hint.split("'")[1]):
            legal = ", ".join(sorted(present - {""})[:12])
            raise SettingsError(f"the word {word!r}, which the column does not hold", legal, hint)


def _very_near(word: str, other: str) -> bool:
    import difflib

    opposite = word.startswith(("non", "not", "un")) != other.startswith(("non", "not", "un"))
    return not opposite and difflib.SequenceMatcher(None, word, other).ratio() >= 0.85


def make_outcome(
    name: str,
    settings: TargetSettings,
    columns: Mapping[str, Mapping[str, str]] | None = None,
    variants: Records | None = None,
    scores: Iterable[Table] = (),
    patients: Iterable[str] = (),
    sources: RuleSources | None = None,
) -> tuple[Outcome, Reading | None]:
    """Return the outcome of [target.`name`] and, for a column, how its words were read.

    `columns` maps column -> patient -> cell; `variants` serves gene targets; a score is a column of numbers in one of
    the tables `scores` or in `columns`; a rule is judged on `sources`. `patients` orders the outcome (default: all
    that the source knows). Raises `SettingsError` naming the nearest column, `OutcomeError` when the source is not
    there.
    """
    wanted = tuple(patients)
    if settings.rule:
        outcome = _of_rule(name, settings, sources or RuleSources(), wanted)
        return (outcome.of_patients(wanted) if wanted else outcome), None
    outcome, reading = _of_source(name, settings, columns or {}, variants, tuple(scores), wanted)
    return (outcome.of_patients(wanted) if wanted else outcome), reading


def _of_source(
    name: str,
    settings: TargetSettings,
    columns: Mapping[str, Mapping[str, str]],
    variants: Records | None,
    scores: tuple[Table, ...],
    wanted: tuple[str, ...],
) -> tuple[Outcome, Reading | None]:
    if settings.column:
        reading = read_words(_column(name, settings.column, columns), settings)
        return reading.outcome(name), reading
    if settings.gene:
        if variants is None:
            raise OutcomeError(
                f"target {name} of gene {settings.gene} without mutations",
                "a mutation file",
                "add mutations = ... under [omics]",
            )
        levels = settings.levels or ("wild type", "mutant")
        names = {"wild type": levels[0], "mutant": levels[1], None: None}
        found = status(variants, settings.gene, settings.hotspot or None, wanted)
        return Outcome.of_classes(name, {who: names[word] for who, word in found.items()}, levels), None
    numbers = _score(name, settings.score or "", columns, scores)
    if settings.cut is not None:
        return cut_outcome(numbers.of_patients(wanted) if wanted else numbers, settings), None
    return (grouped_outcome(numbers, settings) if settings.positive else numbers), None


def numbers_of(
    name: str, settings: TargetSettings, columns: Mapping[str, Mapping[str, str]], scores: Iterable[Table]
) -> Outcome:
    """Return the numbers behind a target that cuts a score."""
    return _score(name, settings.score or "", columns, tuple(scores))


def cut_outcome(numbers: Outcome, settings: TargetSettings) -> Outcome:
    """Return two classes of a value: a fixed cut, a named cut-off, or a quantile of all known values.

    A named cut-off of three classes takes `positive` to say which of them count. Raises `OutcomeError` for classes.

    >>> values = Outcome("hypoxia", "value", ("P1", "P2", "P3"), np.array([1.0, 2.0, np.nan]))
    >>> cut_outcome(values, TargetSettings(score="hypoxia", cut="median"))
    Outcome hypoxia (class): 1 low, 1 high, 1 unknown
    """
    if numbers.levels:
        raise OutcomeError(f"a cut of the classes of {numbers.name}", "a score of numbers", "use positive = [...]")
    known = numbers.values[numbers.known]
    if isinstance(settings.cut, str) and settings.quantile is None:
        return _named_cut(numbers, settings)
    if settings.quantile is not None and not known.size:
        raise OutcomeError(f"no known value of {numbers.name} to cut", "numbers", "check the score")
    limit = float(np.quantile(known, settings.quantile)) if settings.quantile is not None else settings.cut
    levels = settings.levels or ("low", "high")
    words = {
        who: None if np.isnan(value) else levels[int(value >= limit)]
        for who, value in zip(numbers.patients, numbers.values.tolist(), strict=True)
    }
    return Outcome.of_classes(numbers.name, words, levels)


def _named_cut(numbers: Outcome, settings: TargetSettings) -> Outcome:
    name = str(settings.cut)
    found = classify(name, dict(zip(numbers.patients, numbers.values.tolist(), strict=True)))
    classes = Outcome.of_classes(numbers.name, found, CUT_OFFS[name][2])
    if len(classes.levels) == 2 and not settings.positive:
        return classes
    if not settings.positive:
        raise SettingsError(
            f"the cut-off {name!r} of [target.{numbers.name}] with {len(classes.levels)} classes",
            ", ".join(classes.levels),
            "say which of these count: positive = [...]",
        )
    return grouped_outcome(classes, settings)


def grouped_outcome(classes: Outcome, settings: TargetSettings) -> Outcome:
    """Return two of several named classes: those of `positive`, and those of `negative` (all others when empty)."""
    legal = {plain(level): level for level in classes.levels}
    for word in (*settings.positive, *settings.negative):
        if plain(word) not in legal:
            some = ", ".join(classes.levels) or "none: it is a score of numbers, which takes cut = ..."
            raise SettingsError(
                f"the class {word!r} of [target.{classes.name}]",
                some,
                nearest(word, classes.levels) or "write one of these",
            )
    positive = {legal[plain(word)] for word in settings.positive}
    negative = {legal[plain(word)] for word in settings.negative} or set(classes.levels) - positive
    levels = settings.levels or (" or ".join(sorted(negative)), " or ".join(sorted(positive)))
    words: dict[str, str | None] = {}
    for who, code in zip(classes.patients, classes.values.tolist(), strict=True):
        level = "" if np.isnan(code) else classes.levels[int(code)]
        words[who] = levels[1] if level in positive else levels[0] if level in negative else None
    return Outcome.of_classes(classes.name, words, levels)


def contradictions(one: Outcome, other: Outcome) -> dict[str, tuple[str, str]]:
    """Return the patients whom two outcomes of the same trait put into different classes, with both words.

    The classes are taken in order, negative first, whatever they are called. Patients whom either does not know agree.
    Raises `OutcomeError` when either has not two classes.
    """
    for outcome in (one, other):
        if outcome.kind != "class" or len(outcome.levels) != 2:
            raise OutcomeError(f"the outcome {outcome.name} of kind {outcome.kind}", "two classes", "compare classes")
    codes = dict(zip(other.patients, other.values.tolist(), strict=True))
    found = {}
    for who, code in zip(one.patients, one.values.tolist(), strict=True):
        theirs = codes.get(who, float("nan"))
        if not (np.isnan(code) or np.isnan(theirs)) and code != theirs:
            found[who] = (one.levels[int(code)], other.levels[int(theirs)])
    return found


def _of_rule(name: str, settings: TargetSettings, sources: RuleSources, wanted: tuple[str, ...]) -> Outcome:
    levels = settings.levels or ("absent", "present")
    whom = wanted or sources.patients
    truths = rule_status(settings.rule or "", sources, whom)
    words = {True: levels[1], False: levels[0], None: None}
    return Outcome.of_classes(name, {who: words[truth] for who, truth in truths.items()}, levels)


def _column(name: str, column: str, columns: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    if column not in columns:
        some = ", ".join(list(columns)[:12]) or "none (no clinical table was read)"
        hint = nearest(column, columns) or "name one of these"
        raise SettingsError(f"column {column!r} in [target.{name}]", some, hint)
    return columns[column]


def _classes(name: str, single: Table) -> Outcome:
    """Return a column of categories as an outcome of classes, NaN unknown."""
    levels = single.columns[0].levels
    codes = single.values[:, 0].tolist()
    words = {
        who: None if np.isnan(code) else levels[int(code)] for who, code in zip(single.patients, codes, strict=True)
    }
    return Outcome.of_classes(name, words, levels)


def outcome_of_column(name: str, table: Table, score: str) -> Outcome:
    """Return a column of a table as an outcome: classes where it has levels, else numbers; one row a patient."""
    single = table.select([score]).per_patient()
    if single.columns[0].levels:
        return _classes(name, single)
    return Outcome(name, "value", single.patients, single[score], unit=table.column(score).unit)


def _score(name: str, score: str, columns: Mapping[str, Mapping[str, str]], tables: tuple[Table, ...]) -> Outcome:
    for table in tables:
        if score in table:
            return outcome_of_column(name, table, score)
    if score in columns:
        numbers, odd = read_numbers(columns[score])
        if odd:
            some = ", ".join(repr(text) for text in list(dict.fromkeys(odd.values()))[:5])
            raise OutcomeError(f"words in the score {score!r}: {some}", "numbers", "correct them or leave them empty")
        return Outcome(name, "value", tuple(numbers), np.array(list(numbers.values()), dtype=np.float64))
    legal = [*columns, *(column for table in tables for column in table.names)]
    some = ", ".join(legal[:12]) or "none"
    raise SettingsError(f"score {score!r} in [target.{name}]", some, nearest(score, legal) or "name one of these")
