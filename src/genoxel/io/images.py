"""From an inventory's record to the image, whatever the file format."""

from __future__ import annotations

from dataclasses import replace

from genoxel.core.image import Image
from genoxel.io.inventory import SeriesRecord


def read_image(series: SeriesRecord, modality: str = "") -> Image:
    """Return the image of one series of an inventory, whatever its format; the patient is in its tags.

    `modality` names volumes whose file does not (NIfTI, NRRD). Raises as the reader of the format does.
    """
    from genoxel.io import dicom, nifti, nrrd

    if series.kind == "DICOM":
        return dicom.read_series(series.files)
    reader = nifti.read_nifti if series.kind == "NIFTI" else nrrd.read_nrrd
    image = reader(series.files[0], modality or series.modality)
    return replace(image, tags={**image.tags, "PatientID": series.patient, "SeriesDescription": series.description})
