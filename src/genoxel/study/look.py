"""What lies in a folder or in the catalogue, in lines for people."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genoxel.io.inventory import Inventory, Problem, SeriesRecord, inventory
from genoxel.study.select import sequence_of

FEW = 12
MANY_FILES = 3000
NOT_STATED = "not stated"
_SCANNER = {"maker": "Manufacturer", "model": "ManufacturerModelName"}
FACTS = {
    "CT": {**_SCANNER, "kernel": "ConvolutionKernel", "kVp": "KVP"},
    "MR": {**_SCANNER, "field [T]": "MagneticFieldStrength", "TR [ms]": "RepetitionTime", "TE [ms]": "EchoTime"},
    "PT": {**_SCANNER, "units": "Units", "decay": "DecayCorrection"},
    "": _SCANNER,
}
"""Modality -> what the acquisition table shows, and the DICOM keyword it comes from."""

MIXED = ("maker", "kernel", "kVp", "field [T]", "phase", "step [mm]", "units")
"""Facts whose mixture within one modality is named, since features depend on them."""


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
    def dynamic(self) -> dict[str, int]:
        """Modality or sequence -> volumes of one series, where every series of it holds several (b-values, times)."""
        counts: dict[str, list[int]] = {}
        for one in self.found.series:
            counts.setdefault(sequence_of(one.modality, one.description, one.tags), []).append(one.volumes)
        return {name: max(volumes) for name, volumes in sorted(counts.items()) if min(volumes) > 1}

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
        if self.dynamic:
            told = " · ".join(f"{name} {count}" for name, count in self.dynamic.items())
            lines.append(f' several volumes per series   {told}: not proposed; choose one, as "volume == 2"')
        names = [f"{name} {len(who)}" for name, who in found.structure_names().items()]
        if names:
            more = f" · ... {len(names) - FEW} more" if len(names) > FEW else ""
            lines.append(f" structure names (patients)   {' · '.join(names[:FEW])}{more}")
        lines += self.acquisition_lines()
        if not found.series and not found.structures:
            lines.append(f" no image among {found.files} files: DICOM, NIfTI (.nii, .nii.gz), NRRD and MHA are read")
        return lines + self._unreadable_lines()

    def _unreadable_lines(self, most: int = 5) -> list[str]:
        """Return which files cannot be read: one line a reason, with the first file and how many more share it."""
        shared: dict[str, list[Problem]] = {}
        for one in self.found.problems:
            shared.setdefault(one.reason.replace(one.file.name, ""), []).append(one)
        lines = [
            f" not readable: {few([one.file.name for one in files], 1)}: {files[0].reason}" for files in shared.values()
        ]
        rest = sum(len(files) for files in list(shared.values())[most:])
        return lines[:most] + ([f" ... {rest} more files that cannot be read"] if rest else [])

    def acquisition(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return sequence -> fact -> value -> number of series, the most frequent first; without unstated facts."""
        table: dict[str, dict[str, Counter[str]]] = {}
        for one in self.found.series:
            if one.number > 1:
                continue
            rows = table.setdefault(sequence_of(one.modality, one.description, one.tags), {})
            for name, value in taken(one).items():
                rows.setdefault(name, Counter())[value or NOT_STATED] += 1
        return {
            sequence: {
                name: dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
                for name, counts in rows.items()
                if set(counts) != {NOT_STATED}
            }
            for sequence, rows in sorted(table.items())
        }

    def acquisition_lines(self) -> list[str]:
        """Return how images were taken in lines, and which facts differ within one modality or sequence."""
        lines, mixed = [], []
        for sequence, rows in self.acquisition().items():
            words = [f"{name} {_counted(counts)}" for name, counts in rows.items()]
            lines.append(f" taken {sequence or 'volume'}   {' · '.join(words)}" if words else "")
            mixed += [f"{sequence} {name}" for name, counts in rows.items() if name in MIXED and len(counts) > 1]
        if mixed:
            lines.append(f" mixed   {' · '.join(mixed)}: choose among them, or compare them in the report")
        return [line for line in lines if line]

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
                    "volume": one.number,
                    "volumes": one.volumes,
                    "volume_label": one.label,
                    "date": one.date,
                    "taken": taken(one),
                }
                for one in self.found.series
            ],
            "structures": [
                {
                    "patient": one.patient,
                    "kind": one.kind,
                    "names": list(one.names),
                    "file": str(one.file),
                    "fits": [{"series": series.key, "why": why} for series, why in self.found.series_for(one)],
                }
                for one in self.found.structures
            ],
            "acquisition": self.acquisition(),
            "problems": [{"file": str(problem.file), "reason": problem.reason} for problem in self.found.problems],
        }


def taken(series: SeriesRecord) -> dict[str, str]:
    """Return how a series was taken, as text: maker, model, kernel or timing, tube voltage or field, step, phase."""
    tags = series.tags
    values = {name: tags.get(keyword) for name, keyword in FACTS.get(series.modality, FACTS[""]).items()}
    facts = {name: f"{value:g}" if isinstance(value, float) else str(value or "") for name, value in values.items()}
    if series.spacing:
        facts["step [mm]"] = f"{series.spacing[2]:.3g}"
    if series.modality in ("CT", "MR"):
        facts["phase"] = "contrast" if str(tags.get("ContrastBolusAgent") or "").strip() else "plain"
    return facts


def _counted(counts: dict[str, int], most: int = 4) -> str:
    more = f", ... {len(counts) - most} more" if len(counts) > most else ""
    return ", ".join(f"{value} {count}" for value, count in list(counts.items())[:most]) + more


def few(names: Sequence[str], most: int = 6) -> str:
    """Return the first names, and how many more there are.

    >>> few(["a", "b", "c"], most=2)
    'a b ... 1 more'
    """
    more = f" ... {len(names) - most} more" if len(names) > most else ""
    return " ".join(names[:most]) + more


def look_at_folder(folder: Path, cache: Path | None = None, workers: int | None = 1) -> FolderLook:
    """Return what lies in a folder of images; only headers are read, in several processes where there are many files.

    `cache` is a file that remembers headers. Raises `MissingFileError` without folder.
    """
    if workers == 1 or _few_files(folder):
        return FolderLook(inventory(folder, cache))
    from genoxel.study.executors import Pool

    with Pool(workers) as pool:
        return FolderLook(inventory(folder, cache, pool.executor()))


def _few_files(folder: Path) -> bool:
    """Whether starting processes would take longer than reading the headers here."""
    count = 0
    for _, _, names in os.walk(folder):
        count += len(names)
        if count > MANY_FILES:
            return False
    return True
