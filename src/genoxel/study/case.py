"""One case without a study: an image and a mask in any format, read, checked and measured structure by structure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.errors import FileFormatError, GenoxelError, InputError, MaskError, describe
from genoxel.core.ids import clean_id
from genoxel.core.image import Image
from genoxel.core.keys import RowKey
from genoxel.core.mask import Mask, held_numbers
from genoxel.core.settings import Settings, digest
from genoxel.features.extract import Features, extract, settings_digest, settings_record
from genoxel.features.pyradiomics import Parameters, extract_pyradiomics
from genoxel.features.ratios import check_regions, with_ratios
from genoxel.features.settings import FeatureSettings
from genoxel.image.crop import bounding_box
from genoxel.image.settings import ImageSettings
from genoxel.io.files import existing, hash_file
from genoxel.io.headers import VOLUMES, ending_of
from genoxel.io.settings import ReadingSettings
from genoxel.segment.pieces import pieces
from genoxel.segment.settings import ContourSettings, refuse_split
from genoxel.study.suspicions import suspicions

_DEFAULT = ReadingSettings()
MAX_LABELS = 300
"""A label map of more labels is taken for an image; parcellations of the brain have fewer."""

REGION = "roi"
"""What a region is called in columns, so that rows of different structures share their columns."""


class ExtractSettings(Settings):
    """What `genoxel extract` reads of a settings file: the sections [image], [features] and [segment] of a study file.

    `reading` is what [io.images] says about how files are read (suv, resample, believe). `pyradiomics` measures what a
    parameter file of PyRadiomics asks for, in place of [image] and [features].
    """

    image: ImageSettings = ImageSettings()
    features: FeatureSettings = FeatureSettings()
    segment: ContourSettings = ContourSettings()
    reading: ReadingSettings = ReadingSettings()
    pyradiomics: Parameters | None = None

    def hash_for(self, modality: str) -> str:
        """Return the hash of what decides a feature's value in images of `modality`."""
        if self.pyradiomics is not None:
            return self.pyradiomics.digest()
        own = settings_digest(self.image.for_modality(modality), self.features)
        return own if self.reading == ReadingSettings() else digest([own, self.reading.digest()])

    def drawn(self, resample_masks: bool = False, split_voxels: int | None = None) -> ExtractSettings:
        """Return these settings with what the command line says about masks; `SettingsError` where they conflict."""
        asked: dict[str, Any] = {"resample_masks": True} if resample_masks else {}
        if split_voxels is not None:
            refuse_split(self.segment.regions)
            asked["split_voxels"] = split_voxels
        return self.model_copy(update={"segment": self.segment.model_copy(update=asked)})

    def record_for(self, modality: str) -> dict[str, Any]:
        """Return what `hash_for` stands for, as plain values."""
        if self.pyradiomics is not None:
            return {"pyradiomics": self.pyradiomics.model_dump(mode="json", by_alias=True)}
        return settings_record(self.image.for_modality(modality), self.features)


@dataclass(frozen=True)
class Case:
    """One image and one mask: files or DICOM folders, whose they are, and which labels count (none: every one).

    An empty `patient` is the PatientID of DICOM, else the name of the image file. `volume` is which of several volumes
    is measured, counted from 1.
    """

    patient: str
    image: Path
    mask: Path
    labels: tuple[str, ...] = ()
    timepoint: str = ""
    lesion: str = ""
    modality: str = ""
    volume: int = 0


def beside(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Return the facts of both: equal ones once, others parted by |.

    >>> beside({"modality": "T1", "patient": "P"}, {"modality": "T2", "patient": "P"})
    {'modality': 'T1 | T2', 'patient': 'P'}
    """
    texts = {name: [*text.split(" | "), *other[name].split(" | ")] for name, text in one.items()}
    return {name: " | ".join(dict.fromkeys(text for text in both if text)) for name, both in texts.items()}


@dataclass(frozen=True, eq=False)
class Row:
    """The features of one structure of a case, with the facts that tell where they come from."""

    key: RowKey
    features: Features
    facts: Mapping[str, str]

    def beside(self, other: Row) -> Row:
        """Return both in one row; facts that differ stand side by side."""
        return Row(self.key, self.features.beside(other.features), beside(self.facts, other.facts))


@dataclass(frozen=True, eq=False)
class Measured:
    """What a case gave: rows, and structure -> why it could not be measured."""

    rows: tuple[Row, ...]
    failed: Mapping[str, str]


def measure_case(case: Case, settings: ExtractSettings) -> Measured:
    """Return one row per structure and lesion of a case (with [segment] regions: one row, its regions side by side).

    Raises what the readers raise, and the first error when no structure could be measured.
    """
    if settings.pyradiomics is None:
        check_regions(settings.features, settings.segment.regions)
    try:
        return _measured(case, settings)
    except MemoryError as error:
        raise InputError(
            f"{case.image.name} with {case.mask.name}, which need more memory than there is",
            "a volume that fits",
            "crop it, resample it to larger voxels, or use a larger machine",
        ) from error


def _measured(case: Case, settings: ExtractSettings) -> Measured:
    image, files = open_image(case, settings.reading)
    if settings.pyradiomics is not None and not case.labels:
        case = replace(case, labels=(str(settings.pyradiomics.setting.label),))
    case = replace(case, patient=case.patient or _patient_of(image, case.image))
    masks = open_masks(case, image, settings)
    facts = {
        "series_description": str(image.tags.get("SeriesDescription") or case.image.name),
        "modality": image.modality,
        "spacing_mm": " x ".join(f"{size:.6g}" for size in image.spacing),
        "image_id": identity(files),
        "settings": settings.hash_for(image.modality),
    }
    drawn = mask_files(case.mask)
    rows: list[Row] = []
    failed: dict[str, GenoxelError] = {}
    for name, make in masks.items():
        own = {**facts, "structure": name, "mask_id": identity(drawn, name)}
        region = "" if settings.segment.regions or (case.lesion and len(masks) == 1) else name
        found, broken = _rows(image, make, settings, RowKey(case.patient, case.timepoint, case.lesion, region), own)
        rows += found
        failed.update(broken)
    for name, error in failed.items():
        error.add_note(f"structure {name}")
    if failed and not rows:
        raise next(iter(failed.values()))
    if settings.segment.regions:
        rows = [_side_by_side(rows, settings)]
    if settings.pyradiomics is None and settings.features.ratios:
        rows = [replace(row, features=with_ratios(row.features, settings.features)) for row in rows]
    return Measured(tuple(rows), {name: describe(error) for name, error in failed.items()})


def _rows(
    image: Image, make: Callable[[], Mask], settings: ExtractSettings, key: RowKey, facts: Mapping[str, str]
) -> tuple[list[Row], dict[str, GenoxelError]]:
    """Return the row of each lesion of one structure, and what could not be measured."""
    name, rows = facts["structure"], []
    failed: dict[str, GenoxelError] = {}
    try:
        lesions = _lesions(key.lesion, make(), settings)
    except GenoxelError as error:
        return [], {name: error}
    for lesion, part in lesions.items():
        try:
            found = _measure(image, part, settings, name)
        except GenoxelError as error:
            failed[name if len(lesions) == 1 else f"{name}, lesion {lesion}"] = error
        else:
            told = {**facts, "flags": "; ".join(flags_of(image, part))}
            rows.append(Row(key._replace(lesion=lesion), found, told))
    return rows, failed


def _patient_of(image: Image, path: Path) -> str:
    """Return whom an image shows when nobody says: the PatientID of DICOM, else the name of the file."""
    return clean_id(str(image.tags.get("PatientID") or "")) or path.name.split(".")[0]


def _lesions(lesion: str, mask: Mask, settings: ExtractSettings) -> dict[str, Mask]:
    """Return lesion -> mask: the whole mask, or each of its pieces with `split_voxels`."""
    least = settings.segment.split_voxels
    if least is None:
        return {lesion: mask}
    return {f"{lesion}-{number}" if lesion else number: part for number, part in pieces(mask, least).items()}


def _side_by_side(rows: Sequence[Row], settings: ExtractSettings) -> Row:
    """Return the regions of a case in one row; a region that the mask does not hold is missing, with the reason."""
    row = rows[0]
    for other in rows[1:]:
        row = row.beside(other)
    held = {column.source.region for column in row.features.columns}
    start = row.facts["modality"] or "image"
    lacking = {
        f"{start}.{region}": f"the mask holds no voxel of the region {region}, or it could not be measured"
        for region in settings.segment.regions
        if region not in held
    }
    return replace(row, features=replace(row.features, reasons={**row.features.reasons, **lacking}))


def _measure(image: Image, mask: Mask, settings: ExtractSettings, name: str) -> Features:
    if settings.pyradiomics is not None:
        own = settings.pyradiomics.setting.model_copy(update={"label": 1})
        return extract_pyradiomics(image, mask, settings.pyradiomics.model_copy(update={"setting": own}))
    region = name if settings.segment.regions else REGION
    return extract(image, mask.on(image), settings.image, settings.features, region)


def identity(files: Sequence[Path], part: str = "") -> str:
    """Return 16 hex digits that stand for the bytes of `files` (in any order), and for one part of them."""
    return digest([sorted(hash_file(file) for file in files), part])


def open_image(case: Case, reading: ReadingSettings = _DEFAULT) -> tuple[Image, tuple[Path, ...]]:
    """Return the image of a case (a volume file, a DICOM folder or one of its files) and the files it was read from.

    Of several series in a folder the one that the mask was drawn on is taken, or the only one of the case's modality.
    Raises as the readers do, and `InputError` naming the series where none or several fit.
    """
    path = case.image
    if path.is_dir() or (path.is_file() and ending_of(path) not in VOLUMES):
        return _open_series(case, reading)
    from genoxel.io.images import read_file

    file = existing(path)
    return read_file(file, case.modality, reading, case.volume), (file,)


def _open_series(case: Case, reading: ReadingSettings) -> tuple[Image, tuple[Path, ...]]:
    path, modality, mask = case.image, case.modality, case.mask
    from genoxel.io.dicom import read_series
    from genoxel.io.inventory import inventory

    found = inventory(path if path.is_dir() else path.parent, patient=case.patient or path.name.split(".")[0])
    series = [one for one in found.series if one.kind == "DICOM" and (path.is_dir() or path in one.files)]
    if len(series) > 1 and modality:
        series = [one for one in series if one.modality.casefold() == modality.casefold()]
    if len(series) > 1 and case.volume:
        series = [one for one in series if one.volume == case.volume]
    if len(series) > 1:
        drawn = _drawn_on(mask)
        same = [one for one in series if one.series in drawn]
        series = same or [one for one in series if one.frame_of_reference in drawn] or series
    if len(series) != 1:
        every = [one for one in found.series if one.kind == "DICOM"]
        names = ", ".join(f"{one.modality} {one.description or one.series} {one.label}".strip() for one in every[:6])
        problem = f" ({found.problems[0].file.name}: {found.problems[0].reason})" if found.problems else ""
        raise InputError(
            f"{len(series)} DICOM series that fit in {path.name} (there: {names or 'none'}){problem}",
            "one",
            "name the folder of one series, its modality, or its volume",
        )
    image = read_series(series[0].files, series[0].volume or None, reading)
    return (replace(image, modality=modality) if modality else image), series[0].files


def _drawn_on(mask: Path) -> set[str]:
    from genoxel.io.headers import look_at

    record = look_at(mask_files(mask)[0])
    return {str(record.get(name)) for name in ("series", "frame") if record.get(name)}


def mask_files(path: Path) -> tuple[Path, ...]:
    """Return the one file of a mask; of a folder the one RTSTRUCT or SEG in it. `InputError` where it is not one."""
    if not path.is_dir():
        return (existing(path),)
    from genoxel.io.inventory import inventory

    files = [one.file for one in inventory(path, patient=path.name).structures]
    if len(files) != 1:
        names = ", ".join(file.name for file in files) or "none"
        raise InputError(f"{len(files)} files of structures in {path.name} ({names})", "one", "name the file")
    return (files[0],)


def open_masks(case: Case, image: Image, settings: ExtractSettings) -> dict[str, Callable[[], Mask]]:
    """Return structure -> what gives its mask on the grid of `image`: the labels that count, or the regions.

    A mask is made when it is asked for, so that a label map of a hundred organs is never a hundred volumes in memory.
    """
    (file,) = mask_files(case.mask)
    ending = ending_of(file)
    if ending not in VOLUMES:
        return _drawn(file, image, case, settings)
    from genoxel.io.images import read_mask_file

    mask = _on(read_mask_file(file, settings.segment.threshold, settings.reading), image, settings)
    if settings.segment.regions:
        return {name: partial(_self, part) for name, part in _regions(mask, settings.segment, file.name).items()}
    numbers = held_numbers(np.asarray(mask.array))
    if len(numbers) > MAX_LABELS and not case.labels:
        raise MaskError(
            f"{file.name} with {len(numbers)} labels",
            f"{MAX_LABELS} at most, unless they are named",
            "is it the image, and the image the mask? Or name labels: --label, or the column label",
        )
    names = {mask.labels.get(number, str(number)): number for number in numbers}
    chosen = chosen_names({**{str(number): name for name, number in names.items()}}, case.labels, file.name)
    return {name: partial(_label, mask, names[name], name) for name in chosen}


def _self(mask: Mask) -> Mask:
    return mask


def _label(mask: Mask, number: int, name: str) -> Mask:
    return replace(mask, labels={**mask.labels, number: name}).region(number)


def _on(mask: Mask, image: Image, settings: ExtractSettings) -> Mask:
    if settings.segment.resample_masks and not image.grid.same_as(mask.grid):
        from genoxel.image.regrid import onto

        return onto(mask, image)
    return mask.on(image)


def _regions(mask: Mask, contours: ContourSettings, name: str) -> dict[str, Mask]:
    found = np.asarray(mask.array)
    parts = {region: np.isin(found, contours.labels_of(region)) for region in contours.regions}
    masks = {
        region: replace(mask, array=inside.astype(np.uint8), labels={1: region})
        for region, inside in parts.items()
        if inside.any()
    }
    if not masks:
        labels = held_numbers(found)
        raise MaskError(f"{name} with labels {labels}", "a label of one of the regions", "correct [segment] regions")
    return masks


def _drawn(file: Path, image: Image, case: Case, settings: ExtractSettings) -> dict[str, Callable[[], Mask]]:
    """Return what gives the structures of an RTSTRUCT or SEG file."""
    from genoxel.io import rtstruct
    from genoxel.io.headers import look_at

    record = look_at(file)
    names = list(record.get("names", ()))
    if record["kind"] not in {"RTSTRUCT", "SEG"}:
        raise FileFormatError(
            f"{file.name}, which holds no structures ({record.get('reason') or record['kind']})",
            "NIfTI, NRRD, RTSTRUCT or SEG",
            "name the file of the mask",
        )
    wanted = case.labels or settings.segment.roi
    places = {str(place): name for place, name in enumerate(names, 1)}
    never = settings.segment.never
    kept = [name for name in names if not any(_hits(name, pattern) for pattern in never)]
    chosen = [name for name in chosen_names(places, wanted, file.name) if name in kept]
    if record["kind"] == "RTSTRUCT":
        structures = rtstruct.read_structures(file)
        return {name: partial(rtstruct.rasterise, structures, name, image) for name in chosen}
    threshold = settings.segment.threshold
    return {name: partial(_segment, file, image, name, threshold) for name in chosen}


def _segment(file: Path, image: Image, name: str, threshold: float | None) -> Mask:
    from genoxel.io import dicom_seg

    return dicom_seg.read_seg(file, image, [name], threshold).region(name)


def chosen_names(names: Mapping[str, str], wanted: Sequence[str], file: str) -> list[str]:
    """Return those of `names` (number -> name) that are `wanted` by name, number or pattern; all where none is wanted.

    Raises `MaskError` naming what there is for a wanted label that is not there.
    """
    hit: set[str] = set()
    for pattern in wanted:
        fits = {name for number, name in names.items() if pattern == number or _hits(name, pattern)}
        if not fits:
            there = ", ".join(f"{number} = {name}" if number != name else name for number, name in names.items())
            raise MaskError(f"label {pattern!r} of {file}", f"its labels: {there or 'none'}", "choose one of these")
        hit |= fits
    if not names:
        raise MaskError(f"{file} without any label", "at least one voxel inside", "check the contour")
    return [name for name in names.values() if not wanted or name in hit]


def _hits(name: str, pattern: str) -> bool:
    plain, sought = name.strip().casefold(), pattern.strip().casefold()
    return plain == sought or fnmatchcase(plain, sought)


def flags_of(image: Image, mask: Mask) -> list[str]:
    """Return what looks odd about a case that could be measured, in words: contour, voxels, intensities, regridding."""
    flags = suspicions(image, mask)
    low, high = min(image.spacing), max(image.spacing)
    if high > 20 * low:
        flags.append(f"voxels {high / low:.0f} times as long as wide")
    if low < 0.05:
        flags.append(f"voxels of {low:.3g} mm")
    box = bounding_box(np.asarray(mask.array))
    values = np.asarray(image.array)[box][np.asarray(mask.array)[box] != 0].astype(np.float64)
    inner = float(np.ptp(np.percentile(values, [1, 99])))
    if np.ptp(values) > 100 * inner > 0:
        flags.append(f"a few voxels stretch the intensities {float(np.ptp(values)) / inner:.0f}-fold")
    return flags
