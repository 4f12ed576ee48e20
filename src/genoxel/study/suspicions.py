"""What looks odd about a contour on an image, in words for the contact sheet and for rows of features."""

from __future__ import annotations

import numpy as np

from genoxel.core.image import Image, Step
from genoxel.core.mask import Mask
from genoxel.image.crop import bounding_box


def suspicions(image: Image, mask: Mask) -> list[str]:
    """Return what looks odd about a contour, in words: too small, in air, at the edge, in pieces, too large, moved."""
    from scipy import ndimage

    inside = mask.inside()
    box = bounding_box(inside)
    # all that follows concerns the region alone, which is small beside most images
    small = inside[box]
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
    if any(part.start == 0 or part.stop == size for part, size in zip(box, inside.shape, strict=True)):
        flags.append("contour touches the edge of the image")
    if count > 0.5 * inside.size:
        flags.append("contour covers more than half of the image")
    pieces = int(ndimage.label(small, np.ones((3, 3, 3)))[1])
    if pieces > 1:
        flags.append(f"contour in {pieces} pieces")
    if float(np.ptp(values)) == 0:
        flags.append("one constant intensity inside")
    return flags + [text for step in mask.history if (text := _told(step))]


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
