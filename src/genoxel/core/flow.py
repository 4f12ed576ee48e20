"""Who was left out, where and why: the boxes of a flow figure as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class FlowStep:
    """One box of the flow figure: its label, who entered, who was left out and why (patient -> reason)."""

    label: str
    entered: tuple[str, ...]
    lost: tuple[tuple[str, str], ...] = ()

    @property
    def left(self) -> tuple[str, ...]:
        """Patients that pass on."""
        gone = {patient for patient, _ in self.lost}
        return tuple(patient for patient in self.entered if patient not in gone)


@dataclass(frozen=True)
class Flow:
    """The way of the patients through a study: steps in order, each beginning with who the last one left.

    >>> flow = Flow.start("in the clinical table", ["P1", "P2"]).drop("has images", {"P2": "no CT series"})
    >>> flow
    Flow 2 -> 1: has images (-1)
    >>> flow.patients
    ('P1',)
    """

    steps: tuple[FlowStep, ...]

    @classmethod
    def start(cls, label: str, patients: Iterable[str]) -> Flow:
        """Return a flow whose first box holds `patients`."""
        return cls((FlowStep(label, tuple(dict.fromkeys(patients))),))

    def drop(self, label: str, lost: dict[str, str]) -> Flow:
        """Return the flow with one more box, leaving out `lost` (patient -> reason)."""
        entered = self.patients
        inside = set(entered)
        gone = tuple((patient, reason) for patient, reason in lost.items() if patient in inside)
        return Flow((*self.steps, FlowStep(label, entered, gone)))

    @property
    def patients(self) -> tuple[str, ...]:
        """Patients that remain."""
        return self.steps[-1].left

    @property
    def lost(self) -> dict[str, tuple[str, str]]:
        """Everyone left out: patient -> (label of the box, reason)."""
        return {patient: (step.label, reason) for step in self.steps for patient, reason in step.lost}

    def __repr__(self) -> str:
        losses = ", ".join(f"{step.label} (-{len(step.lost)})" for step in self.steps if step.lost) or "none lost"
        return f"Flow {len(self.steps[0].entered)} -> {len(self.patients)}: {losses}"
