"""What lies in a folder or in the catalogue, in lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genoxel.io.inventory import Inventory, inventory
from genoxel.study.select import sequence_of

FEW = 12


@dataclass(frozen=True, eq=False)
class FolderLook:
    """The inventory of a folder, said in words."""

    found: Inventory

    @property
    def sequences(self) -> dict[str, int]:
        """Modality or sequence -> patients that have it, the most frequent first."""
        pairs = {(sequence_of(one.modality, one.description, one.tags), one.patient) for one in self.found.series}
        return dict(sorted(Counter(name for name, _ in pairs).items(), key=lambda item: (-item[1], item[0])))

    @property
    def several(self) -> tuple[str, ...]:
        """Patients with more than one series of one modality or sequence."""
        counts = Counter(
            (one.patient, sequence_of(one.modality, one.description, one.tags)) for one in self.found.series
        )
        return tuple(sorted({patient for (patient, _), count in counts.items() if count > 1}))

    def lines(self) -> list[str]:
        """Return the lines that `inventory` and `init` print."""
        found = self.found
        kinds = Counter(one.kind for one in found.structures)
        parts = [f"patients {len(found.patients)}", *(f"{name} {count}" for name, count in self.sequences.items())]
        parts += [f"{kind} {count}" for kind, count in sorted(kinds.items())]
        lines = [f" {' · '.join(parts)}"]
        if self.several:
            lines.append(f" {len(self.several)} patients with several series of one kind: {few(self.several)}")
        names = [f"{name} {len(who)}" for name, who in found.structure_names().items()]
        if names:
            more = f" · ... {len(names) - FEW} more" if len(names) > FEW else ""
            lines.append(f" structure names (patients)   {' · '.join(names[:FEW])}{more}")
        lines += [f" not readable: {problem.file.name}: {problem.reason}" for problem in found.problems[:5]]
        if len(found.problems) > 5:
            lines.append(f" ... {len(found.problems) - 5} more files that cannot be read")
        return lines

    def to_json(self) -> dict[str, Any]:
        """Return the inventory as plain values, series by series."""
        return {
            "patients": list(self.found.patients),
            "files": self.found.files,
            "series": [
                {
                    **{name: getattr(one, name) for name in ("patient", "study", "series", "modality", "description")},
                    "sequence": sequence_of(one.modality, one.description, one.tags),
                    "slices": one.n_slices,
                    "spacing_mm": list(one.spacing) if one.spacing else None,
                    "kind": one.kind,
                }
                for one in self.found.series
            ],
            "structures": [
                {"patient": one.patient, "kind": one.kind, "names": list(one.names), "file": str(one.file)}
                for one in self.found.structures
            ],
            "problems": [{"file": str(problem.file), "reason": problem.reason} for problem in self.found.problems],
        }


def few(names: Sequence[str], most: int = 6) -> str:
    """Return the first names, and how many more there are.

    >>> few(["a", "b", "c"], most=2)
    'a b ... 1 more'
    """
    more = f" ... {len(names) - most} more" if len(names) > most else ""
    return " ".join(names[:most]) + more


def look_at_folder(folder: Path) -> FolderLook:
    """Return what lies in a folder of images; only headers are read. Raises `MissingFileError` without folder."""
    return FolderLook(inventory(folder))
