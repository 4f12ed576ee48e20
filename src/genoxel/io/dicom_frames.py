"""One DICOM file to its frames: each with a header of its own, as if every frame were a classic single slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.errors import FileFormatError
from genoxel.core.image import Scalar, Step
from genoxel.io.dicom_geometry import Plane, plane_of, still_plane
from genoxel.io.dicom_pet import name_as_classic
from genoxel.io.dicom_pixels import Pixels, scaled, stored_frames
from genoxel.io.dicom_tags import IDENTITY, facts, open_dicom, reading
from genoxel.io.dicom_volumes import Keys, keys_of

COUNTS = ("NumberOfSlices", "ImagesInAcquisition", "InstanceNumber")
STILLS = ("MG", "CR", "DX", "US", "OT", "SC", "XC", "ES", "GM", "SM", "IO", "RF", "XA", "IVUS")
"""Modalities whose images need no position in the patient."""

_CALLED = {
    "EffectiveEchoTime": "EchoTime",
    "TemporalPositionIndex": "TemporalPositionIdentifier",
    "FrameType": "ImageType",
    "InversionTimes": "InversionTime",
    "FrameAcquisitionDateTime": "AcquisitionTime",
    "NominalCardiacTriggerDelayTime": "TriggerTime",
}
"""What a functional group calls what a classic header calls otherwise."""


@dataclass(frozen=True)
class Frame:
    """One slice: its file's name, its header, plain facts, place, pixels, and what may tell its volume from others.

    `person` is the birth date in the file, compared and never shown; `flat` marks a still without place in the patient.
    """

    name: str
    header: Any
    tags: dict[str, Scalar]
    plane: Plane
    pixels: Pixels
    keys: Keys
    person: str = ""
    flat: bool = False
    steps: tuple[Step, ...] = ()

    def count(self, keyword: str) -> int:
        """Return a tag's whole number, 0 where it has none."""
        value = self.tags.get(keyword)
        return int(value) if isinstance(value, int | float) else 0


def frames_of(path: Path) -> list[Frame]:
    """Return the frames of one file; values are plain at once, so that no damage shows later than here.

    Raises `FileFormatError` for a damaged file, functional groups that do not fit the frames, and whatever
    `dicom_pixels` refuses.
    """
    dataset = open_dicom(path)
    dataset.filename = path.name
    with reading(f"{path.name} with a damaged header", "a complete DICOM image", "fetch it again from the archive"):
        stored, steps = stored_frames(dataset, path.name)
        for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
            if keyword in dataset:
                delattr(dataset, keyword)
        headers = list(headers_of(dataset, len(stored), path.name))
        person = str(dataset.get("PatientBirthDate") or "")
        frames = []
        for number, (header, plane) in enumerate(zip(headers, stored, strict=True), start=1):
            name = path.name if len(headers) == 1 else f"{path.name}, frame {number}"
            frames.append(_frame(header, plane, name, (person, steps, number if len(headers) > 1 else 0)))
        return frames


def _frame(header: Any, stored: Any, name: str, about: tuple[str, tuple[Step, ...], int]) -> Frame:
    person, steps, number = about
    header.filename = name
    tags = facts(header, (*IDENTITY, *COUNTS, "SliceThickness"))
    flat = "ImagePositionPatient" not in header and str(tags.get("Modality")) in STILLS
    keys = keys_of(header)
    if flat:
        keys = {"Frame": number or _number(tags)}
    plane = still_plane(header) if flat else plane_of(header)
    return Frame(name, header, tags, plane, scaled(header, stored, name), keys, person, flat, steps)


def _number(tags: dict[str, Scalar]) -> Scalar:
    return tags.get("InstanceNumber", 1)


def headers_of(dataset: Any, count: int, name: str) -> Iterator[Any]:
    """Yield one header per frame: the file's own, with the shared and the frame's functional groups laid over it."""
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if groups is None:
        if count == 1:
            yield dataset
            return
        groups = [{}] * count
        if "ImagePositionPatient" in dataset or str(dataset.get("Modality")) not in STILLS:
            if dataset.get("Modality") == "RTDOSE":
                raise FileFormatError(f"{name}, a dose grid (RTDOSE)", "images; dose is not read", "leave RTDOSE out")
            raise FileFormatError(
                f"{name}, a multi-frame image without functional groups (5200,9230)",
                "a position for each frame",
                "export it as a classic series",
            )
    if len(groups) != count:
        raise FileFormatError(
            f"{name} with {len(groups)} functional groups (5200,9230) for {count} frames (NumberOfFrames (0028,0008))",
            "one for each frame",
            "the file is damaged: fetch it again",
        )
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    base = _without_groups(dataset)
    for group in groups:
        header = _copy(base)
        _lay_over(header, shared)
        _lay_over(header, group)
        name_as_classic(header)
        yield header


def _without_groups(dataset: Any) -> Any:
    base = _copy(dataset)
    for keyword in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence", "NumberOfFrames"):
        if keyword in base:
            delattr(base, keyword)
    return base


def _copy(dataset: Any) -> Any:
    from pydicom.dataset import Dataset

    copied = Dataset()
    copied.update({tag: dataset.get_item(tag) for tag in dataset.keys()})  # noqa: SIM118  (iterating reads every value)
    return copied


def _lay_over(header: Any, group: Any) -> None:
    """Copy the elements of every functional group's first item into the header, under their classic names."""
    for sequence in group or ():
        if sequence.VR != "SQ" or not sequence.value:
            continue
        if sequence.keyword == "RealWorldValueMappingSequence":
            header.add(sequence)
            continue
        for element in sequence.value[0]:
            inner = element.value[0] if element.VR == "SQ" and element.value else (element,)
            for one in inner:
                header.add(one)
                _call(header, one)


def _call(header: Any, element: Any) -> None:
    """Give an element of a functional group its classic name as well."""
    classic = _CALLED.get(element.keyword)
    if classic is None or element.value in (None, ""):
        return
    value = element.value
    if classic == "AcquisitionTime":
        header.AcquisitionDate, value = str(value)[:8], str(value)[8:].split("+")[0].split("-")[0]
    elif classic == "InversionTime":
        value = np.atleast_1d(value)[0]
    setattr(header, classic, value)
