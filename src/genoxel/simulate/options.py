"""What else a cohort may have: repeats, readers, faults, time points, lesions, clones, molecular files, layouts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from genoxel.core.errors import SettingsError, nearest
from genoxel.core.image import frozen
from genoxel.simulate.genes import PATHWAYS

ALSO: Mapping[str, tuple[str, ...]] = {
    "mr": ("dwi", "dsc", "dce", "pet", "dynamic-pet"),
    "ct": (
        *("pet", "dynamic-pet", "native", "arterial", "delayed", "low-energy", "low-dose"),
        *("sharp", "smooth", "thick-2.5", "thick-5", "thick-2.5-sharp", "thick-5-sharp"),
    ),
    "breast": ("dce",),
    "prostate": ("dwi", "dce"),
}
"""Acquisitions beyond the basic images, per body."""

FAULTS = ("motion", "missing-slices", "metal", "noise", "wrong-orientation")
COURSES = ("growth", "response", "pseudoprogression", "stable")
FILES = (
    *("vcf", "segments", "fusions", "methylation", "counts", "protein", "ctdna", "outcome"),
    *("panels", "messy"),
)
LAYOUTS = ("dicom", "nifti", "enhanced")
MISSING = ("imaging", "mutations", "expression", "methylation", "outcome", "segments", "protein", "ctdna")


def one_of(name: str, value: str, legal: Iterable[str]) -> None:
    """Raise `SettingsError` naming the nearest legal word when `value` is none of them."""
    known = tuple(legal)
    if value not in known:
        raise SettingsError(
            f"{name} {value!r}", ", ".join(known) or "nothing", nearest(str(value), known) or "choose one"
        )


def whole(name: str, value: object, low: int, high: int) -> None:
    """Raise `SettingsError` unless `value` is a whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SettingsError(f"{name} = {value!r}", f"a whole number, {low} to {high}", "choose one in that range")


def real(name: str, value: object, low: float, high: float) -> None:
    """Raise `SettingsError` unless `value` is a number from `low` to `high`."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not low <= value <= high:  # type: ignore[operator]
        raise SettingsError(f"{name} = {value!r}", f"a number, {low:g} to {high:g}", "choose one in that range")


def flag(name: str, value: object) -> None:
    """Raise `SettingsError` unless `value` is true or false."""
    if not isinstance(value, bool):
        raise SettingsError(f"{name} = {value!r}", "true or false", "write it without quotes")


def texts(name: str, value: object) -> tuple[str, ...]:
    """Return a list of words as a tuple; `SettingsError` for anything else, a single word among it."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise SettingsError(f"{name} = {value!r}", "a list of words", f'write for example {name} = ["..."]')
    return tuple(value)


def table(name: str, value: object) -> Mapping[str, Any]:
    """Return a table of named values that nobody can change; `SettingsError` for anything else."""
    if not isinstance(value, Mapping):
        raise SettingsError(f"{name} = {value!r}", "a table of names and values", f"write {name} = {{ NAME = VALUE }}")
    return frozen(value)


class Group:
    """What the groups share: plain values for JSON, and whether anything was asked for."""

    def as_dict(self) -> dict[str, Any]:
        """Return the group as plain values."""
        content = {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]
        return {
            name: dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value
            for name, value in content.items()
        }

    def __reduce__(self) -> tuple[Any, ...]:
        values = [getattr(self, one.name) for one in fields(self)]  # type: ignore[arg-type]
        return type(self), tuple(dict(value) if isinstance(value, Mapping) else value for value in values)


@dataclass(frozen=True)
class Imaging(Group):
    """Repeats, readers and faults.

    `rescan` adds a second scan of the same tissue the same day (another position and noise); `readers` counts those
    who drew contours: the first draws the truth, others err by `reader_bias_mm` (positive: larger) and a smooth
    `reader_noise_mm` (SD). `faults` maps a fault to the share of patients that have it, at `severity` 0 to 1.
    """

    rescan: bool = False
    readers: int = 1
    reader_bias_mm: float = 1.0
    reader_noise_mm: float = 1.0
    faults: Mapping[str, float] = field(default_factory=dict)
    severity: float = 0.5

    __reduce__ = Group.__reduce__

    def __post_init__(self) -> None:
        object.__setattr__(self, "faults", table("faults", self.faults))
        flag("rescan", self.rescan)
        whole("readers", self.readers, 1, 3)
        real("reader_bias_mm", self.reader_bias_mm, -5, 5)
        real("reader_noise_mm", self.reader_noise_mm, 0, 5)
        real("severity", self.severity, 0, 1)
        for name, share in self.faults.items():
            one_of("fault", name, FAULTS)
            real(f"the share of {name}", share, 0, 1)
        if sum(self.faults.values()) > 1:
            raise SettingsError("faults of more than all patients", "shares that sum to 1 at most", "lower some")


@dataclass(frozen=True)
class Course(Group):
    """What happens over time and over space.

    `points` scans per patient, `interval_days` apart, after a treatment that starts with the first; `patterns` maps a
    course to its share. `lesions` per patient at most (others are smaller copies of the trait, elsewhere).
    `clones`: spatial subclones beside the trunk; `biopsies` per patient, placed with an error of `registration_mm`
    (SD per axis).
    """

    points: int = 1
    interval_days: int = 56
    patterns: Mapping[str, float] = field(
        default_factory=lambda: {"growth": 0.3, "response": 0.4, "pseudoprogression": 0.15, "stable": 0.15}
    )
    lesions: int = 1
    clones: int = 0
    biopsies: int = 0
    registration_mm: float = 2.0

    __reduce__ = Group.__reduce__

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", table("patterns", self.patterns))
        whole("points", self.points, 1, 8)
        whole("interval_days", self.interval_days, 1, 365)
        whole("lesions", self.lesions, 1, 4)
        whole("clones", self.clones, 0, 3)
        whole("biopsies", self.biopsies, 0, 12)
        real("registration_mm", self.registration_mm, 0, 10)
        for name, share in self.patterns.items():
            one_of("course", name, COURSES)
            real(f"the share of {name}", share, 0, 1)
        if abs(sum(self.patterns.values()) - 1) > 1e-6:
            raise SettingsError(f"patterns {dict(self.patterns)}", "shares that sum to 1", "correct one of them")


@dataclass(frozen=True)
class Omics(Group):
    """Molecular and clinical files beyond the MAF and the expression table.

    `files` names them; `purity` is the range of the tumour's share in a sample; `missing` maps a block to the share of
    patients without it; `pathways` maps a gene set to the trait it follows (``"size:0.6"``, see `genes.PATHWAYS`).
    """

    files: tuple[str, ...] = ()
    purity: tuple[float, float] = (0.4, 0.9)
    missing: Mapping[str, float] = field(default_factory=dict)
    pathways: Mapping[str, str] = field(default_factory=dict)

    __reduce__ = Group.__reduce__

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", texts("files", self.files))
        object.__setattr__(self, "missing", table("missing", self.missing))
        object.__setattr__(self, "pathways", table("pathways", self.pathways))
        for name in self.files:
            one_of("file", name, FILES)
        if not isinstance(self.purity, list | tuple) or len(self.purity) != 2:
            raise SettingsError(f"purity = {self.purity!r}", "two shares, the smaller first", "try [0.4, 0.9]")
        object.__setattr__(self, "purity", tuple(self.purity))
        real("the smaller purity", self.purity[0], 0.05, 1)
        real("the larger purity, the smaller first,", self.purity[1], self.purity[0], 1)
        for name, share in self.missing.items():
            one_of("block", name, MISSING)
            real(f"the missing share of {name}", share, 0, 0.95)
        for name in self.pathways:
            one_of("pathway", name, PATHWAYS)


@dataclass(frozen=True)
class Delivery(Group):
    """How images are written: `layouts` (DICOM files, a NIfTI tree, enhanced multi-frame DICOM), truth `maps`."""

    layouts: tuple[str, ...] = ("dicom",)
    maps: bool = False

    __reduce__ = Group.__reduce__

    def __post_init__(self) -> None:
        object.__setattr__(self, "layouts", texts("layouts", self.layouts))
        flag("maps", self.maps)
        for name in self.layouts:
            one_of("layout", name, LAYOUTS)
        if not self.layouts:
            raise SettingsError("no layout", ", ".join(LAYOUTS), "dicom is what hospitals send")
