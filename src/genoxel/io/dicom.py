"""DICOM series in: checked volumes, or a reason why there is none.

Nothing is guessed: a fault of the series is refused with file, tag and remedy, repaired and written into the image's
history (exact duplicates, padding, resampling that was asked for), or, where the file cannot tell, noted there as a
`notice` step.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, GeometryError
from genoxel.core.image import Image, Scalar, Step
from genoxel.image.straighten import even_steps, straighten
from genoxel.io.dicom_frames import Frame, frames_of
from genoxel.io.dicom_geometry import Stack, stack
from genoxel.io.dicom_pet import suv_scale
from genoxel.io.dicom_tags import ACQUISITION, IDENTITY, facts
from genoxel.io.dicom_tags import reading as guarded
from genoxel.io.dicom_volumes import Split, split
from genoxel.io.settings import ReadingSettings

_ONE = {
    "PatientID": ("two patients", "(0010,0020)"),
    "StudyInstanceUID": ("two studies", "(0020,000D)"),
    "SeriesInstanceUID": ("two series", "(0020,000E)"),
    "FrameOfReferenceUID": ("two frames of reference", "(0020,0052)"),
    "Modality": ("two modalities", "(0008,0060)"),
}
_MAPS = (
    *("ADC", "EADC", "CBF", "RCBF", "CBV", "RCBV", "MTT", "TTP", "TMAX", "KTRANS", "KEP"),
    *("T1 MAP", "T2 MAP", "T2 STAR MAP", "R2 STAR MAP"),
)
"""What ImageType calls maps whose numbers mean something only with their unit."""
_PET = ("1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.130", "1.2.840.10008.5.1.4.1.1.128.1")
_HIGHEST_HU, _LOWEST_HU, _AIR_HU = 40_000.0, -10_000.0, -1024.0
_PLAUSIBLE_MM = (0.01, 50.0)
_DEFAULT = ReadingSettings()


@dataclass(frozen=True)
class _Series:
    """All frames of a series without copies, and the volumes they make."""

    frames: tuple[Frame, ...]
    split: Split
    steps: tuple[Step, ...]


def read_series(
    paths: Sequence[str | os.PathLike[str]], volume: int | None = None, reading: ReadingSettings = _DEFAULT
) -> Image:
    """Return one volume of a DICOM series (classic or multi-frame files, in any order), acquisition facts as tags.

    Slices are sorted by position along their normal; pixel values are rescaled slice by slice: CT in HU, PET in SUV of
    the kind that `reading` asks for, maps in the unit of their real world values, others in the file's own unit. Of a
    series with several volumes (time points, b-values, echoes, stacks) `volume` chooses one, counted from 1. Values are
    whole numbers where the rescaling leaves them whole, else float64. Raises `FileFormatError` (damaged file, mixed
    patients or series, missing tag) and `GeometryError` (several volumes without a choice, missing, doubled or uneven
    slices, tilt, mixed orientation or spacing).
    Source: DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16 (multi-frame), C.11.1 (modality LUT), C.7.5.1.1.2 (padding).
    """
    series = _open(paths)
    count = len(series.split.groups)
    if volume is None and (count > 1 or not series.split.told):
        raise _several(series)
    if volume is not None and not 1 <= volume <= count:
        raise GeometryError(f"volume {volume} of a series with {count}", f"1 to {count}", "choose one of these")
    return _image(series, (volume or 1) - 1, reading)


def read_volumes(paths: Sequence[str | os.PathLike[str]], reading: ReadingSettings = _DEFAULT) -> tuple[Image, ...]:
    """Return all volumes of a DICOM series in the order of what tells them apart (time, b-value, echo, stack).

    Each carries that value in its history. Raises as `read_series`, and `GeometryError` where nothing tells them apart.
    """
    series = _open(paths)
    if not series.split.told:
        raise _several(series)
    return tuple(_image(series, place, reading) for place in range(len(series.split.groups)))


def _open(paths: Sequence[str | os.PathLike[str]]) -> _Series:
    if not paths:
        raise FileFormatError("no files", "the files of one series", "name the files, or choose a series")
    frames = [frame for path in paths for frame in frames_of(Path(path))]
    _refuse_strangers(frames)
    frames, steps = _without_copies(frames)
    normal = frames[0].plane.normal
    places = [_place(frame, normal) for frame in frames]
    found = split(places, [frame.keys for frame in frames], [frame.count("InstanceNumber") for frame in frames])
    return _Series(tuple(frames), found, tuple(steps))


def _place(frame: Frame, normal: npt.NDArray[np.float64]) -> tuple[float, ...]:
    turned = float(frame.plane.normal @ normal) < 0.999
    return (*np.round(frame.plane.origin, 2).tolist(), *(np.round(frame.plane.normal, 2).tolist() if turned else ()))


def _several(series: _Series) -> GeometryError:
    found = series.split
    if not found.told:
        return GeometryError(
            f"several volumes in one series: slices lie at one position ({series.frames[0].name} and others), "
            "and no tag tells which belong together",
            "one slice per position, or a tag that differs (time point, acquisition, echo, b-value)",
            "separate the series at the archive or scanner",
        )
    shown = "; ".join(f"{place + 1}: {found.label(place)}" for place in range(min(len(found.groups), 6)))
    more = " ..." if len(found.groups) > 6 else ""
    return GeometryError(
        f"several volumes in one series: {len(found.groups)}, by {', '.join(found.by)} ({shown}{more})",
        "one volume",
        'choose one: volume=..., or a rule such as "volume == 2" or "b_value == 800" under [io.images] choose',
    )


def _refuse_strangers(frames: Sequence[Frame]) -> None:
    first = frames[0]
    modality, kind = first.tags.get("Modality"), facts(first.header, ("SOPClassUID",)).get("SOPClassUID")
    if not modality or (kind in _PET and modality != "PT"):
        raise FileFormatError(
            f"{first.name} with Modality (0008,0060) {modality or 'missing'}, which says what its numbers mean",
            "CT, MR, PT (for a PET image), ...",
            "export the series again from the archive",
        )
    for one in frames[1:]:
        for keyword, (what, tag) in _ONE.items():
            if one.tags.get(keyword) != first.tags.get(keyword):
                raise FileFormatError(
                    f"{what} in one set of files: {keyword} {tag} differs between {first.name} and {one.name}",
                    f"one {keyword}",
                    "give the files of one series only; a mixed series must be sorted out at the archive",
                )
        if one.person and first.person and one.person != first.person:
            raise FileFormatError(
                f"two birth dates under one PatientID: (0010,0030) differs between {first.name} and {one.name}",
                "one patient",
                "find out at the archive who was scanned",
            )


def _without_copies(frames: list[Frame]) -> tuple[list[Frame], list[Step]]:
    """Leave out slices that equal another in place, tags and every pixel; the file names go into the history."""
    kept: dict[tuple[float, ...], list[Frame]] = {}
    result, left_out = [], []
    for one in frames:
        same = kept.setdefault(tuple(np.round(one.plane.origin, 4).tolist()), [])
        if any(_equal(one, other) for other in same):
            left_out.append(one.name)
        else:
            same.append(one)
            result.append(one)
    steps = [Step("drop_duplicate_slices", {"files": sorted(left_out)})] if left_out else []
    return result, steps


def _equal(one: Frame, other: Frame) -> bool:
    if one.keys != other.keys:
        return False
    lines = (one.pixels.slope, one.pixels.intercept) == (other.pixels.slope, other.pixels.intercept)
    turned = np.array_equal(one.plane.along_i, other.plane.along_i) and np.array_equal(
        one.plane.along_j, other.plane.along_j
    )
    return lines and turned and np.array_equal(one.pixels.stored, other.pixels.stored)


def _image(series: _Series, place: int, reading: ReadingSettings) -> Image:
    """Return the volume of one group of frames, placed, rescaled and checked."""
    frames = [series.frames[index] for index in series.split.groups[place]]
    thickness = frames[0].tags.get("SliceThickness")
    step = float(thickness) if isinstance(thickness, int | float) else (1.0 if frames[0].flat else None)
    placed = stack([one.plane for one in frames], [one.name for one in frames], step, reading.resample)
    frames = [frames[index] for index in placed.order]
    array, padded, steps = _rescaled(frames)
    tags = facts(frames[0].header, (*IDENTITY, *ACQUISITION))
    tags |= {name: value for name, value in frames[0].keys.items() if name == "DiffusionBValue"}
    modality = str(tags.get("Modality", ""))
    array, unit, more = _physical(array, frames, reading)
    if padded is not None:
        steps.append(_fill_padding(array, padded, frames[0].name))
    history = (Step("read_dicom", {"slices": len(frames)}), *_chosen(series.split, place), *series.steps)
    history += (*_once(frames), *steps, *more)
    image = Image(array, placed.grid.affine, modality, unit, history, tags)
    return _straight(_checked(image, frames, placed, place, series), placed)


def _once(frames: Sequence[Frame]) -> tuple[Step, ...]:
    """Return what had to be done to the pixels of any frame, each once."""
    every = [step for frame in frames for step in frame.steps]
    return tuple(step for place, step in enumerate(every) if step not in every[:place])


def _chosen(found: Split, place: int) -> tuple[Step, ...]:
    if len(found.groups) == 1:
        return ()
    params: dict[str, Any] = {"volume": place + 1, "of": len(found.groups), "by": list(found.by)}
    if found.values:
        params["value"] = list(found.values[place])
    return (Step("choose_volume", params),)


def _rescaled(frames: Sequence[Frame]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None, list[Step]]:
    lines = {(one.pixels.slope, one.pixels.intercept) for one in frames}
    dtype = _dtype(frames, lines)
    array = np.empty((*frames[0].pixels.stored.shape, len(frames)), dtype=dtype, order="F")
    some = any(one.pixels.padding is not None for one in frames)
    padded = np.zeros(array.shape, dtype=bool, order="F") if some else None
    for k, one in enumerate(frames):
        if dtype.kind == "i":
            _whole_line(one, array[:, :, k])
        else:
            array[:, :, k] = np.multiply(one.pixels.stored, one.pixels.slope, dtype=np.float64) + one.pixels.intercept
        if padded is not None and one.pixels.padding is not None:
            padded[:, :, k] = one.pixels.padding
    if len(lines) > 1:
        return array, padded, [Step("rescale", {"per_slice": len(lines)})]
    return array, padded, [Step("rescale", {"slope": slope, "intercept": shift}) for slope, shift in lines]


def _whole_line(frame: Frame, out: npt.NDArray[Any]) -> None:
    """Rescale by whole numbers in the type of the result: it holds the result, so what wraps on the way comes back."""
    slope, intercept = int(frame.pixels.slope), int(frame.pixels.intercept)
    if slope == 1 and np.iinfo(out.dtype).min <= intercept <= np.iinfo(out.dtype).max:
        np.add(frame.pixels.stored, intercept, out=out, dtype=out.dtype, casting="unsafe")
    else:
        out[...] = frame.pixels.stored.astype(np.int64) * slope + intercept


def _dtype(frames: Sequence[Frame], lines: set[tuple[float, float]]) -> np.dtype[Any]:
    whole = all(slope.is_integer() and shift.is_integer() for slope, shift in lines)
    if not whole or any(one.pixels.stored.dtype.kind == "f" for one in frames):
        return np.dtype(np.float64)
    ends = [
        int(end) * int(one.pixels.slope) + int(one.pixels.intercept)
        for one in frames
        for end in (one.pixels.stored.min(), one.pixels.stored.max())
    ]
    return np.result_type(np.int16, np.min_scalar_type(min(ends)), np.min_scalar_type(-max(ends) - 1))


def _fill_padding(array: npt.NDArray[Any], padded: npt.NDArray[np.bool_], name: str) -> Step:
    if padded.all():
        raise FileFormatError(
            f"a series of padding only (PixelPaddingValue (0028,0120), {name})",
            "measured pixels",
            "choose another series",
        )
    lowest = array[~padded].min()
    array[padded] = lowest
    return Step("fill_padding", {"voxels": int(padded.sum()), "with": float(lowest)})


def _physical(
    array: npt.NDArray[Any], frames: Sequence[Frame], reading: ReadingSettings
) -> tuple[npt.NDArray[Any], str, tuple[Step, ...]]:
    """Return values and their unit: PET as SUV, CT in HU, others as the file says."""
    modality = str(frames[0].tags.get("Modality", ""))
    if modality == "PT":
        with guarded(f"{frames[0].name} (PT) with a damaged header", "readable tags", "fetch the series again"):
            scale = suv_scale([one.header for one in frames], [one.name for one in frames], reading.suv)
        factors = np.broadcast_to(scale.factors, (len(frames),))
        return (array * factors if np.any(factors != 1) else array), scale.unit, scale.steps
    units = {one.pixels.unit for one in frames}
    if len(units) > 1:
        raise FileFormatError(
            f"two units in one volume: {', '.join(sorted(units))} ({frames[0].name})", "one unit", "separate the series"
        )
    (unit,) = units
    if modality == "CT":
        kind = unit.upper() or "HU"
        return array, kind, ()
    notices: tuple[Step, ...] = ()
    words = str(frames[0].keys.get("ImageType", "")).upper().replace("_", " ").split("\\")
    found = [word for word in words if word in _MAPS]
    if not unit and found:
        notices = (Step("notice", {"about": f"unit of the {found[0]} map not stated"}),)
    return array, unit, notices


def _checked(image: Image, frames: Sequence[Frame], placed: Stack, place: int, series: _Series) -> Image:
    """Refuse implausible numbers and note what the files cannot settle by themselves."""
    notices: list[str | tuple[str, dict[str, Scalar]]] = []
    if image.modality == "CT" and image.unit == "HU":
        notices += _hounsfield(image, frames[0].name)
    if frames[0].flat:
        notices.append("no position in the patient: a still, measured in its plane")
    low, high = _PLAUSIBLE_MM
    if min(image.spacing) < low or max(image.spacing) > high:
        notices.append(("implausible voxel size", {"mm": " x ".join(f"{size:.4g}" for size in image.spacing)}))
    if placed.off_mm > 1e-3 * placed.grid.spacing[2]:
        notices.append(("slice positions rounded", {"largest_mm": round(placed.off_mm, 6)}))
    if len(series.split.groups) == 1 and not frames[0].flat:
        notices += _numbering(frames)
    most = max(len(group) for group in series.split.groups)
    if len(frames) < most and "StackID" not in series.split.by:
        raise GeometryError(
            f"{most - len(frames)} missing slice(s) in volume {place + 1}: {len(frames)}, {most} in others",
            "the same slices in every volume",
            "choose another volume, or fetch the series again from the archive",
        )
    said = [(one, {}) if isinstance(one, str) else one for one in notices]
    steps = tuple(Step("notice", {"about": about, **params}) for about, params in said)
    return replace(image, history=(*image.history, *steps)) if steps else image


def _hounsfield(image: Image, name: str) -> list[str | tuple[str, dict[str, Scalar]]]:
    low, high = float(image.array.min()), float(image.array.max())
    if high > _HIGHEST_HU or low < _LOWEST_HU:
        raise FileFormatError(
            f"CT numbers from {low:.0f} to {high:.0f} HU ({name})",
            f"{_LOWEST_HU:.0f} to {_HIGHEST_HU:.0f} HU",
            "PixelRepresentation (0028,0103) or the rescaling is wrong: export the series again",
        )
    if low < _AIR_HU:
        return [("values below -1024 HU, as outside the field of view", {"lowest": low})]
    return []


def _numbering(frames: Sequence[Frame]) -> list[str | tuple[str, dict[str, Scalar]]]:
    announced = max(frames[0].count("NumberOfSlices"), frames[0].count("ImagesInAcquisition"))
    if announced > len(frames):
        return [("fewer slices than announced", {"announced": announced})]
    if len({one.name.split(", frame")[0] for one in frames}) == 1:
        return []
    numbers = sorted({one.count("InstanceNumber") for one in frames})
    strides = set(np.diff(numbers).tolist())
    if len(strides) > 1 and numbers[-1] - numbers[0] + 1 > len(frames):
        return [("gaps in InstanceNumber", {"from": numbers[0], "to": numbers[-1]})]
    if numbers[0] > 1 and frames[0].tags.get("Modality") in ("CT", "PT"):
        return [(f"InstanceNumber starts at {numbers[0]}: slices may be missing at an end", {})]
    return []


def _straight(image: Image, placed: Stack) -> Image:
    """Resample what was asked for: slices at uneven steps, slices shifted by a tilted gantry."""
    if placed.depths:
        array, step = even_steps(image.values(), np.array(placed.depths))
        affine = np.array(image.affine)
        affine[:3, 2] *= step / np.linalg.norm(affine[:3, 2])
        gaps = np.diff(placed.depths)
        params = {"step_mm": step, "gaps_mm": [float(gaps.min()), float(gaps.max())], "interpolate": "linear"}
        return image.with_step("even_steps", array, params, affine=affine)
    if placed.tilt:
        array, affine = straighten(image.values(), image.affine)
        params = {"degrees": round(placed.tilt, 3), "interpolate": "linear"}
        return image.with_step("correct_tilt", array, params, affine=affine)
    return image
