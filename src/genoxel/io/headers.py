"""One file's header as a small plain record, for inventories: quick, cacheable, never a person's name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.errors import GenoxelError, describe
from genoxel.core.image import Scalar
from genoxel.io.dicom_scan import Scanned, TooShortError, numbers, scan
from genoxel.io.dicom_structure import refuse_broken
from genoxel.io.dicom_tags import ACQUISITION, facts, open_dicom, plain, reading
from genoxel.io.dicom_volumes import KINDS, TIMES, keys_of

Record = dict[str, Any]
"""What is kept of a header: plain JSON values; `kind` is image, RTSTRUCT, SEG, NIFTI, NRRD, MHA, other or problem."""

VERSION = 9
"""Raised whenever a record's content changes, so that no old cache is believed."""

VOLUMES = {".nii": "NIFTI", ".nii.gz": "NIFTI", ".nrrd": "NRRD", ".mha": "MHA"}
"""Endings of files that hold one volume or mask, and what they are called in records."""

_IDENTITY = (
    *("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "FrameOfReferenceUID", "Modality"),
    "StudyDate",
)
_PLACE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "NumberOfFrames", "Rows", "InstanceNumber")
_KEYS = (*KINDS, *TIMES, "AcquisitionTime", "ContentTime", "DiffusionGradientOrientation", "SequenceName")
_WANTED = tuple(word for word in (*_IDENTITY, *_PLACE, *_KEYS, "SpecificCharacterSet") if word != "Frame")
_PRIVATE_GROUPS = frozenset((0x0019, 0x0043, 0x2001))
_STRUCTURE = (*_IDENTITY, "SeriesDescription", "StructureSetROISequence", "ReferencedFrameOfReferenceSequence")
_SEG = (*_IDENTITY, "SeriesDescription", "SegmentSequence", "ReferencedSeriesSequence", "SegmentationType")
_DICOM_ENDINGS = (".dcm", ".ima", ".dicom")
_STILLS = ("MG", "CR", "DX", "US", "OT", "XC", "ES", "GM", "RF", "XA")
_SECONDS = ("RepetitionTime", "EchoTime", "InversionTime")
_EARLY, _EARLY_FORMS, _EARLY_LONGEST = 0x18, (b"UL", b"CS", b"UI", b"DA", b"TM", b"SH"), 64
"""Up to which element of group 8 a data set may begin, how that is written, and how long (bytes) it is."""
_FIRST, _MOST = 16 * 1024, 16 * 2**20


def stem(path: Path) -> str:
    """Return a file's name without its ending (.nii.gz is one ending).

    >>> stem(Path("P1_T1CE.nii.gz"))
    'P1_T1CE'
    """
    return path.name[: -len(ending)] if (ending := ending_of(path)) else path.name


def ending_of(path: Path) -> str:
    """Return the ending of a volume's file name in lower case (".nii.gz"), or the usual suffix."""
    name = path.name.lower()
    return next((ending for ending in (".nii.gz", *VOLUMES) if name.endswith(ending)), path.suffix.lower())


def look(paths: Sequence[str]) -> list[Record]:
    """Return the records of many files; a top-level function, so that worker processes can be given chunks."""
    return [look_at(Path(path)) for path in paths]


def look_at(path: Path) -> Record:
    """Return the record of one file; what cannot be read becomes a `problem` with its reason, never an exception."""
    try:
        kind = VOLUMES.get(ending_of(path))
        if kind:
            return _volume(path, kind)
        with path.open("rb") as stream:
            head = stream.read(_FIRST)
            if head[128:132] != b"DICM":
                return _without_preamble(path, head)
            return _dicom(stream, head, path)
    except (GenoxelError, OSError) as error:
        return {"kind": "problem", "reason": describe(error)}


def _without_preamble(path: Path, head: bytes) -> Record:
    """Return the record of a file without DICM: a problem where its name or its first element says DICOM."""
    bare = _begins_bare(head)
    if not bare and ending_of(path) not in _DICOM_ENDINGS:
        return {"kind": "other"}
    if bare:
        got, fix = "a DICOM data set that is no file", "write it as a file: dcmconv IN OUT, or gdcmconv IN OUT"
    else:
        got, fix = "no DICOM file", "fetch it again, or take it out"
    legal = "128 bytes, the word DICM, and the data set"
    return {"kind": "problem", "reason": f"got {path.name}, {got}; legal: {legal}; to fix: {fix}"}


def _begins_bare(head: bytes) -> bool:
    """Return whether a file begins with an early element of group 8 itself, as old archives write data sets."""
    for order in ("little", "big"):
        group, element = int.from_bytes(head[:2], order), int.from_bytes(head[2:4], order)
        length = int.from_bytes(head[4:8], order)
        if group == 8 and element <= _EARLY and (head[4:6] in _EARLY_FORMS or 0 < length <= _EARLY_LONGEST):
            return True
    return False


def acquisition_of(path: Path) -> dict[str, Any]:
    """Return the acquisition facts of one image file (see `ACQUISITION`); empty when it cannot be read."""
    try:
        return dict(facts(open_dicom(path, pixels=False), ACQUISITION))
    except GenoxelError:
        return {}


def _volume(path: Path, kind: str) -> Record:
    from genoxel.io import mha, nifti, nrrd

    shape, affine = {"NIFTI": nifti, "NRRD": nrrd, "MHA": mha}[kind].header_grid(path)
    record = {"kind": kind, "shape": list(shape), "affine": affine.tolist()}
    return record | _beside(path, int(np.prod(shape[3:])))


def _beside(path: Path, volumes: int) -> Record:
    """Return acquisition facts of the .json and b-values of the .bval that converters write beside a volume.

    `spoilt` names those that cannot be used, with the reason.
    """
    found: Record = {}
    spoilt: dict[str, str] = {}
    notes = path.with_name(stem(path) + ".json")
    if notes.is_file() and notes.stat().st_size < _MOST:
        try:
            content = json.loads(notes.read_text(encoding="utf-8", errors="replace"))
            kept = {word: value for word, value in content.items() if word in ACQUISITION and _simple(value)}
            found["sidecar"] = {word: _stated(word, value) for word, value in kept.items()}
        except (ValueError, AttributeError, TypeError):
            spoilt[notes.name] = "no JSON object of acquisition facts"
    values = path.with_name(stem(path) + ".bval")
    if volumes > 1 and values.is_file() and values.stat().st_size < _MOST:
        words = values.read_text(encoding="ascii", errors="replace").split()
        try:
            found["b_values"] = [float(word) for word in words]
        except ValueError:
            spoilt[values.name] = "b-values that are no numbers"
        if values.name not in spoilt and len(words) != volumes:
            spoilt[values.name] = f"{len(words)} b-values for {volumes} volumes"
    return found | ({"spoilt": spoilt} if spoilt else {})


def _stated(word: str, value: str | float) -> str | float:
    """Return a fact as DICOM states it: times in milliseconds, where BIDS has seconds."""
    return value * 1000 if word in _SECONDS and not isinstance(value, str) else value


def _simple(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _dicom(stream: Any, head: bytes, path: Path) -> Record:
    dataset = _scanned(stream, head) or _whole(stream, path, list(_WANTED))
    with reading(f"{path.name}, which is damaged or cut off", "a complete DICOM header", "fetch it again"):
        record: Record = dict(facts(dataset, _IDENTITY))
    modality = str(record.get("Modality", ""))
    try:
        with reading(f"{path.name}, which is damaged or cut off", "a complete DICOM header", "fetch it again"):
            found = record | _content(stream, dataset, modality, path)
    except GenoxelError as error:
        whose = {"PatientID": record.get("PatientID", ""), "Modality": modality}
        return {"kind": "problem", "reason": describe(error), **whose}
    if found["kind"] == "other" and not record.get("PatientID"):
        got = f"got {path.name} with neither PatientID (0010,0020) nor an image"
        reason = f"{got}; legal: a complete DICOM header; to fix: fetch it again, or take it out"
        return {"kind": "problem", "reason": reason}
    return found


def _content(stream: Any, dataset: Any, modality: str, path: Path) -> Record:
    """Return what a file holds beside its identity: structures, frames, or nothing of use."""
    if modality == "RTSTRUCT":
        stream.seek(0)
        refuse_broken(stream.read())
    if modality in ("RTSTRUCT", "SEG"):
        return _drawn(_whole(stream, path, list(_STRUCTURE if modality == "RTSTRUCT" else _SEG)), modality)
    frames = int(dataset.get("NumberOfFrames") or 1)
    if "ImagePositionPatient" in dataset:
        return {"kind": "image", "frames": [_frame(dataset)]}
    if "Rows" not in dataset:
        return {"kind": "other"}
    if modality in _STILLS:
        first = int(dataset.get("InstanceNumber") or 1)
        stills = [{"keys": {"Frame": number}} for number in (range(1, frames + 1) if frames > 1 else (first,))]
        return {"kind": "image", "flat": True, "frames": stills}
    if "NumberOfFrames" not in dataset:
        return {"kind": "other"}
    return {"kind": "image", "frames": _multi(_whole(stream, path, None), frames, path.name)}


def _scanned(stream: Any, head: bytes) -> Scanned | None:
    """Return the wanted elements from the first bytes of the file, read on until the pixels begin; None if unusual."""
    tags, kinds = _wanted_tags()
    content, whole = head, len(head) < _FIRST
    while len(content) <= _MOST:
        try:
            found = scan(content, whole, tags, kinds, _PRIVATE_GROUPS)
        except TooShortError:
            if whole:
                return None
            more = stream.read(3 * len(content))
            content, whole = content + more, len(more) < 3 * len(content)
            continue
        except (ValueError, OverflowError):
            return None
        odd = found is not None and any(
            not raw.isascii() for kind, raw in found.elements.values() if kind in (b"LO", b"SH")
        )
        return None if odd else found
    return None


_tags: tuple[dict[str, int], dict[int, bytes]] | None = None


def _wanted_tags() -> tuple[dict[str, int], dict[int, bytes]]:
    """Return the tags of the wanted keywords and their value representations, asked of the dictionary once."""
    global _tags  # noqa: PLW0603  (a table that never changes, made late because it loads the DICOM library)
    if _tags is None:
        from pydicom.datadict import dictionary_VR, tag_for_keyword

        named = {word: tag_for_keyword(word) for word in _WANTED}
        tags = {word: int(tag) for word, tag in named.items() if tag is not None}
        _tags = tags, {tag: dictionary_VR(tag).encode()[:2] for tag in tags.values()}
    return _tags


def _whole(stream: Any, path: Path, tags: list[str] | None) -> Any:
    """Return the header as pydicom reads it, all of it or the tags that are named."""
    import pydicom

    stream.seek(0)
    private = [group << 16 | 0x1000 | element for group, element in ((0x19, 0x0C), (0x43, 0x39), (0x2001, 0x03))]
    blocks = [group << 16 | 0x10 for group in _PRIVATE_GROUPS]
    chosen: Any = None if tags is None else [*tags, *private, *blocks]
    with reading(f"{path.name}, which is damaged or cut off", "a complete DICOM header", "fetch it again"):
        return pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=chosen)


def _frame(header: Any) -> dict[str, Any]:
    """Return what an inventory needs of one slice: place, directions, steps, and what may tell its volume."""
    keys: dict[str, Scalar] = {
        name: value if not isinstance(value, float) or np.isfinite(value) else None
        for name, value in keys_of(header).items()
    }
    return {
        "position": numbers(header.get("ImagePositionPatient")),
        "orientation": numbers(header.get("ImageOrientationPatient")),
        "spacing": numbers(header.get("PixelSpacing")),
        "number": int(header.get("InstanceNumber") or 0),
        "keys": keys,
    }


def _multi(dataset: Any, frames: int, name: str) -> list[dict[str, Any]]:
    from genoxel.io.dicom_frames import headers_of

    return [_frame(header) for header in headers_of(dataset, frames, name)]


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
