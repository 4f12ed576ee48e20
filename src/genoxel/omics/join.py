"""Joining what is known of each patient, and saying who was lost, where and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genoxel.core.cohort import Cohort
from genoxel.core.errors import SettingsError, TableError, nearest
from genoxel.core.flow import Flow
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.core.outcome import Outcome
from genoxel.core.records import Records
from genoxel.core.table import Table
from genoxel.omics.barcodes import SampleChoice
from genoxel.omics.criteria import Criterion, days_between, include, within_days

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Criterion", "JoinReport", "Layers", "days_between", "include", "join", "within_days"]


@dataclass(frozen=True)
class Layers:
    """What is to be joined: each layer under its name, as in `Cohort`; all may be empty."""

    tables: Mapping[str, Table] | None = None
    records: Mapping[str, Records] | None = None
    outcomes: Mapping[str, Outcome] | None = None
    images: Mapping[str, Mapping[str, Image]] | None = None
    masks: Mapping[str, Mapping[str, Mask]] | None = None
    site: Mapping[str, str] | None = None

    def patients(self) -> dict[str, tuple[str, ...]]:
        """Return layer -> the patients it knows (for records: those with events or listed as profiled)."""
        known = {name: table.patients for name, table in (self.tables or {}).items()}
        for name, records in (self.records or {}).items():
            listed = (row.patient for row in records.profiled or ())
            known[name] = tuple(dict.fromkeys([*records.patients, *listed]))
        for name, outcome in (self.outcomes or {}).items():
            held = zip(outcome.patients, outcome.known.tolist(), strict=True)
            known[name] = tuple(patient for patient, there in held if there)
        if self.images:
            known["images"] = tuple(self.images)
        return known


@dataclass(frozen=True)
class JoinReport:
    """What a join found.

    `matched` are the patients joined; per layer, `missing` are those of them without it and `unmatched` those in the
    layer alone; `several_rows` names patients with more than one row, `nearly` identifiers that nearly agree.
    """

    matched: tuple[str, ...]
    missing: Mapping[str, tuple[str, ...]]
    unmatched: Mapping[str, tuple[str, ...]]
    several_rows: Mapping[str, tuple[str, ...]]
    nearly: tuple[tuple[str, str, str], ...]
    flow: Flow
    samples: Mapping[str, SampleChoice]

    def describe(self) -> str:
        """Return the report in lines, for the console."""
        lines = [f"{len(self.matched)} patients joined ({self.flow!r})"]
        for name, who in self.missing.items():
            lines += [f"{name}: {len(who)} of them without ({_few(who)})"] if who else []
        for name, who in self.unmatched.items():
            lines += [f"{name}: {len(who)} more that are not in the cohort ({_few(who)})"] if who else []
        for name, who in self.several_rows.items():
            lines.append(f"{name}: several rows for {len(who)} patients ({_few(who)})")
        lines += [f"nearly the same: {one} ({layer}) and {other}" for layer, one, other in self.nearly]
        for name, choice in self.samples.items():
            normals = sum(reason == "normal tissue" for reason in choice.set_aside.values())
            lines.append(
                f"{name}: {len(choice.set_aside)} samples set aside ({normals} normal), {len(choice.ties)} ties"
            )
        return "\n".join(lines)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per patient that any layer knows: patient, joined, layers present, lost at, reason."""
        import pandas as pd

        lost = self.flow.lost
        everyone = dict.fromkeys([*self.matched, *lost, *(who for names in self.unmatched.values() for who in names)])
        rows = []
        for who in everyone:
            step, reason = lost.get(who, ("", ""))
            absent = [name for name, names in self.missing.items() if who in names]
            rows.append((who, who in set(self.matched), ", ".join(absent), step, reason))
        return pd.DataFrame(rows, columns=["patient", "joined", "missing_layers", "lost_at", "reason"])


def join(
    layers: Layers,
    flow: Flow | None = None,
    required: Sequence[str] = (),
    known: Sequence[str] = (),
    samples: Mapping[str, SampleChoice] | None = None,
) -> tuple[Cohort, JoinReport]:
    """Return the cohort of all layers aligned by patient, and the report of the join.

    The cohort's patients are those that remain in `flow` (default: all that any layer knows), less those without a
    row in a `required` layer and those whose outcome in `known` is not known; each requirement is one box of the flow.
    Patients missing from other layers stay, with that layer missing. Raises `SettingsError` for a layer that is not
    there, `TableError` when nobody remains, naming identifiers that nearly agree.

    >>> from genoxel.core.table import Column
    >>> import numpy as np
    >>> image = Table(np.array([[1.0], [2.0]]), ("P1", "P2"), (Column("volume"),))
    >>> cohort, report = join(Layers(tables={"image": image}), Flow.start("clinical table", ["P1", "P3"]), ["image"])
    >>> cohort, report.flow.lost
    (Cohort 1 patients · image 1 x 1, {'P3': ('has image', 'no row in image')})
    """
    present = layers.patients()
    _check_names((*required, *known), present)
    if flow is None:
        flow = Flow.start("in any table", (who for names in present.values() for who in names))
    for name in required:
        there = set(present[name])
        flow = flow.drop(f"has {name}", {who: f"no row in {name}" for who in flow.patients if who not in there})
    for name in known:
        there = set(present[name])
        flow = flow.drop(f"{name} known", {who: f"{name} unknown" for who in flow.patients if who not in there})
    start = flow.steps[0].entered
    nearly = _nearly(start, present)
    if not flow.patients:
        hint = f"{nearly[0][1]!r} and {nearly[0][2]!r} nearly agree" if nearly else "check that all write ids alike"
        raise TableError(f"no patient left of {len(start)} ({flow!r})", "patients that the layers share", hint)
    cohort = _align(layers, flow)
    inside = set(flow.patients)
    report = JoinReport(
        matched=flow.patients,
        missing={name: tuple(who for who in flow.patients if who not in set(names)) for name, names in present.items()},
        unmatched={name: tuple(who for who in names if who not in set(start)) for name, names in present.items()},
        several_rows=_several(layers, inside),
        nearly=nearly,
        flow=flow,
        samples=dict(samples or {}),
    )
    return cohort, report


def _check_names(names: Iterable[str], present: Mapping[str, Sequence[str]]) -> None:
    for name in names:
        if name not in present:
            some = ", ".join(present) or "none"
            raise SettingsError(f"the layer {name!r}", some, nearest(name, present) or "name one of these")


def _align(layers: Layers, flow: Flow) -> Cohort:
    patients = flow.patients
    cohort = Cohort(
        patients,
        images={who: (layers.images or {})[who] for who in patients if who in (layers.images or {})},
        masks={who: (layers.masks or {})[who] for who in patients if who in (layers.masks or {})},
        site={who: (layers.site or {})[who] for who in patients if who in (layers.site or {})},
        flow=flow,
    )
    for name, table in (layers.tables or {}).items():
        cohort = cohort.with_table(name, table)
    for name, records in (layers.records or {}).items():
        cohort = cohort.with_records(name, records)
    for outcome in (layers.outcomes or {}).values():
        cohort = cohort.with_outcome(outcome)
    return cohort


def _several(layers: Layers, inside: set[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, table in (layers.tables or {}).items():
        seen: set[str] = set()
        twice = {row.patient: None for row in table.rows if row.patient in seen or seen.add(row.patient)}  # type: ignore[func-returns-value]
        if who := tuple(patient for patient in twice if patient in inside):
            found[name] = who
    return found


def _nearly(start: Iterable[str], present: Mapping[str, Sequence[str]]) -> tuple[tuple[str, str, str], ...]:
    """Return (layer, identifier there, identifier in the cohort) for pairs that differ only in how they are written."""
    known = set(start)
    folded = {fold_id(who): who for who in known}
    return tuple(
        (name, who, folded[fold_id(who)])
        for name, names in present.items()
        for who in names
        if who not in known and fold_id(who) in folded
    )


def fold_id(text: str) -> str:
    """Return an identifier without case, separators and leading zeros of its numbers, to find near agreement only.

    >>> fold_id("p-007") == fold_id("P7")
    True
    """
    letters = "".join(sign if sign.isalnum() else " " for sign in text.casefold())
    parts: list[str] = []
    for word in letters.split():
        run = ""
        for sign in word:
            if run and sign.isdigit() != run[-1].isdigit():
                parts.append(run)
                run = ""
            run += sign
        parts.append(run)
    return "".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)


def _few(who: Sequence[str]) -> str:
    return ", ".join(who[:5]) + (" ..." if len(who) > 5 else "")
