"""What the headers of a simulated study say, beside what follows from the geometry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genoxel.io.dicom_series import derived_uid
from genoxel.simulate.acquire import DELAY_S, DOSE_BQ, HALF_LIFE
from genoxel.simulate.plan import Person
from genoxel.simulate.render import weight_of
from genoxel.simulate.sites import Scanner
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.visits import Visit

SIMULATED = "SIMULATED"
"""InstitutionName of every simulated DICOM file, and the first word of its Manufacturer and ImageComments."""

COMMENT = "SIMULATED by Genoxel: no patient, no diagnosis; for testing methods only"

_WEIGHTING: Mapping[str, tuple[float, float, float, str]] = {
    "T1": (550.0, 9.0, 0.0, "Ax T1 SE"),
    "T1CE": (550.0, 9.0, 0.0, "Ax T1 SE post Gd"),
    "T2": (4200.0, 102.0, 0.0, "Ax T2 TSE"),
    "FLAIR": (9000.0, 125.0, 2500.0, "Ax T2 FLAIR"),
    "ADC": (5000.0, 80.0, 0.0, "Ax DWI ADC"),
    "DWI": (5000.0, 80.0, 0.0, "Ax DWI"),
    "DSC": (1500.0, 30.0, 0.0, "Ax EPI DSC perfusion"),
    "DCE": (5.0, 2.0, 0.0, "Ax T1 FLASH DCE"),
}
_BODY = {
    "mr": ("SIMULATED brain MR", "BRAIN"),
    "ct": ("SIMULATED chest CT", "CHEST"),
    "breast": ("SIMULATED breast MR", "BREAST"),
    "prostate": ("SIMULATED prostate MR", "PROSTATE"),
}
_CONTRAST_FREE = ("native",)


def uid(spec: SimulationSpec, person: Person, visit: Visit | None, *words: str) -> str:
    """Return the UID for a use of a patient's visit (None or the first: as without visits)."""
    extra = (visit.folder,) if visit is not None and visit.folder else ()
    return derived_uid("genoxel.simulate", spec.seed, spec.modality, person.name, *extra, *words)


def day_of(person: Person, visit: Visit | None) -> str:
    """Return the day of a visit as DICOM writes it."""
    import datetime as dt

    first = dt.date.fromisoformat(person.day)
    later = visit.days if visit is not None else 0
    return (first + dt.timedelta(days=later)).strftime("%Y%m%d")


def series_tags(
    spec: SimulationSpec, person: Person, name: str, number: int, visit: Visit | None = None
) -> dict[str, Any]:
    """Return keyword -> value for the series `name`, number `number` of its study."""
    scanner = person.scanner
    day = day_of(person, visit)
    hour = 8 + person.index % 9 + (2 if visit is not None and visit.folder == "rescan" else 0)
    tags: dict[str, Any] = {
        "PatientName": f"{SIMULATED}^{person.name}",
        "PatientID": person.name,
        "PatientSex": person.sex,
        "PatientAge": f"{int(person.age):03d}Y",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "simulated, never identified",
        "StudyInstanceUID": uid(spec, person, visit, "study"),
        "SeriesInstanceUID": uid(spec, person, visit, "series", name),
        "FrameOfReferenceUID": uid(spec, person, visit, "frame"),
        "StudyID": "1",
        "SeriesNumber": str(number),
        "AccessionNumber": _accession(person, visit),
        "StudyDescription": _BODY[spec.modality][0],
        "InstitutionName": SIMULATED,
        "StationName": scanner.site.upper(),
        "Manufacturer": scanner.vendor,
        "ManufacturerModelName": scanner.model,
        "SoftwareVersions": "simulated",
        "PatientPosition": "HFS",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL" if spec.modality == "ct" else "OTHER"],
        "ImageComments": COMMENT,
    }
    for word in ("Study", "Series", "Acquisition", "Content"):
        tags[f"{word}Date"] = day
        tags[f"{word}Time"] = f"{hour:02d}{number:02d}00"
    tags["StudyTime"] = f"{hour:02d}0000"
    if name in ("PT", "PTDYN"):
        del tags["PatientPosition"]  # PET says it in codes, and not in both
    if name == "PT":
        return tags | _pet_tags(spec, person, hour, number, day)
    if name == "PTDYN":
        return tags | _dynamic_tags(spec, person, hour, number, day)
    tags.update(_ct_tags(scanner, name) if spec.modality == "ct" else _mr_tags(scanner, name, _BODY[spec.modality][1]))
    return tags


def _accession(person: Person, visit: Visit | None) -> str:
    later = visit.number if visit is not None else 0
    return f"S{person.index + 1 + 10000 * later:07d}"


def _mr_tags(scanner: Scanner, name: str, part: str) -> dict[str, Any]:
    repetition, echo, inversion, description = _WEIGHTING[name]
    gradient = name in ("DWI", "ADC", "DSC", "DCE")
    tags: dict[str, Any] = {
        "SeriesDescription": description,
        "ProtocolName": description,
        "BodyPartExamined": part,
        "ScanningSequence": "IR" if inversion else ("GR" if name == "DCE" else "EP") if gradient else "SE",
        "SequenceVariant": "SK",
        "ScanOptions": "",
        "MRAcquisitionType": "3D" if name == "DCE" else "2D",
        "RepetitionTime": repetition,
        "EchoTime": echo,
        "EchoTrainLength": "1" if echo < 20 else "15",
        "MagneticFieldStrength": scanner.tesla,
        "FlipAngle": "12" if name == "DCE" else "90",
    }
    if part == "BREAST":
        tags["ImageLaterality"] = "B"
    if inversion:
        tags["InversionTime"] = inversion
    if name in ("T1CE", "DCE", "DSC"):
        tags["ContrastBolusAgent"] = "gadolinium (simulated)"
    if name == "ADC":
        tags["ImageType"] = ["DERIVED", "PRIMARY", "DIFFUSION MAP", "ADC"]
    return tags


def _ct_tags(scanner: Scanner, name: str) -> dict[str, Any]:
    dose = 0.1 if name == "low-dose" else 1.0
    tags = {
        "SeriesDescription": "Chest with contrast" if name == "CT" else f"Chest {name}",
        "ProtocolName": "Chest",
        "BodyPartExamined": "CHEST",
        "KVP": "80" if name == "low-energy" else "120",
        "XRayTubeCurrent": str(round(dose * 1400 / scanner.dose)),
        "ExposureTime": "500",
        "ConvolutionKernel": scanner.kernel if name == "CT" else "LUNG" if name == "sharp" else "STANDARD",
        "AcquisitionNumber": "1",
    }
    if name not in _CONTRAST_FREE:
        tags["ContrastBolusAgent"] = "iodine (simulated)"
    return tags


def _dynamic_tags(spec: SimulationSpec, person: Person, hour: int, number: int, day: str) -> dict[str, Any]:
    """Return the tags of frames that start with the injection and are not corrected for decay."""
    tags = _pet_tags(spec, person, hour, number, day, waited=0)
    tags["CorrectedImage"] = [word for word in tags["CorrectedImage"] if word != "DECY"]
    del tags["DecayFactor"]
    return tags | {
        "SeriesDescription": "FDG PET dynamic",
        "ProtocolName": "FDG PET dynamic",
        "DecayCorrection": "NONE",
        "SeriesType": ["DYNAMIC", "IMAGE"],
    }


def _pet_tags(
    spec: SimulationSpec, person: Person, hour: int, number: int, day: str, waited: int = int(DELAY_S)
) -> dict[str, Any]:
    """Return what SUV needs: weight, dose, times; values are corrected for decay to the start of the scan."""
    from pydicom.dataset import Dataset

    drug = Dataset()
    drug.Radiopharmaceutical = "FDG (simulated)"
    drug.RadionuclideTotalDose = f"{DOSE_BQ:.0f}"
    drug.RadionuclideHalfLife = f"{HALF_LIFE:g}"
    drug.RadionuclidePositronFraction = "0.967"
    earlier = hour * 3600 + number * 60 - waited
    drug.RadiopharmaceuticalStartTime = f"{earlier // 3600:02d}{earlier % 3600 // 60:02d}00"
    drug.RadiopharmaceuticalStartDateTime = f"{day}{drug.RadiopharmaceuticalStartTime}"
    drug.RadionuclideCodeSequence = [_code("77004003", "SCT", "^18^Fluorine")]
    return {
        "SeriesDescription": "FDG PET",
        "ProtocolName": "FDG PET",
        "BodyPartExamined": _BODY[spec.modality][1],
        "PatientWeight": weight_of(spec, person),
        "PatientSize": 1.78 if person.sex == "M" else 1.66,
        "Units": "BQML",
        "DecayCorrection": "START",
        "CorrectedImage": ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"],
        "CountsSource": "EMISSION",
        "SeriesType": ["STATIC", "IMAGE"],
        "RandomsCorrectionMethod": "DLYD",
        "AttenuationCorrectionMethod": "CT-based (simulated)",
        "ScatterCorrectionMethod": "simulated",
        "ReconstructionMethod": "OSEM (simulated)",
        "CollimatorType": "NONE",
        "ActualFrameDuration": "180000",
        "FrameReferenceTime": 0.0,
        "DecayFactor": 1.0,
        "AcquisitionNumber": "1",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "RadiopharmaceuticalInformationSequence": [drug],
        "PatientOrientationCodeSequence": [_code("102538003", "SCT", "recumbent")],
        "PatientGantryRelationshipCodeSequence": [_code("102540008", "SCT", "headfirst")],
    }


def _code(value: str, scheme: str, meaning: str) -> Any:
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
