"""The step `kernels`: the noise of the smooth CT kernel, measured on scans of patients who take no part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from genoxel.core.errors import InputError
from genoxel.core.settings import digest
from genoxel.image.kernel import NoiseSpectrum, mean_spectrum, noise_spectrum
from genoxel.image.settings import Kernel, base_of
from genoxel.io.images import read_image
from genoxel.io.inventory import SeriesRecord, StructureRecord
from genoxel.io.settings import ReadingSettings
from genoxel.segment.contours import read_tissue
from genoxel.study.engine import Engine, Job, code_version
from genoxel.study.ledger import key_of
from genoxel.study.pack import pack, unpack
from genoxel.study.steps.image import ImageWork
from genoxel.study.steps.landmarks import reference_series
from genoxel.study.study import Study

VERSION = "1"
ROOMS = ("core", "image", "segment", "io", "study/steps/kernels.py")


@dataclass(frozen=True)
class KernelWork:
    """What a worker needs: the reference scans of one modality, what is drawn on each, and which tissue is even."""

    label: str
    scans: tuple[tuple[SeriesRecord, tuple[StructureRecord, ...]], ...]
    kernel: Kernel
    reading: ReadingSettings
    threshold: float | None


def learn_from(work: KernelWork) -> bytes:
    """Return the mean noise spectrum of the reference scans as plain facts."""
    return pack({}, asdict(mean_spectrum([_spectrum(work, *scan) for scan in work.scans])))


def _spectrum(work: KernelWork, series: SeriesRecord, drawn: Sequence[StructureRecord]) -> NoiseSpectrum:
    try:
        image = read_image(series, reading=work.reading)
        if image.unit != "HU":
            raise InputError(
                f"a reference scan in {image.unit or 'no unit'}", "CT in HU", "take it out of the folder of references"
            )
        return noise_spectrum(image, read_tissue(drawn, image, work.kernel.tissue, work.threshold, work.reading))
    except Exception as error:
        error.add_note(f"reference scan of {series.patient}, {work.label}")
        raise


def with_kernels(
    study: Study, work: Sequence[ImageWork], patients: Iterable[str], engine: Engine
) -> tuple[ImageWork, ...]:
    """Return the work with the noise spectrum that each CT is matched to; unchanged where no kernel is asked for.

    `patients` are all who could take part. Raises `InputError` when one of them is among the reference scans, and when
    the tissue is not drawn on one of these.
    """
    asked = {
        base_of(part.label): _asked(study, part.label) for one in work for part in one.planned if _is_ct(part.series)
    }
    jobs = [_job(study, label, how, set(patients), engine) for label, how in sorted(asked.items()) if how is not None]
    if not jobs:
        return tuple(work)
    known: dict[str, NoiseSpectrum] = {}
    for label, result in engine.run("kernels", jobs).items():
        if result.path is None:
            raise InputError(
                f"reference scans of {label}: {result.error}", "CT with the tissue drawn on each", "mend the folder"
            )
        facts = unpack(result.path.read_bytes())[1]
        known[label] = NoiseSpectrum(tuple(facts["frequencies"]), tuple(facts["power"]), facts["patches"])
    return tuple(
        replace(one, planned=tuple(replace(part, kernel=known.get(base_of(part.label))) for part in one.planned))
        for one in work
    )


def _is_ct(series: SeriesRecord) -> bool:
    return series.modality.upper() in {"CT", ""}


def _asked(study: Study, label: str) -> Kernel | None:
    return study.settings.image.for_modality(label).kernel


def _job(study: Study, label: str, how: Kernel, patients: set[str], engine: Engine) -> Job:
    found, series = reference_series(study, study.file(str(how.reference)), label, patients)
    scans = tuple((one, tuple(drawn for drawn, _ in found.structures_on(one))) for one in series)
    inputs = [
        [[engine.ledger.hash_of(path) for path in one.files], [engine.ledger.hash_of(part.file) for part in drawn]]
        for one, drawn in scans
    ]
    images, threshold = study.settings.io.images, study.settings.segment.threshold
    work = KernelWork(label, scans, how, images.reading if images else ReadingSettings(), threshold)
    key = key_of([label, inputs], digest([how.tissue, threshold]), code_version(VERSION, ROOMS))
    return Job("kernels", label, key, learn_from, work, ".zip")
