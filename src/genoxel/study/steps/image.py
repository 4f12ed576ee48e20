"""The step `image`: read, contour, verify, normalise, cut out, and draw one picture; one patient at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.core.settings import digest
from genoxel.image.crop import SUPPORT, crop
from genoxel.image.intensity import zscore
from genoxel.image.settings import ImageSettings
from genoxel.io.images import read_image
from genoxel.io.inventory import SeriesRecord, StructureRecord
from genoxel.io.settings import ReadingSettings
from genoxel.report.contact import Card, thumbnail
from genoxel.segment.contours import ROI, Override, read_mask
from genoxel.segment.settings import ContourSettings
from genoxel.study.engine import Engine, Job, Result, code_version
from genoxel.study.ledger import Ledger, key_of
from genoxel.study.pack import pack, unpack
from genoxel.study.steps.volumes import image_facts, mask_facts
from genoxel.study.suspicions import suspicions

VERSION = "2"
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
_READING = ReadingSettings()


@dataclass(frozen=True)
class Planned:
    """One series of a patient, what it is called in columns, and the structure files that fit it best."""

    label: str
    series: SeriesRecord
    structures: tuple[StructureRecord, ...]
    why: str = ""


@dataclass(frozen=True)
class ImageWork:
    """What a worker needs to prepare one patient; `override` is the decision by hand."""

    patient: str
    planned: tuple[Planned, ...]
    contours: ContourSettings
    image: ImageSettings
    override: Override | None = None
    reading: ReadingSettings = _READING


def prepare_patient(work: ImageWork) -> bytes:
    """Read all series of a patient, cut out every region, and draw the first; as plain arrays and facts."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    blobs: dict[str, bytes] = {}
    volumes: list[dict[str, Any]] = []
    cards: list[dict[str, Any]] = []
    for planned in work.planned:
        try:
            image = replace(read_image(planned.series, reading=work.reading), modality=planned.label)
            masks = read_mask(planned.structures, image, work.contours, work.override, work.reading)
            for region, mask in masks.items():
                _cut(arrays, volumes, work, planned, image, (region, mask.on(image)))
            if planned is work.planned[0]:
                cards = [_card(blobs, work, planned, image, one) for one in masks.items()]
        except Exception as error:
            error.add_note(f"patient {work.patient}, {planned.label}")
            raise
    acquisition = [{"label": one.label, "facts": acquisition_facts(one.series)} for one in work.planned]
    facts = {"patient": work.patient, "volumes": volumes, "cards": cards, "acquisition": acquisition}
    return pack(arrays, facts, blobs)


def _cut(
    arrays: dict[str, npt.NDArray[Any]],
    volumes: list[dict[str, Any]],
    work: ImageWork,
    planned: Planned,
    image: Image,
    named: tuple[str, Mask],
) -> None:
    region, mask = named
    told: dict[str, Any] = {"structure": ", ".join(mask.labels.values()), "flags": suspicions(image, mask)}
    told |= {"series": planned.series.description, "spacing": list(image.spacing)}
    rules = work.image.for_modality(planned.label)
    if rules.normalise is not None:
        image = zscore(image, rules.normalise.within, mask)
    image, mask = crop(image, mask, MARGIN_MM, SUPPORT[rules.interpolate])
    place = len(volumes)
    arrays[f"{place}.image"], arrays[f"{place}.mask"] = np.asarray(image.array), np.asarray(mask.array)
    regions = region in work.contours.regions or region == ROI
    volumes.append(
        {
            "label": planned.label,
            "region": region if regions else ROI,
            "lesion": "" if regions else region,
            "told": told,
            "image": image_facts(image),
            "mask": mask_facts(mask),
        }
    )


def _card(
    blobs: dict[str, bytes], work: ImageWork, planned: Planned, image: Image, named: tuple[str, Mask]
) -> dict[str, Any]:
    mask = named[1].on(image)
    name = f"{len(blobs)}.png"
    blobs[name] = thumbnail(image, mask)
    voxels = mask.count()
    return {
        "png": name,
        "volume_mm3": voxels * mask.grid.voxel_volume,
        "voxels": voxels,
        "spacing": list(image.spacing),
        "flags": suspicions(image, mask),
        "series": planned.series.description,
        "structure": ", ".join(mask.labels.values()),
        "modality": planned.label,
    }


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
    return [ledger.hash_of(structure.file) for structure in planned.structures]


def _by_hand(work: ImageWork) -> str:
    return work.override.decision if work.override is not None else ""


def _settings_key(work: ImageWork) -> str:
    """Return the digest of what this step reads of the settings, so that new bins do not mean new cut-outs."""
    rules = [work.image.for_modality(planned.label) for planned in work.planned]
    prepared = [
        [rule.interpolate, rule.normalise.model_dump(mode="json") if rule.normalise else None] for rule in rules
    ]
    return digest([prepared, work.contours.digest(), MARGIN_MM, work.reading.digest()])


def prepare(engine: Engine, jobs: Sequence[Job]) -> dict[str, Result]:
    """Return patient -> result of the step."""
    return engine.run("image", jobs)


def cards_of(results: Mapping[str, Result]) -> tuple[list[Card], list[tuple[str, str, Mapping[str, object]]]]:
    """Return the pictures of all patients, and (patient, modality, acquisition facts) of every series used."""
    cards: list[Card] = []
    acquisition: list[tuple[str, str, Mapping[str, object]]] = []
    for patient in sorted(results):
        path = results[patient].path
        if path is None:
            continue
        facts, blobs = _facts_of(path)
        for one in facts["cards"]:
            about = {**one, "png": blobs[one["png"]], "spacing": tuple(one["spacing"]), "flags": tuple(one["flags"])}
            cards.append(Card(patient=patient, **about))
        acquisition += [(patient, one["label"], one["facts"]) for one in facts["acquisition"]]
    return cards, acquisition


def _facts_of(path: Path) -> tuple[Mapping[str, Any], Mapping[str, bytes]]:
    _, facts, blobs = unpack(path.read_bytes())
    if not isinstance(facts, Mapping):
        raise InputError(f"no facts in {path.name}", "what the step image wrote", "delete the folder .genoxel")
    return facts, blobs
