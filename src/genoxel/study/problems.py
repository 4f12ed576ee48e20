"""Problems of a study as data, so that all of them can be shown at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Literal

from genoxel.core.errors import GenoxelError, SettingsError

Severity = Literal["error", "warning"]
SHOWN = 5
"""Patients named in one line; check --json names all."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong: where (a dotted path of the study file, or a patient), what was got, what is legal, the fix.

    >>> print(Problem("image.resample_mm", "text 'one'", "a number"))
    image.resample_mm: got text 'one'; legal: a number
    """

    where: str
    got: str
    legal: str = ""
    fix: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.where}: {GenoxelError(self.got, self.legal, self.fix)}"

    def to_json(self) -> dict[str, str]:
        """Return the parts of this problem by name."""
        return {key: str(value) for key, value in asdict(self).items()}


def problem_of(where: str, error: GenoxelError, severity: Severity = "error") -> Problem:
    """Return `error` as a problem at `where`, its notes included."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", []))
    return Problem(where, error.got + notes, error.legal, error.fix, severity)


def problem_of_reason(patient: str, reason: str) -> Problem:
    """Return the recorded reason why a patient was lost as a problem that a run survives.

    >>> print(problem_of_reason("P1", "got an empty mask; legal: a voxel | patient P1, CT"))
    P1: got an empty mask (CT); legal: a voxel
    """
    text, *notes = reason.split(" | ")
    head, _, fix = text.partition("; to fix: ")
    got, _, legal = head.partition("; legal: ")
    places = [note.removeprefix(f"patient {patient}").strip(", ") for note in notes]
    where = "".join(f" ({place})" for place in places if place)
    return Problem(patient, got.removeprefix("got ") + where, legal, fix, "warning")


def grouped(problems: Iterable[Problem]) -> list[str]:
    """Return one line per problem; what several patients or keys share is said once, with their names.

    >>> grouped([Problem("P1", "no image"), Problem("P2", "no image")])
    ['P1, P2: got no image']
    """
    places: dict[Problem, list[str]] = {}
    for problem in problems:
        places.setdefault(replace(problem, where=""), []).append(problem.where)
    lines = []
    for problem, names in places.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        lines.append(str(replace(problem, where=", ".join(names[:SHOWN]) + more)))
    return lines


class StudyError(SettingsError):
    """A study that cannot run: holds every problem found, not the first alone."""

    def __init__(self, what: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {place}. {problem}" for place, problem in enumerate(self.problems, 1))
        word = "problem" if len(self.problems) == 1 else "problems"
        super().__init__(f"{what} with {len(self.problems)} {word}{lines}\n", "a study file without problems")

    def __str__(self) -> str:
        return self.got.rstrip()
