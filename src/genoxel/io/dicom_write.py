"""Structure sets and segmentations out, byte for byte the same for the same content."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genoxel._version import __version__
from genoxel.core.errors import GeometryError, MaskError
from genoxel.core.image import FloatArray, Grid
from genoxel.core.mask import Mask
from genoxel.io.dicom_geometry import name_of, plane_of, stack
from genoxel.io.files import atomic_write
from genoxel.io.polygons import outlines

SegKind = Literal["BINARY", "LABELMAP"]
_RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_CONTOUR_DATA = 0x30060050
_STUDY = "1.2.840.10008.3.1.2.3.1"
_PATIENT_TAGS = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
_STUDY_TAGS = ("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName")
_COLOURS = ((220, 50, 47), (38, 139, 210), (181, 137, 0), (42, 161, 152), (211, 54, 130), (133, 153, 0))


def write_rtstruct(
    path: str | os.PathLike[str],
    regions: Mapping[str, Mask],
    series: Sequence[Any],
    uid: Callable[[str], str],
    date: str,
    time: str,
) -> Path:
    """Write masks as a DICOM structure set (RTSTRUCT) that refers to `series`, and return its path.

    `regions` maps a structure name to a mask on the grid of the series (all labels of a mask together are one
    structure); `series` are the slices' datasets (their pixels are not needed); `uid` gives the UID for a word that
    names its use ("rtstruct.instance", ...); `date` and `time` are DICOM texts (YYYYMMDD, HHMMSS). Outlines follow
    pixel edges: areas and voxels are kept exactly; where a slice holds several outlines they are to be joined by
    XOR (CLOSEDPLANAR_XOR). Raises `GeometryError` for a mask on another grid, `MaskError` for an empty one.
    """
    grid, slices = _sorted(series)
    for name, mask in regions.items():
        _on_grid(name, mask, grid)
    from pydicom.dataset import Dataset

    content = _head(slices[0], _RTSTRUCT, "RTSTRUCT", uid, (date, time))
    content.StructureSetLabel = "Genoxel"
    content.StructureSetDate, content.StructureSetTime = date, time
    frame = _frame_of_reference(slices, uid)
    content.ReferencedFrameOfReferenceSequence = [frame]
    content.FrameOfReferenceUID, content.PositionReferenceIndicator = frame.FrameOfReferenceUID, ""
    content.StructureSetROISequence, content.ROIContourSequence = [], []
    content.RTROIObservationsSequence = []
    for number, (name, mask) in enumerate(regions.items(), start=1):
        structure = Dataset()
        structure.ROINumber, structure.ROIName = number, name
        structure.ReferencedFrameOfReferenceUID = frame.FrameOfReferenceUID
        structure.ROIGenerationAlgorithm = "MANUAL"
        content.StructureSetROISequence.append(structure)
        content.ROIContourSequence.append(_contours(number, mask, slices))
        content.RTROIObservationsSequence.append(_observation(number))
    return atomic_write(path, _bytes(content))


def write_seg(
    path: str | os.PathLike[str],
    mask: Mask | Mapping[str, Mask],
    series: Sequence[Any],
    uid: Callable[[str], str],
    date: str,
    time: str,
    kind: SegKind = "BINARY",
) -> Path:
    """Write masks as a DICOM segmentation (SEG) of `series`, and return its path.

    One mask gives one segment per label; a mapping of names to masks gives one segment each, which may overlap (not in
    a "LABELMAP"). Other arguments as for `write_rtstruct`; slices without a voxel are left out, as the standard allows.
    Raises `GeometryError` for a mask on another grid, `MaskError` for an empty one and for overlaps in a label map.
    """
    grid, slices = _sorted(series)
    if isinstance(mask, Mask):
        _on_grid(", ".join(mask.labels.values()), mask, grid)
        array = np.asarray(mask.array)
        inside = {mask.labels[label]: array == label for label in mask.labels if np.any(array == label)}
    else:
        for name, one in mask.items():
            _on_grid(name, one, grid)
        inside = {name: one.inside() for name, one in mask.items()}
    stacked = np.stack([_planes(one) for one in inside.values()], axis=-1).astype(np.uint8)
    apart = int(stacked.sum(axis=-1).max()) <= 1
    if kind == "LABELMAP" and not apart:
        raise MaskError("segments that overlap, for a label map", "one label per voxel", 'write kind="BINARY"')
    numbers = np.arange(1, len(inside) + 1, dtype=np.uint8)
    planes = (stacked * numbers).sum(axis=-1, dtype=np.uint8) if apart else stacked
    return _write_segments(path, planes, slices, (uid, date, time), (kind, list(inside)))


def write_fractions(
    path: str | os.PathLike[str],
    shares: Mapping[str, FloatArray],
    series: Sequence[Any],
    uid: Callable[[str], str],
    date: str,
    time: str,
) -> Path:
    """Write shares of voxels (name -> array (i, j, k), 0 to 1) as a fractional SEG of `series`, in steps of 1/255.

    What they are is said as occupancy: the share of a voxel that is inside, as `io.rtstruct.coverage` gives it. Other
    arguments as for `write_rtstruct`. Raises `GeometryError` for another shape, `MaskError` for shares outside 0 to 1.
    """
    grid, slices = _sorted(series)
    for name, share in shares.items():
        if share.shape != grid.shape:
            raise GeometryError(f"shares {name!r} of shape {share.shape}", f"{grid.shape}", "pass their own series")
        if not np.isfinite(share).all() or share.min() < 0 or share.max() > 1 or not share.any():
            raise MaskError(f"shares {name!r} outside 0 to 1, or all of them 0", "shares from 0 to 1", "correct them")
    planes = np.stack([_planes(share) for share in shares.values()], axis=-1)
    return _write_segments(path, planes, slices, (uid, date, time), ("FRACTIONAL", list(shares)))


def _planes(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array (i, j, k) as frames (k, row, column)."""
    return np.ascontiguousarray(np.transpose(array, (2, 1, 0)))


def _write_segments(
    path: str | os.PathLike[str],
    planes: npt.NDArray[Any],
    slices: Sequence[Any],
    named: tuple[Callable[[str], str], str, str],
    what: tuple[str, Sequence[str]],
) -> Path:
    import highdicom as hd

    (uid, date, time), (kind, names) = named, what
    fractional = {"fractional_type": "OCCUPANCY", "max_fractional_value": 255} if kind == "FRACTIONAL" else {}
    content = hd.seg.Segmentation(
        source_images=list(slices),
        pixel_array=planes,
        segmentation_type=kind,
        segment_descriptions=[_segment(number, name) for number, name in enumerate(names, start=1)],
        series_instance_uid=uid("seg.series"),
        series_number=int(slices[0].get("SeriesNumber") or 0) + 1001,
        sop_instance_uid=uid("seg.instance"),
        instance_number=1,
        manufacturer="Genoxel",
        manufacturer_model_name="Genoxel",
        software_versions=__version__,
        device_serial_number="1",
        content_label="GENOXEL",
        omit_empty_frames=True,
        **fractional,
    )
    _settle(content, uid, date, time)
    return atomic_write(path, _bytes(content))


def _sorted(series: Sequence[Any]) -> tuple[Grid, list[Any]]:
    if not series:
        raise GeometryError("no slices", "the datasets of one series", "pass what the masks were drawn on")
    thickness = series[0].get("SliceThickness")
    names = [name_of(dataset) for dataset in series]
    placed = stack([plane_of(dataset) for dataset in series], names, float(thickness) if thickness else None)
    return placed.grid, [series[place] for place in placed.order]


def _on_grid(name: str, mask: Mask, grid: Grid) -> None:
    if not grid.same_as(mask.grid):
        raise GeometryError(
            f"the mask {name!r} on {mask.grid.describe()} for a series on {grid.describe()}",
            "one grid",
            "pass the series that the mask was drawn on",
        )
    if not np.any(mask.array):
        raise MaskError(f"an empty mask {name!r}", "at least one voxel inside", "leave it out")


def _head(first: Any, sop_class: str, modality: str, uid: Callable[[str], str], when: tuple[str, str]) -> Any:
    from pydicom.dataset import Dataset, FileMetaDataset

    word = modality.lower()
    content = Dataset()
    content.file_meta = FileMetaDataset()
    content.file_meta.MediaStorageSOPClassUID = sop_class
    content.file_meta.MediaStorageSOPInstanceUID = uid(f"{word}.instance")
    content.file_meta.TransferSyntaxUID = _EXPLICIT_LITTLE
    content.SpecificCharacterSet = "ISO_IR 192"
    content.SOPClassUID, content.SOPInstanceUID = sop_class, uid(f"{word}.instance")
    for keyword in (*_PATIENT_TAGS, *_STUDY_TAGS):
        setattr(content, keyword, first.get(keyword) or "")
    content.Modality = modality
    content.SeriesInstanceUID = uid(f"{word}.series")
    content.SeriesNumber = int(first.get("SeriesNumber") or 0) + 1000
    content.InstanceNumber = 1
    content.SeriesDate, content.SeriesTime = when
    content.InstanceCreationDate, content.InstanceCreationTime = when
    content.OperatorsName = ""
    content.Manufacturer = "Genoxel"
    content.SoftwareVersions = __version__
    return content


def _reference(dataset: Any) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    if dataset.get("ReferencedFrameNumber"):  # a slice that is one frame of several
        item.ReferencedFrameNumber = dataset.ReferencedFrameNumber
    return item


def _frame_of_reference(slices: Sequence[Any], uid: Callable[[str], str]) -> Any:
    from pydicom.dataset import Dataset

    first = slices[0]
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = [_reference(dataset) for dataset in slices]
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = _STUDY, first.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = first.get("FrameOfReferenceUID") or uid("frame")
    frame.RTReferencedStudySequence = [study]
    return frame


def _observation(number: int) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ObservationNumber = item.ReferencedROINumber = number
    item.RTROIInterpretedType, item.ROIInterpreter = "GTV", ""
    return item


def _contours(number: int, mask: Mask, slices: Sequence[Any]) -> Any:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ROIDisplayColor = list(_COLOURS[(number - 1) % len(_COLOURS)])
    item.ReferencedROINumber = number
    item.ContourSequence = []
    for count, (k, points, several) in enumerate(_loops(mask), start=1):
        contour = Dataset()
        contour.ContourImageSequence = [_reference(slices[k])]
        contour.ContourGeometricType = "CLOSEDPLANAR_XOR" if several else "CLOSED_PLANAR"
        contour.NumberOfContourPoints = len(points)
        contour.ContourNumber = count
        text = "\\".join(f"{value:.6f}".rstrip("0").rstrip(".") for value in points.ravel())
        contour.add(DataElement(_CONTOUR_DATA, "DS", text, already_converted=True))
        item.ContourSequence.append(contour)
    return item


def _loops(mask: Mask) -> Iterator[tuple[int, FloatArray, bool]]:
    array = np.asarray(mask.array) != 0
    for k in np.nonzero(array.any(axis=(0, 1)))[0]:
        loops = outlines(array[:, :, k])
        for loop in loops:
            indices = np.column_stack([loop, np.full(len(loop), float(k))])
            yield int(k), mask.grid.to_patient(indices), len(loops) > 1


def _segment(number: int, name: str) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name[:64],
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Neoplasm,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=None,
        tracking_id=None,
    )


def _settle(content: Any, uid: Callable[[str], str], date: str, time: str) -> None:
    """Replace the times and random identifiers that the library fills in, so that bytes repeat."""
    for keyword in ("ContentDate", "SeriesDate", "InstanceCreationDate"):
        setattr(content, keyword, date)
    for keyword in ("ContentTime", "SeriesTime", "InstanceCreationTime"):
        setattr(content, keyword, time)
    dimension = uid("seg.dimension")
    for item in (*content.DimensionOrganizationSequence, *content.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimension
    for item in content.get("ContributingEquipmentSequence") or []:
        item.ContributionDateTime = date + time


def _bytes(content: Any) -> bytes:
    from pydicom import dcmwrite

    buffer = io.BytesIO()
    dcmwrite(buffer, content, enforce_file_format=True)
    return buffer.getvalue()
