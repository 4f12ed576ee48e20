"""Patients aligned over images, masks, tables, records and outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from genoxel.core.errors import TableError, nearest
from genoxel.core.flow import Flow
from genoxel.core.image import Image, frozen, reduced
from genoxel.core.mask import Mask
from genoxel.core.outcome import Outcome
from genoxel.core.records import Records
from genoxel.core.table import Table


@dataclass(frozen=True, repr=False, eq=False)
class Cohort:
    """Patients and what is known of them; each layer may lack patients.

    `images` and `masks` map patient -> name -> volume (lazy arrays allowed); `tables`, `records` and `outcomes` map a
    name to a layer; `site` maps patient -> centre; `flow` tells who was left out on the way.

    >>> Cohort(("P1", "P2"), site={"P1": "A", "P2": "B"})
    Cohort 2 patients of 2 sites
    """

    patients: tuple[str, ...]
    images: Mapping[str, Mapping[str, Image]] = field(default_factory=dict)
    masks: Mapping[str, Mapping[str, Mask]] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    records: Mapping[str, Records] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    site: Mapping[str, str] = field(default_factory=dict)
    flow: Flow | None = None

    def __post_init__(self) -> None:
        patients = tuple(self.patients)
        if len(set(patients)) != len(patients):
            raise TableError("a cohort with patients twice", "distinct patients", "lesions and samples are row keys")
        object.__setattr__(self, "patients", patients)
        for layer in ("images", "masks", "tables", "records", "outcomes", "site"):
            object.__setattr__(self, layer, frozen(getattr(self, layer)))

    def table(self, name: str) -> Table:
        """Return the table called `name`; `TableError` names the nearest."""
        if name not in self.tables:
            hint = nearest(name, self.tables) or "add it with .with_table()"
            raise TableError(f"table {name!r}", ", ".join(self.tables) or "none in this cohort", hint)
        return self.tables[name]

    def with_table(self, name: str, table: Table) -> Cohort:
        """Return this cohort with one more table, limited to its patients."""
        return replace(self, tables={**self.tables, name: table.of_patients(self.patients)})

    def with_records(self, name: str, records: Records) -> Cohort:
        """Return this cohort with one more set of records, limited to its patients."""
        inside = set(self.patients)
        kept = records.take([place for place, row in enumerate(records.rows) if row.patient in inside])
        if kept.profiled is not None:
            kept = replace(kept, profiled=tuple(row for row in kept.profiled if row.patient in inside))
        return replace(self, records={**self.records, name: kept})

    def with_outcome(self, outcome: Outcome) -> Cohort:
        """Return this cohort with one more outcome, aligned to its patients (unknown where it has none)."""
        return replace(self, outcomes={**self.outcomes, outcome.name: outcome.of_patients(self.patients)})

    def of_patients(self, patients: Iterable[str]) -> Cohort:
        """Return the cohort of the given patients; every layer is limited to them. The only way to split a cohort."""
        wanted = tuple(dict.fromkeys(patients))
        stranger = [patient for patient in wanted if patient not in set(self.patients)]
        if stranger:
            raise TableError(f"patients {stranger[:5]}", "patients of this cohort", "check the identifiers")
        cohort = replace(
            self,
            patients=wanted,
            images={patient: self.images[patient] for patient in wanted if patient in self.images},
            masks={patient: self.masks[patient] for patient in wanted if patient in self.masks},
            tables={name: table.of_patients(wanted) for name, table in self.tables.items()},
            outcomes={name: outcome.of_patients(wanted) for name, outcome in self.outcomes.items()},
            site={patient: self.site[patient] for patient in wanted if patient in self.site},
        )
        for name, records in self.records.items():
            cohort = cohort.with_records(name, records)
        return cohort

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self)

    def __repr__(self) -> str:
        parts = [f"{len(self.patients)} patients"]
        if self.site:
            parts[0] += f" of {len(set(self.site.values()))} sites"
        if self.images:
            parts.append(f"images {len(self.images)}")
        parts += [f"{name} {len(table.patients)} x {len(table.columns)}" for name, table in self.tables.items()]
        parts += [f"{name} {len(records)} events" for name, records in self.records.items()]
        parts += [f"target {name}" for name in self.outcomes]
        return "Cohort " + " · ".join(parts)

    def _repr_html_(self) -> str:
        flow = f"<p>{self.flow!r}</p>" if self.flow else ""
        return f"<b>{self!r}</b>{flow}"
