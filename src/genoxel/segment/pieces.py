"""Several lesions in one mask: each connected piece as a lesion of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genoxel.core.errors import MaskError
from genoxel.core.image import Step
from genoxel.core.mask import Mask
from genoxel.image.crop import bounding_box


def pieces(mask: Mask, least: int = 1) -> dict[str, Mask]:
    """Return number -> mask of each connected piece (26 neighbours) of a mask, the largest first.

    Of equal ones the first along the array comes first. Pieces of fewer than `least` voxels are left out and counted in
    the history (step "split"). Raises `MaskError` when no piece is large enough.

    >>> array = np.zeros((9, 3, 3), np.uint8)
    >>> array[:2], array[5:] = 1, 1
    >>> [one.count() for one in pieces(Mask(array, np.eye(4))).values()]
    [36, 18]
    """
    from scipy import ndimage

    inside = mask.inside()
    box = bounding_box(inside)
    labels, count = ndimage.label(inside[box], np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    order = [int(label) for label in np.argsort(-sizes, kind="stable") + 1 if sizes[label - 1] >= least]
    if not order:
        raise MaskError(
            f"{count} pieces of {int(sizes.max())} voxels or fewer",
            f"one of at least {least} voxels",
            "set split_voxels lower, or look at the contour",
        )
    found = {}
    for number, label in enumerate(order, 1):
        array = np.zeros(inside.shape, np.uint8)
        array[box] = labels == label
        params = {"piece": number, "of": count, "left_out": count - len(order), "least_voxels": least}
        name = ", ".join(mask.labels.values())
        found[str(number)] = replace(
            mask, array=array, labels={1: name}, history=(*mask.history, Step("split", params))
        )
    return found
