"""One patient's images and contours as a hospital's archive would send them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.errors import GenoxelError
from genoxel.core.mask import Mask
from genoxel.io.dicom_series import derived_uid, write_series
from genoxel.io.dicom_write import write_rtstruct, write_seg
from genoxel.io.files import output_error
from genoxel.simulate.plan import Person
from genoxel.simulate.render import Phantom, render
from genoxel.simulate.sites import Scanner
from genoxel.simulate.spec import SimulationSpec

SIMULATED = "SIMULATED"
"""InstitutionName of every simulated DICOM file, and the first word of its Manufacturer and ImageComments."""

COMMENT = "SIMULATED by Genoxel: no patient, no diagnosis; for testing methods only"

_WEIGHTING: Mapping[str, tuple[float, float, float, str]] = {
    "T1": (550.0, 9.0, 0.0, "Ax T1 SE"),
    "T1CE": (550.0, 9.0, 0.0, "Ax T1 SE post Gd"),
    "T2": (4200.0, 102.0, 0.0, "Ax T2 TSE"),
    "FLAIR": (9000.0, 125.0, 2500.0, "Ax T2 FLAIR"),
}


@dataclass(frozen=True)
class Delivered:
    """What was written for one patient: voxels of the true mask, its volume, and the contour's name (or none)."""

    name: str
    voxels: int
    volume_ml: float
    contour: str | None


def deliver(job: tuple[SimulationSpec, Person, str]) -> Delivered:
    """Render and write one patient into the folder given; a top-level function of plain values, for any `map`."""
    spec, person, folder = job
    try:
        return _deliver(spec, person, Path(folder))
    except GenoxelError as error:
        error.add_note(f"patient {person.name}")
        raise


def _deliver(spec: SimulationSpec, person: Person, folder: Path) -> Delivered:
    phantom = render(spec, person)
    home = folder / person.name
    drawn_on: list[Any] = []
    for number, (name, image) in enumerate(phantom.images.items(), start=1):
        headers = write_series(image, home / f"{number}_{name}", _tags(spec, person, name, number))
        if name in ("T1CE", "CT"):
            drawn_on = headers
    if person.contour is not None:
        _contour(spec, person, phantom, home, drawn_on)
    millilitres = phantom.tumour.count() * phantom.tumour.grid.voxel_volume / 1000
    return Delivered(person.name, phantom.tumour.count(), millilitres, person.contour)


def _uid(spec: SimulationSpec, person: Person, *words: str) -> str:
    return derived_uid("genoxel.simulate", spec.seed, spec.modality, person.name, *words)


def _tags(spec: SimulationSpec, person: Person, name: str, number: int) -> dict[str, Any]:
    scanner = person.scanner
    day = person.day.replace("-", "")
    tags: dict[str, Any] = {
        "PatientName": f"{SIMULATED}^{person.name}",
        "PatientID": person.name,
        "PatientSex": person.sex,
        "PatientAge": f"{int(person.age):03d}Y",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "simulated, never identified",
        "StudyInstanceUID": _uid(spec, person, "study"),
        "SeriesInstanceUID": _uid(spec, person, "series", name),
        "FrameOfReferenceUID": _uid(spec, person, "frame"),
        "StudyID": "1",
        "SeriesNumber": str(number),
        "AccessionNumber": f"S{person.index + 1:07d}",
        "StudyDescription": "SIMULATED brain MR" if spec.modality == "mr" else "SIMULATED chest CT",
        "InstitutionName": SIMULATED,
        "StationName": scanner.site.upper(),
        "Manufacturer": scanner.vendor,
        "ManufacturerModelName": scanner.model,
        "SoftwareVersions": "simulated",
        "PatientPosition": "HFS",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL" if spec.modality == "ct" else "M"],
        "ImageComments": COMMENT,
    }
    for word in ("Study", "Series", "Acquisition", "Content"):
        tags[f"{word}Date"] = day
        tags[f"{word}Time"] = f"{8 + person.index % 9:02d}{number:02d}00"
    tags["StudyTime"] = f"{8 + person.index % 9:02d}0000"
    tags.update(_mr_tags(scanner, name) if spec.modality == "mr" else _ct_tags(scanner))
    return tags


def _mr_tags(scanner: Scanner, name: str) -> dict[str, Any]:
    repetition, echo, inversion, description = _WEIGHTING[name]
    tags: dict[str, Any] = {
        "SeriesDescription": description,
        "ProtocolName": description,
        "BodyPartExamined": "BRAIN",
        "ScanningSequence": "IR" if inversion else "SE",
        "SequenceVariant": "SK",
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "RepetitionTime": repetition,
        "EchoTime": echo,
        "EchoTrainLength": "1" if echo < 20 else "15",
        "MagneticFieldStrength": scanner.tesla,
        "FlipAngle": "90",
    }
    if inversion:
        tags["InversionTime"] = inversion
    if name == "T1CE":
        tags["ContrastBolusAgent"] = "gadolinium (simulated)"
    return tags


def _ct_tags(scanner: Scanner) -> dict[str, Any]:
    return {
        "SeriesDescription": "Chest with contrast",
        "ProtocolName": "Chest",
        "BodyPartExamined": "CHEST",
        "KVP": "120",
        "XRayTubeCurrent": str(round(1400 / scanner.dose)),
        "ExposureTime": "500",
        "ConvolutionKernel": scanner.kernel,
        "ContrastBolusAgent": "iodine (simulated)",
        "AcquisitionNumber": "1",
    }


def _contour(spec: SimulationSpec, person: Person, phantom: Phantom, home: Path, headers: list[Any]) -> None:
    day, time = str(headers[0].StudyDate), str(headers[0].SeriesTime)
    name = person.contour or ""
    path = home / ("RTSTRUCT" if spec.masks == "rtstruct" else "SEG") / "contours.dcm"

    def uid(word: str) -> str:
        return _uid(spec, person, word)

    if spec.masks == "rtstruct":
        structures = {**phantom.others, name: phantom.tumour}
        write_rtstruct(path, structures, headers, uid, day, time)
    else:
        write_seg(path, _segments(phantom, name), headers, uid, day, time)
    _mark(path)


def _segments(phantom: Phantom, name: str) -> Mask:
    """Return one label map, tumour above the rest; the PTV is left out, since labels do not overlap."""
    array = np.zeros(phantom.tumour.shape, np.uint8)
    names = [other for other in phantom.others if other in ("BrainStem", "Heart")]
    for label, other in enumerate(names, start=2):
        array[phantom.others[other].inside()] = label
    array[phantom.tumour.inside()] = 1
    return Mask(array, phantom.tumour.affine, {1: name, **dict(enumerate(names, start=2))})


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
