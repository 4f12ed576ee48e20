"""What looks odd about a contour on an image, in words for the contact sheet and for rows of features."""

from __future__ import annotations

import numpy as np

from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.image.crop import bounding_box


def suspicions(image: Image, mask: Mask) -> list[str]:
    """Return what looks odd about a contour, in words: too small, mostly air, at the edge, in pieces, too large."""
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
    return flags
