"""A study as enhanced multi-frame DICOM: all slices and volumes of a series in one file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.image import Image
from genoxel.io.dicom_series import derived_uid
from genoxel.io.files import atomic_write

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
    *("SeriesTime", "ContentDate", "ContentTime", "PatientWeight", "PatientSize", "Units", "DecayCorrection"),
    *("CountsSource", "BodyPartExamined", "ProtocolName", "MagneticFieldStrength"),
)


_PET = (
    *("CorrectedImage", "AcquisitionDate", "AcquisitionTime", "ActualFrameDuration", "FrameReferenceTime"),
    *("DecayFactor", "SeriesType"),
)


def write_enhanced(
    volumes: Sequence[Image], path: Path, tags: Mapping[str, Any], each: Sequence[Mapping[str, Any]]
) -> Path:
    """Write volumes of one grid as one multi-frame file; `each` holds what is special about a volume.

    Frames are ordered volume by volume, slice by slice; positions, spacing, rescaling, b-value and time stand in the
    functional groups.
    """
    from pydicom import dcmwrite
    from pydicom.dataset import Dataset, FileMetaDataset

    first = volumes[0]
    content = Dataset()
    content.file_meta = FileMetaDataset()
    content.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    content.file_meta.ImplementationClassUID = derived_uid("genoxel", "implementation")
    content.SpecificCharacterSet = "ISO_IR 192"
    content.SOPClassUID = _CLASSES[first.modality]
    content.SOPInstanceUID = derived_uid(str(tags["SeriesInstanceUID"]), "multi-frame")
    content.file_meta.MediaStorageSOPClassUID = content.SOPClassUID
    content.file_meta.MediaStorageSOPInstanceUID = content.SOPInstanceUID
    for keyword in _PLAIN:
        if keyword in tags:
            setattr(content, keyword, tags[keyword])
    content.PatientBirthDate = content.ReferringPhysicianName = ""
    content.Modality = first.modality
    content.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    content.InstanceNumber = "1"
    content.AcquisitionDateTime = f"{tags['StudyDate']}{tags['SeriesTime']}"
    if first.modality == "PT":
        for word in ("Decay", "Attenuation", "Scatter", "DeadTime", "Randoms"):
            setattr(content, f"{word}Corrected", "YES")
        content.DecayCorrectionDateTime = content.AcquisitionDateTime
        for keyword in _PET:
            setattr(content, keyword, tags[keyword])
        content.RadiopharmaceuticalInformationSequence = tags["RadiopharmaceuticalInformationSequence"]
    slope, intercept = _pixels(content, volumes)
    content.SharedFunctionalGroupsSequence = [_shared(first, slope, intercept)]
    content.PerFrameFunctionalGroupsSequence = [
        _frame(image, k, number, facts)
        for number, (image, facts) in enumerate(zip(volumes, each, strict=True), start=1)
        for k in range(image.shape[2])
    ]
    content.DimensionOrganizationSequence, content.DimensionIndexSequence = _dimensions(content)
    buffer = io.BytesIO()
    dcmwrite(buffer, content, enforce_file_format=True)
    return atomic_write(path, buffer.getvalue())


def _pixels(content: Any, volumes: Sequence[Image]) -> tuple[float, float]:
    first = volumes[0]
    values = np.stack([np.asarray(image.values(), np.float64) for image in volumes])
    slope, intercept = (1.0, -1024.0) if first.modality == "CT" else (1.0, 0.0)
    if first.modality == "PT":
        slope = float(f"{max(float(values.max()), 1e-6) / 32767:.8g}")
    stored = np.rint((values - intercept) / slope).astype("<u2")
    content.SamplesPerPixel, content.PhotometricInterpretation = 1, "MONOCHROME2"
    content.Rows, content.Columns = first.shape[1], first.shape[0]
    content.NumberOfFrames = len(volumes) * first.shape[2]
    content.BitsAllocated = content.BitsStored = 16
    content.HighBit, content.PixelRepresentation = 15, 0
    content.BurnedInAnnotation, content.LossyImageCompression = "NO", "00"
    content.PresentationLUTShape, content.VolumetricProperties = "IDENTITY", "VOLUME"
    content.PixelData = np.ascontiguousarray(stored.transpose(0, 3, 2, 1)).tobytes()
    return slope, intercept


def _shared(image: Image, slope: float, intercept: float) -> Any:
    from pydicom.dataset import Dataset

    shared, measures, orientation, values = Dataset(), Dataset(), Dataset(), Dataset()
    spacing = image.spacing
    measures.PixelSpacing = [f"{spacing[1]:.10g}", f"{spacing[0]:.10g}"]
    measures.SliceThickness = measures.SpacingBetweenSlices = f"{spacing[2]:.10g}"
    way = image.affine[:3, :2] / np.array(spacing[:2])
    orientation.ImageOrientationPatient = [f"{value + 0.0:.10g}" for value in way.T.ravel()]
    values.RescaleIntercept, values.RescaleSlope = f"{intercept:g}", f"{slope:.8g}"
    values.RescaleType = "HU" if image.modality == "CT" else "US"
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    shared.PixelValueTransformationSequence = [values]
    return shared


def _frame(image: Image, k: int, number: int, facts: Mapping[str, Any]) -> Any:
    from pydicom.dataset import Dataset

    frame, place, what = Dataset(), Dataset(), Dataset()
    position = image.affine[:3, 3] + k * image.affine[:3, 2]
    place.ImagePositionPatient = [f"{value + 0.0:.10g}" for value in position]
    what.StackID, what.InStackPositionNumber = "1", k + 1
    what.DimensionIndexValues = [1, k + 1, number]
    what.TemporalPositionIndex = number
    if "TriggerTime" in facts:
        timing = Dataset()
        timing.NominalCardiacTriggerDelayTime = float(facts["TriggerTime"])
        frame.CardiacSynchronizationSequence = [timing]
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
