"""Enhanced multi-frame files with known content, made for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from dicom_making import slices, uid

ENHANCED = {"CT": "1.2.840.10008.5.1.4.1.1.2.1", "MR": "1.2.840.10008.5.1.4.1.1.4.1"}


def group(**macros: Any) -> Dataset:
    """Return a functional group: macro keyword (without Sequence) -> its elements."""
    item = Dataset()
    for word, elements in macros.items():
        inner = Dataset()
        for keyword, value in elements.items():
            setattr(inner, keyword, value)
        setattr(item, f"{word}Sequence", Items([inner]))
    return item


def enhanced(
    modality: str = "CT",
    cosines: Sequence[float] = (1, 0, 0, 0, 1, 0),
    values: np.ndarray | None = None,
    shared_line: bool = True,
    own: Callable[[int], dict[str, Any]] = lambda frame: {},
    word: str = "enhanced",
) -> Any:
    """Return one multi-frame dataset; stored = value + 1024; `own` gives further macros of a frame by its number."""
    classic = slices(cosines=cosines, modality=modality, values=values)
    one = classic[0]
    one.SOPClassUID, one.SOPInstanceUID = ENHANCED[modality], uid(word)
    one.NumberOfFrames = len(classic)
    one.PixelData = b"".join(each.PixelData for each in classic)
    one["PixelData"].VR = "OW"
    measures = {"PixelSpacing": one.PixelSpacing, "SliceThickness": one.SliceThickness}
    line = {"RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU" if modality == "CT" else "US"}
    shared = {"PixelMeasures": measures, "PlaneOrientation": {"ImageOrientationPatient": one.ImageOrientationPatient}}
    if shared_line:
        shared["PixelValueTransformation"] = line
    one.SharedFunctionalGroupsSequence = Items([group(**shared)])
    groups = []
    for number, each in enumerate(classic):
        macros = {"PlanePosition": {"ImagePositionPatient": each.ImagePositionPatient}, **own(number)}
        groups.append(group(**macros))
    one.PerFrameFunctionalGroupsSequence = Items(groups)
    for keyword in (
        *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
        *("RescaleSlope", "RescaleIntercept"),
    ):
        delattr(one, keyword)
    return one


def frames_of(one: Any) -> np.ndarray:
    """Return the stored frames (frame, row, column)."""
    return np.frombuffer(one.PixelData, "<i2").reshape(-1, one.Rows, one.Columns).copy()


def reorder(one: Any, order: Sequence[int]) -> Any:
    """Put frames and groups into another order."""
    pixels = frames_of(one)[list(order)]
    groups = [one.PerFrameFunctionalGroupsSequence[place] for place in order]
    one.PixelData, one.NumberOfFrames = pixels.tobytes(), len(order)
    one["PixelData"].VR = "OW"
    one.PerFrameFunctionalGroupsSequence = Items(groups)
    return one


def joined(first: Any, second: Any) -> Any:
    """Append the frames of another file of the same kind."""
    first.PixelData += second.PixelData
    first["PixelData"].VR = "OW"
    first.NumberOfFrames += second.NumberOfFrames
    first.PerFrameFunctionalGroupsSequence = Items(
        [*first.PerFrameFunctionalGroupsSequence, *second.PerFrameFunctionalGroupsSequence]
    )
    return first
