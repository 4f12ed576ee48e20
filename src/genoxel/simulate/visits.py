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
    (what pseudoprogression hides from the image). `clone` is the part of both that treatment does not reach. `others`
    tells the same of the lesions beside the main one.
    """

    number: int
    days: int
    pattern: str
    volume: float
    living: float
    physical: Mapping[str, Any]
    others: tuple[Mapping[str, Any], ...] = ()
    clone: float = 0.0

    @property
    def folder(self) -> str:
        """Folder below the patient's, empty for the first scan."""
        return "" if not self.number else "rescan" if self.number == RESCAN else f"visit{self.number + 1}"


def visits(spec: SimulationSpec, person: Person) -> list[Visit]:
    """Return the scans of a patient in order, up to the last day followed; the rescan comes last."""
    base = person.physical(spec.modality)
    random = stream(spec, "course", person.index)
    pattern = _pattern(spec, random, person.responds)
    resistant = "ctdna" in spec.omics.files and pattern == "response" and plasma(spec, person)[2]
    rate, spread = random.uniform(0, 1), random.normal(0, 0.03, 8)
    found = []
    several = _others(spec, person, pattern) if spec.course.points > 1 else []
    for number in range(spec.course.points):
        days = number * spec.course.interval_days
        if number and person.ends is not None and days > person.ends:
            break
        volume, living = _state(pattern, days / 56, rate)
        clone = _escaped(days / 56) if resistant else 0.0
        volume, living = volume + clone, living + clone
        volume *= float(np.exp(spread[number])) if number else 1.0
        changed = {**base, "size": base["size"] * volume ** (1 / 3), "anchor": base["size"]}
        if number and "necrosis" in base:
            changed["necrosis"] = min(base["necrosis"] * (1 + 0.5 * max(0.0, 1 - living / volume)), 0.8)
        physical: dict[str, Any] = dict(changed if number else base)
        others = tuple(one.at(days / 56) for one in several)
        if others:
            physical["volumes"] = tuple(one["volume"] for one in others)
        found.append(Visit(number, days, pattern, volume, living, physical, others, clone))
    if spec.imaging.rescan:
        again = found[0]
        found.append(Visit(RESCAN, 0, pattern, 1.0, 1.0, again.physical, again.others))
    return found


_OTHER_COURSE, _NEW = 0.25, 0.3
_RESISTANT, _SHED = 0.4, 0.02


def plasma(spec: SimulationSpec, person: Person) -> tuple[np.random.Generator, float, bool]:
    """Return (generator for what is counted, allele share that a typical tumour sheds, whether a clone resists)."""
    random = stream(spec, "omics", person.index, 3)
    shed = _SHED * float(np.exp(random.normal(0, 0.5)))
    return random, shed, bool(random.random() < _RESISTANT)


def _escaped(cycles: float) -> float:
    """Return the mass of the resistant clone relative to the tumour at the start; it stops at twice that."""
    return float(min(0.15 * (2.2**cycles - 1), 2.0))


@dataclass(frozen=True)
class _Other:
    """A lesion beside the main one: its course, its own rate, and the cycle from which it is there (0: always)."""

    pattern: str
    rate: float
    since: float

    def at(self, cycles: float) -> dict[str, Any]:
        """Return the state after `cycles` of 8 weeks, relative to the start (or to its first appearance)."""
        if cycles < self.since:
            return {"pattern": self.pattern, "volume": 0.0, "living": 0.0}
        volume, living = _state(self.pattern, cycles - self.since, self.rate)
        return {"pattern": self.pattern, "volume": round(volume, 4), "living": round(living, 4)}


def _others(spec: SimulationSpec, person: Person, pattern: str) -> list[_Other]:
    """Return the courses of the lesions beside the main one: mostly its own, now and then another (mixed response).

    Where the tumour grows, a lesion may be new: it appears with the second scan.
    """
    found = []
    for place in range(1, spec.course.lesions):
        random = stream(spec, "course", person.index, place)
        other, rate, chance, new = _pattern(spec, random), random.uniform(0, 1), random.random(), random.random()
        own = other if chance < _OTHER_COURSE else pattern
        since = spec.course.interval_days / 56 if own == "growth" and new < _NEW else 0.0
        found.append(_Other(own, float(rate), since))
    return found


def _pattern(spec: SimulationSpec, random: np.random.Generator, responds: bool | None = None) -> str:
    names = list(spec.course.patterns)
    shares = np.array([spec.course.patterns[name] for name in names])
    if responds is not None:
        shares = shares * np.array([(name == "response") == responds for name in names])
    return str(random.choice(names, p=shares / shares.sum()))


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
    """Return the truth of a visit as plain values; lesions beside the main one are numbered from 2, as contours are."""
    several = [{"lesion": number, **one} for number, one in enumerate(visit.others, start=2)]
    return {
        **({"lesions": several} if several else {}),
        **({"resistant_clone": round(visit.clone, 4)} if visit.clone else {}),
        "visit": visit.folder or "first",
        "days": visit.days,
        "volume": round(visit.volume, 4),
        "living": round(visit.living, 4),
    }
