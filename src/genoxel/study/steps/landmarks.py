"""The step `landmarks`: the scale of intensities of each sequence, learned on images of patients who take no part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from genoxel.core.errors import InputError
from genoxel.core.image import Image
from genoxel.core.settings import digest
from genoxel.image.denoise import clip
from genoxel.image.normalise import Landmarks, learn_landmarks
from genoxel.image.settings import ImageSettings, base_of
from genoxel.image.stages import before_registration
from genoxel.io.images import read_image
from genoxel.io.inventory import Inventory, SeriesRecord, inventory
from genoxel.io.settings import ReadingSettings
from genoxel.study.engine import Engine, Job, code_version
from genoxel.study.ledger import key_of
from genoxel.study.pack import pack, unpack
from genoxel.study.plan import fits
from genoxel.study.select import UNITS, canonical
from genoxel.study.steps.image import ImageWork
from genoxel.study.study import Study

VERSION = "1"
ROOMS = ("core", "image", "io", "study/steps/landmarks.py")


@dataclass(frozen=True)
class LandmarkWork:
    """What a worker needs: the reference series of one sequence and the stages before normalisation."""

    label: str
    series: tuple[SeriesRecord, ...]
    rules: ImageSettings
    reading: ReadingSettings


def learn_from(work: LandmarkWork) -> bytes:
    """Return the landmarks of the reference series as plain facts."""
    within = work.rules.normalise.within if work.rules.normalise is not None else "body"
    return pack({}, asdict(learn_landmarks(_images(work), within)))


def _images(work: LandmarkWork) -> Iterable[Image]:
    for series in work.series:
        try:
            image = before_registration(
                replace(read_image(series, reading=work.reading), modality=work.label), work.rules
            )
            yield clip(image, work.rules.clip) if work.rules.clip is not None else image
        except Exception as error:
            error.add_note(f"reference image of {series.patient}, {work.label}")
            raise


def with_landmarks(
    study: Study, work: Sequence[ImageWork], patients: Iterable[str], engine: Engine
) -> tuple[ImageWork, ...]:
    """Return the work with the landmarks that each series is normalised to; unchanged where none asks for them.

    `patients` are all who could take part. Raises `InputError` when one of them is among the reference images, and
    when a sequence has none: what is learned from images must not have seen those that it is judged on.
    """
    labels = sorted(
        {base_of(one.label) for single in work for one in single.planned if _reference(study, one.label) is not None}
    )
    if not labels:
        return tuple(work)
    jobs = [_job(study, label, set(patients), engine) for label in labels]
    results = engine.run("landmarks", jobs)
    known: dict[str, Landmarks] = {}
    for label in labels:
        path = results[label].path
        if path is None:
            raise InputError(f"reference images of {label}: {results[label].error}", "readable images", "mend them")
        facts = unpack(path.read_bytes())[1]
        marks, values = tuple(facts["percentiles"]), tuple(facts["values"])
        known[label] = Landmarks(marks, values, facts["within"], tuple(facts["sources"]))
    return tuple(
        replace(one, planned=tuple(replace(part, landmarks=known.get(base_of(part.label))) for part in one.planned))
        for one in work
    )


def _reference(study: Study, label: str) -> Path | None:
    normal = study.settings.image.for_modality(label).normalise
    if normal is None or normal.method != "nyul" or not normal.applies_to(UNITS.get(canonical(base_of(label)), "")):
        return None
    if normal.reference is None:
        raise InputError(
            "nyul without reference images",
            "a folder of images of patients who take no part",
            'normalise = { method = "nyul", reference = "reference_images" }',
        )
    return study.file(str(normal.reference))


def reference_series(
    study: Study, folder: Path, label: str, patients: set[str]
) -> tuple[Inventory, list[SeriesRecord]]:
    """Return the inventory of a folder of reference images and the series of one modality or sequence in it.

    Raises `InputError` where there are none, and where one is of a patient who takes part.
    """
    found = inventory(folder)
    series = [one for one in found.series if fits(one, label)]
    shared = sorted(patients & {one.patient for one in series})
    if shared or not series:
        got = f"reference images of patients who take part ({', '.join(shared[:5])})" if shared else f"no {label} image"
        raise InputError(
            f"{got} in the folder of reference images",
            "images of other patients",
            "name another folder: what is learned on the patients it is used for carries what validation must not know",
        )
    return found, series


def _job(study: Study, label: str, patients: set[str], engine: Engine) -> Job:
    series = tuple(reference_series(study, _reference(study, label) or study.folder, label, patients)[1])
    rules = study.settings.image.for_modality(label)
    inputs = [[engine.ledger.hash_of(path) for path in one.files] for one in series]
    key = key_of([label, inputs], digest(rules.whole_stages()), code_version(VERSION, ROOMS))
    images = study.settings.io.images
    work = LandmarkWork(label, series, rules, images.reading if images else ReadingSettings())
    return Job("landmarks", label, key, learn_from, work, ".zip")
