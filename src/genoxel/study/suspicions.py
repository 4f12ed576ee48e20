"""What looks odd about an image and a contour, in words for the contact sheet and for rows of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.image import Image, Step
from genoxel.core.mask import Mask
from genoxel.image.crop import bounding_box
from genoxel.image.orientation import turn_gains
from genoxel.image.qc import LIMITS, ImageQuality, MaskQuality

FEWEST = 8
"""With fewer patients nobody can stand out from the others."""
OUTLYING = 3.5
"""Robust deviations from the median beyond which one stands out (Iglewicz and Hoaglin 1993)."""

SMOOTHER = 1.5
"""A CT whose noise would have to rise by this factor at some frequency is flagged: kernels are never sharpened."""

_REPAIRS = {
    "drop_duplicate_slices": "copies of slices left out",
    "correct_tilt": "resampled: gantry tilt of {degrees} degrees",
    "even_steps": "resampled: uneven slice steps",
    "unshear": "resampled: sheared voxels",
    "believe": "two orientations in the file, {apart_mm} mm apart: {orientation} taken",
    "invert": "grey values turned round",
}
"""Repairs of the reader that a look at the image should know of."""


def suspicions(image: Image, mask: Mask) -> list[str]:
    """Return what looks odd about a contour, in words: too small, in air, at the edge, in pieces, too large, moved."""
    from scipy import ndimage

    labels = np.asarray(mask.array)
    box = bounding_box(labels)
    # all that follows concerns the region alone, which is small beside most images
    small = labels[box] != 0
    count = int(np.count_nonzero(small))
    slices = int(np.count_nonzero(small.any(axis=(0, 1))))
    values = np.asarray(image.array)[box][small]
    flags = []
    if count < 64:
        flags.append(f"{count} voxels only")
    if slices < 3:
        flags.append(f"{slices} slice{'' if slices == 1 else 's'} only")
    elif image.spacing[2] > 4.5 and slices < 5:
        flags.append(f"contour on slices {image.spacing[2]:.3g} mm apart, {slices} slices only")
    if slices > 1 and min(small.shape[:2]) == 1:
        flags.append("contour one voxel wide")
    if image.unit == "HU" and float(np.mean(values)) < -500:
        flags.append(f"contour mostly air ({float(np.mean(values)):.0f} HU)")
    if any(part.start == 0 or part.stop == size for part, size in zip(box, labels.shape, strict=True)):
        flags.append("contour touches the edge of the image")
    if count > 0.5 * labels.size:
        flags.append("contour covers more than half of the image")
    sizes = np.bincount(ndimage.label(small, np.ones((3, 3, 3)))[0].ravel())[1:]
    if sizes.size > 1:
        flags.append(f"contour in {sizes.size} pieces ({int(sizes.sum() - sizes.max())} voxels outside the largest)")
    if float(np.ptp(values)) == 0:
        flags.append("one constant intensity inside")
    return flags + reading_flags(image) + [text for step in mask.history if (text := _told(step))]


def reading_flags(image: Image) -> list[str]:
    """Return in words what a reader could not settle from the files, and what it repaired or resampled on request."""
    flags = []
    for step in image.history:
        if step.name == "notice":
            flags.append(str(step.params.get("about", "")))
        elif step.name in _REPAIRS:
            flags.append(_REPAIRS[step.name].format(**step.params))
    return list(dict.fromkeys(flags))


def _told(step: Step) -> str:
    """Return what a step of the mask's history changed, where a reader must know it."""
    params = step.params
    if step.name == "regrid":
        before, after, share = (
            float(params[f"{key}"]) for key in ("volume_before_mm3", "volume_after_mm3", "outside_share")
        )
        off = f", {share:.1%} of it outside the image" if share else ""
        return f"mask taken over from another grid: {before:.4g} to {after:.4g} mm³{off}"
    if step.name == "split" and params["left_out"]:
        return f"{params['left_out']} of {params['of']} pieces below {params['least_voxels']} voxels left out"
    return ""


def contour_suspicions(found: MaskQuality, known: Sequence[str]) -> list[str]:
    """Return what the measures of a contour say in words, less what `known` words say already."""
    flags = []
    if found.air_share > LIMITS["air_share"] and not any("mostly air" in one for one in known):
        flags.append(f"contour mostly air ({found.air_share:.0%} of its voxels)")
    if found.body_share > LIMITS["body_share"] and not any("more than half" in one for one in known):
        flags.append(f"contour holds {found.body_share:.0%} of the body")
    if found.flip_gain > LIMITS["flip_gain"]:
        flags.append("contour mirrored? its mirror image follows an edge, the contour does not")
    return flags


def image_suspicions(found: ImageQuality, unit: str) -> list[str]:
    """Return what the measures of a volume say in words: noise, motion, missing or repeated slices, metal."""
    said = {
        f"noisy ({found.noise:.0f} HU)": unit == "HU" and found.noise > LIMITS["noise_hu"],
        f"noisy ({found.noise_share:.0%} of the signal)": found.noise_share > LIMITS["noise_share"],
        f"ghosts beside the body ({found.ghosting:.1%} of the signal): motion?": found.ghosting > LIMITS["ghosting"],
        f"slices {found.jitter_mm:.1f} mm apart sideways: motion?": found.jitter_mm > LIMITS["jitter_mm"],
        f"a jump between two slices ({found.slice_jump:.1f} times the usual): slices missing?": found.slice_jump
        > LIMITS["slice_jump"],
        f"{found.repeated_slices:.0f} repeated or empty slices": found.repeated_slices > LIMITS["repeated_slices"],
        f"metal ({found.metal_ml:.2g} ml above 2800 HU)": found.metal_ml > LIMITS["metal_ml"],
    }
    return [words for words, holds in said.items() if holds]


def kernel_suspicions(measures: Mapping[str, float]) -> list[str]:
    """Return in words where a CT could not be brought to the kernel of the reference scans, being smoother."""
    if measures["highest_asked"] < SMOOTHER:
        return []
    return [f"CT smoother than the reference scans ({measures['highest_asked']:.1f} times): left so, never sharpened"]


_COMPARED = {
    "noise": "noisier than the others ({0:.3g}, median {1:.3g})",
    "ghosting": "more ghosts beside the body than the others ({0:.1%}, median {1:.1%}): motion?",
    "jitter_mm": "slices more out of line than in the others ({0:.2g} mm, median {1:.2g} mm): motion?",
    "slice_jump": "a larger jump between two slices than in the others ({0:.2g}, median {1:.2g})",
}


def beside_others(
    measures: Mapping[str, Mapping[str, Any]], prints: Mapping[str, npt.NDArray[np.float32]]
) -> dict[str, list[str]]:
    """Return patient -> what stands out from the other patients, for the measures and pictures of one sequence.

    A measure stands out beyond 3.5 robust deviations above the median and 1.5 times the median, among 8 patients or
    more; an orientation where a mirrored or turned image is clearly more like the others.
    """
    flags: dict[str, list[str]] = {}
    for name, words in _COMPARED.items():
        # what is odd in itself is said already
        limit = LIMITS.get(name, np.inf)
        known = {who: float(one[name]) for who, one in measures.items() if np.isfinite(one[name])}
        if len(known) < FEWEST:
            continue
        values = np.array(list(known.values()))
        median = float(np.median(values))
        spread = 1.4826 * float(np.median(np.abs(values - median)))
        for who, value in known.items():
            # far below what is called odd in itself, a difference does not matter
            least = max(median + OUTLYING * spread, 1.5 * median, 0.25 * LIMITS.get(name, 0.0))
            if least < value <= limit:
                flags.setdefault(who, []).append(words.format(value, median))
    for who, (gain, way) in turn_gains(prints).items():
        if gain > LIMITS["turn_gain"]:
            flags.setdefault(who, []).append(f"image lies unlike the others: {way}, it would be like them")
    return flags
