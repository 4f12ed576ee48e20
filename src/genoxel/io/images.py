"""From a file or an inventory's record to the image or mask, whatever the format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from genoxel.core.errors import FileFormatError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.headers import VOLUMES, ending_of
from genoxel.io.inventory import SeriesRecord
from genoxel.io.settings import ReadingSettings

_DEFAULT = ReadingSettings()


def read_image(series: SeriesRecord, modality: str = "", reading: ReadingSettings = _DEFAULT) -> Image:
    """Return the image of one series of an inventory, whatever its format; the patient is in its tags.

    `modality` names volumes whose file does not (NIfTI, NRRD, MetaImage). Raises as the reader of the format does.
    """
    from genoxel.io.dicom import read_series

    if series.kind == "DICOM":
        return read_series(series.files, series.volume or None, reading)
    image = read_file(series.files[0], modality or series.modality, reading, series.volume)
    return replace(image, tags={**image.tags, "PatientID": series.patient, "SeriesDescription": series.description})


def read_file(path: Path, modality: str = "", reading: ReadingSettings = _DEFAULT, volume: int = 0) -> Image:
    """Return the image of one NIfTI, NRRD or MetaImage file; `volume` chooses one of several, counted from 1.

    Raises as the reader of the format does, and `FileFormatError` for any other ending.
    """
    from genoxel.io.mha import read_mha
    from genoxel.io.nifti import read_nifti
    from genoxel.io.nrrd import read_nrrd

    kind = _kind(path)
    if kind == "NRRD":
        return read_nrrd(path, modality, reading)
    if kind == "MHA":
        return read_mha(path, modality, reading)
    return read_nifti(path, modality, volume - 1 if volume else None, reading=reading)


def read_mask_file(path: Path, threshold: float | None = None, reading: ReadingSettings = _DEFAULT) -> Mask:
    """Return the label map of one NIfTI, NRRD or MetaImage file; `threshold` makes a soft NIfTI mask binary.

    Raises as the reader of the format does, and `FileFormatError` for any other ending.
    """
    from genoxel.io.mha import read_mha_mask
    from genoxel.io.nifti import read_nifti_mask
    from genoxel.io.nrrd import read_nrrd_mask

    kind = _kind(path)
    if kind == "NRRD":
        return read_nrrd_mask(path, reading=reading)
    if kind == "MHA":
        return read_mha_mask(path, reading=reading)
    return read_nifti_mask(path, threshold=threshold, reading=reading)


def _kind(path: Path) -> str:
    kind = VOLUMES.get(ending_of(path))
    if kind is None:
        raise FileFormatError(f"{path.name}", ", ".join(VOLUMES), "convert it")
    return kind
