"""Which of a patient's contours is meant: ordered patterns, exclusions, decisions by hand.

A tie is never settled silently.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from genoxel.core.errors import MaskError, SettingsError, nearest
from genoxel.core.image import Image, Step
from genoxel.core.mask import Mask
from genoxel.io.inventory import StructureRecord
from genoxel.io.settings import ReadingSettings
from genoxel.segment.pieces import pieces
from genoxel.segment.settings import ContourSettings

ROI = "roi"
"""The key of a patient's one region where the study names no regions."""

_DEFAULT = ReadingSettings()
_WAYS = ("largest", "each", "union")


@dataclass(frozen=True)
class Choice:
    """The structure names that count, the pattern that hit them, and the reason in words."""

    names: tuple[str, ...]
    pattern: str
    reason: str


@dataclass(frozen=True)
class Override:
    """A decision by hand for one patient: "exclude", "use NAME", or "largest", "each", "union"; and why."""

    patient: str
    decision: str
    reason: str

    @property
    def excludes(self) -> bool:
        """Whether the patient is left out."""
        return self.decision == "exclude"


def choose(names: Sequence[str], settings: ContourSettings) -> Choice:
    """Return the names that the settings mean, by the first pattern of `roi` that hits any; `never` goes before.

    Without `roi` every name that is not in `never` counts. Raises `MaskError` when nothing is left, naming what there
    is. Several names may be returned; `ContourSettings.several` decides about them once they are read.

    >>> choose(["Lung", "PTV", "gtvp_2", "GTVp"], ContourSettings(roi=["GTV-1", "GTVp*"], never=["*PTV*"])).names
    ('gtvp_2', 'GTVp')
    """
    allowed = [name for name in names if not any(_hits(name, pattern) for pattern in settings.never)]
    barred = [name for name in names if name not in allowed]
    if not settings.roi and allowed:
        word = "the only structure" if len(allowed) == 1 else "no roi pattern is set: every structure counts"
        return Choice(tuple(allowed), "", word)
    for pattern in settings.roi:
        found = tuple(name for name in allowed if _hits(name, pattern))
        if found:
            return Choice(found, pattern, f"pattern {pattern!r} hits {', '.join(found)}")
    left_out = f" (never: {', '.join(barred)})" if barred else ""
    raise MaskError(
        f"no structure that counts among {', '.join(allowed) or 'none'}{left_out}",
        f"a name that fits {', '.join(settings.roi) or 'any pattern'}",
        "add its name to [segment] roi, or decide by hand in the overrides file (use NAME, or exclude)",
    )


def _hits(name: str, pattern: str) -> bool:
    plain, sought = name.strip().casefold(), pattern.strip().casefold()
    return plain == sought or fnmatchcase(plain, sought)


def read_overrides(path: str | os.PathLike[str]) -> dict[str, Override]:
    """Return the decisions of a table with the columns patient, decision and reason, by patient.

    Raises `SettingsError` for a decision that is none of: exclude, use NAME, largest, each, union; and for one
    without a reason.
    """
    from genoxel.io.clinical import read_clinical

    sheet = read_clinical(Path(path), "patient")
    decisions, reasons = sheet.text("decision"), sheet.text("reason")
    result = {}
    for patient, text in decisions.items():
        words = text.split()
        verb = words[0].casefold() if words else ""
        legal = verb in ("exclude", *_WAYS) and len(words) == 1
        if not legal and not (verb == "use" and len(words) > 1):
            raise SettingsError(
                f"decision {text!r} for patient {patient}",
                "exclude, use NAME, largest, each, union",
                nearest(verb, ("exclude", "use", *_WAYS)) or "write one of these",
            )
        if not reasons.get(patient, "").strip():
            raise SettingsError(f"a decision for patient {patient} without a reason", "a reason", "say why")
        decision = verb if legal else f"use {text.split(maxsplit=1)[1].strip()}"
        result[patient] = Override(patient, decision, reasons[patient].strip())
    return result


@dataclass(frozen=True)
class _Candidate:
    """One structure that may be meant: its file, its name there, its name in messages and results."""

    record: StructureRecord
    name: str
    shown: str


def read_mask(
    structures: StructureRecord | Sequence[StructureRecord],
    image: Image,
    settings: ContourSettings,
    override: Override | None = None,
    reading: ReadingSettings = _DEFAULT,
) -> dict[str, Mask]:
    """Return the masks that count on the grid of `image`: {"roi": mask}, one per lesion, or one per region.

    The keys are structure names where several hits count each, numbers where pieces are split, region names where
    `settings.regions` is given (a region without voxels in this patient is absent), else "roi". `override` is the
    decision by hand for this patient. Raises `MaskError` for an excluded patient, when no name fits, and for a tie
    that no rule decides (naming the candidates), and whatever the readers and `Mask.on` refuse.
    """
    records = [structures] if isinstance(structures, StructureRecord) else list(structures)
    if override is not None and override.excludes:
        raise MaskError(
            f"a patient excluded by hand ({override.reason})", "", "take the line out of the overrides file"
        )
    if not records:
        raise MaskError("no structure set and no mask for this image", "one", "draw one, or check how files are named")
    if settings.regions:
        return _regions(records, image, settings, reading)
    hit, several, step = _chosen(_candidates(records), settings, override)
    if len(hit) > 1 and several is None:
        raise MaskError(
            f"{len(hit)} structures that fit ({', '.join(one.shown for one in hit)})",
            'one, or [segment] several = "largest", "each" or "union"',
            "say what several mean, sharpen the roi patterns, or decide by hand in the overrides file",
        )
    masks = {one.shown: _read(one, image, settings, reading) for one in hit}
    masks = {name: replace(mask, history=(*mask.history, step)) for name, mask in masks.items()}
    masks = masks if several == "each" and len(hit) > 1 else {ROI: _one(masks, several)}
    return masks if settings.split_voxels is None else _split(masks, settings.split_voxels)


def read_tissue(
    structures: Sequence[StructureRecord],
    image: Image,
    name: str,
    threshold: float | None = None,
    reading: ReadingSettings = _DEFAULT,
) -> Mask:
    """Return the structure called `name` (patterns as in roi) on the grid of `image`: a tissue that is no lesion.

    Raises as `read_mask` does; the message says which tissue is missing.
    """
    wanted = ContourSettings(roi=(name,), several="union", threshold=threshold)
    try:
        (mask,) = read_mask(structures, image, wanted, reading=reading).values()
    except MaskError as error:
        there = ", ".join(dict.fromkeys(word for one in structures for word in one.names)) or "none"
        fix = "draw it on every image that needs it, or leave the patient out"
        raise MaskError(f"no usable tissue {name!r} among the structures of this image ({there})", name, fix) from error
    return mask


def _split(masks: Mapping[str, Mask], least: int) -> dict[str, Mask]:
    """Return lesion -> mask: each piece of each mask, numbered; of several, after its structure."""
    found = {}
    for name, mask in masks.items():
        for number, part in pieces(mask, least).items():
            found[number if name == ROI else f"{name}-{number}"] = part
    return found


def _chosen(
    candidates: Sequence[_Candidate], settings: ContourSettings, override: Override | None
) -> tuple[list[_Candidate], str | None, Step]:
    """Return the candidates that count, what several of them mean, and the choice as a step."""
    several: str | None = settings.several
    hit: list[_Candidate] = []
    by_hand = {} if override is None else {"by_hand": override.decision, "why": override.reason}
    if override is not None and override.decision.startswith("use "):
        name = override.decision[4:]
        hit = [one for one in candidates if one.shown == name]
        settings = ContourSettings(roi=(name,))
    elif override is not None:
        several = override.decision
    reason = "named by hand"
    if not hit:
        choice = choose(list(dict.fromkeys(one.name for one in candidates)), settings)
        hit, reason = [one for one in candidates if one.name in choice.names], choice.reason
    names = [one.shown for one in hit]
    params = {"names": names, "reason": reason, "several": several or "", **by_hand}
    return hit, several, Step("choose_contour", params)


def _one(masks: Mapping[str, Mask], several: str | None) -> Mask:
    if len(masks) == 1:
        return next(iter(masks.values()))
    if several == "union":
        inside = np.logical_or.reduce([mask.inside() for mask in masks.values()])
        first = next(iter(masks.values()))
        return replace(first, array=inside.astype(np.uint8), labels={1: " + ".join(masks)})
    counts = {name: mask.count() for name, mask in masks.items()}
    most = max(counts.values())
    largest = [name for name, count in counts.items() if count == most]
    if len(largest) > 1:
        raise MaskError(
            f"structures of equal size ({', '.join(largest)}: {most} voxels each)", "one largest", "decide by hand"
        )
    return masks[largest[0]]


def _candidates(records: Sequence[StructureRecord]) -> list[_Candidate]:
    """List every name of every file; a name in two files carries its file's name."""
    every = [(record, name) for record in records for name in record.names]
    count: dict[str, int] = {}
    for _, name in every:
        count[name] = count.get(name, 0) + 1
    shown = [name if count[name] == 1 else f"{name} ({record.file.name})" for record, name in every]
    return [_Candidate(record, name, word) for (record, name), word in zip(every, shown, strict=True)]


def _read(one: _Candidate, image: Image, settings: ContourSettings, reading: ReadingSettings) -> Mask:
    from genoxel.io import dicom_seg, rtstruct

    record = one.record
    if record.kind == "RTSTRUCT":
        return rtstruct.rasterise(rtstruct.read_structures(record.file), one.name, image)
    if record.kind == "SEG":
        mask = dicom_seg.read_seg(record.file, image, [one.name], settings.threshold)
        return mask.region(one.name)
    mask = _volume(record, image, settings, reading)
    if len(mask.labels) > 1:
        labels = ", ".join(str(label) for label in mask.labels)
        raise MaskError(
            f"the label map {record.file.name} with labels {labels}",
            "one label, or [segment] regions that name them",
            "write for example regions = { tumour = [1, 4] }; label conventions are never guessed",
        )
    return replace(mask, array=mask.inside().astype(np.uint8), labels={1: one.shown})


def _volume(record: StructureRecord, image: Image, settings: ContourSettings, reading: ReadingSettings) -> Mask:
    """Return the label map of a file on the grid of `image`, taken over from another grid where that is asked for."""
    from genoxel.image.regrid import onto
    from genoxel.io.images import read_mask_file

    mask = read_mask_file(record.file, settings.threshold, reading)
    if settings.resample_masks and not image.grid.same_as(mask.grid):
        return onto(mask, image)
    return mask.on(image)


def _regions(
    records: Sequence[StructureRecord], image: Image, settings: ContourSettings, reading: ReadingSettings
) -> dict[str, Mask]:
    """Read the one label map of a patient and join its labels into the regions that the study names."""
    from genoxel.io import dicom_seg

    maps = [record for record in records if record.kind != "RTSTRUCT"]
    if settings.roi or settings.never:
        names = choose([name for record in maps for name in record.names], settings).names if len(maps) > 1 else ()
        maps = [record for record in maps if not names or set(record.names) & set(names)]
    if len(maps) != 1:
        files = ", ".join(record.file.name for record in maps) or "none"
        raise MaskError(f"{len(maps)} label maps ({files})", "one per image", "name it in [segment] roi")
    record = maps[0]
    if record.kind == "SEG":
        mask = dicom_seg.read_seg(record.file, image, None, settings.threshold).on(image)
    else:
        mask = _volume(record, image, settings, reading)
    found = {int(label) for label in np.unique(mask.array) if label}
    known = {label for region in settings.regions for label in settings.labels_of(region)}
    result = {}
    for region in settings.regions:
        labels = settings.labels_of(region)
        inside = np.isin(mask.array, labels)
        if inside.any():
            params = {"name": region, "labels": list(labels), "labels_of_no_region": sorted(found - known)}
            history = (*mask.history, Step("region", params))
            result[region] = replace(mask, array=inside.astype(np.uint8), labels={1: region}, history=history)
    if not result:
        raise MaskError(
            f"{record.file.name} with labels {sorted(found)} and none of the regions' labels {sorted(known)}",
            "at least one region",
            "correct [segment] regions",
        )
    return result
