"""A study as enhanced multi-frame DICOM: all slices and volumes of a series in one file."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.image import FloatArray, Image
from genoxel.io.dicom_series import derived_uid
from genoxel.io.files import atomic_write
from genoxel.simulate.acquire import Series
from genoxel.simulate.enhanced_groups import (
    common,
    emission,
    emission_groups,
    filled,
    frame_type,
    magnetic,
    magnetic_groups,
    tomographic_groups,
)

_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2.1",
    "MR": "1.2.840.10008.5.1.4.1.1.4.1",
    "PT": "1.2.840.10008.5.1.4.1.1.130",
}
_PLAIN = (
    *("PatientName", "PatientID", "PatientSex", "PatientAge", "PatientIdentityRemoved", "DeidentificationMethod"),
    *("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "StudyID", "SeriesNumber", "AccessionNumber"),
    *("StudyDescription", "SeriesDescription", "InstitutionName", "StationName", "Manufacturer", "SoftwareVersions"),
    *("ManufacturerModelName", "PatientPosition", "ImageComments", "StudyDate", "StudyTime", "SeriesDate"),
    *("SeriesTime", "ContentDate", "ContentTime", "PatientWeight", "PatientSize", "CountsSource"),
    *("BodyPartExamined", "ProtocolName", "MagneticFieldStrength"),
)


def write_enhanced(one: Series, path: Path, tags: Mapping[str, Any], lost: Sequence[int] = ()) -> Path:
    """Write the volumes of a series, which share one grid, as one multi-frame file without the slices `lost`.

    Frames are ordered volume by volume, slice by slice; positions, spacing, rescaling, b-value and time stand in the
    functional groups.
    """
    from pydicom import dcmwrite
    from pydicom.dataset import FileMetaDataset

    first = one.volumes[0]
    kept = [k for k in range(first.shape[2]) if k not in lost]
    content = _head(first, tags)
    content.file_meta = FileMetaDataset()
    content.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    content.file_meta.ImplementationClassUID = derived_uid("genoxel", "implementation")
    content.file_meta.MediaStorageSOPClassUID = content.SOPClassUID
    content.file_meta.MediaStorageSOPInstanceUID = content.SOPInstanceUID
    slope, intercept = _pixels(content, one.volumes, kept)
    shared = _shared(first, slope, intercept)
    shared.update(filled(_groups(first, tags)))
    content.SharedFunctionalGroupsSequence = [shared]
    starts = list(one.seconds) or [0.0] * len(one.volumes)
    clock = _Clock(str(tags["SeriesDate"]), str(tags["SeriesTime"]))
    content.PerFrameFunctionalGroupsSequence = [
        _frame(image, k, number, facts, clock.times(starts[number - 1], facts))
        for number, (image, facts) in enumerate(zip(one.volumes, one.each, strict=True), start=1)
        for k in kept
    ]
    content.DimensionOrganizationSequence, content.DimensionIndexSequence = _dimensions(content)
    buffer = io.BytesIO()
    dcmwrite(buffer, content, enforce_file_format=True)
    return atomic_write(path, buffer.getvalue())


def frames_of(image: Image, tags: Mapping[str, Any], lost: Sequence[int] = ()) -> list[Any]:
    """Return one header per slice of a multi-frame file of one volume, for contours that refer to its frames."""
    kept = [k for k in range(image.shape[2]) if k not in lost]
    way = image.affine[:3, :2] / np.array(image.spacing[:2])
    found = []
    for k in range(image.shape[2]):
        header = _head(image, tags)
        header.ImagePositionPatient = _texts(image.affine[:3, 3] + k * image.affine[:3, 2])
        header.ImageOrientationPatient = _texts(way.T.ravel())
        header.PixelSpacing = [f"{image.spacing[1]:.10g}", f"{image.spacing[0]:.10g}"]
        header.SliceThickness = f"{image.spacing[2]:.10g}"
        header.Rows, header.Columns = image.shape[1], image.shape[0]
        header.ReferencedFrameNumber = kept.index(k) + 1 if k in kept else None
        found.append(header)
    return found


def _texts(values: FloatArray) -> list[str]:
    return [f"{value + 0.0:.10g}" for value in values]


def _head(image: Image, tags: Mapping[str, Any]) -> Any:
    """Return what the file says beside frames and pixels."""
    words = _words(image.modality, tags)
    plain = {keyword: tags[keyword] for keyword in _PLAIN if keyword in tags}
    uid = derived_uid(str(tags["SeriesInstanceUID"]), "multi-frame")
    own: dict[str, Any] = {"SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": _CLASSES[image.modality]}
    own |= {"SOPInstanceUID": uid, "PatientBirthDate": "", "ReferringPhysicianName": "", "InstanceNumber": "1"}
    own |= {"Modality": image.modality, "AcquisitionDateTime": f"{tags['SeriesDate']}{tags['SeriesTime']}"}
    own |= common(words)
    if image.modality == "MR":
        own |= magnetic(tags, words)
    if image.modality == "PT":
        own |= emission(tags)
    return filled({**plain, **own})


def _words(modality: str, tags: Mapping[str, Any]) -> list[str]:
    kind = str(tags.get("SeriesDescription", "")).split()[-1] if modality == "MR" else ""
    original = "DERIVED" if kind == "ADC" else "ORIGINAL"
    return [original, "PRIMARY", "VOLUME", {"ADC": "ADC", "DWI": "DIFFUSION"}.get(kind, "NONE")]


def _groups(image: Image, tags: Mapping[str, Any]) -> dict[str, Any]:
    own = {"MR": magnetic_groups, "CT": tomographic_groups, "PT": emission_groups}[image.modality](tags)
    if image.modality == "CT":
        own["CTReconstructionSequence"][0]["ReconstructionPixelSpacing"] = [image.spacing[1], image.spacing[0]]
    return {**frame_type(image.modality, _words(image.modality, tags), str(tags["BodyPartExamined"])), **own}


@dataclass(frozen=True)
class _Clock:
    """The start of a series, from which frames are timed."""

    day: str
    time: str

    def times(self, start: float, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return when a frame began, its middle, and how long it took (ms)."""
        length = float(facts.get("ActualFrameDuration", 1000.0)) / 1000
        return {
            "FrameAcquisitionDateTime": self._at(start),
            "FrameReferenceDateTime": self._at(start + length / 2),
            "FrameAcquisitionDuration": 1000 * length,
        }

    def _at(self, second: float) -> str:
        begun = dt.datetime.strptime(self.day + self.time, "%Y%m%d%H%M%S")
        return (begun + dt.timedelta(seconds=second)).strftime("%Y%m%d%H%M%S.%f")


def _pixels(content: Any, volumes: Sequence[Image], kept: Sequence[int]) -> tuple[float, float]:
    first = volumes[0]
    values = np.stack([np.asarray(image.values()[:, :, kept], np.float64) for image in volumes])
    slope, intercept = (1.0, -1024.0) if first.modality == "CT" else (1.0, 0.0)
    if first.modality == "PT":
        slope = float(f"{max(float(values.max()), 1e-6) / 32767:.8g}")
    stored = np.rint((values - intercept) / slope).astype("<u2")
    content.SamplesPerPixel, content.PhotometricInterpretation = 1, "MONOCHROME2"
    content.Rows, content.Columns = first.shape[1], first.shape[0]
    content.NumberOfFrames = len(volumes) * len(kept)
    content.BitsAllocated = content.BitsStored = 16
    content.HighBit, content.PixelRepresentation = 15, 0
    content.BurnedInAnnotation, content.LossyImageCompression = "NO", "00"
    content.PresentationLUTShape = "IDENTITY"
    content.PixelData = np.ascontiguousarray(stored.transpose(0, 3, 2, 1)).tobytes()
    return slope, intercept


def _shared(image: Image, slope: float, intercept: float) -> Any:
    from pydicom.dataset import Dataset

    shared, measures, orientation, values = Dataset(), Dataset(), Dataset(), Dataset()
    spacing = image.spacing
    measures.PixelSpacing = [f"{spacing[1]:.10g}", f"{spacing[0]:.10g}"]
    measures.SliceThickness = measures.SpacingBetweenSlices = f"{spacing[2]:.10g}"
    way = image.affine[:3, :2] / np.array(spacing[:2])
    orientation.ImageOrientationPatient = _texts(way.T.ravel())
    values.RescaleIntercept, values.RescaleSlope = f"{intercept:g}", f"{slope:.8g}"
    values.RescaleType = "HU" if image.modality == "CT" else "US"
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    shared.PixelValueTransformationSequence = [values]
    if image.modality == "PT":
        unit = {"CodeValue": "Bq/ml", "CodingSchemeDesignator": "UCUM", "CodeMeaning": "Becquerels/milliliter"}
        mapping = {
            "RealWorldValueFirstValueMapped": 0,
            "RealWorldValueLastValueMapped": 32767,
            "RealWorldValueIntercept": intercept,
            "RealWorldValueSlope": float(f"{slope:.8g}"),
            "LUTExplanation": "activity",
            "LUTLabel": "Bq/ml",
            "MeasurementUnitsCodeSequence": [unit],
        }
        shared.RealWorldValueMappingSequence = [filled(mapping)]
    return shared


def _frame(image: Image, k: int, number: int, facts: Mapping[str, Any], times: Mapping[str, Any]) -> Any:
    from pydicom.dataset import Dataset

    frame, place, what = Dataset(), Dataset(), filled(times)
    position = image.affine[:3, 3] + k * image.affine[:3, 2]
    place.ImagePositionPatient = _texts(position)
    what.StackID, what.InStackPositionNumber = "1", k + 1
    what.DimensionIndexValues = [1, k + 1, number]
    what.TemporalPositionIndex = number
    if "DiffusionBValue" in facts:
        diffusion = Dataset()
        diffusion.DiffusionBValue = float(facts["DiffusionBValue"])
        diffusion.DiffusionDirectionality = "ISOTROPIC" if facts["DiffusionBValue"] else "NONE"
        frame.MRDiffusionSequence = [diffusion]
    frame.PlanePositionSequence, frame.FrameContentSequence = [place], [what]
    return frame


def _dimensions(content: Any) -> tuple[list[Any], list[Any]]:
    from pydicom.dataset import Dataset

    organisation = Dataset()
    organisation.DimensionOrganizationUID = derived_uid(str(content.SOPInstanceUID), "dimensions")
    found = []
    for tag in (0x00209056, 0x00209057, 0x00209128):  # stack, position in the stack, temporal position
        item = Dataset()
        item.DimensionOrganizationUID = organisation.DimensionOrganizationUID
        item.DimensionIndexPointer, item.FunctionalGroupPointer = tag, 0x00209111
        found.append(item)
    return [organisation], found
