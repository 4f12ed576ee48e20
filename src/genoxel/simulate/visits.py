"""Time points, repeats and readers: what a patient's tumour is later on, and what another pair of eyes draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from genoxel.core.mask import Mask
from genoxel.simulate.fields import field_pair
from genoxel.simulate.plan import Person, stream
from genoxel.simulate.spec import SimulationSpec

RESCAN = 100
"""Number of the visit that is a second scan of the same day."""


@dataclass(frozen=True)
class Visit:
    """One scan of one patient: its number, days since the first, the pattern, and the true state of the tumour.

    `volume` is relative to the first; `living` is the share of the tumour's mass that is alive, relative to the first
    (what pseudoprogression hides from the image).
    """

    number: int
    days: int
    pattern: str
    volume: float
    living: float
    physical: Mapping[str, float]

    @property
    def folder(self) -> str:
        """Folder below the patient's, empty for the first scan."""
        return "" if not self.number else "rescan" if self.number == RESCAN else f"visit{self.number + 1}"


def visits(spec: SimulationSpec, person: Person) -> list[Visit]:
    """Return the scans of a patient in order; the rescan comes last."""
    base = person.physical(spec.modality)
    random = stream(spec, "course", person.index)
    pattern = _pattern(spec, random)
    rate, spread = random.uniform(0, 1), random.normal(0, 0.03, 8)
    found = []
    for number in range(spec.course.points):
        volume, living = _state(pattern, number * spec.course.interval_days / 56, rate)
        volume *= float(np.exp(spread[number])) if number else 1.0
        changed = {**base, "size": base["size"] * volume ** (1 / 3), "anchor": base["size"]}
        if number and "necrosis" in base:
            changed["necrosis"] = min(base["necrosis"] * (1 + 0.5 * max(0.0, 1 - living / volume)), 0.8)
        physical = changed if number else base
        found.append(Visit(number, number * spec.course.interval_days, pattern, volume, living, physical))
    if spec.imaging.rescan:
        found.append(Visit(RESCAN, 0, pattern, 1.0, 1.0, base))
    return found


def _pattern(spec: SimulationSpec, random: np.random.Generator) -> str:
    names = list(spec.course.patterns)
    return str(random.choice(names, p=np.array([spec.course.patterns[name] for name in names])))


def _state(pattern: str, cycles: float, rate: float) -> tuple[float, float]:
    """Return (volume, living mass) relative to the start after `cycles` of 8 weeks; `rate` 0 to 1 is the patient's."""
    if pattern == "growth":
        grown = (1.25 + 0.5 * rate) ** cycles
        return grown, grown
    if pattern == "response":
        left = (0.35 + 0.35 * rate) ** cycles
        return max(left, 0.12), max(left, 0.03)
    if pattern == "pseudoprogression":
        swollen = 1 + (0.35 + 0.3 * rate) * cycles * np.exp(1 - cycles)
        return float(max(swollen * 0.75 ** max(cycles - 1, 0), 0.3)), float(0.45**cycles)
    return 1.0, 1.0


def drawn_by(spec: SimulationSpec, person: Person, truth: Mask, reader: int) -> Mask:
    """Return the contour of a reader (1 draws the truth): grown by the bias, with a smooth error of the stated SD."""
    if reader == 1:
        return truth
    inside = truth.inside()
    spacing = truth.spacing
    away = ndimage.distance_transform_edt(inside, spacing) - ndimage.distance_transform_edt(~inside, spacing)
    size = (inside.shape[0], inside.shape[1], inside.shape[2])
    error, _ = field_pair(stream(spec, "repeat", person.index, 1000 + reader), size, spacing, 8.0)
    half = 0.5 * min(spacing)
    sign = np.where(inside, -half, half)  # distances count from voxel centres; the surface lies half a voxel on
    shown = away + sign + spec.imaging.reader_bias_mm + spec.imaging.reader_noise_mm * error > 0
    if not shown.any():
        shown = inside
    return Mask(shown.astype(np.uint8), truth.affine, dict(truth.labels))


def plain(visit: Visit) -> dict[str, Any]:
    """Return the truth of a visit as plain values."""
    return {
        "visit": visit.folder or "first",
        "days": visit.days,
        "volume": round(visit.volume, 4),
        "living": round(visit.living, 4),
    }
