"""One file's header as a small plain record, for inventories: quick, cacheable, never a person's name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genoxel.core.errors import GenoxelError, describe
from genoxel.io.dicom_tags import ACQUISITION, facts, open_dicom, plain, reading

Record = dict[str, Any]
"""What is kept of a header: plain JSON values; `kind` is image, RTSTRUCT, SEG, NIFTI, NRRD, other or problem."""

VERSION = 3
"""Raised whenever a record's content changes, so that no old cache is believed."""

_LIGHT = (
    *("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "FrameOfReferenceUID", "Modality"),
    *("StudyDate", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "NumberOfFrames"),
)
_STRUCTURE = (*_LIGHT[:7], "SeriesDescription", "StructureSetROISequence", "ReferencedFrameOfReferenceSequence")
_SEG = (*_LIGHT[:7], "SeriesDescription", "SegmentSequence", "ReferencedSeriesSequence", "SegmentationType")
_VOLUMES = {".nii": "NIFTI", ".nii.gz": "NIFTI", ".nrrd": "NRRD"}
_DICOM_ENDINGS = (".dcm", ".ima", ".dicom")


def stem(path: Path) -> str:
    """Return a file's name without its ending (.nii.gz is one ending).

    >>> stem(Path("P1_T1CE.nii.gz"))
    'P1_T1CE'
    """
    return path.name[: -len(ending)] if (ending := ending_of(path)) else path.name


def ending_of(path: Path) -> str:
    """Return the ending of a volume's file name in lower case (".nii.gz"), or the usual suffix."""
    name = path.name.lower()
    return next((ending for ending in (".nii.gz", ".nii", ".nrrd") if name.endswith(ending)), path.suffix.lower())


def look(paths: Sequence[str]) -> list[Record]:
    """Return the records of many files; a top-level function, so that worker processes can be given chunks."""
    return [look_at(Path(path)) for path in paths]


def look_at(path: Path) -> Record:
    """Return the record of one file; what cannot be read becomes a `problem` with its reason, never an exception."""
    try:
        kind = _VOLUMES.get(ending_of(path))
        if kind:
            return _volume(path, kind)
        with path.open("rb") as stream:
            head = stream.read(132)
            if head[128:] != b"DICM":
                if ending_of(path) in _DICOM_ENDINGS:
                    return {"kind": "problem", "reason": "no DICOM file (DICM is missing after the preamble)"}
                return {"kind": "other"}
            stream.seek(0)
            return _dicom(stream, path)
    except (GenoxelError, OSError) as error:
        return {"kind": "problem", "reason": describe(error)}


def acquisition_of(path: Path) -> dict[str, Any]:
    """Return the acquisition facts of one image file (see `ACQUISITION`); empty when it cannot be read."""
    try:
        return dict(facts(open_dicom(path, pixels=False), ACQUISITION))
    except GenoxelError:
        return {}


def _volume(path: Path, kind: str) -> Record:
    from genoxel.io import nifti, nrrd

    shape, affine = (nifti if kind == "NIFTI" else nrrd).header_grid(path)
    return {"kind": kind, "shape": list(shape), "affine": affine.tolist()}


def _dicom(stream: Any, path: Path) -> Record:
    import pydicom

    with reading(f"{path.name}, which is damaged or cut off", "a complete DICOM header", "fetch it again"):
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=list(_LIGHT))
        record: Record = dict(facts(dataset, _LIGHT[:7]))
        modality = record.get("Modality")
        if not record.get("PatientID"):
            return {"kind": "problem", "reason": "PatientID (0010,0020) is empty: it cannot be joined to a patient"}
        if modality in ("RTSTRUCT", "SEG"):
            stream.seek(0)
            tags = list(_STRUCTURE if modality == "RTSTRUCT" else _SEG)
            full = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=tags)
            return record | _drawn(full, str(modality))
        if "ImagePositionPatient" not in dataset and "NumberOfFrames" not in dataset:
            return record | {"kind": "other"}
        return record | {
            "kind": "image",
            "position": _numbers(dataset.get("ImagePositionPatient")),
            "orientation": _numbers(dataset.get("ImageOrientationPatient")),
            "spacing": _numbers(dataset.get("PixelSpacing")),
            "frames": int(dataset.get("NumberOfFrames") or 1),
        }


def _numbers(value: Any) -> list[float]:
    return [] if value is None else [float(number) for number in value]


def _drawn(dataset: Any, modality: str) -> Record:
    from genoxel.io.dicom_seg import segments_of
    from genoxel.io.rtstruct import referenced, roi_names

    record: Record = {"kind": modality, "description": plain(dataset.get("SeriesDescription")) or ""}
    if modality == "RTSTRUCT":
        frame, series = referenced(dataset)
        return record | {"names": list(roi_names(dataset)), "series": series, "frame": frame}
    series = next((str(item.SeriesInstanceUID) for item in dataset.get("ReferencedSeriesSequence") or []), "")
    frame = str(dataset.get("FrameOfReferenceUID") or "")
    names = [segment.name for segment in segments_of(dataset)]
    return record | {"names": names, "series": series, "frame": frame}


def file_key(path: Path) -> tuple[int, int]:
    """Return size and modification time (ns) of a file: its identity for a cache."""
    status = os.stat(path)  # noqa: PTH116  (one call, on many thousand files)
    return status.st_size, status.st_mtime_ns
