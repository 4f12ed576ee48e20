"""One patient's images and contours as a hospital's archive would send them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.errors import GenoxelError
from genoxel.core.mask import Mask
from genoxel.io.dicom_series import write_series
from genoxel.io.dicom_write import write_rtstruct, write_seg
from genoxel.io.files import atomic_write, output_error, safe_text
from genoxel.io.nifti import write_nifti
from genoxel.simulate.acquire import Series
from genoxel.simulate.bids import subject_of, write_visit
from genoxel.simulate.clones import Biopsy, take_biopsies
from genoxel.simulate.enhanced import frames_of, write_enhanced
from genoxel.simulate.faults import damaged, fault_of, lost_slices
from genoxel.simulate.plan import Person
from genoxel.simulate.render import Phantom, render, spacing_of
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.tags import COMMENT, SIMULATED, series_tags, uid
from genoxel.simulate.visits import Visit, drawn_by, plain, visits

DONE = ".done"
"""Folder of notes on who is written, inside a cohort that is not yet whole."""

CONTOURED = {"mr": "T1CE", "ct": "CT", "breast": "T1CE", "prostate": "T2"}
"""The series on which contours are drawn, per body."""


@dataclass(frozen=True)
class Delivered:
    """What was written for one patient: voxels of the true mask, its volume, and the contour's name (or none).

    `visits` tells later scans, `fault` what was done to the images, `skipped` the slices left out (from 0), and
    `biopsies` where tissue was taken.
    """

    name: str
    voxels: int
    volume_ml: float
    contour: str | None
    visits: tuple[Mapping[str, Any], ...] = ()
    fault: str = ""
    skipped: tuple[int, ...] = ()
    biopsies: tuple[Biopsy, ...] = ()

    def to_json(self) -> str:
        """Return this as text, for going on after a stop."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Delivered:
        """Return what `to_json` wrote."""
        content = json.loads(text)
        for biopsy in content["biopsies"]:
            biopsy["true_mm"], biopsy["said_mm"] = tuple(biopsy["true_mm"]), tuple(biopsy["said_mm"])
        biopsies = tuple(Biopsy(**biopsy) for biopsy in content["biopsies"])
        several = {name: tuple(content[name]) for name in ("visits", "skipped")}
        return cls(**{**content, **several, "biopsies": biopsies})


def deliver(job: tuple[SimulationSpec, Person, str]) -> Delivered:
    """Render and write one patient into the folder given; a top-level function of plain values, for any `map`.

    Who was written before a stop is not written again.
    """
    spec, person, folder = job
    note = Path(folder).parent / DONE / f"{person.name}.json"
    try:
        if note.is_file():
            return Delivered.from_json(safe_text(note))
        for home in _homes(Path(folder).parent, person):
            shutil.rmtree(home, ignore_errors=True)
        found = _deliver(spec, person, Path(folder))
        atomic_write(note, found.to_json())
        return found
    except GenoxelError as error:
        error.add_note(f"patient {person.name}")
        raise


def _homes(root: Path, person: Person) -> list[Path]:
    """Return every folder that is one patient's alone."""
    subject = subject_of(person)
    return [
        *(root / part / person.name for part in ("dicom", "enhanced", "truth")),
        *(root / "nifti" / subject, root / "nifti" / "derivatives" / "contours" / subject),
    ]


def _deliver(spec: SimulationSpec, person: Person, folder: Path) -> Delivered:
    first: Phantom | None = None
    fault = fault_of(spec, person) if spec.imaging.faults else ""
    skipped: tuple[int, ...] = ()
    told: list[dict[str, Any]] = []
    for visit in visits(spec, person):
        phantom = render(spec, person, visit.physical if visit.number else None, visit.number)
        truth = phantom
        if fault and not visit.number:
            images, skipped = damaged(spec, person, phantom.images, fault)
            phantom = replace(phantom, images=images)
        if "imaging" not in person.missing:
            _visit(spec, person, phantom, visit, folder, skipped if not visit.number else ())
        told.append({**_measured(visit, truth), "pattern": visit.pattern, "tumour_ml": round(_millilitres(truth), 4)})
        first = first or truth
    if first is None:
        raise AssertionError("a patient has a first scan")
    biopsies: tuple[Biopsy, ...] = ()
    if spec.course.biopsies:
        inside = first.tumour.inside()
        biopsies = tuple(take_biopsies(spec, person, inside, first.tumour.affine, spacing_of(spec, person)))
    count = first.tumour.count()
    several = tuple(told) if spec.course.points > 1 or spec.imaging.rescan else ()
    return Delivered(person.name, count, _millilitres(first), person.contour, several, fault, skipped, biopsies)


def _measured(visit: Visit, phantom: Phantom) -> dict[str, Any]:
    """Return the truth of a visit with the volume of each further lesion as it was drawn (0 where it is not there)."""
    found = plain(visit)
    for lesion in found.get("lesions", ()):
        mask = phantom.others.get(f"GTV {lesion['lesion']}")
        lesion["ml"] = round(mask.count() * mask.grid.voxel_volume / 1000, 4) if mask is not None else 0.0
    return found


def _millilitres(phantom: Phantom) -> float:
    return phantom.tumour.count() * phantom.tumour.grid.voxel_volume / 1000


def _visit(
    spec: SimulationSpec, person: Person, phantom: Phantom, visit: Visit, folder: Path, skipped: tuple[int, ...]
) -> None:
    root = folder.parent
    # Contours are drawn before slices get lost on their way, on the grid that the header claims.
    shown = replace_grid(phantom, CONTOURED[spec.modality])
    if "dicom" in spec.delivery.layouts:
        _dicom(spec, person, shown, visit, folder / person.name, skipped)
    if "enhanced" in spec.delivery.layouts:
        _enhanced(spec, person, shown, visit, root / "enhanced" / person.name / visit.folder, skipped)
    if "nifti" in spec.delivery.layouts:
        write_visit(spec, person, shown, visit, root / "nifti", _drawn(spec, person, shown), skipped)
    if spec.delivery.maps:
        home = root / "truth" / person.name / visit.folder
        for name, image in phantom.maps.items():
            write_nifti(home / f"{name}.nii.gz", image, COMMENT)
        write_nifti(home / "tumour.nii.gz", phantom.tumour, COMMENT)
        for one in phantom.series:
            if one.curve:
                atomic_write(home / f"{one.name.lower()}_input.tsv", _input(one))


_INPUT = {"DSC": "blood_mM", "DCE": "plasma_mM", "PTDYN": "plasma_SUV"}


def _input(one: Series) -> str:
    """Return the arterial input of a series as a table: what its kinetics were computed from."""
    rows = [("seconds", _INPUT[one.name]), *((f"{second:g}", f"{value:.6g}") for second, value in one.curve)]
    return "".join(f"{first}\t{second}\n" for first, second in rows)


def _drawn(spec: SimulationSpec, person: Person, phantom: Phantom) -> dict[str, Mask]:
    """Return the masks that go with NIfTI: the tumour by each reader, and the other structures."""
    if person.contour is None:
        return {}
    readers = range(1, spec.imaging.readers + 1)
    tumours = {
        "tumour" if reader == 1 else f"tumour-reader{reader}": drawn_by(spec, person, phantom.tumour, reader)
        for reader in readers
    }
    return {**tumours, **phantom.others}


def _enhanced(
    spec: SimulationSpec, person: Person, phantom: Phantom, visit: Visit, home: Path, skipped: tuple[int, ...]
) -> None:
    first = next(iter(phantom.images.values()))
    for number, one in enumerate(_all_series(phantom), start=1):
        tags = series_tags(spec, person, one.name, number, visit)
        tags["SeriesInstanceUID"] = uid(spec, person, visit, "enhanced", one.name)
        lost = lost_slices(one.volumes[0], first, skipped) if one.name in phantom.images else ()
        write_enhanced(one, home / f"{number}_{one.name}.dcm", tags, lost)
        if one.name == CONTOURED[spec.modality] and person.contour is not None:
            headers = frames_of(one.volumes[0], tags, lost)
            for reader in range(1, spec.imaging.readers + 1):
                _contour(spec, person, phantom, home, headers, visit, reader)


def _all_series(phantom: Phantom) -> list[Series]:
    return [*(Series(name, (image,), ({},)) for name, image in phantom.images.items()), *phantom.series]


def _dicom(
    spec: SimulationSpec, person: Person, phantom: Phantom, visit: Visit, place: Path, skipped: tuple[int, ...]
) -> None:
    home = place / visit.folder if visit.folder else place
    drawn_on: list[Any] = []
    number = 0
    first = next(iter(phantom.images.values()))
    for number, (name, image) in enumerate(phantom.images.items(), start=1):
        headers = write_series(image, home / f"{number}_{name}", series_tags(spec, person, name, number, visit))
        if name == CONTOURED[spec.modality]:
            drawn_on = headers
        for k in lost_slices(image, first, skipped):
            (home / f"{number}_{name}" / f"IM{k + 1:05d}.dcm").unlink()
    for one in phantom.series:
        number += 1
        _several(spec, person, one, visit, home, number)
    if person.contour is None:
        return
    for reader in range(1, spec.imaging.readers + 1):
        _contour(spec, person, phantom, home, drawn_on, visit, reader)


def replace_grid(phantom: Phantom, name: str) -> Phantom:
    """Return the phantom whose masks lie on the grid that the image `name` claims to have."""
    affine = phantom.images[name].affine
    others = {other: replace(mask, affine=affine) for other, mask in phantom.others.items()}
    return replace(phantom, tumour=replace(phantom.tumour, affine=affine), others=others)


def _several(spec: SimulationSpec, person: Person, one: Series, visit: Visit, home: Path, number: int) -> None:
    for phase, (image, each) in enumerate(zip(one.volumes, one.each, strict=True)):
        tags = {**series_tags(spec, person, one.name, number, visit), **each}
        if one.seconds:
            seconds = int(one.seconds[phase])
            start = tags["AcquisitionTime"]
            total = int(start[:2]) * 3600 + int(start[2:4]) * 60 + int(start[4:]) + seconds
            tags["AcquisitionTime"] = f"{total // 3600:02d}{total % 3600 // 60:02d}{total % 60:02d}"
            tags["ContentTime"], tags["AcquisitionNumber"] = tags["AcquisitionTime"], str(phase + 1)
            key = "NumberOfTimeSlices" if image.modality == "PT" else "NumberOfTemporalPositions"
            tags[key] = len(one.volumes)
        write_series(image, home / f"{number}_{one.name}", tags, phase)


def _contour(
    spec: SimulationSpec,
    person: Person,
    phantom: Phantom,
    home: Path,
    headers: list[Any],
    visit: Visit,
    reader: int,
) -> None:
    day, time = str(headers[0].StudyDate), str(headers[0].SeriesTime)
    name = person.contour or ""
    suffix = "" if reader == 1 else f"_reader{reader}"
    several = "ReferencedFrameNumber" in headers[0]
    structures_set = spec.masks == "rtstruct" or several
    path = home / ("RTSTRUCT" if structures_set else "SEG") / f"contours{suffix}.dcm"
    drawn = drawn_by(spec, person, phantom.tumour, reader)
    others = phantom.others if reader == 1 else {}

    def named(word: str) -> str:
        more = ["enhanced"] if several else []
        return uid(spec, person, visit, word, *([f"reader{reader}"] if reader > 1 else []), *more)

    if structures_set:
        structures = {**others, name: drawn}
        write_rtstruct(path, structures, headers, named, day, time)
    else:
        write_seg(path, _segments(drawn, others, name), headers, named, day, time)
    _mark(path)


def _segments(tumour: Mask, others: Mapping[str, Mask], name: str) -> Mask:
    """Return one label map, tumour above the rest; the PTV is left out, since labels do not overlap."""
    array = np.zeros(tumour.shape, np.uint8)
    names = [other for other in others if other in ("BrainStem", "Heart") or other.startswith("GTV")]
    for label, other in enumerate(names, start=2):
        array[others[other].inside()] = label
    array[tumour.inside()] = 1
    return Mask(array, tumour.affine, {1: name, **dict(enumerate(names, start=2))})


def _mark(path: Path) -> None:
    """Say in the contour file, too, that it is simulated; the writer is for real ones."""
    from pydicom import dcmread, dcmwrite

    content = dcmread(path)
    content.InstitutionName = SIMULATED
    content.Manufacturer = f"{SIMULATED} Genoxel"
    content.SeriesDescription = "SIMULATED contours"
    content.InstanceNumber = content.get("InstanceNumber") or 1
    if content.Modality == "RTSTRUCT":
        content.StructureSetDescription = COMMENT
    else:
        content.ImageComments = COMMENT
    try:
        dcmwrite(path, content, enforce_file_format=True)
    except OSError as error:
        raise output_error(path, error) from error
