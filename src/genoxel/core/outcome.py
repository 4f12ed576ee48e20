"""What is to be explained or predicted, behind one gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import OutcomeError
from genoxel.core.image import FloatArray

OutcomeKind = Literal["class", "ordinal", "value", "survival"]

SMALLEST_CLASS = 10
"""With fewer patients in the smaller class nothing is tested and no interval is given."""


@dataclass(frozen=True, repr=False, eq=False)
class Outcome:
    """One outcome per patient: a class, an ordered class, a value, or a time with an event; NaN is unknown.

    `values` (n,) holds class codes into `levels`, the value, or the time; `event` (n,) is 1 for an observed event
    (survival only). For two classes the second level is the positive one.

    >>> Outcome.of_classes("IDH", {"P1": "mutant", "P2": "wild type", "P3": None}, ("wild type", "mutant"))
    Outcome IDH (class): 1 wild type, 1 mutant, 1 unknown
    """

    name: str
    kind: OutcomeKind
    patients: tuple[str, ...]
    values: FloatArray
    levels: tuple[str, ...] = ()
    event: FloatArray | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        if values.shape != (len(self.patients),):
            raise OutcomeError(f"{values.size} values for {len(self.patients)} patients", "one value per patient")
        if len(set(self.patients)) != len(self.patients):
            raise OutcomeError(
                f"outcome {self.name} with patients twice", "one outcome per patient", "say which counts"
            )
        if np.isinf(values).any():
            raise OutcomeError(f"infinite values in outcome {self.name}", "finite values", "mark them unknown")
        object.__setattr__(self, "values", values)
        if self.kind not in get_args(OutcomeKind):
            raise OutcomeError(f"outcome kind {self.kind!r}", ", ".join(get_args(OutcomeKind)))
        if self.kind in ("class", "ordinal"):
            _check_codes(self)
        if self.kind == "survival":
            _check_survival(self)

    @classmethod
    def of_classes(
        cls, name: str, status: Mapping[str, str | None], levels: Sequence[str], ordered: bool = False
    ) -> Outcome:
        """Return a class outcome of a mapping patient -> level (None is unknown); other words are refused."""
        code = {level: float(place) for place, level in enumerate(levels)}
        odd = sorted({word for word in status.values() if word is not None and word not in code})
        if odd:
            raise OutcomeError(f"values {odd[:5]} in outcome {name}", ", ".join(levels), "map or mark them unknown")
        values = np.array([np.nan if word is None else code[word] for word in status.values()], dtype=np.float64)
        return cls(name, "ordinal" if ordered else "class", tuple(status), values, tuple(levels))

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Where the outcome is known (n,)."""
        known = ~np.isnan(self.values)
        return known if self.event is None else known & ~np.isnan(self.event)

    def counts(self) -> dict[str, int]:
        """Return patients per level, and 'unknown' where there are any (class and ordinal outcomes)."""
        counts = {level: int(np.sum(self.values == place)) for place, level in enumerate(self.levels)}
        missing = int(np.sum(~self.known))
        return {**counts, "unknown": missing} if missing else counts

    def smaller_class(self) -> int:
        """Return the number of known patients in the smaller of two classes."""
        if self.kind != "class" or len(self.levels) != 2:
            raise OutcomeError(f"outcome {self.name} ({self.kind})", "two classes", "choose another metric")
        return min(int(np.sum(self.values == 0)), int(np.sum(self.values == 1)))

    def of_patients(self, patients: Iterable[str]) -> Outcome:
        """Return this outcome for `patients` in their order; patients it does not hold are unknown."""
        wanted = tuple(patients)
        place = {patient: index for index, patient in enumerate(self.patients)}
        index = [place.get(patient, -1) for patient in wanted]
        values = np.append(self.values, np.nan)[index]
        event = None if self.event is None else np.append(self.event, np.nan)[index]
        return replace(self, patients=wanted, values=values, event=event)

    def __repr__(self) -> str:
        if self.levels:
            content = ", ".join(f"{count} {level}" for level, count in self.counts().items())
        else:
            content = f"{int(self.known.sum())} known, {int((~self.known).sum())} unknown"
        return f"Outcome {self.name} ({self.kind}): {content}"


def _check_codes(outcome: Outcome) -> None:
    codes = outcome.values[~np.isnan(outcome.values)]
    odd = sorted({code for code in codes.tolist() if not code.is_integer() or not 0 <= code < len(outcome.levels)})
    if odd:
        legal = f"codes 0 to {len(outcome.levels) - 1} into its levels" if outcome.levels else "named levels"
        raise OutcomeError(f"class codes {odd[:5]} in outcome {outcome.name}", legal, "use Outcome.of_classes")


def _check_survival(outcome: Outcome) -> None:
    event = outcome.event
    if event is None or np.shape(event) != outcome.values.shape:
        raise OutcomeError(f"survival outcome {outcome.name} without events", "one event per time", "pass event=")
    event = np.array(event, dtype=np.float64)
    if not np.isin(event[~np.isnan(event)], (0, 1)).all():
        raise OutcomeError(f"events other than 0 and 1 in {outcome.name}", "1 observed, 0 censored", "recode them")
    if (outcome.values < 0).any():
        raise OutcomeError(f"negative times in {outcome.name}", "times of 0 or more", "check the dates")
    object.__setattr__(outcome, "event", event)


def check_outcome(outcome: Outcome, patients: Sequence[str]) -> tuple[npt.NDArray[np.intp], Outcome]:
    """Return (index of `patients` whose outcome is known, that outcome): the gate every fit calls first.

    Raises `OutcomeError` when none is known or when all known classes are one and the same.
    """
    aligned = outcome.of_patients(patients)
    index = np.flatnonzero(aligned.known)
    known = aligned.of_patients([patients[place] for place in index.tolist()])
    if index.size == 0:
        raise OutcomeError(
            f"outcome {outcome.name} known for none of {len(patients)} patients",
            "known outcomes",
            "check that both tables write patients alike",
        )
    if known.kind in ("class", "ordinal") and len(set(known.values.tolist())) < 2:
        only = known.levels[int(known.values[0])]
        raise OutcomeError(
            f"outcome {outcome.name} with one class only ({only})",
            "at least two classes",
            "choose a target that varies in this cohort",
        )
    return index, known
