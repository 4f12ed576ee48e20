"""From an image and a mask to a region that can be measured: the steps of the IBSI scheme in their order.

Stages on the whole image (`stages`), crop, interpolate image and mask, round, re-segment, discretise. A stage already
in the history of the image is not repeated, so that an image normalised as a whole and then cut gives the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import GeometryError, InputError, MaskError, SettingsError
from genoxel.core.image import FloatArray, Image, Step
from genoxel.core.mask import Box, Mask
from genoxel.image.crop import SUPPORT, bounding_box, crop
from genoxel.image.discretise import Levels, levels_of
from genoxel.image.intensity import resegment
from genoxel.image.resample import resample, resample_mask
from genoxel.image.settings import ImageSettings
from genoxel.image.stages import Aids, whole_image

MARGIN_MM = 7.0
"""Kept around a region: the 1 cm³ sphere of the local peaks has a radius of 6.2 mm."""
_SPACING = (0.01, 100.0)
_MOST = 2**25
"""A region of more voxels (no organ has them at 0.7 mm) is refused: memory must have a bound."""
_INTENSITY = (1e-70, 1e70)
"""Powers of smaller spreads or larger intensities leave the range of 64-bit numbers; no scanner gives them."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A region ready to be measured, cut to its surroundings.

    `image` (i, j, k) float64 intensities; `morphology` and `inside` (i, j, k) bool: the region before and after
    re-segmentation; `levels` (n,) grey levels of the voxels inside, in array order, or None with `no_levels` saying
    why; `affine` voxel to mm; `steps` what was done, enough to replay; `box` the smallest around `morphology`, if
    known.
    """

    image: FloatArray
    morphology: npt.NDArray[np.bool_]
    inside: npt.NDArray[np.bool_]
    levels: Levels | None
    no_levels: str
    affine: FloatArray
    unit: str
    modality: str
    bounds: tuple[float, float] | None
    steps: tuple[Step, ...]
    box: Box | None = None

    @property
    def values(self) -> FloatArray:
        """Intensities (n,) of the voxels inside, in array order."""
        return np.asarray(self.image[self.inside])


def prepare(
    image: Image, mask: Mask, settings: ImageSettings | None = None, region: str | int | None = None, least: int = 64
) -> Prepared:
    """Return the region prepared by `settings` (with the overrides of the image's modality).

    `region` names a label of the mask (None: every label); a region of fewer than `least` voxels is refused with
    `MaskError`, intensities that are not finite numbers with `InputError`, implausible spacing with `GeometryError`.
    """
    rules = (settings or ImageSettings()).for_modality(image.modality)
    image = _in_stated_unit(image, rules.unit)
    _refuse_strange(image)
    mask = mask.on(image)
    if region is not None:
        mask = mask.region(region).on(image)
    image = whole_image(image, rules, Aids(mask=mask))
    _refuse_size(mask.count(), 1, "")
    image, mask = crop(image, mask, MARGIN_MM, SUPPORT[rules.interpolate])
    image, mask = _resampled(image, mask, rules)
    morphology = mask.inside()
    _refuse_size(int(morphology.sum()), least, "")
    _refuse_not_finite(image, morphology)
    _refuse_out_of_range(image.values()[morphology])
    bounds = rules.bounds(image.unit)
    if bounds is not None or rules.outliers_sigma is not None:
        mask = resegment(image, mask, bounds, rules.outliers_sigma)
        _refuse_size(mask.count(), least, " after re-segmentation")
    return _levelled(image, mask, morphology, rules)


def _in_stated_unit(image: Image, unit: str) -> Image:
    """Return the image with the unit that the settings state; `SettingsError` where it has another one."""
    if not unit or any(step.name == "zscore" for step in image.history):
        return image
    if image.unit not in {"", unit}:
        raise SettingsError(
            f"[image] unit = {unit!r} for a {image.modality or 'volume'} in {image.unit}",
            image.unit,
            "state it for one modality: override = { PT = { unit = ... } }",
        )
    return replace(image, unit=unit)


def _refuse_strange(image: Image) -> None:
    if np.dtype(image.array.dtype).kind not in "iufb":
        raise InputError(f"intensities of type {image.array.dtype}", "real numbers", "choose one component")
    low, high = min(image.spacing), max(image.spacing)
    if low < _SPACING[0] or high > _SPACING[1]:
        sizes = " x ".join(f"{size:.4g}" for size in image.spacing)
        raise GeometryError(f"voxels of {sizes} mm", f"{_SPACING[0]:g} to {_SPACING[1]:g} mm", "correct the header")


def _refuse_size(count: int, least: int, when: str) -> None:
    if count < max(least, 1):
        raise MaskError(
            f"a region of {count} voxels{when}",
            f"at least {least} voxels",
            "draw a larger region, choose smaller voxels, or set min_voxels",
        )
    if count > _MOST:
        raise MaskError(
            f"a region of {count:,} voxels{when}",
            f"{_MOST:,} voxels at most",
            "is the mask the whole image? Draw the lesion, or resample to larger voxels",
        )


def _refuse_not_finite(image: Image, inside: npt.NDArray[np.bool_]) -> None:
    bad = int(np.count_nonzero(~np.isfinite(image.values()[inside])))
    if bad:
        raise InputError(
            f"{bad} of {int(inside.sum())} voxels of the region that are not finite numbers",
            "finite intensities",
            "mend the image or leave those voxels out of the mask",
        )


def _refuse_out_of_range(values: npt.NDArray[Any]) -> None:
    low, high = float(values.min()), float(values.max())
    smallest, largest = _INTENSITY
    if max(-low, high) > largest or 0 < high - low < smallest:
        raise InputError(
            f"intensities from {low:g} to {high:g}",
            f"at most {largest:g}, and a spread of at least {smallest:g}",
            "look for a damaged voxel, or scale the image",
        )


def _resampled(image: Image, mask: Mask, rules: ImageSettings) -> tuple[Image, Mask]:
    spacing = rules.spacing(image.spacing)
    if spacing is None or np.allclose(spacing, image.spacing, rtol=1e-9, atol=0):
        return image, mask
    if rules.interpolate == "cubic":
        _refuse_not_finite(image, np.ones(image.shape, dtype=bool))
    rounded = image.unit == "HU" if rules.round_intensities is None else rules.round_intensities
    resampled = resample_mask(mask, spacing, rules.mask_interpolate, rules.mask_threshold)
    if not np.any(resampled.array):
        raise MaskError("a region that vanishes at the new voxel size", "larger region", "choose smaller voxels")
    return resample(image, spacing, rules.interpolate, rounded), resampled


def _levelled(image: Image, mask: Mask, morphology: npt.NDArray[np.bool_], rules: ImageSettings) -> Prepared:
    inside = mask.inside()
    held = bounding_box(morphology)
    box = _with_margin(held, image)
    values = image.values().astype(np.float64)
    bounds = rules.bounds(image.unit)
    levels, reason = None, ""
    chosen = values[inside]
    how = rules.discretise
    if chosen.min() == chosen.max():
        reason = f"all {chosen.size} voxels hold one intensity ({chosen[0]:g})"
    else:
        levels = levels_of(chosen, how, bounds)
        if levels.min() == levels.max():
            levels, reason = None, f"all {chosen.size} voxels fall into one grey level"
    affine = np.array(image.affine)
    affine[:3, 3] = image.grid.to_patient([[piece.start for piece in box]])[0]
    told: dict[str, Any] = {"how": how if how == "none" else how.model_dump(exclude_none=True)}
    steps = (*image.history, *[step for step in mask.history if step.name == "resegment"], Step("discretise", told))
    region = np.ascontiguousarray(morphology[box])
    # one array where re-segmentation took nothing away, which spares what is made of both
    kept = region if np.count_nonzero(inside) == np.count_nonzero(morphology) else np.ascontiguousarray(inside[box])
    arrays = (np.ascontiguousarray(values[box]), region, kept)
    i, j, k = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(held, box, strict=True))
    return Prepared(*arrays, levels, reason, affine, image.unit, image.modality, bounds, steps, (i, j, k))


def _with_margin(box: tuple[slice, slice, slice], image: Image) -> tuple[slice, slice, slice]:
    pieces = []
    for piece, size, spacing in zip(box, image.shape, image.spacing, strict=True):
        margin = int(np.ceil(MARGIN_MM / spacing))
        pieces.append(slice(max(0, piece.start - margin), min(size, piece.stop + margin)))
    return pieces[0], pieces[1], pieces[2]
