"""The step `image`: read, contour, verify, normalise, cut out, and draw one picture; one patient at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import GeometryError, InputError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.core.settings import digest
from genoxel.image.atlas import lesion_in_atlas, to_atlas
from genoxel.image.crop import SUPPORT, crop
from genoxel.image.heads import hidden_in_pictures
from genoxel.image.kernel import NoiseSpectrum, kernel_measures, match_kernel
from genoxel.image.normalise import Landmarks, content_digest
from genoxel.image.orientation import fingerprint
from genoxel.image.qc import image_quality, mask_quality
from genoxel.image.register import apply, apply_to_mask, coverage, register
from genoxel.image.settings import FIRST_TIME, ImageSettings, Register, base_of
from genoxel.image.stages import Aids, after_registration, before_registration
from genoxel.io.deidentify.files import is_head
from genoxel.io.images import read_image
from genoxel.io.inventory import SeriesRecord, StructureRecord
from genoxel.io.settings import ReadingSettings
from genoxel.report.contact import Card, thumbnail
from genoxel.segment.contours import ROI, Override, read_mask, read_tissue
from genoxel.segment.settings import ContourSettings
from genoxel.study.engine import Engine, Job, Result, code_version
from genoxel.study.ledger import Ledger, key_of
from genoxel.study.pack import pack, unpack
from genoxel.study.steps.volumes import image_facts, mask_facts
from genoxel.study.suspicions import (
    beside_others,
    contour_suspicions,
    image_suspicions,
    kernel_suspicions,
    suspicions,
)

VERSION = "4"
ROOMS = (
    "core",
    "image",
    "segment",
    "io",
    "report/contact.py",
    "study/steps/image.py",
    "study/steps/volumes.py",
    "study/suspicions.py",
)
MARGIN_MM = 10.0
MEASURED = ("registration", "kernel", "atlas")
"""What is told of each series beside its quality, where the study asks for it: a table of results each."""
VOLUME_LIMIT = 0.03
"""A contour whose volume changes by more than this share when it is laid on another grid is flagged."""
_READING = ReadingSettings()


@dataclass(frozen=True)
class Planned:
    """One series of a patient, what it is called in columns, and the structure files that fit it best.

    `landmarks` are those that its intensities are moved to, where the study asks for Nyúl's method; `kernel` is the
    noise that a CT is matched to. `tissues` are all structure files of the series, where the study needs a tissue.
    """

    label: str
    series: SeriesRecord
    structures: tuple[StructureRecord, ...]
    why: str = ""
    landmarks: Landmarks | None = None
    kernel: NoiseSpectrum | None = None
    tissues: tuple[StructureRecord, ...] = ()


@dataclass(frozen=True)
class ImageWork:
    """What a worker needs to prepare one patient; `override` is the decision by hand.

    Where the settings ask for registration, the first series planned is the one that the others are laid on; with
    time points the first of each modality.
    """

    patient: str
    planned: tuple[Planned, ...]
    contours: ContourSettings
    image: ImageSettings
    override: Override | None = None
    reading: ReadingSettings = _READING


def prepare_patient(work: ImageWork) -> bytes:
    """Read all series of a patient, do the stages on them whole, cut out every region, and draw the first."""
    patient = _Patient(work)
    for planned in work.planned:
        try:
            patient.add(planned)
        except Exception as error:
            error.add_note(f"patient {work.patient}, {planned.label}")
            raise
    return patient.packed()


class _Patient:
    """What is made of one patient, series by series."""

    def __init__(self, work: ImageWork) -> None:
        self.work = work
        self.arrays: dict[str, npt.NDArray[Any]] = {}
        self.blobs: dict[str, bytes] = {}
        self.volumes: list[dict[str, Any]] = []
        self.cards: list[dict[str, Any]] = []
        self.quality: list[dict[str, Any]] = []
        self.references: dict[str, tuple[Image, dict[str, Mask], Planned]] = {}
        self.brains: dict[str, Mask] = {}

    def add(self, planned: Planned) -> None:
        raw = replace(read_image(planned.series, reading=self.work.reading), modality=planned.label)
        self._look(planned, raw)
        rules = self.work.image.for_modality(planned.label)
        image = before_registration(raw, rules, partial(self._matched, planned))
        reference = self.references.get(self._group(planned)) if rules.registration is not None else None
        masks, drawn = (reference[1], reference[2]) if reference else (self._drawn(planned, raw), planned)
        if reference is None:
            self.references[self._group(planned)] = (image, masks, planned)
        elif self._over_time:
            image, masks = self._from_later(reference[0], image, self._drawn(planned, raw))
            drawn = planned
        else:
            image = self._laid_on(reference[0], masks, image, planned.label)
        if planned is self.work.planned[0]:
            self.cards = [self._card(planned, raw, one) for one in masks.items()]
        self._cut_all(planned, image, masks, drawn)

    @property
    def _over_time(self) -> bool:
        how = self.work.image.registration
        return how is not None and how.over_time

    def _group(self, planned: Planned) -> str:
        """Return what the series that are laid on one grid have in common."""
        return base_of(planned.label) if self._over_time else ""

    def _from_later(self, fixed: Image, moving: Image, drawn: Mapping[str, Mask]) -> tuple[Image, dict[str, Mask]]:
        """Return an image of a later time point and its own contours on the grid of the first."""
        how = self.work.image.registration or Register(to=FIRST_TIME)
        found = register(fixed, moving, how)
        moved = {name: apply_to_mask(found, mask.on(moving), fixed.grid) for name, mask in drawn.items()}
        changes = {name: _volume(moved[name]) / _volume(mask) - 1 for name, mask in drawn.items()}
        worst = max(changes.values(), key=abs)
        self.quality[-1]["registration"] = {**found.quality, "volume_error": round(worst, 6)}
        flags = [
            f"volume of {name} {one:+.1%} by laying it on the first image"
            for name, one in changes.items()
            if abs(one) > VOLUME_LIMIT
        ]
        self.quality[-1]["flags"] = [*self.quality[-1]["flags"], *flags]
        return apply(found, moving, fixed.grid, how.interpolate), moved

    def _drawn(self, planned: Planned, raw: Image) -> dict[str, Mask]:
        work = self.work
        return read_mask(planned.structures, raw, work.contours, work.override, work.reading)

    def _look(self, planned: Planned, raw: Image) -> None:
        """Measure the quality of the volume as it came, before anything is done to it."""
        found = image_quality(raw)
        self.arrays[f"print.{len(self.quality)}"] = fingerprint(raw).astype(np.float16)
        flags = image_suspicions(found, raw.unit)
        self.quality.append(
            {"label": planned.label, "measures": asdict(found), "flags": flags} | {what: {} for what in MEASURED}
        )

    def _matched(self, planned: Planned, image: Image) -> Image:
        """Return a CT with its kernel matched to that of the reference scans, and note how far it was from it."""
        how = self.work.image.for_modality(planned.label).kernel
        if how is None or planned.kernel is None:
            raise InputError(f"a {planned.label} in HU without reference scans", "CT", "name the modality of its files")
        tissue = self._read_tissue(how.tissue, image, planned)
        done = match_kernel(image, tissue, planned.kernel)
        self.quality[-1]["kernel"] = kernel_measures(image, done, tissue)
        self.quality[-1]["flags"] = [*self.quality[-1]["flags"], *kernel_suspicions(self.quality[-1]["kernel"])]
        return done

    def _laid_on(self, fixed: Image, masks: Mapping[str, Mask], moving: Image, label: str) -> Image:
        how = self.work.image.registration
        if how is None:
            return moving
        found = register(fixed, moving, how)
        for name, mask in masks.items():
            share = coverage(found, moving.grid, mask)
            if share < 1:
                raise GeometryError(
                    f"a {label} series that holds {share:.1%} of the contour {name}",
                    "a series that holds all of it",
                    "leave the patient out, or measure without this series",
                )
        self.quality[-1]["registration"] = dict(found.quality)
        return apply(found, moving, fixed.grid, how.interpolate)

    def _cut_all(self, planned: Planned, image: Image, masks: Mapping[str, Mask], drawn: Planned) -> None:
        """Normalise and cut out every region; once for all of them where the region itself does not matter."""
        rules = self.work.image.for_modality(planned.label)
        landmarks = planned.landmarks
        if landmarks is not None and content_digest(image) in landmarks.sources:
            raise InputError(
                f"a {planned.label} image that is itself one of the reference images",
                "reference images of patients who take no part",
                "take it out of the folder of reference images",
            )
        brain = partial(self._brain, self._group(planned))
        aids = Aids(tissue=self._tissue(rules, image, drawn), landmarks=landmarks, brain=brain)
        own = rules.normalise is not None and rules.normalise.within == "roi"
        whole = None if own else after_registration(image, rules, aids)
        placed = self._place(planned, image, drawn)
        for region, mask in masks.items():
            done = whole or after_registration(image, rules, replace(aids, mask=mask.on(image)))
            told: dict[str, Any] = {"structure": ", ".join(mask.labels.values())}
            told |= {"flags": suspicions(image, mask.on(image)), "series": planned.series.description}
            told |= _placed(mask, placed)
            self._cut(planned.label, done, (region, mask.on(done)), told | {"spacing": list(image.spacing)})

    def _brain(self, group: str, image: Image) -> Mask:
        """Return the brain in `image`, found once for all series that were laid on one grid."""
        from genoxel.image.brain import brain_mask

        if self.work.image.registration is None:
            group = image.modality
        if group not in self.brains:
            self.brains[group] = brain_mask(image)
        return self.brains[group]

    def _place(self, planned: Planned, image: Image, drawn: Planned) -> Mask | None:
        """Return the brain, which knows the way to the atlas, for a series whose own contours count."""
        if self.work.image.for_modality(planned.label).atlas is None or drawn is not planned:
            return None
        brain = self._brain(self._group(planned), image)
        told = brain.history[-1].params
        self.quality[-1]["atlas"] = {name: told[name] for name in ("residual_mm", "edge", "volume_ml")}
        return brain

    def _tissue(self, rules: ImageSettings, image: Image, drawn: Planned) -> Mask | None:
        """Return the structure that intensities are divided by, drawn on the series whose contours count."""
        normal = rules.normalise
        if normal is None or normal.method != "reference" or not normal.applies_to(image.unit):
            return None
        return self._read_tissue(normal.tissue, image, drawn)

    def _read_tissue(self, name: str, image: Image, drawn: Planned) -> Mask:
        work = self.work
        return read_tissue(drawn.tissues or drawn.structures, image, name, work.contours.threshold, work.reading)

    def _cut(self, label: str, image: Image, named: tuple[str, Mask], told: Mapping[str, Any]) -> None:
        region, mask = named
        rules = self.work.image.for_modality(label)
        image, mask = crop(image, mask, MARGIN_MM, SUPPORT[rules.interpolate])
        place = len(self.volumes)
        self.arrays[f"{place}.image"], self.arrays[f"{place}.mask"] = np.asarray(image.array), np.asarray(mask.array)
        regions = region in self.work.contours.regions or region == ROI
        self.volumes.append(
            {
                "label": label,
                "region": region if regions else ROI,
                "lesion": "" if regions else region,
                "told": dict(told),
                "image": image_facts(image),
                "mask": mask_facts(mask),
            }
        )

    def _card(self, planned: Planned, image: Image, named: tuple[str, Mask]) -> dict[str, Any]:
        mask = named[1].on(image)
        name = f"{len(self.blobs)}.png"
        hidden = hidden_in_pictures(image, mask.inside(), shows_head(planned.series))
        self.blobs[name] = thumbnail(image, mask, hidden=hidden)
        voxels = mask.count()
        flags = suspicions(image, mask)
        return {
            "png": name,
            "volume_mm3": voxels * mask.grid.voxel_volume,
            "voxels": voxels,
            "spacing": list(image.spacing),
            "flags": flags + contour_suspicions(mask_quality(image, mask), flags),
            "series": planned.series.description,
            "structure": ", ".join(mask.labels.values()),
            "modality": planned.label,
        }

    def packed(self) -> bytes:
        acquisition = [{"label": one.label, "facts": acquisition_facts(one.series)} for one in self.work.planned]
        facts = {"patient": self.work.patient, "volumes": self.volumes, "cards": self.cards}
        return pack(self.arrays, facts | {"acquisition": acquisition, "quality": self.quality}, self.blobs)


def _placed(mask: Mask, brain: Mask | None) -> dict[str, Any]:
    """Return where a region lies in the atlas and the affine that says so; nothing without the brain."""
    if brain is None:
        return {}
    matrix = to_atlas(brain)
    return {"atlas": {**lesion_in_atlas(mask, matrix), "to_atlas": matrix.tolist()}}


def _volume(mask: Mask) -> float:
    return mask.count() * mask.grid.voxel_volume


def shows_head(series: SeriesRecord) -> bool | None:
    """Return whether the headers of a series say that it shows a head; None where they say nothing."""
    head, stated = is_head({**series.tags, "SeriesDescription": series.description})
    return head if stated else None


def acquisition_facts(series: SeriesRecord) -> dict[str, Any]:
    """Return the acquisition facts that reports count: maker, kernel, timing, spacing."""
    tags = series.tags
    spacing = series.spacing
    facts: dict[str, Any] = {"manufacturer": tags.get("Manufacturer", "")}
    wanted = {
        "CT": {"kVp": "KVP", "kernel": "ConvolutionKernel"},
        "MR": {"TR [ms]": "RepetitionTime", "TE [ms]": "EchoTime", "field [T]": "MagneticFieldStrength"},
    }
    facts.update({name: tags.get(tag, "") for name, tag in wanted.get(series.modality, {}).items()})
    if spacing is not None:
        facts["slice distance [mm]"] = f"{spacing[2]:.3g}"
        facts["pixel [mm]"] = f"{spacing[0]:.3g}"
    return facts


def image_jobs(work: Sequence[ImageWork], ledger: Ledger) -> list[Job]:
    """Return one job per patient; its key holds the bytes of every file it reads and the settings that matter here."""
    code = code_version(VERSION, ROOMS)
    jobs = []
    with ledger.together():
        for one in work:
            inputs = [
                [
                    *(planned.label, [ledger.hash_of(path) for path in planned.series.files], planned.series.volume),
                    _drawn(planned, ledger),
                ]
                for planned in one.planned
            ]
            key = key_of([one.patient, inputs, _by_hand(one)], _settings_key(one), code)
            jobs.append(Job("image", one.patient, key, prepare_patient, one, ".zip"))
    return jobs


def _drawn(planned: Planned, ledger: Ledger) -> list[str]:
    return [ledger.hash_of(one.file) for one in dict.fromkeys((*planned.structures, *planned.tissues))]


def _by_hand(work: ImageWork) -> str:
    return work.override.decision if work.override is not None else ""


def _settings_key(work: ImageWork) -> str:
    """Return the digest of what this step reads of the settings, so that new bins do not mean new cut-outs."""
    rules = [work.image.for_modality(planned.label) for planned in work.planned]
    prepared = [[rule.interpolate, *rule.whole_stages()] for rule in rules]
    landmarks = [asdict(one.landmarks) if one.landmarks is not None else None for one in work.planned]
    kernels = [asdict(one.kernel) if one.kernel is not None else None for one in work.planned]
    return digest([prepared, landmarks, kernels, work.contours.digest(), MARGIN_MM, work.reading.digest()])


def prepare(engine: Engine, jobs: Sequence[Job]) -> dict[str, Result]:
    """Return patient -> result of the step."""
    return engine.run("image", jobs)


def cards_of(results: Mapping[str, Result]) -> tuple[list[Card], list[tuple[str, str, Mapping[str, object]]]]:
    """Return the pictures of all patients, and (patient, modality, acquisition facts) of every series used.

    Whoever could not be read or contoured has a card without a picture, with the reason as its flag. What stands out
    only beside the other patients is flagged here.
    """
    acquisition: list[tuple[str, str, Mapping[str, object]]] = []
    drawn: dict[str, list[Card]] = {}
    looks = _Looks()
    for patient in sorted(results):
        path = results[patient].path
        if path is None:
            drawn[patient] = [Card(patient, b"", 0.0, 0, (0.0, 0.0, 0.0), (f"no picture: {results[patient].error}",))]
            continue
        arrays, facts, blobs = _facts_of(path)
        drawn[patient] = []
        for one in facts["cards"]:
            about = {**one, "png": blobs[one["png"]], "spacing": tuple(one["spacing"]), "flags": tuple(one["flags"])}
            drawn[patient].append(Card(patient=patient, **about))
        looks.add(patient, facts["quality"], arrays)
        acquisition += [(patient, one["label"], one["facts"]) for one in facts["acquisition"]]
    flags = looks.flags()
    cards = [
        _flagged(card, flags.get(patient, ()), place) for patient in drawn for place, card in enumerate(drawn[patient])
    ]
    return cards, acquisition


def _flagged(card: Card, flags: Sequence[str], place: int) -> Card:
    """Return a patient's first card with what was said of the images; the others speak of their contours."""
    return replace(card, flags=(*card.flags, *flags)) if place == 0 and flags else card


class _Looks:
    """What was measured of the images of all patients, sequence by sequence."""

    def __init__(self) -> None:
        self.said: dict[str, list[str]] = {}
        self.measures: dict[str, dict[str, Mapping[str, Any]]] = {}
        self.prints: dict[str, dict[str, npt.NDArray[np.float32]]] = {}

    def add(self, patient: str, quality: Sequence[Mapping[str, Any]], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        for place, one in enumerate(quality):
            label = one["label"]
            self.said.setdefault(patient, []).extend(_of(label, one["flags"], len(quality)))
            self.measures.setdefault(label, {})[patient] = one["measures"]
            self.prints.setdefault(label, {})[patient] = arrays[f"print.{place}"].astype(np.float32)

    def flags(self) -> dict[str, list[str]]:
        """Return patient -> what looks odd about the images, alone and beside those of the others."""
        found = {patient: list(flags) for patient, flags in self.said.items()}
        for label in sorted(self.measures):
            for patient, flags in beside_others(self.measures[label], self.prints[label]).items():
                found[patient] += _of(label, flags, len(self.measures))
        return found


def _of(label: str, flags: Sequence[str], labels: int) -> list[str]:
    return [f"{label}: {flag}" if labels > 1 else flag for flag in flags]


def measures_of(results: Mapping[str, Result], what: str) -> list[list[object]]:
    """Return (patient, series, measure, value) of one of `MEASURED`: how good each registration was, for instance."""
    rows: list[list[object]] = []
    for patient in sorted(results):
        path = results[patient].path
        for one in _facts_of(path)[1]["quality"] if path is not None else ():
            rows += [[patient, one["label"], name, value] for name, value in one[what].items()]
    return rows


def histories_of(results: Mapping[str, Result]) -> dict[str, list[dict[str, Any]]]:
    """Return patient -> for every cut-out its series, region and the steps done to image and mask, with their numbers.

    With an atlas also where the region lies in it.

    `genoxel.image.replay.replay` makes the same voxels of the raw image again from these steps alone.
    """
    found = {}
    for patient in sorted(results):
        path = results[patient].path
        if path is None:
            continue
        found[patient] = [
            {
                "series": one["label"],
                "region": one["lesion"] or one["region"],
                "image": [{"step": name, **params} for name, params in one["image"]["history"]],
                "mask": [{"step": name, **params} for name, params in one["mask"]["history"]],
                **({"atlas": dict(one["told"]["atlas"])} if "atlas" in one["told"] else {}),
            }
            for one in _facts_of(path)[1]["volumes"]
        ]
    return found


def _facts_of(path: Path) -> tuple[Mapping[str, npt.NDArray[Any]], Mapping[str, Any], Mapping[str, bytes]]:
    arrays, facts, blobs = unpack(path.read_bytes())
    if not isinstance(facts, Mapping):
        raise InputError(f"no facts in {path.name}", "what the step image wrote", "delete the folder .genoxel")
    return arrays, facts, blobs
