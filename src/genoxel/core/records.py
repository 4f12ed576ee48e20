"""A long table, one row per event: a variant, a segment, a fusion, a dated assay, a sample with coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import TableError, nearest
from genoxel.core.keys import RowKey, as_keys

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class Records:
    """Events of patients: `rows` gives the key of each event (keys may repeat), `fields` one array per name.

    `profiled` lists the keys that were assayed at all, with or without events; None when nobody said. A patient
    without event is known to be free of it only when profiled; `genes` limits that knowledge to a panel
    (None: everything was covered), and `panels` gives the panel of single patients where it was another one.

    >>> Records("variants", ("P1",), {"gene": np.array(["IDH1"], object)}, profiled=("P1", "P2"))
    Records variants: 1 event of 1 patient, 2 profiled; fields gene
    """

    kind: str
    rows: tuple[RowKey, ...]
    fields: Mapping[str, npt.NDArray[Any]]
    profiled: tuple[RowKey, ...] | None = None
    genes: tuple[str, ...] | None = None
    panels: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = as_keys(self.rows)
        fields = {name: np.asarray(values) for name, values in self.fields.items()}
        short = [name for name, values in fields.items() if values.shape != (len(rows),)]
        if short:
            raise TableError(f"fields {short} for {len(rows)} events", "one value per event", "check the reader")
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "fields", MappingProxyType(fields))
        panels = {patient: frozenset(genes) for patient, genes in sorted(self.panels.items())}
        object.__setattr__(self, "panels", MappingProxyType(panels))
        if self.profiled is not None:
            object.__setattr__(self, "profiled", tuple(dict.fromkeys(as_keys(self.profiled))))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def patients(self) -> tuple[str, ...]:
        """Distinct patients with at least one event."""
        return tuple(dict.fromkeys(row.patient for row in self.rows))

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self.fields:
            hint = nearest(name, self.fields) or "choose one of these"
            raise TableError(f"field {name!r} of {self.kind}", ", ".join(self.fields), hint)
        return self.fields[name]

    def covers(self, patient: str, gene: str) -> bool:
        """Return whether the assay of `patient` looked at `gene` (who was assayed at all is told by `profiled`)."""
        if patient in self.panels:
            return gene in self.panels[patient]
        return self.genes is None or gene in self.genes

    def take(self, index: npt.ArrayLike) -> Records:
        """Return the events chosen by an integer or boolean `index`; who was profiled stays."""
        wanted = np.asarray(index)
        chosen = np.arange(len(self.rows))[wanted.astype(np.intp) if wanted.size == 0 else wanted]
        fields = {name: values[chosen] for name, values in self.fields.items()}
        return replace(self, rows=tuple(self.rows[place] for place in chosen), fields=fields)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame with the five parts of the row key and one column per field."""
        import pandas as pd

        keys = pd.DataFrame([tuple(row) for row in self.rows], columns=list(RowKey._fields))
        return pd.concat([keys, pd.DataFrame(dict(self.fields))], axis=1)

    def __reduce__(self) -> tuple[Any, ...]:
        return Records, (self.kind, self.rows, dict(self.fields), self.profiled, self.genes, dict(self.panels))

    def __repr__(self) -> str:
        profiled = "profiling unknown" if self.profiled is None else f"{len(self.profiled)} profiled"
        events = f"{len(self.rows)} event{'' if len(self.rows) == 1 else 's'}"
        patients = f"{len(self.patients)} patient{'' if len(self.patients) == 1 else 's'}"
        return f"Records {self.kind}: {events} of {patients}, {profiled}; fields {', '.join(self.fields)}"
