"""Rows of a self-test: what was expected, what was seen with its interval, and whether that can be squared."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from scipy import stats

from genoxel._version import __version__
from genoxel.associate.selfcheck import Share

ALARM = 0.001
"""A share fails when its limit would give what was seen, or worse, with less than this probability."""

Word = Literal["as expected", "not as expected", "too few to judge"]
_WORST: tuple[Word, ...] = ("not as expected", "too few to judge", "as expected")


@dataclass(frozen=True)
class Row:
    """One thing tested: `seen` of `of` (a share) or `value` (a number), what was expected, and the word on it.

    `low` and `high` are the 95 % interval: of Clopper and Pearson for a share, normal for a mean, else None.
    """

    area: str
    what: str
    expected: str
    seen: str
    word: Word
    low: float | None = None
    high: float | None = None
    of: int = 0
    note: str = ""

    @property
    def bad(self) -> bool:
        """Whether this speaks against the installation."""
        return self.word == "not as expected"

    def line(self, what: int = 0, seen: int = 0) -> str:
        """Return the row in one line, its first columns at least `what` and `seen` characters wide."""
        mark = {"as expected": "ok", "not as expected": "!!", "too few to judge": " ?"}[self.word]
        note = self.note and f"  ({self.note})"
        return f" {mark}  {self.what:<{what}}  {self.seen:<{seen}}  expected {self.expected}{note}"


def share(area: str, what: str, count: int, of: int, limit: float, upper: bool, note: str = "") -> Row:
    """Return the row of a share `count` / `of` that must be at most (`upper`) or at least `limit`.

    >>> share("stats", "null cohorts with a claim", 0, 40, 0.05, True).seen
    '0 of 40 (0.000 to 0.088)'
    >>> share("stats", "null cohorts with a claim", 9, 40, 0.05, True).word
    'not as expected'
    """
    low = float(stats.beta.ppf(0.025, count, of - count + 1)) if count else 0.0
    high = float(stats.beta.ppf(0.975, count + 1, of - count)) if count < of else 1.0
    worse = stats.binom.sf(count - 1, of, limit) if upper else stats.binom.cdf(count, of, limit)
    worst = limit**of if upper else (1 - limit) ** of
    word: Word = "not as expected" if worse < ALARM else "as expected" if worst < ALARM else "too few to judge"
    expected = f"at {'most' if upper else 'least'} {limit:.3g}"
    return Row(area, what, expected, f"{count} of {of} ({low:.3f} to {high:.3f})", word, low, high, of, note)


def between(area: str, what: str, count: int, of: int, low: float, high: float, note: str = "") -> Row:
    """Return the row of a share `count` / `of` that must lie between `low` and `high`.

    >>> between("stats", "95 % interval", 950, 1000, 0.93, 0.97).word
    'as expected'
    >>> between("stats", "95 % interval", 995, 1000, 0.93, 0.97).word
    'not as expected'
    """
    least, most = share(area, what, count, of, low, False, note), share(area, what, count, of, high, True, note)
    worst = min((least, most), key=lambda row: _WORST.index(row.word))
    return replace(worst, expected=f"{low:.3g} to {high:.3g}")


_MANY_ERRORS = float(stats.norm.isf(ALARM))


def mean_at_most(area: str, what: str, found: Share, limit: float) -> Row:
    """Return the row of a mean over cohorts that must not exceed `limit` by more than chance explains.

    It stands with its distance from the limit in standard errors, so that a stricter reader may judge by 2 of them.
    """
    word: Word = "not as expected" if not found.mean <= limit + _MANY_ERRORS * found.error else "as expected"
    two = f"{limit:.3g} + 2 SE is {limit + 2 * found.error:.3f}"
    return Row(area, what, f"at most {limit:.3g}", _seen(found), word, *_bounds(found), found.of_cohorts, two)


def unbiased(area: str, what: str, found: Share, note: str = "") -> Row:
    """Return the row of a mean over cohorts that must be 0 up to chance."""
    distance = abs(found.mean) / found.error if found.error else float("nan")
    word: Word = "as expected" if distance <= float(stats.norm.isf(ALARM / 2)) else "not as expected"
    told = f"{distance:.1f} SE from 0" + (note and f"; {note}")
    return Row(area, what, "0", _seen(found), word, *_bounds(found), found.of_cohorts, told)


def _bounds(found: Share) -> tuple[float, float]:
    return found.mean - 1.96 * found.error, found.mean + 1.96 * found.error


def _seen(found: Share) -> str:
    low, high = _bounds(found)
    return f"{found.mean:.3f} ({low:.3f} to {high:.3f}), {found.of_cohorts:,} cohorts"


def exact(area: str, what: str, good: int, of: int, note: str = "") -> Row:
    """Return the row of something that must hold each time."""
    word: Word = "as expected" if good == of and of else "too few to judge" if not of else "not as expected"
    return Row(area, what, "all", f"{good:,} of {of:,}", word, of=of, note=note)


def number(area: str, what: str, value: float, limit: float, unit: str = "", note: str = "") -> Row:
    """Return the row of a difference that must not exceed `limit` (a NaN is not as expected)."""
    word: Word = "as expected" if value <= limit else "not as expected"
    return Row(area, what, f"at most {limit:.3g}{unit}", f"{value:.3g}{unit}", word, note=note)


@dataclass(frozen=True)
class SelfTest:
    """All rows of a self-test, with what they rest on; the same seed and versions give the same rows."""

    rows: tuple[Row, ...]
    effort: str
    seed: int
    versions: Mapping[str, str]
    machine: str

    @property
    def bad(self) -> tuple[Row, ...]:
        """Rows that speak against the installation."""
        return tuple(row for row in self.rows if row.bad)

    def sentence(self) -> str:
        """Return the sentence that a methods section can cite."""
        judged = [row for row in self.rows if row.word != "too few to judge"]
        areas = ", ".join(dict.fromkeys(row.area for row in self.rows))
        return (
            f"Genoxel {__version__} was checked with its own self-test ({areas}; {self.effort}, seed {self.seed}): "
            f"{len(judged) - len(self.bad)} of {len(judged)} checks were as expected on this installation"
            f"{'; not as expected: ' + ', '.join(row.what for row in self.bad) if self.bad else ''}."
        )

    def lines(self) -> list[str]:
        """Return the table as lines for people."""
        lines: list[str] = []
        for area in dict.fromkeys(row.area for row in self.rows):
            rows = [row for row in self.rows if row.area == area]
            widths = max(len(row.what) for row in rows), max(len(row.seen) for row in rows)
            lines += [area, *(row.line(*widths) for row in rows)]
        return [*lines, self.sentence()]

    def to_csv(self) -> str:
        """Return the table as comma-separated text."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        names = ("area", "what", "expected", "seen", "word", "low", "high", "of", "note")
        writer.writerow(names)
        for row in self.rows:
            values = [getattr(row, name) for name in names]
            writer.writerow(
                [f"{value:.6f}" if isinstance(value, float) else "" if value is None else value for value in values]
            )
        return buffer.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "genoxel": __version__,
            "ok": not self.bad,
            "effort": self.effort,
            "seed": self.seed,
            "machine": self.machine,
            "versions": dict(self.versions),
            "sentence": self.sentence(),
            "rows": [{**vars(row)} for row in self.rows],
        }
