"""Which series and which contour of each patient are meant, and who has none: decided from headers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from genoxel.core.errors import InputError, MaskError, describe
from genoxel.io.inventory import Inventory, Problem, SeriesRecord, StructureRecord, inventory
from genoxel.io.settings import ReadingSettings
from genoxel.segment.contours import Override, choose
from genoxel.segment.settings import ContourSettings
from genoxel.study.executors import Pool
from genoxel.study.forget import CACHE
from genoxel.study.select import NO_IMAGES, canonical, narrow, sequence_of
from genoxel.study.steps.cohort import Box
from genoxel.study.steps.image import ImageWork, Planned
from genoxel.study.steps.who import may_be_kept
from genoxel.study.study import Study

FACTS = (
    *("description", "modality", "slices", "slice_mm", "pixel_mm", "kernel", "kvp", "manufacturer", "date", "phase"),
    *("volume", "volumes", "b_value", "echo_ms", "image_type"),
)
"""What rules under [io.images] choose may ask of a series."""

HAS_SERIES, ONE_SERIES, HAS_CONTOUR = "has the images asked for", "one series decided", "has a contour"
FIT = "image and contour fit"
DRAWN, NOTES = ("RTSTRUCT", "SEG"), (".json", ".bval")


@dataclass(frozen=True)
class ImagePlan:
    """The work of the step `image`, the boxes of the flow for those who have no images or no contour, and misfits.

    A misfit has both, but the mask lies on another grid, or the file of contours cannot be read: that is a fault of the
    files, so the patient counts as failed.
    """

    work: tuple[ImageWork, ...] = ()
    boxes: tuple[Box, ...] = ()
    misfits: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def look(study: Study, pool: Pool | None = None) -> Inventory | None:
    """Return the inventory of the image folder (headers are remembered in the study's work folder), or None."""
    images = study.settings.io.images
    if images is None or images.folder is None:
        return None
    folder = study.file(str(images.folder))
    executor = pool.executor() if pool is not None else None
    return inventory(folder, study.work / CACHE, executor, may_be_kept(study))


def labels_of(study: Study) -> tuple[str, ...]:
    """Return the modalities or sequences that the study asks for, as they are called in columns."""
    images = study.settings.io.images
    return (images.wanted if images else ()) or study.settings.image.modalities


def plan_images(
    study: Study, found: Inventory, patients: Sequence[str], decisions: Mapping[str, Override] | None = None
) -> ImagePlan:
    """Return the plan for `patients`; whoever lacks a series or contour is in a box with the reason."""
    lost: dict[str, dict[str, str]] = {HAS_SERIES: {}, ONE_SERIES: {}, HAS_CONTOUR: {}, FIT: {}}
    work, reasons = [], {}
    for patient in patients:
        planner = _Planner(study, found, patient, (decisions or {}).get(patient))
        try:
            one = planner.plan()
        except _LostError as error:
            lost[error.box][patient] = error.reason
            continue
        work.append(one)
        reasons[patient] = "; ".join(planned.why for planned in one.planned if planned.why)
    misfits = lost.pop(FIT)
    boxes = tuple((label, who) for label, who in lost.items() if label != ONE_SERIES or who)
    return ImagePlan(tuple(work), boxes, misfits, reasons)


class _LostError(Exception):
    def __init__(self, box: str, reason: str) -> None:
        super().__init__(box, reason)
        self.box, self.reason = box, reason


class _Planner:
    """The plan of one patient."""

    def __init__(self, study: Study, found: Inventory, patient: str, decision: Override | None) -> None:
        self.study, self.found, self.patient = study, found, patient
        self.override = decision
        self.contours: ContourSettings = study.settings.segment
        self.series = found.series_of(patient)

    def plan(self) -> ImageWork:
        if not self.series:
            raise _LostError(HAS_SERIES, "no image series")
        registration = self.study.settings.image.registration
        labels = labels_of(self.study) or self._drawn_labels()
        planned = [one for label in labels for one in self._at_all_times(label)]
        # The series on which the contour was drawn comes first: its picture stands on the contact sheet.
        planned.sort(key=lambda one: one.series.series not in {drawn.series for drawn in one.structures})
        if registration is not None and not registration.over_time:
            planned.sort(key=lambda one: canonical(one.label) != canonical(registration.to))
        images = self.study.settings.io.images
        reading = images.reading if images else ReadingSettings()
        return ImageWork(self.patient, tuple(planned), self.contours, self.study.settings.image, self.override, reading)

    def _drawn_labels(self) -> list[str]:
        drawn = [one for one in self.series if one.modality not in NO_IMAGES and self._on(one)]
        sure = [one for one in drawn if any("drawn on" in why or "named" in why for _, why in self._on(one))]
        labels = [sequence_of(one.modality, one.description, one.tags) for one in (sure or drawn)]
        if not labels:
            raise self._no_contour("no contour on any series", self.series)
        return list(dict.fromkeys(labels))

    def _at_all_times(self, label: str) -> list[Planned]:
        """Return the one series of `label`, or that of each date in order where later ones are laid on the first."""
        registration = self.study.settings.image.registration
        if registration is None or not registration.over_time:
            return [self._one(label)]
        fitting = [one for one in self.series if fits(one, label)]
        dates = sorted({one.date for one in fitting})
        if len(fitting) > 1 and "" in dates:
            raise _LostError(ONE_SERIES, f"several {label} series, not all with a date: which came first is not known")
        found = []
        for place, date in enumerate(dates or [None], start=1):
            one = self._one(label, date)
            found.append(one if place == 1 else replace(one, label=f"{label}@{place}"))
        return found

    def _one(self, label: str, date: str | None = None) -> Planned:
        series, why = self._series(label, date)
        registration = self.study.settings.image.registration
        image = self.study.settings.image.for_modality(label)
        wanted = image.kernel is not None or (image.normalise is not None and image.normalise.method == "reference")
        tissues = tuple(one for one, _ in self._on(series)) if wanted else ()
        if registration is not None and not registration.over_time and canonical(label) != canonical(registration.to):
            return Planned(label, series, (), why, tissues=tissues)
        return Planned(label, series, self._structures(series, label), why, tissues=tissues)

    def _series(self, label: str, date: str | None = None) -> tuple[SeriesRecord, str]:
        fitting = {one.key: one for one in self.series if fits(one, label) and date in (None, one.date)}
        if not fitting:
            there = ", ".join(
                dict.fromkeys(sequence_of(one.modality, one.description, one.tags) for one in self.series)
            )
            raise _LostError(HAS_SERIES, f"no {label} series (there: {there})")
        images = self.study.settings.io.images
        try:
            chosen, why = narrow({uid: facts_of(one) for uid, one in fitting.items()}, images.choose if images else ())
        except InputError as error:
            drawn = [one for one in fitting.values() if any("drawn on" in why for _, why in self._on(one))]
            if len(drawn) != 1:
                raise _LostError(ONE_SERIES, describe(error)) from error
            return drawn[0], f"{label}: of {len(fitting)} series the one the contour was drawn on"
        return fitting[chosen], "" if len(fitting) == 1 else f"{label}: of {len(fitting)} series {why}"

    def _on(self, series: SeriesRecord) -> tuple[tuple[StructureRecord, str], ...]:
        """Return the structures on a series with the reason; on request also masks of the patient on another grid."""
        fitting = self.found.structures_on(series)
        if fitting or not self.contours.resample_masks or series.grid is None:
            return fitting
        own = [one for one in self.found.structures if one.patient == self.patient and one.study == series.study]
        return tuple((one, "on another grid, taken over") for one in own if one.grid is not None)

    def _structures(self, series: SeriesRecord, label: str) -> tuple[StructureRecord, ...]:
        fitting = self._on(series)
        if not fitting:
            raise self._no_contour(f"no contour on the {label} series", [series])
        problems = {place: self._misfit(structure) for place, (structure, _) in enumerate(fitting)}
        hits = [one for place, one in enumerate(fitting) if not problems[place]]
        if not hits:
            raise _LostError(HAS_CONTOUR, problems[0])
        return tuple(structure for structure, why in hits if why == hits[0][1])

    def _no_contour(self, what: str, series: Sequence[SeriesRecord]) -> _LostError:
        """Return the loss of a patient without a contour on `series`: where the contours lie instead, if anywhere."""
        own = [one for one in self.found.structures if one.patient == self.patient]
        broken = self._broken()
        if not own and broken:
            more = f" | {what}, and {len(broken) - 1} more files of this patient cannot be read"
            return _LostError(FIT, broken[0].reason + (more if len(broken) > 1 else f" | {what}"))
        if not own:
            return _LostError(HAS_CONTOUR, f"{what} (this patient has no file of contours)")
        first, grids = own[0], [one.grid for one in series if one.grid is not None]
        if first.grid is None or not grids:
            return _LostError(HAS_CONTOUR, f"{what} ({first.file.name} was drawn on another series)")
        here, there = first.grid.describe(), grids[0].describe()
        where = f"{first.file.name} lies on another grid: {here}, the image on {there}"
        legal = "equal shapes, and corners within 0.001 voxel"
        fix = "draw it on this image, or set [segment] resample_masks = true"
        return _LostError(FIT, f"got {what} ({where}); legal: {legal}; to fix: {fix}")

    def _broken(self) -> list[Problem]:
        """Return the files that may have held this patient's contours and cannot be read: those that say so first.

        A file that does not say whose it is counts where it lies in a folder of this patient's images alone.
        """
        said = [one for one in self.found.problems if one.patient == self.patient and one.modality in DRAWN]
        inside = {folder for one in self.series for file in one.files for folder in file.parents}
        others = {
            folder
            for one in self.found.series
            if one.patient != self.patient
            for file in one.files
            for folder in file.parents
        }
        beside = [
            one
            for one in self.found.problems
            if not one.patient and one.file.parent in inside - others and one.file.suffix not in NOTES
        ]
        return said + beside

    def _misfit(self, structure: StructureRecord) -> str:
        """Return why no name of a structure file is meant, or an empty text."""
        if self.contours.regions or self.override is not None:
            return ""
        try:
            choose(structure.names, self.contours)
        except MaskError as error:
            return describe(error)
        return ""


def fits(series: SeriesRecord, label: str) -> bool:
    """Return whether a series is of the modality or sequence called `label`."""
    wanted = canonical(label)
    return wanted in (canonical(series.modality), sequence_of(series.modality, series.description, series.tags))


def facts_of(series: SeriesRecord) -> dict[str, str]:
    """Return the facts of a series that rules may ask for, as text."""
    tags: Mapping[str, Any] = series.tags
    phase = "contrast" if str(tags.get("ContrastBolusAgent") or "").strip() else "plain"
    return {
        "description": series.description,
        "modality": series.modality,
        "slices": str(series.n_slices),
        "slice_mm": f"{series.spacing[2]:.6g}" if series.spacing else "",
        "pixel_mm": f"{series.spacing[0]:.6g}" if series.spacing else "",
        "kernel": str(tags.get("ConvolutionKernel") or ""),
        "kvp": str(tags.get("KVP") or ""),
        "manufacturer": str(tags.get("Manufacturer") or ""),
        "date": series.date,
        "phase": phase,
        "volume": str(series.number),
        "volumes": str(series.volumes),
        "b_value": f"{number:g}" if isinstance(number := tags.get("DiffusionBValue"), int | float) else "",
        "echo_ms": str(tags.get("EchoTime") or ""),
        "image_type": str(tags.get("ImageType") or ""),
    }
